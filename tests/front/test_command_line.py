"""The command line as a whole: help, examples, exit codes, completion, and the page that tells of it."""

import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scenegrad.cli import EXIT_CODES, app, main

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(name for name in app if not name.startswith("-"))


def examples(command):
    """The example lines of a command's help."""
    _, _, told = (inspect.getdoc(app[command].default_command) or "").partition("For example\n")
    return re.findall(r"^- `(.+)`$", told, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_every_command_is_a_valid_command_line(command):
    lines = examples(command)
    assert lines, f"{command} --help has no examples"
    for line in lines:
        words = shlex.split(line.partition(" > ")[0].replace("$SLURM_ARRAY_TASK_ID", "3"))
        words = words[words.index("scenegrad") + 1 :]
        assert words[0] == command, line
        call, bound, *_ = app.parse_args(words, print_error=False, exit_on_error=False)
        assert call is app[command].default_command, line
        assert bound is not None


def test_the_page_of_the_command_line_has_every_command_option_and_code():
    page = (ROOT / "docs" / "command_line.md").read_text()
    again = "; make it anew: python .ci/command_line_page.py"
    for command in COMMANDS:
        assert f"### {command}\n" in page, f"{command} is missing{again}"
        section = page.split(f"### {command}\n")[1].split("\n### ")[0]
        for argument in app[command].assemble_argument_collection():
            assert f"`{argument.names[0]}`" in section, f"{command} {argument.names[0]} is missing{again}"
        for line in examples(command):
            assert line in section, f"an example of {command} is missing{again}"
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page, again


def test_the_page_names_commands_alone_that_there_are():
    page = (ROOT / "docs" / "command_line.md").read_text()
    assert sorted(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == COMMANDS


def test_the_maker_of_the_page_makes_it():
    path = ROOT / ".ci" / "command_line_page.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page().count("\n### ") == len(COMMANDS)


def test_the_help_tells_exit_codes_and_first_steps(scenegrad):
    out = " ".join(scenegrad("--help").out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning.replace('`', '')}" in out
    assert "scenegrad new fluid" in out


def test_benchmarks_of_examples_are_there():
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    named = [line.split()[2] for line in examples("bench") if not line.split()[2].startswith("-")]
    assert set(named) <= programs | {"surrogates"}


# ---- exit codes


def test_each_exit_code_is_what_it_says(scenegrad, monkeypatch):
    from scenegrad.engine.errors import Diverged

    assert scenegrad("list").code == 0
    assert scenegrad("check", "nothing").code == 1
    assert scenegrad("check").code == scenegrad("check", "argon", "--nothing").code == 2
    for error, code in ((Diverged("it blew up"), 3), (KeyboardInterrupt(), 130), (MemoryError("much"), 1)):

        def fail(*given, error=error, **named):
            raise error

        monkeypatch.setattr("scenegrad.sources.read_scene", fail)
        answer = scenegrad("check", "argon", "--json")
        assert answer.code == code
        assert json.loads(answer.err)["code"] == code
        assert code in EXIT_CODES


def test_the_code_of_the_process_is_that_of_the_command(tmp_path):
    child = subprocess.run(
        [sys.executable, "-m", "scenegrad", "check", "nothing"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (child.returncode, child.stdout) == (1, "")
    assert child.stderr.startswith("scenegrad: There is no scene file and no ready scene 'nothing'.")


# ---- names that are not there

NEAREST = {
    "command": (["rum"], "Did you mean 'run'?"),
    "option": (["run", "argon", "--devise", "cpu"], "--device"),
    "scene": (["run", "argn"], "Did you mean 'argon'?"),
    "address": (["check", "argon", "--set", "pair.sigmma=1"], "Did you mean 'sigma'?"),
    "kind": (["check", "argon", "--set", 'pair.kind="lenard_jones"'], "Did you mean 'lennard_jones'?"),
    "starter": (["new", "flid"], "Did you mean 'fluid'?"),
    "family": (["verify", "mp"], "Did you mean 'mpm'?"),
    "benchmark": (["bench", "poison"], "Did you mean 'poisson'?"),
    "shell": (["completion", "bsh"], "bash"),
}


@pytest.mark.parametrize("what", NEAREST)
def test_a_name_that_is_not_there_is_told_with_the_nearest(scenegrad, what):
    words, hint = NEAREST[what]
    answer = scenegrad(*words)
    assert answer.code in (1, 2)
    assert hint in answer.err


def test_outputs_fields_and_metrics_that_are_not_there_are_told_with_the_nearest(scenegrad, tmp_path):
    """Of a run, a picture and a training."""
    flow = ("--quiet", "--set", "domain.cells=[20, 20]", "--set", "time.end=0.5")
    assert scenegrad("run", "kolmogorov", *flow, "--out", "flow").code == 0
    assert "Did you mean 'energy'?" in scenegrad("plot", "flow", "enrgy").err
    assert "vorticity" in scenegrad("view", "flow", "--field", "vortcity", "--out", "a.png").err
    (tmp_path / "recipe.toml").write_text(
        'model = {kind = "fno", modes = [4, 4], width = 4, depth = 1, fields = ["vorticity"]}\n'
        "data = {split = {validation = 0.0, test = 0.5}}\ntraining = {epochs = 1}\n"
    )
    assert scenegrad("generate", "kolmogorov", "-n", 2, *flow, "--out", "data").code == 0
    assert scenegrad("train", "recipe.toml", "data", "--out", "fno", "--device", "cpu", "--quiet").code == 0
    answer = scenegrad("evaluate", "fno", "data", "--metrics", "one_stp")
    assert answer.code == 1
    assert "Did you mean 'one_step'?" in answer.err


def test_what_a_command_needs_is_named_as_its_help_names_it(scenegrad):
    answer = scenegrad("view")
    assert answer.code == 2
    assert "view needs RUN: The folder of a run" in answer.err
    assert "generate needs -n: How many members." in scenegrad("generate", "argon").err
    assert "--limits needs more than 2: The numbers" in scenegrad("view", "flow", "--limits", "2").err


# ---- completion


@pytest.fixture
def press_tab(tmp_path, monkeypatch):
    """What bash offers for the words of a line, the last of which is to be completed."""
    if not Path("/bin/bash").exists() and not Path("/usr/bin/bash").exists():
        pytest.skip("there is no bash here")
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "scenegrad"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scenegrad "$@"\n')
    program.chmod(0o755)
    assert main(["completion", "bash", "--out", str(tmp_path / "bin" / "completion.bash")]) == 0

    def press(*words):
        line = " ".join(map(shlex.quote, ["scenegrad", *words]))
        code = (
            f"source bin/completion.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_LINE={shlex.quote(line)}; "
            'COMP_POINT=${#COMP_LINE}; _scenegrad; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}
        )
        return done.stdout.split()

    return press


def test_tab_completes_commands_options_scenes_and_addresses(press_tab, tmp_path):
    assert press_tab("ru") == ["run"]
    assert press_tab("run", "--dev") == ["--device"]
    assert press_tab("run", "kolm") == ["kolmogorov"]
    assert press_tab("completion", "z") == ["zsh"]
    assert main(["new", "mpm", "--out", "ball.toml"]) == 0
    assert press_tab("check", "bal") == ["ball.toml"]
    offered = press_tab("check", "ball.toml", "--set", "ball.material.y")
    assert [word.replace("\\", "") for word in offered] == ["ball.material.youngs_modulus=50000.0"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_with_every_command(scenegrad, shell):
    out = scenegrad("completion", shell).out
    assert all(command in out for command in COMMANDS)


def test_what_tab_asks_for_runs_no_scene_in_python(scenegrad, tmp_path):
    (tmp_path / "scene.py").write_text("raise SystemExit('ran')")
    answer = scenegrad("__complete", "check", "scene.py", "--set", "")
    assert answer.code == 0
    assert "ran" not in answer.out + answer.err

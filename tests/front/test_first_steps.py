"""A new user's walk: the commands of the README, as they are printed there, in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import scenegrad as sg

ROOT = Path(__file__).resolve().parents[2]


def first_steps():
    """The lines of the block below "First steps"."""
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"^## First steps\n.*?```sh\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
    return block[1].splitlines()


def test_the_first_steps_work_as_they_are_printed(scenegrad, tmp_path, rendering, monkeypatch):
    monkeypatch.setattr("sys.argv", ["scenegrad"])
    install, *lines = first_steps()
    assert install.startswith("pip install .  "), "what is installed here stands for it"
    answers = {}
    for line in lines:
        program, *words = shlex.split(line, comments=True)
        assert program == "scenegrad"
        answer = scenegrad(*words)
        if words[0] != "doctor":  # which may find that something is missing here
            assert answer.code == 0, f"{line}\n{answer.err}"
        assert "Traceback" not in answer.err + answer.out
        answers[words[0]] = (answer, line)
    walked = ["doctor", "new", "check", "run", "view", "plot", "generate", "train", "evaluate", "diff"]
    assert list(answers) == walked, "in the order in which a person goes"
    # What stands beside the commands is what comes of them.
    checked, line = answers["check"]
    said = dict(row.split("  ", 1) for row in checked.out.splitlines())
    steps, frames, size = re.search(r"(\d+) steps or so, (\d+) frames, (.*)$", line).groups()
    assert said["steps, about"].strip() == steps
    assert f"fields {frames} frames" in said["outputs"]
    assert said["on disk"].strip() == size
    for name in ("flow.png", "laws.png"):
        assert (tmp_path / name).stat().st_size > 5000
    assert len(sg.open_dataset("data/flow")) == 6
    assert (tmp_path / "runs" / "fno" / "checkpoint.pt").is_file()
    errors = dict(row.rsplit(maxsplit=1) for row in answers["evaluate"][0].out.splitlines()[1:])
    assert 0.0 < float(errors["one_step"]) < float(errors["persistence"]), "it has learnt something"
    said, line = answers["diff"]
    assert said.out.strip() == line.partition("# ")[2]


def test_a_picture_may_be_saved_by_either_word(scenegrad, tmp_path, monkeypatch):
    monkeypatch.setattr("scenegrad.view.screenshot", lambda run, out, **how: out)
    for word in ("--out", "--save"):
        assert scenegrad("view", "flow", word, "a.png").out == "a.png\n"
        assert scenegrad("view", "flow", word, "a.png", "--json").json == {"file": "a.png"}


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_first_steps_need(tmp_path):
    """Built from this checkout, installed where nothing of it is, begun with: a minute. What it depends on is this
    environment's."""
    (tmp_path / "setup.cfg").write_text(f"[build]\nbuild_base={tmp_path}\n[egg_info]\negg_base={tmp_path}\n")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    elsewhere = {**os.environ, "DIST_EXTRA_CONFIG": str(tmp_path / "setup.cfg")}  # the checkout stays as it is
    made = subprocess.run(build, capture_output=True, text=True, env=elsewhere, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    (wheel,) = tmp_path.glob("scenegrad-*.whl")
    home = tmp_path / "home"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--no-deps", "-q", wheel], capture_output=True, text=True, check=False
    )
    assert installed.returncode == 0, installed.stderr
    packages = next(path for path in map(Path, sys.path) if (path / "torch").is_dir())
    (next(home.glob("lib/python*/site-packages")) / "others.pth").write_text(f"{packages}\n")
    for line in first_steps()[2:5]:
        words = shlex.split(line, comments=True)
        done = subprocess.run(
            [home / "bin" / words[0], *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    where = subprocess.run(
        [python, "-c", "import scenegrad; print(scenegrad.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert where.stdout.startswith(str(home)), "it was the wheel that ran"

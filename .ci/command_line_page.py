"""Makes docs/command_line.md of the commands themselves: `python .ci/command_line_page.py`.

tests/front/test_command_line.py holds the page to them.
"""

import inspect
from pathlib import Path

from scenegrad.cli import EXIT_CODES, app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "command_line.md"
HEAD = """# The command line

`scenegrad COMMAND --help` says what a command does, with examples; the same stands below. This page is made of the
commands by `python .ci/command_line_page.py`.

```sh
scenegrad new fluid --out flow.toml                # a commented scene to begin with
scenegrad check flow.toml                          # can it be run, and what would it cost?
scenegrad run flow.toml --out runs/flow            # simulate; goes on where it was stopped
scenegrad view runs/flow --out flow.png            # a picture; flow.gif is a film, no --out a window
```

## What all commands have in common

**Scenes** are given as a file (`.toml`, `.json`, or `.py` with a `scene` in it) or as the name of a ready one
(`scenegrad list`). `--set` replaces any value by its address, as often as it is given; `--seed` the seed.

```sh
scenegrad run kolmogorov --set domain.cells="[64, 64]" --set fluid.viscosity=2e-3 --set time.end=5
```

**Answers** go to stdout, progress and messages to stderr. With `--json` the answer is one JSON document; an error is
`{{"error": "...", "code": 1}}` on stderr and a warning `{{"warning": "..."}}`, each on a line of its own; there is no
progress.

**Progress** is a bar on a terminal, with the time that is left and how fast it goes: steps per second, and
particle-steps, cell-steps, frames or examples. Elsewhere it is one line every ten seconds; nothing where `CI` is set,
and nothing with `--quiet`.

**Names that are not there** - of commands, options, scenes, addresses, outputs, fields, metrics, formats - are answered
with the nearest that is: `There is no command 'rum'. Did you mean 'run'?`

**Ctrl-C** ends a run, an ensemble or a training after the step under way, with a checkpoint; the same command goes on
from there (`train` with `--resume`). A second Ctrl-C ends at once.

`--debug` shows the traceback of an error. `--plugin FILE.py` loads code of your own before the command.
`--version` tells the version.

## Exit codes

| code | meaning |
|---|---|
{codes}

## Environment

| variable | effect |
|---|---|
{variables}

## Completion

Tab completes commands, options, ready scenes, files, and after `--set` the addresses of the scene:

```sh
eval "$(scenegrad completion bash)"                                            # in ~/.bashrc
scenegrad completion zsh --out ~/.zfunc/_scenegrad                             # with fpath+=~/.zfunc before compinit
scenegrad completion fish --out ~/.config/fish/completions/scenegrad.fish
```

## Reproducing

`run.json` in the folder of each run, `manifest.json` of each dataset and the `record` in each checkpoint of a training
say what made it: the scene and its hash, version and commit (`-dirty` where the source was changed), the command,
libraries, machine, driver, precision, threads and seeds, and for a training the hash of its data.

```sh
scenegrad run --from runs/flow --out runs/again    # the same scene, precision and kind of device
scenegrad diff runs/flow runs/again                # the same to the last bit on one machine's CPU; exit code 0
```

Where code, libraries, threads or machine are others than they were, the first warns and names them; the second finds
the first number that differs: output, frame, time, place, and by how much. In Python:
`sg.diff("runs/flow", "runs/again")`, or `run.diff(other)`.

"""
VARIABLES = {
    "CI": "no progress, as in the logs of continuous integration nobody waits for it",
    "TERM": "`dumb`, or none: lines in place of a bar",
    "WARP_CACHE_PATH": "where compiled kernels are kept; `scenegrad doctor` says whether it can be written",
    "OMP_NUM_THREADS": "threads of torch and of what it calls; 1 in each of many processes is best",
    "OMP_WAIT_POLICY": "`passive`: threads that wait do not slow others down",
    "CUDA_VISIBLE_DEVICES": "which GPUs there are",
    "HDF5_USE_FILE_LOCKING": "`FALSE` on file systems without locks; files are opened for reading without them anyway",
    "VTK_DEFAULT_OPENGL_WINDOW": "how VTK draws off screen; set to `vtkEGLRenderWindow` where there is no display",
    "RANK, WORLD_SIZE": "set by `torchrun`, read by `train`",
}


def section(name: str) -> str:
    """One command: what it does, how it is used, its options, examples."""
    command = app[name]
    text = inspect.getdoc(command.default_command) or ""
    about, _, examples = text.partition("For example\n")
    rows, words = [], []
    for argument in command.assemble_argument_collection():
        if argument.parameter.show is False:
            continue
        names = list(dict.fromkeys([*argument.names, *argument.negatives]))
        rows.append(f"| {', '.join(f'`{n}`' for n in names)} | {(argument.parameter.help or '').replace('|', '/')} |")
        if argument.index is not None:
            word = argument.field_info.name.strip("_").upper()
            words.append(word if argument.required else f"[{word}]")
    options = ["| | |", "|---|---|", *rows] if rows else []
    shown = [line.strip().removeprefix("- ").strip("`") for line in examples.strip().splitlines()]
    usage = f"`scenegrad {' '.join([name, *words])}`"
    block = ["```sh", *shown, "```", ""]
    return "\n".join([f"### {name}", "", usage, "", about.strip(), "", *block, *options, ""])


def page() -> str:
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    variables = "\n".join(f"| `{name}` | {effect} |" for name, effect in VARIABLES.items())
    names = [name for name in app if not name.startswith("-")]
    return HEAD.format(codes=codes, variables=variables) + "## Commands\n\n" + "\n".join(map(section, names))


if __name__ == "__main__":
    PAGE.write_text(page().rstrip() + "\n", encoding="utf-8")

"""Commands for a beginning: new, completion."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

from cyclopts import App, Parameter

from scenegrad.commands.completing import starters
from scenegrad.commands.options import Json, Out, show

__all__ = ["register"]

ENABLE = {
    "bash": 'eval "$(scenegrad completion bash)"   in ~/.bashrc',
    "zsh": "scenegrad completion zsh --out ~/.zfunc/_scenegrad   with fpath+=~/.zfunc before compinit in ~/.zshrc",
    "fish": "scenegrad completion fish --out ~/.config/fish/completions/scenegrad.fish",
}


def register(app: App) -> None:
    for command in (new, completion):
        app.command(command)


def new(
    kind: Annotated[
        str | None, Parameter(help="What it is about; all kinds are listed if left out.", completer=starters)
    ] = None,
    *,
    out: Out = None,
    json: Json = False,
) -> int:
    """Write a small scene with comments, to be changed: as TOML, or as Python where --out ends in .py.

    For example

    - `scenegrad new`
    - `scenegrad new mpm`
    - `scenegrad new fluid --out flow.toml`
    - `scenegrad new md --out argon.py`
    """
    from scenegrad.starting import KINDS, name_for, write_starter

    if kind is None:
        width = max(map(len, KINDS))
        show(KINDS, json, "\n".join(f"{name:<{width}}  {about}" for name, about in KINDS.items()))
        return 0
    path = write_starter(kind, out or Path(f"{kind}.toml"))
    name = name_for(path, kind)
    then = [
        f"scenegrad check {quote(str(path))}",
        f"scenegrad run {quote(str(path))} --out runs/{name}",
        f"scenegrad view runs/{name} --out {name}.png",
    ]
    text = "\n".join([f"{path}: {KINDS[kind]}", "", "Look into it, then", *(f"  {line}" for line in then)])
    show({"file": str(path), "kind": kind, "name": name, "next": then}, json, text)
    return 0


def completion(shell: Literal["bash", "zsh", "fish"], *, out: Out = None) -> int:
    """Print what lets a shell complete commands, options, scenes, addresses and files: press Tab.

    In ~/.bashrc stands `eval "$(scenegrad completion bash)"`; zsh and fish read files.

    For example

    - `scenegrad completion bash`
    - `scenegrad completion zsh --out ~/.zfunc/_scenegrad`
    - `scenegrad completion fish --out ~/.config/fish/completions/scenegrad.fish`
    """
    from scenegrad.cli import app
    from scenegrad.engine.files.atomic import write_text

    text = app.generate_completion(shell=shell)
    if out is None:
        print(text)
    else:
        write_text(out.expanduser(), text)
        print(f"{out}; how a shell finds it: {ENABLE[shell]}")
    return 0

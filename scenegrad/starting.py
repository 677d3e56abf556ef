"""`new`: a first scene to change, with comments that say what is what."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from scenegrad.scenes.errors import SceneError, nearest

__all__ = ["KINDS", "starter", "write_starter"]

FOLDER = Path(__file__).parent / "starters"
KINDS = {
    "mpm": "a soft ball that falls and bounces: solids and grains by the material point method",
    "fluid": "eddies in a stirred fluid from a random start, for ensembles too: periodic, spectral",
    "channel": "a flow past a cylinder between walls: incompressible, on a staggered grid",
    "gas": "a blast in a closed room: a compressible gas with shocks, by finite volumes",
    "md": "liquid argon: atoms with forces between them, molecular dynamics",
    "springs": "a lattice of springs thrown on a floor: points and springs",
}
SUFFIXES = (".toml", ".py")

COMMAND = re.compile(r"^((?:# +)?scenegrad \S.*?) {2,}(\S.*)$")  # and what it is for


def starter(kind: str, path: Path) -> str:
    """The text of a starter as it would stand in a file: it names the file and what is run from it."""
    if kind not in KINDS:
        raise SceneError(f"There is no starter {kind!r}.{nearest(kind, KINDS)} There are {', '.join(KINDS)}.")
    if path.suffix not in SUFFIXES:
        raise SceneError(f"A starter is written as {' or '.join(SUFFIXES)}; got {path.name!r}.")
    text = (FOLDER / f"{kind}{path.suffix}").read_text(encoding="utf-8")
    return aligned(text.replace("FILE", in_shell(path)).replace("NAME", name_for(path, kind)))


def aligned(text: str) -> str:
    """What is said of commands stands in one column, however long their files are called."""
    lines = [(line, COMMAND.match(line)) for line in text.split("\n")]
    width = max((len(found[1]) for _, found in lines if found), default=0)
    return "\n".join(f"{found[1]:<{width}}   {found[2]}" if found else line for line, found in lines)


def in_shell(path: Path) -> str:
    """As a comment can hold it: a line that is cut in two would be no comment any more."""
    return shlex.quote(str(path)) if str(path).isprintable() and '"""' not in str(path) else "FILE"


def name_for(path: Path, kind: str) -> str:
    """A name for the scene after that of its file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem).strip("_-") or kind


def write_starter(kind: str, path: Path) -> Path:
    """Writes it where nothing is yet."""
    from scenegrad.engine.errors import FileError
    from scenegrad.engine.files.disk import disk_errors

    text = starter(kind, path)
    with disk_errors(path, len(text)):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise FileError(
                f"{path} is there already and is left alone: what is in it may be yours. Say another name with --out."
            ) from error
    return path

"""Finding what there is to see in the folder of a run."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scenegrad.scenes.errors import nearest
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames
from scenegrad.view.h5md import open_h5md
from scenegrad.view.quantities import quantities
from scenegrad.view.vtkhdf import open_vtkhdf

__all__ = ["need_run", "open_frames", "resolved"]

SUFFIXES = (".vtkhdf", ".h5md")


def resolved(run: Any) -> Path:
    """The folder of a run, or a file; checked to exist. run: a path, or anything with a `folder`."""
    path = Path(run if isinstance(run, str | os.PathLike) else run.folder)
    if path.exists():
        return path
    folder = path.parent
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    near = get_close_matches(path.name, names, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {' or '.join(str(folder / name) for name in near)}?"
    elif names:
        hint = f"{folder.resolve()} holds {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
    else:
        hint = f"{folder.resolve()} {'is empty' if folder.is_dir() else 'does not exist either'}."
    raise ViewError(f"There is no run or file {path}. {hint}")


def need_run(path: Path) -> None:
    """Refuses a dataset, which has a page of its own."""
    if (path / "manifest.json").is_file():
        raise ViewError(
            f"{path} is a dataset, not a run. `scenegrad card {path}` draws it on a page; of one member "
            f"`scenegrad export {path} --to vtkhdf --member 0` writes what can be looked at."
        )


def frame_files(folder: Path) -> list[Path]:
    """Files with frames, finished ones first."""
    found = [path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file()]
    return sorted(found, key=lambda path: (".part" in path.suffixes, path.name))


def open_frames(run: Any, field: str | None = None) -> Frames:
    """The frames of a file; or, of a folder, those of the first file that has the field."""
    path = resolved(run)
    if path.is_file():
        return opened(path)
    files = frame_files(path)
    if not files:
        need_run(path)
        names = sorted(entry.name for entry in path.iterdir())
        raise ViewError(
            f"{path} holds nothing to draw: pictures are made of files ending in {' or '.join(SUFFIXES)}, which a "
            f"scene writes when its outputs ask for Particles or Fields. It holds {', '.join(names) or 'nothing'}."
        )
    known: dict[str, list[str]] = {}
    for file in files:
        frames = opened(file)
        names = list(quantities(frames))
        if field is None or field in names:
            return frames
        frames.close()
        known[file.name] = names
    hint = nearest(str(field), [name for names in known.values() for name in names])
    held = "; ".join(f"{file} has {', '.join(names) or 'positions only'}" for file, names in known.items())
    raise ViewError(f"No file of {path} has a field {field!r}: {held}.{hint}")


def opened(path: Path) -> Frames:
    """By what the file says it is."""
    if path.suffix == ".vtkhdf":
        return open_vtkhdf(path)
    if path.suffix in (".h5md", ".h5"):
        return open_h5md(path)
    raise ViewError(f"{path} ends in {path.suffix or 'nothing'}; pictures are made of {' and '.join(SUFFIXES)} files.")

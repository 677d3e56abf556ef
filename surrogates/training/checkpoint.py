"""Files of a training: everything that is needed to go on to the same weights, bit for bit."""

from __future__ import annotations

import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import publish
from scenegrad.engine.files.disk import disk_errors
from scenegrad.surrogates.known import build_dressed
from scenegrad.surrogates.model import Dressed

__all__ = ["FORMAT", "chance", "checkpoint_in", "load_model", "read_checkpoint", "restore_chance", "write_checkpoint"]

FORMAT = 2


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Replaces the file at `path`; whatever happens meanwhile, the old or the new one is there, whole."""
    part = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    with disk_errors(path, 0):
        try:
            torch.save({"format": FORMAT, **content}, part)
            publish(part, path)
        finally:
            part.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Tensors and plain data only: such a file cannot run code when it is read."""
    if not path.is_file():
        raise FileError(f"There is no checkpoint at {path}. A training writes checkpoint.pt into its folder (--out).")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(
            f"{path} is not a readable checkpoint ({reason:.200}). It may be cut off or come from another program: "
            f"take another copy, or remove it and train again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise FileError(f"{path} is no checkpoint of this version: its format is {found!r}, and {FORMAT} is read here.")
    return content


def checkpoint_in(path: str | Path) -> Path:
    """The checkpoint of a training's folder, or the file itself."""
    place = Path(path)
    return place / "checkpoint.pt" if place.is_dir() else place


def load_model(path: str | Path) -> Dressed:
    """The trained model of a checkpoint, with its scales and its step, on the CPU. A folder means its checkpoint."""
    content = read_checkpoint(checkpoint_in(path))
    model = build_dressed(content["model"])
    model.load_state_dict(content["average"] or content["weights"])
    return model.eval()


def chance() -> dict[str, Any]:
    """The state of every generator that a network or a target might draw from, as plain data."""
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, float(cached)],
        "python": random.getstate(),
    }


def restore_chance(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))

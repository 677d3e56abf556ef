"""Pairs as neuraloperator 2.0 has them: {"x": tensor, "y": tensor} in a .pt file [its PTDataset]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.atomic import appearing
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import AnySplit

__all__ = ["read_neuraloperator", "write_neuraloperator"]


def read_neuraloperator(
    path: str | Path,
    *,
    x: str = "x",
    y: str = "y",
    channels_squeezed: bool = True,
    split: AnySplit | None = None,
) -> Pairs:
    """Pairs of the fields x and y, by the names that they get here.

    channels_squeezed: as their loader has it: no axis for channels in the file, [pair, *grid]; otherwise the file has
    [pair, channel, *grid], which becomes [pair, *grid, channel], or [pair, *grid] of one channel. Other tensors with
    one number for each pair are parameters. Nothing in the file is run: it is loaded with weights_only=True.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FileError(f"{path} is not there.") from error
    except Exception as error:
        # torch's own words are left out: they advise to run what a file holds besides
        raise FileError(
            f"{path} holds more than tensors, or is damaged. Save {{'x': ..., 'y': ...}} anew with torch.save."
        ) from error
    tensors = {n: t for n, t in content.items() if isinstance(t, Tensor)} if isinstance(content, Mapping) else {}
    if not {"x", "y"} <= set(tensors) or len(tensors["x"]) != len(tensors["y"]):
        found = ", ".join(f"{n} {list(t.shape)}" for n, t in tensors.items()) or f"a {type(content).__name__}"
        raise FileError(f"{path} holds {found}; pairs of neuraloperator are tensors x and y of one length.")

    def field(tensor: Tensor) -> np.ndarray:
        found = tensor if channels_squeezed else tensor.movedim(1, -1)
        if not channels_squeezed and found.shape[-1] == 1:
            found = found.squeeze(-1)
        return found.to(torch.float32).numpy()

    count = len(tensors["x"])
    numbers = {n: t.double().numpy() for n, t in tensors.items() if n not in ("x", "y") and t.shape == (count,)}
    return Pairs.from_arrays({x: field(tensors["x"])}, {y: field(tensors["y"])}, numbers, split=split)


def write_neuraloperator(pairs: Pairs, folder: str | Path, name: str) -> list[Path]:
    """<name>_train_<points>.pt, <name>_test_<points>.pt and, for their own use, validation and ood; returns the files.

    One number a point goes without an axis for channels, as PTDataset expects unless told channels_squeezed=False; more
    of them, or several fields, in the order of their names here, go as [pair, channel, *grid]. All is float32.
    """
    if not (pairs.x and pairs.y):
        raise EngineError("Pairs for neuraloperator need fields that go in and fields that come out.")
    rank = min(np.ndim(a) for table in (pairs.x, pairs.y) for a in table.values())
    x, y = channels(pairs.x, rank), channels(pairs.y, rank)
    if x.shape[2:] != y.shape[2:]:
        raise EngineError(
            f"In and out must share a grid; they have {tuple(x.shape[2:])} and {tuple(y.shape[2:])} points."
        )
    squeezed = x.shape[1] == y.shape[1] == 1
    Path(folder).mkdir(parents=True, exist_ok=True)
    written = []
    for part, places in pairs.split.assign(pairs.identities, pairs.parameters).items():
        if not places:
            continue
        content = {n: (t.squeeze(1) if squeezed else t)[places] for n, t in (("x", x), ("y", y))}
        content |= {n: torch.tensor(np.asarray(a)[places], dtype=torch.float32) for n, a in pairs.parameters.items()}
        path = Path(folder) / f"{name}_{part}_{x.shape[2]}.pt"
        with appearing(path) as unfinished, unfinished.open("wb") as file:
            torch.save(content, file)
        written.append(path)
    return written


def channels(table: Mapping[str, np.ndarray], rank: int) -> Tensor:
    """[pair, channel, *grid]. rank: axes of a field of one number a point, its pairs included."""
    parts: Sequence[Tensor] = [torch.as_tensor(np.asarray(a), dtype=torch.float32) for a in table.values()]
    if any(p.ndim > rank + 1 for p in parts):
        raise EngineError(f"Fields have at most one axis of components; these have {[list(p.shape) for p in parts]}.")
    return torch.cat([p.movedim(-1, 1) if p.ndim > rank else p.unsqueeze(1) for p in parts], dim=1)

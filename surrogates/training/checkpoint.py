"""Files of a training: everything that is needed to go on to the same weights, bit for bit."""

from __future__ import annotations

import pickle
import random
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.atomic import appearing
from scenegrad.surrogates.known import build_dressed
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.sharing import SUFFIX, read_shared

__all__ = [
    "FORMAT", "best_weights", "chance", "checkpoint_in", "load_model", "provenance", "read_checkpoint",
    "refuse_another", "restore_chance", "write_checkpoint",
]  # fmt: skip

FORMAT = 4


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Replaces the file at `path`; whatever happens meanwhile, the old or the new one is there, whole."""
    with appearing(path) as part, part.open("wb") as file:  # torch would keep the name of the part inside
        torch.save({"format": FORMAT, **content}, file)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Tensors and plain data only: such a file cannot run code when it is read."""
    if not path.is_file():
        raise FileError(f"There is no checkpoint at {path}. A training writes checkpoint.pt into its folder (--out).")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch would advise to run what is in it
        raise FileError(
            f"{path} is not a readable checkpoint: it holds more than numbers and plain data, which might run code, "
            f"or is cut off. Take another copy, or train again."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
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
    """The trained model of a checkpoint or of a shared .safetensors file, with its scales and its step, on the CPU.

    A folder means its checkpoint.
    """
    place = checkpoint_in(path)
    if place.suffix == SUFFIX:
        config, weights, _ = read_shared(place)
    else:
        content = read_checkpoint(place)
        config, weights = content["model"], best_weights(content)
    model = build_dressed(config)
    refuse_unfit(weights, model.state_dict(), place)
    model.load_state_dict(weights)
    return model.eval()


def provenance(path: Path) -> dict[str, Any]:
    """What made the network of a checkpoint or of a shared file, as plain data: settings and history, versions, the
    hash of the data, how they were cut, and which trajectories were in which part."""
    if path.suffix == SUFFIX:
        return read_shared(path)[2]
    content = read_checkpoint(path)
    made = {name: content[name] for name in ("record", "history", "cut", "parts", "step")}
    return made | {name: content["identity"][name] for name in ("settings", "data")}


def best_weights(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Those that are the model: of the best epoch where one is kept, the running mean where there is one, the last."""
    return content["best"] or content["average"] or content["weights"]


def refuse_unfit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    """Weights that are not those of the network that they are said to be of."""
    reasons = []
    missing = [name for name in wanted if name not in found]
    if scales := [name for name in missing if name.startswith("scales.")]:
        reasons.append(f"the statistics of its data are missing ({', '.join(scales)})")
    if others := [name for name in missing if not name.startswith("scales.")]:
        reasons.append(f"weights are missing ({', '.join(others[:3])})")
    for name in (name for name in wanted if name in found and found[name].shape != wanted[name].shape):
        reasons.append(f"{name} has shape {tuple(found[name].shape)} in place of {tuple(wanted[name].shape)}")
    if strangers := [name for name in found if name not in wanted]:
        reasons.append(f"there are weights of another network ({', '.join(strangers[:3])})")
    if reasons:
        raise FileError(
            f"{path} does not fit the network that it describes: {'; '.join(reasons[:5])}. Write it again with "
            f"Fit.share(path), or train again: a network without its statistics does not know its units."
        )


def refuse_another(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """A checkpoint goes on only as the same training of the same network on the same data."""
    if details := list(differences(found, wanted)):
        raise EngineError(
            f"{path} belongs to another training ({'; '.join(details)}). Resume with what it began with, or train into "
            f"another folder."
        )


def differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Where two nested tables part, in words."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys([*wanted, *found]):
            yield from differences(found.get(key), wanted.get(key), f"{name}.{key}" if name else str(key))
    elif found != wanted and name == "data":  # a hash, of which nothing can be read
        yield "data: others than before, or cut into other windows or parts"
    elif found != wanted:
        yield f"{name}: {found!r} before, {wanted!r} now"


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

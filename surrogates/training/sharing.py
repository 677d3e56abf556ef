"""Trained networks as files for others: .safetensors, which holds numbers and a header of text and nothing that runs.

The weights and the statistics of the data are its tensors; how to build the network, and what made it, its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.atomic import appearing

__all__ = ["FORMAT", "SUFFIX", "read_shared", "write_shared"]

SUFFIX, FORMAT = ".safetensors", 2


def write_shared(
    path: str | Path, model: Mapping[str, Any], weights: Mapping[str, Tensor], provenance: Mapping[str, Any]
) -> Path:
    """model: its config. provenance: plain data. Returns the path."""
    need_safetensors()
    from safetensors.torch import save_file

    final = Path(path)
    if final.suffix != SUFFIX:
        raise FileError(f"A shared network is a {SUFFIX} file, not {final.name!r}. Write to {final.stem}{SUFFIX}.")
    # One entry: several would be written in any order, and the same network would be other bytes.
    header = {"scenegrad": json.dumps({"format": FORMAT, "model": model, "provenance": provenance})}
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    with appearing(final, sum(value.nbytes for value in kept.values())) as part:
        save_file(kept, part, metadata=header)
    return final


def read_shared(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Any]]:
    """The config of the model, its weights, and its provenance."""
    need_safetensors()
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileError(f"There is no file {path}. Fit.share({path.name!r}) writes one.")
    try:
        with safe_open(path, "pt") as file:
            told = json.loads((file.metadata() or {}).get("scenegrad", "{}"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if told.get("format") != FORMAT:
            raise FileError(
                f"{path} holds weights, but not how to build their network: its format is {told.get('format')}, and "
                f"{FORMAT} is read here. Fit.share(path) writes both."
            )
        return told["model"], weights, told["provenance"]
    except (SafetensorError, json.JSONDecodeError, KeyError, UnicodeDecodeError, OSError) as error:
        raise FileError(f"{path} is not a readable {SUFFIX} file ({error}). Take another copy of it.") from error


def need_safetensors() -> None:
    if find_spec("safetensors") is None:
        raise EngineError("Sharing networks needs safetensors: pip install 'scenegrad[share]'.")

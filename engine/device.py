"""Where and in which precision things run."""

from __future__ import annotations

import torch

from scenegrad.engine.errors import DeviceError

__all__ = ["DTYPES", "pick_device", "pick_dtype"]

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def pick_device(name: str | torch.device = "auto") -> str:
    """`"cpu"`, `"cuda:0"`, ...; "auto" takes the first GPU where there is one."""
    name = str(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = ["cpu", *(f"cuda:{i}" for i in range(count))]
    if name == "auto":
        return there[1] if count else "cpu"
    if name == "cuda" and count:
        return "cuda:0"
    if name not in there:
        raise DeviceError(
            f"Device {name!r} is not there; this machine has {', '.join(there)}. device='auto' takes the best."
        )
    return name


def pick_dtype(name: str | torch.dtype) -> torch.dtype:
    dtype = DTYPES.get(name) if isinstance(name, str) else name
    if dtype is None or dtype not in DTYPES.values():
        raise DeviceError(f"Precision {name!r} is not known; there are {', '.join(DTYPES)}.")
    return dtype

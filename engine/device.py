"""Where and in which precision things run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import torch

from scenegrad.engine.errors import DeviceError

__all__ = ["DTYPES", "device_of", "kind_of", "pick_device", "pick_dtype", "same_devices"]

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


def kind_of(device: str) -> str:
    """ "cuda" where members are spread over all GPUs that there are: for "auto" and "cuda"; or one device, as it was
    asked for."""
    first = pick_device(device)
    return "cuda" if device in ("auto", "cuda") and first.startswith("cuda") else first


def device_of(kind: str, turn: int) -> str:
    """Where a process runs the `turn`-th piece of work: GPUs take turns. The workers of dask-cuda have one each, which
    comes first among those that they see."""
    if kind != "cuda":
        return pick_device(kind)
    pick_device("cuda")
    return f"cuda:{0 if 'dask_cuda' in sys.modules else turn % torch.cuda.device_count()}"


def same_devices(asked: str, gpus: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The kind of device that all workers have, and its name. gpus: the names of those of each worker, by its address.

    Refused where only some have one, or others than the others: a member would not be the same bytes everywhere.
    """
    with_gpu = [worker for worker, found in gpus.items() if found]
    if asked == "cpu" or (asked == "auto" and not with_gpu):
        return "cpu", "cpu"
    if asked not in ("auto", "cuda"):
        raise DeviceError(f"Device {asked!r} was asked for; on a cluster each worker has its own: cpu, cuda or auto.")
    names = sorted({name for found in gpus.values() for name in found})
    if len(with_gpu) < len(gpus):
        lacking = next(worker for worker, found in gpus.items() if not found)
        raise DeviceError(
            f"{len(with_gpu)} of {len(gpus)} workers have a GPU, {lacking} for one has none, and members made on CPUs "
            f"and on GPUs differ. Leave such workers out, or give --device cpu."
        )
    if len(names) > 1:
        raise DeviceError(f"The workers have GPUs of several kinds: {', '.join(names)}. Members made on them differ.")
    return "cuda", names[0]


def pick_dtype(name: str | torch.dtype) -> torch.dtype:
    dtype = DTYPES.get(name) if isinstance(name, str) else name
    if dtype is None or dtype not in DTYPES.values():
        raise DeviceError(f"Precision {name!r} is not known; there are {', '.join(DTYPES)}.")
    return dtype

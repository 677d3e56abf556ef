"""What this machine has to offer, what it lacks, what that disables, and the line that would mend it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scenegrad import __version__
from scenegrad.disks import disk
from scenegrad.engine.files.disk import in_words
from scenegrad.engine.record import commit, cores, driver, library_versions
from scenegrad.findings import Finding

__all__ = ["EXTRAS", "Extra", "examination"]


@dataclass(frozen=True)
class Extra:
    """What may be installed beside the package. modules: all of them are needed."""

    name: str
    modules: tuple[str, ...]
    disables: str

    @property
    def mend(self) -> str:
        return f"pip install 'scenegrad[{self.name}]'"


EXTRAS = (
    Extra("plot", ("matplotlib",), "`plot`, pictures of reports and of cards, --cmap by the names of matplotlib"),
    Extra("movie", ("imageio", "imageio_ffmpeg"), "films as .mp4; .gif and .html are written all the same"),
    Extra("web", ("trame", "trame_client", "wslink"), "`view --web`: runs in a browser"),
    Extra("cluster", ("distributed",), "`generate --cluster`; --workers and --shard do without"),
    Extra("share", ("safetensors",), "models as .safetensors files; checkpoints do without"),
    Extra("log", ("tensorboard",), "`train --tensorboard`; log.jsonl and `plot` do without"),
    Extra("control", ("gymnasium",), "Gymnasium environments of sg.control"),
)


def examination() -> list[Finding]:
    """Every check, in the order in which a person would ask."""
    checks: list[Callable[[], list[Finding]]] = [
        code, system, threads, devices, kernels, rendering, extras, disk,
    ]  # fmt: skip
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except Exception as error:  # a check that fails is itself a finding
            findings.append(Finding(check.__name__, f"{type(error).__name__}: {error}", well=False))
    return findings


def code() -> list[Finding]:
    versions = library_versions()
    missing = [name for name, version in versions.items() if version == "not installed"]
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        Finding("scenegrad", __version__ + (f" ({found})" if (found := commit()) else "")),
        Finding(
            "libraries", libraries, well=not missing, disables="everything that uses them" if missing else "",
            mend=f"pip install {' '.join(missing)}" if missing else "",
        ),
    ]  # fmt: skip


def system() -> list[Finding]:
    return [Finding("system", f"{platform.platform()}, {platform.machine()}, {sys.executable}")]


def threads() -> list[Finding]:
    """More threads than cores wait for each other."""
    import torch

    own, allowed = torch.get_num_threads(), share_of_cores()
    found = f"{cores()} cores, {own} threads of torch"
    if allowed < cores():
        found += f"; this container may use {allowed:g} cores at a time"
    crowded = own > max(1.0, allowed)
    return [
        Finding(
            "threads", found, well=not crowded, needed=False,
            disables="threads that share a core wait for each other: runs are slower" if crowded else "",
            mend=f"export OMP_NUM_THREADS={max(1, int(allowed))} OMP_WAIT_POLICY=passive" if crowded else "",
        )
    ]  # fmt: skip


def share_of_cores(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> float:
    """That this process may use at a time, by its mask and by the quota of a container."""
    try:
        quota, period = limit.read_text().split()
        return min(float(cores()), float(quota) / float(period))
    except (OSError, ValueError):  # no such limit, or "max"
        return float(cores())


def devices() -> list[Finding]:
    import torch

    if torch.cuda.is_available():
        told = f"driver {driver() or 'unknown'}, CUDA {torch.version.cuda}"
        return [of_gpu(index, told) for index in range(torch.cuda.device_count())]
    lost = "--device cuda; everything runs on the CPU"
    if number := driver():  # a GPU that this torch does not reach
        why = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "this torch has no CUDA"
        cure = (
            f"the driver, {number}, may be too old for it"
            if torch.version.cuda
            else "pip install a CUDA build of torch"
        )
        return [Finding("GPU", f"there is a driver, {number}, but {why} and finds none", False, False, lost, cure)]
    return [Finding("GPU", "none", well=False, needed=False, disables=lost)]


def of_gpu(index: int, told: str) -> Finding:
    import torch

    about = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    memory = f"{in_words(free)} of {in_words(total)} free"
    return Finding(f"cuda:{index}", f"{about.name}, sm_{about.major}{about.minor}, {memory}, {told}")


def kernels() -> list[Finding]:
    import warp

    from scenegrad.solvers.shared.hush import hush_warp

    hush_warp()
    folder = Path(warp.config.kernel_cache_dir or "")
    there = next((f for f in (folder, *folder.parents) if f.is_dir()), Path())
    if os.access(there, os.W_OK):
        return [Finding("kernel cache", str(folder))]
    lost = "every process compiles its kernels anew, for a minute, or cannot run at all"
    return [
        Finding("kernel cache", f"{folder} cannot be written", False, True, lost, "export WARP_CACHE_PATH=/a/folder")
    ]


def rendering() -> list[Finding]:
    from scenegrad.view import probe_rendering

    trouble = probe_rendering()
    if not trouble:
        return [Finding("rendering", "draws off screen")]
    mend = "apt-get install libegl1 libgl1-mesa-dri" if sys.platform == "linux" else ""
    return [Finding("rendering", trouble, False, False, "pictures, films and windows (`view`)", mend)]


def extras() -> list[Finding]:
    found = []
    for extra in EXTRAS:
        missing = [name for name in extra.modules if not is_there(name)]
        if missing:
            told = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
            found.append(Finding(extra.name, told, False, False, extra.disables, extra.mend))
        else:
            found.append(Finding(extra.name, f"{', '.join(extra.modules)}: installed"))
    return found


def is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False

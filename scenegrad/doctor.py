"""What this machine has to offer, and what it lacks."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scenegrad import __version__
from scenegrad.engine.files.disk import in_words
from scenegrad.provenance import commit, library_versions

__all__ = ["Finding", "examination"]


@dataclass(frozen=True)
class Finding:
    what: str
    found: str
    well: bool = True
    needed: bool = True  # a want of it keeps simulations from running


def examination() -> list[Finding]:
    """Every check, in the order in which a person would ask."""
    checks: list[Callable[[], list[Finding]]] = [code, system, devices, kernels, rendering, disk]
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
        Finding("libraries", libraries, well=not missing),
    ]


def system() -> list[Finding]:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        Finding(
            "system",
            f"{platform.platform()}, {cores} cores, {torch.get_num_threads()} threads of torch, {sys.executable}",
        )
    ]


def devices() -> list[Finding]:
    import torch

    if not torch.cuda.is_available():
        built = f"this torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "this torch has no CUDA"
        return [Finding("GPU", f"none; {built}. Everything runs on the CPU", needed=False)]
    found = []
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        memory = f"{in_words(free)} of {in_words(total)} free, CUDA {torch.version.cuda}"
        found.append(Finding(f"cuda:{index}", f"{about.name}, sm_{about.major}{about.minor}, {memory}"))
    return found


def kernels() -> list[Finding]:
    import warp

    from scenegrad.solvers.shared.hush import hush_warp

    hush_warp()
    folder = Path(warp.config.kernel_cache_dir or "")
    there = next((f for f in (folder, *folder.parents) if f.is_dir()), Path())
    writable = os.access(there, os.W_OK)
    return [
        Finding(
            "kernel cache", f"{folder}{'' if writable else ' (cannot be written: set WARP_CACHE_PATH)'}", well=writable
        )
    ]


def rendering() -> list[Finding]:
    from scenegrad.view import probe_rendering

    trouble = probe_rendering()
    return [Finding("rendering", trouble or "draws off screen", well=not trouble, needed=False)]


def disk() -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    return [Finding("disk", f"{in_words(free)} free in {Path.cwd()}", well=free > 1 << 28)]

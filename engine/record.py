"""What made a result, besides what was asked: the code, the command, the libraries and the machine."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["command", "commit", "device_name", "driver", "library_versions", "machine"]

LIBRARIES = ("torch", "warp-lang", "numpy", "scipy", "h5py", "pydantic")


@cache
def library_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


@cache
def commit() -> str | None:
    """Of the working copy that this code runs from, with -dirty where it was changed; None for an installed package."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):  # no git here, or one that hangs on a network disk
        return None
    return asked.stdout.strip() or None


def command() -> str:
    """The words that this process was started with, as a shell would take them; the program by its name alone."""
    program, *words = sys.argv or ["python"]
    name = Path(program).name
    return shlex.join(["scenegrad" if name == "__main__.py" else name, *words])


def device_name(device: str) -> str:
    """'cuda (NVIDIA H200)', 'cpu'."""
    import torch

    return f"cuda ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device


def machine(device: str) -> dict[str, Any]:
    """Where it ran, as plain data; of a GPU its driver and the CUDA that torch was built for, too."""
    found: dict[str, Any] = {"platform": platform.platform(), "processor": processor(), "cores": cores()}
    if device.startswith("cuda"):
        import torch

        found |= {"gpu": torch.cuda.get_device_name(device), "driver": driver(), "cuda": torch.version.cuda}
    return found


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def processor() -> str:
    """Its model, where the system tells."""
    try:
        about = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    told = re.search(r"^model name\s*:\s*(.+)$", about, re.MULTILINE)
    return told[1].strip() if told else platform.machine()


@cache
def driver() -> str | None:
    """Version of the NVIDIA driver; None where there is none."""
    try:
        told = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    number = re.search(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b", told)
    return number[1] if number else None

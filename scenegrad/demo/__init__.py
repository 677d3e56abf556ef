"""The whole path in a few minutes: simulate, differentiate, learn, look. Ends with a report."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scenegrad.demo.chapter import Chapter, Stage
from scenegrad.demo.drop import drop_a_duck
from scenegrad.demo.liquid import look_into_a_liquid
from scenegrad.demo.recover import recover_stiffness
from scenegrad.demo.report import write_report
from scenegrad.demo.turbulence import learn_a_flow
from scenegrad.engine.device import pick_device
from scenegrad.engine.files.disk import disk_errors

__all__ = ["run_demo"]

CHAPTERS: dict[str, Callable[[Stage], Chapter]] = {
    "A mesh, dropped as an elastic body": drop_a_duck,
    "Its stiffness, from how it bounces": recover_stiffness,
    "An ensemble of flows, and a network trained on it": learn_a_flow,
    "A liquid of atoms": look_into_a_liquid,
}


def run_demo(
    out: str | Path = "runs/demo", *, small: bool = False, device: str = "auto", quiet: bool = False
) -> tuple[Path, bool]:
    """Plays all chapters into the folder `out`. Returns the path of the report, and whether every claim held.

    small: the form for continuous integration, with less of everything and looser claims.
    """
    folder = Path(out)
    with disk_errors(folder, 0):
        folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder, pick_device(device), small, quiet)
    chapters = []
    for number, (name, play) in enumerate(CHAPTERS.items(), 1):
        stage.say(f"[{number}/{len(CHAPTERS)}] {name}")
        begin = time.perf_counter()
        chapter = play(stage)
        chapters.append(replace(chapter, seconds=time.perf_counter() - begin))
        for claim in chapter.claims:
            stage.say(f"  {claim}")
        for what, value in chapter.facts.items():
            stage.say(f"         {what}: {value}")
        stage.say(f"  {chapters[-1].seconds:.0f} s")
    report = write_report(chapters, machine(stage.device), folder / "report.html")
    stage.say(f"\nReport: {report}")
    for chapter in chapters:
        for picture in chapter.pictures:
            stage.say(f"  {picture.path}")
    return report, all(claim.holds for chapter in chapters for claim in chapter.claims)


def machine(device: str) -> str:
    """What the numbers were measured on."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"

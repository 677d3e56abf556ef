"""Plays chapters one after the other, says what they found, and writes the report."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from scenegrad.engine.files.disk import disk_errors
from scenegrad.view.report.chapter import Chapter, Stage
from scenegrad.view.report.page import write_report

__all__ = ["play"]

S = TypeVar("S", bound=Stage)


def play(title: str, lead: str, stage: S, chapters: Mapping[str, Callable[[S], Chapter]]) -> tuple[Chapter, ...]:
    """The chapters as they came out. The report is report.html in the folder of the stage, written after each, so that
    what a long one leaves unfinished does not cost those before it."""
    with disk_errors(stage.folder, 0):
        stage.folder.mkdir(parents=True, exist_ok=True)
    played: list[Chapter] = []
    for number, (name, chapter) in enumerate(chapters.items(), 1):
        stage.say(f"[{number}/{len(chapters)}] {name}")
        begin = time.perf_counter()
        made = chapter(stage)
        played.append(replace(made, seconds=time.perf_counter() - begin))
        for claim in made.claims:
            stage.say(f"  {claim}")
        for table in made.tables:
            stage.say("  " + str(table).replace("\n", "\n  "))
        for what, value in made.facts.items():
            stage.say(f"         {what}: {value}")
        stage.say(f"  {played[-1].seconds:.0f} s")
        report = write_report(title, lead, played, machine(stage.device), stage.folder / "report.html")
    stage.say(f"\nReport: {report}")
    for made in played:
        for picture in made.pictures:
            stage.say(f"  {picture.path}")
    return tuple(played)


def machine(device: str) -> str:
    """What the numbers were measured on."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"

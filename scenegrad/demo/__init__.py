"""The whole path in a few minutes: simulate, differentiate, learn, look. Ends with a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scenegrad.demo.drop import drop_a_duck
from scenegrad.demo.liquid import look_into_a_liquid
from scenegrad.demo.recover import recover_stiffness
from scenegrad.demo.stage import Stage
from scenegrad.demo.turbulence import learn_a_flow
from scenegrad.engine.device import pick_device
from scenegrad.view.report import Chapter, play

__all__ = ["run_demo"]

CHAPTERS: dict[str, Callable[[Stage], Chapter]] = {
    "A mesh, dropped as an elastic body": drop_a_duck,
    "Its stiffness, from how it bounces": recover_stiffness,
    "An ensemble of flows, and a network trained on it": learn_a_flow,
    "A liquid of atoms": look_into_a_liquid,
}
LEAD = "Describe a physical scene once: simulate it, differentiate it, learn it, look at it."


def run_demo(
    out: str | Path = "runs/demo", *, small: bool = False, device: str = "auto", quiet: bool = False
) -> tuple[Path, bool]:
    """Plays all chapters into the folder `out`. Returns the path of the report, and whether every claim held.

    small: the form for continuous integration, with less of everything and looser claims.
    """
    stage = Stage(Path(out), pick_device(device), quiet, small)
    chapters = play("scenegrad demo", LEAD, stage, CHAPTERS)
    return stage.folder / "report.html", all(claim.holds for chapter in chapters for claim in chapter.claims)

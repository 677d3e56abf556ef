"""A solver that lies outside the package."""

from collections.abc import Callable
from pathlib import Path

import scenegrad.scenes as sc


def alloy_of_ones_own() -> sc.Scene:
    own = sc.load_plugin(Path(__file__).resolve().parents[2] / "examples" / "own" / "allen_cahn.py")
    return sc.Scene(
        name="alloy",
        domain=sc.Domain.periodic(size=(1.0, 0.8), cells=(12, 10)),
        entities={"alloy": own.Alloy(mobility=sc.Parameter(2.0), width=sc.Parameter(0.08))},
        outputs={"fields": sc.Fields("phase", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.2),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "own-2d": alloy_of_ones_own,
}

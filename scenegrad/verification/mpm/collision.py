"""Two elastic rings collide: the energy that the transfers lose.

What is lost goes at the free surfaces, whose nodes hold little mass and much force: the share of such nodes falls
with dx, that of FLIP as well as that of APIC.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from scenegrad.scenes.library import elastic
from scenegrad.scenes.methods import APIC, FLIP, Transfer
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most
from scenegrad.verification.mpm.marching import started, watch

__all__ = ["CASES"]


def energy(transfer: Transfer, cells: int, setting: Setting) -> Tensor:
    """Total energy over that at the start, from the approach until the rings have parted [frame]."""
    scene = elastic.colliding_rings(cells=cells, transfer=transfer).replace({"time.cfl": 0.8})
    solver, state, params = started(scene, setting)

    def total(now: ParticleState) -> Tensor:
        return solver.observe(now, params)["total_energy"]

    end = scene.time.end
    after, _, seen = watch(solver, state, params, end, end / 60, total=total)
    back = float(after.velocity[0, : after.velocity.shape[1] // 2, 0].mean())
    assert back < 0, f"the left ring still moves to the right, by {back} m/s"
    return seen["total"] / seen["total"][0]


def rings(setting: Setting) -> Iterator[Finding]:
    change = float((energy(FLIP(0.99), 256, setting) - 1).abs().max())
    yield at_most("largest change of the total energy, FLIP 0.99, 256 cells", change, 0.01)
    losses = {cells: 1 - float(energy(APIC(), cells, setting)[-1]) for cells in (64, 128, 256)}
    for coarse, fine in ((64, 128), (128, 256)):
        ratio = losses[coarse] / losses[fine]
        yield at_least(f"loss of APIC at {coarse} cells over that at {fine}, {losses[fine]:.2%}", 1.5, ratio)


CASES = (
    Case(
        "colliding_rings",
        "mpm",
        "total energy is kept",
        "Huang et al. 2011, Int. J. Impact Eng. 38",
        rings,
        quick=False,
    ),
)

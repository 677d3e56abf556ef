"""What of a scene's frame, whatever is in it, keeps it from being run in Fourier modes."""

from __future__ import annotations

from collections.abc import Iterator

from scenegrad.scenes.domain import AXES, Periodic
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.spectral.integrators import Integrator

__all__ = ["FEWEST_CELLS", "box_troubles", "frame_troubles"]

FEWEST_CELLS = 8


def box_troubles(scene: Scene, dims: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of a box; dims: numbers of dimensions that are possible."""
    domain = scene.domain
    if scene.dim not in dims:
        allowed = " or ".join(map(str, dims))
        yield "domain.size", f"has {scene.dim} dimensions; this solver has {allowed}: size={(1,) * dims[0]}"
    if domain.size is None:
        yield "domain.size", f"is missing; give {scene.dim} edge lengths"
    if domain.cells is None:
        yield "domain.cells", f"is missing; give numbers such as {(64,) * scene.dim}"
    elif min(domain.cells) < FEWEST_CELLS:
        yield "domain.cells", f"{domain.cells} is too coarse; at least {FEWEST_CELLS} along each edge"
    for axis in range(domain.dim or 0):
        for side in ("lo", "hi"):
            condition = scene.boundary.face(axis, "lo" if side == "lo" else "hi")
            periodic = isinstance(condition, Periodic) or (condition is None and domain.wraps[axis])
            if not periodic:
                given = "has no condition" if condition is None else f"is {condition.kind}"
                yield (
                    f"boundary.{AXES[axis]}_{side}",
                    f"{given}; the spectral solver needs a periodic box: Domain.periodic(size=..., cells=...)",
                )


def frame_troubles(scene: Scene, method: Integrator) -> Iterator[tuple[str, str]]:
    """The same of what is said about time, units and the rest."""
    if scene.gravity is not None:
        yield "gravity", "only changes the pressure of a fluid of one density in a periodic box; leave it out"
    if scene.dynamics is not None:
        yield "dynamics", f"{scene.dynamics.kind} moves atoms; leave it out"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; a fluid has 'SI'"
    if scene.time.tolerance is not None and method.estimate is None:
        yield (
            "time.tolerance",
            f"needs an error estimate, and {method.name} has none; write method=Spectral(integrator='etdrk43') "
            "or 'ifdp5', or leave the method out",
        )

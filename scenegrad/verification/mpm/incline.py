"""A block on a slope with Coulomb's friction."""

from __future__ import annotations

from collections.abc import Iterator
from math import atan, cos, degrees, radians, sin

from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, at_most, relative
from scenegrad.verification.mpm.marching import Braked, started, watch

__all__ = ["CASES"]

G = 9.81


def slope(friction: float) -> sc.Scene:
    """A flat block on a floor; gravity is tilted by the case, once the block has settled."""
    block = sc.Box(center=(0.4, 0.1875), size=(0.5, 0.125))
    matter = sc.NeoHookean(youngs_modulus=1e6, poisson_ratio=0.3, density=1000.0)
    return sc.Scene(
        name="slope",
        domain=sc.Domain(size=(2.0, 0.5), cells=(64, 16)),
        gravity=(0.0, -G),
        entities={
            "block": sc.Body(shape=block, material=matter),
            "floor": sc.Wall(normal=(0.0, 1.0), offset=0.125, contact=sc.Coulomb(friction)),
        },
        time=sc.Time(end=0.4, cfl=0.8),
    )


def slide(friction: float, angle: float, tilted_first: bool, setting: Setting) -> tuple[float, float]:
    """Mean acceleration along the slope [m/s^2] and the speed at the end [m/s], 0.4 s after the brake is released.

    angle: in degrees. tilted_first: whether the block has settled on the slope already, or on level ground."""
    solver, state, params = started(slope(friction), setting)
    across, along = -G * cos(radians(angle)), G * sin(radians(angle))
    level, tilted = (params.replace({"gravity": params["gravity"].new_tensor([[x, across]])}) for x in (0.0, along))

    def drift(now: ParticleState) -> Tensor:
        return now.velocity[..., 0].mean(1)

    state, _, _ = watch(Braked(solver, 100.0), state, tilted if tilted_first else level, 0.15, 0.15, drift=drift)
    _, times, seen = watch(solver, state, tilted, 0.4, 0.005, drift=drift)
    late = times > 0.1
    t, v = times[late] - times[late].mean(), seen["drift"][late]
    return float((t * v).sum() / t.square().sum()), float(v.abs().max())


def sliding(setting: Setting) -> Iterator[Finding]:
    for friction, angle in ((0.0, 30.0), (0.2, 30.0), (0.5, 35.0)):
        expected = G * (sin(radians(angle)) - friction * cos(radians(angle)))
        ours, _ = slide(friction, angle, False, setting)
        yield relative(f"acceleration at {angle:g} degrees, friction {friction:g}", expected, ours, 0.01, "m/s^2")


def sticking(setting: Setting) -> Iterator[Finding]:
    for friction, below in ((0.5, 1.0), (0.5, 6.0)):
        angle = degrees(atan(friction)) - below
        _, speed = slide(friction, angle, True, setting)
        free = G * sin(radians(angle)) * 0.4
        yield at_most(
            f"speed after 0.4 s over that without friction, {below:g} degrees below atan {friction:g}",
            speed / free,
            0.001,
        )


CASES = (
    Case("incline_slides", "mpm", "a = g (sin t - mu cos t)", "Coulomb's friction", sliding),
    Case("incline_sticks", "mpm", "a = 0 where tan t < mu", "Coulomb's friction", sticking),
)

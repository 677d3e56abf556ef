"""Manufactured solutions: a motion is chosen, the body force that makes it so is derived, and the order is measured.

The leapfrog start (see Pushed) and a dt that stays what it is make symplectic Euler a scheme of second order in dt, and
dt shrinks with dx. Stretched matter is no lattice that fits the cells any more: with as many particles in every cell,
what its sums over particles miss would not fall with dx, so the particles of a cell grow in number too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import ceil, cos, log, pi, sin, sqrt

import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most
from scenegrad.verification.mpm.marching import Pushed, started, watch

__all__ = ["CASES"]

YOUNG, POISSON, DENSITY = 1000.0, 0.3, 1000.0
MU = YOUNG / (2 * (1 + POISSON))
LAME = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))
MATTER = sc.NeoHookean(youngs_modulus=YOUNG, poisson_ratio=POISSON, density=DENSITY)


def orders(errors: list[float]) -> list[float]:
    """Each time dx is halved."""
    return [log(coarse / fine, 2) for coarse, fine in pairwise(errors)]


def told(cells: tuple[int, ...], error: Callable[[int, int, Setting], float], setting: Setting) -> Iterator[Finding]:
    per_cell = (4, 9, 16)
    errors = [error(n, each, setting) for n, each in zip(cells, per_cell, strict=True)]
    yield at_most(f"error of displacement over the largest, {cells[-1]} cells", errors[-1], 0.01)
    for (coarse, fine), order in zip(pairwise(cells), orders(errors), strict=True):
        yield at_least(f"order of displacement, {coarse} to {fine} cells", 1.5, order)


def even_time(until: float, dx: float) -> sc.Time:
    """Equal steps in which a wave passes 0.3 of a cell."""
    speed = sqrt((LAME + 2 * MU) / DENSITY)
    return sc.Time(end=until, dt=until / ceil(until * speed / (0.3 * dx)))


# Axis-aligned displacement on the unit square, u_x = A sin(2 pi X) sin(c pi t), u_y = A sin(2 pi Y) sin(c pi t + pi).

SIZE = 0.05  # A [m]
SPEED = sqrt(YOUNG / DENSITY)  # c [m/s]


def aligned_displacement(X: Tensor, time: float) -> Tensor:
    signs = X.new_tensor([1.0, -1.0])
    return SIZE * torch.sin(2 * pi * X) * sin(SPEED * pi * time) * signs


def aligned_force(X: Tensor, time: float) -> Tensor:
    """b = u'' - div P / rho for W = mu/2 (tr FF' - 2) - mu ln J + lambda/2 (ln J)^2, F diagonal."""
    signs = X.new_tensor([1.0, -1.0])
    u = aligned_displacement(X, time)
    F = 1 + 2 * pi * SIZE * torch.cos(2 * pi * X) * sin(SPEED * pi * time) * signs
    log_j = torch.log(F.prod(-1, keepdim=True))
    stiff = 4 * MU / DENSITY - SPEED**2 - 4 * (LAME * (log_j - 1) - MU) / (DENSITY * F**2)
    return pi**2 * u * stiff


def aligned_error(cells: int, per_cell: int, setting: Setting) -> float:
    """Root mean square error of the displacement when it is largest, over A."""
    until = 0.5 / SPEED
    scene = sc.Scene(
        name="aligned",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(cells, cells)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.5), size=(1.0, 1.0)), material=MATTER, particles_per_cell=per_cell
            )
        },
        time=even_time(until, 1 / cells),
    )
    solver, state, params = started(scene, setting)
    X, signs = state.position, state.position.new_tensor([1.0, -1.0])
    rate = SIZE * SPEED * pi * signs
    state = replace(
        state, velocity=rate * torch.sin(2 * pi * X), affine=torch.diag_embed(2 * pi * rate * torch.cos(2 * pi * X))
    )
    pushed = Pushed(solver, lambda now, time: aligned_force(X, time), leapfrog=True)
    after, _, _ = watch(pushed, state, params, until, until, place=lambda now: now.position)
    miss = after.position - X - aligned_displacement(X, until)
    return float(miss.square().sum(-1).mean().sqrt() / SIZE)


# Generalised vortex on a ring 0.75 < R < 1.25: every circle turns by alpha = G(t) h(R).

TURN, PERIOD = 0.2, 1.0  # A [rad], T [s]


def vortex_time(time: float) -> tuple[float, float]:
    """G and G''."""
    rate = 2 * pi / PERIOD
    return TURN / 2 * (1 - cos(rate * time)), TURN / 2 * rate**2 * cos(rate * time)


def vortex_rate(time: float) -> float:
    return TURN / 2 * 2 * pi / PERIOD * sin(2 * pi / PERIOD * time)


def vortex_profile(R: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """h, h' and h''; h and h' vanish at both radii, so that the ring is free of stress there."""
    s = R - 1
    h = 1 - 32 * s**2 + 256 * s**4
    return h, -64 * s + 1024 * s**3, -64 + 3072 * s**2


def vortex_displacement(X: Tensor, time: float) -> Tensor:
    alpha = vortex_time(time)[0] * vortex_profile(torch.linalg.vector_norm(X, dim=-1))[0]
    c, s = torch.cos(alpha), torch.sin(alpha)
    return torch.stack([c * X[..., 0] - s * X[..., 1], s * X[..., 0] + c * X[..., 1]], dim=-1) - X


def vortex_force(X: Tensor, time: float) -> Tensor:
    """b_r = mu/rho R alpha'^2 - R (d alpha/dt)^2,   b_theta = R d^2 alpha/dt^2 - mu/rho (3 alpha' + R alpha'')"""
    R = torch.linalg.vector_norm(X, dim=-1)
    (G, bend), rate, (h, slope, curve) = vortex_time(time), vortex_rate(time), vortex_profile(R)
    radial = MU / DENSITY * R * (G * slope) ** 2 - R * (rate * h) ** 2
    around = R * bend * h - MU / DENSITY * G * (3 * slope + R * curve)
    e_r = (X + vortex_displacement(X, time)) / R[..., None]
    e_t = torch.stack([-e_r[..., 1], e_r[..., 0]], dim=-1)
    return radial[..., None] * e_r + around[..., None] * e_t


def vortex_error(cells: int, per_cell: int, setting: Setting) -> float:
    """Root mean square error of the displacement when the ring is turned furthest, over the largest displacement."""
    middle, until = 1.5, PERIOD / 2
    ring = sc.Sphere(center=(middle, middle), radius=1.25) - sc.Sphere(center=(middle, middle), radius=0.75)
    scene = sc.Scene(
        name="vortex",
        domain=sc.Domain(size=(3.0, 3.0), cells=(cells, cells)),
        entities={"ring": sc.Body(shape=ring, material=MATTER, particles_per_cell=per_cell)},
        time=even_time(until, 3 / cells),
    )
    solver, state, params = started(scene, setting)
    X = state.position - middle

    def force(now: ParticleState, time: float) -> Tensor:
        return vortex_force(X, time)

    after, _, _ = watch(Pushed(solver, force, leapfrog=True), state, params, until, until, place=lambda s: s.position)
    expected = vortex_displacement(X, until)
    miss = after.position - middle - X - expected
    return float((miss.square().sum(-1).mean() / expected.square().sum(-1).amax()).sqrt())


def aligned(setting: Setting) -> Iterator[Finding]:
    yield from told((16, 32, 64), aligned_error, setting)


def vortex(setting: Setting) -> Iterator[Finding]:
    yield from told((48, 96, 192), vortex_error, setting)


CASES = (
    Case(
        "manufactured_aligned",
        "mpm",
        "u_x = A sin 2 pi X sin c pi t",
        "Steffen, Wallstedt, Guilkey et al. 2008",
        aligned,
    ),
    Case("manufactured_vortex", "mpm", "turn by G(t) h(R)", "Kamojjala, Brannon et al. 2015", vortex),
)

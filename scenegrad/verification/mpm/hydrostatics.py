"""Fluids under their own weight, and a drop that a central force holds together: the pressure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.scenes.library import viscous
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, at_most, relative
from scenegrad.verification.mpm.marching import Pushed, started, watch
from scenegrad.verification.mpm.vibration import period

__all__ = ["CASES", "tait"]


def tait(state: ParticleState, bulk: float, gamma: float = 7.0) -> Tensor:
    """p = K/gamma (J^-gamma - 1) [batch, particle]"""
    return bulk / gamma * (torch.linalg.det(state.deformation).pow(-gamma) - 1)


def column(setting: Setting) -> Iterator[Finding]:
    """Let go unpressed, the column bobs about rest with period 4 H / c; over whole periods p is rho g (H - y)."""
    height, density, pull, speed = 1.0, 1000.0, 9.81, 100.0
    bob = 4 * height / speed
    scene = viscous.hydrostatic(height, 4 / 64, density, gravity=pull, speed_of_sound=speed, cells=64)
    solver, state, params = started(scene.replace({"time.cfl": 0.8}), setting)
    first = state.position[0, :, 1].double().cpu()
    bulk = density * speed**2
    _, times, seen = watch(
        solver,
        state,
        params,
        6.02 * bob,
        bob / 50,
        pressure=lambda now: tait(now, bulk),
        lift=lambda now: now.position[..., 1].mean(1),
    )
    whole = slice(50, 250)  # the second to the fifth period
    mean = seen["pressure"][whole].mean(0)
    # a lattice of rows: the pressure of each row
    rows, level = torch.unique(first, return_inverse=True)
    found = torch.zeros_like(rows).index_add_(0, level, mean) / torch.bincount(level)
    expected = density * pull * (height - rows)
    top = density * pull * height
    yield relative(
        "pressure at the bottom, straight line through all", top, float(through(rows, found)(0.0)), 0.02, "Pa"
    )
    yield at_most(
        "root mean square error of pressure over rho g H", float((found - expected).square().mean().sqrt() / top), 0.02
    )
    lift = seen["lift"] - seen["lift"][whole].mean()
    yield relative("period 4 H / c", bob, period(times, lift), 0.02, "s")


def through(x: Tensor, y: Tensor) -> np.poly1d:
    return np.poly1d(np.polyfit(x.numpy(), y.numpy(), 1))


def ellipse(omega: float, stretch: float, radius: float, until: float) -> tuple[float, float, float]:
    """Half-axes a, b [m] and the rate s [1/s] of a drop of an ideal fluid under -omega^2 x, at first a circle with
    v = (s x, -s y): da/dt = s a, db/dt = -s b, ds/dt = (s^2 + omega^2)(b^2 - a^2)/(a^2 + b^2)."""
    from scipy.integrate import solve_ivp

    def rates(_: float, y: np.ndarray) -> list[float]:
        a, b, s = y
        return [s * a, -s * b, (s**2 + omega**2) * (b**2 - a**2) / (a**2 + b**2)]

    a, b, s = solve_ivp(rates, (0.0, until), [radius, radius, stretch], rtol=1e-10, atol=1e-12).y[:, -1]
    return float(a), float(b), float(s)


def drop(setting: Setting) -> Iterator[Finding]:
    """Pressure in the middle P/2, P = rho a^2 (s' + s^2 + omega^2), averaged over one swing; half-axes after it."""
    radius, omega, stretch, density, speed = 0.25, 4.0, 1.6, 1000.0, 15.0
    dx, until = 1 / 64, 2.2
    middle, bulk = 0.5, density * speed**2
    water = sc.WeaklyCompressible(bulk_modulus=bulk, gamma=7.0, density=density)
    scene = sc.Scene(
        name="drop",
        domain=sc.Domain(size=(1.0, 1.0), cells=(round(1 / dx),) * 2),
        entities={
            "drop": sc.Body(
                shape=sc.Sphere(center=(middle, middle), radius=radius), material=water, particles_per_cell=9
            )
        },
        time=sc.Time(end=until, cfl=0.8),
    )
    solver, state, params = started(scene, setting)
    offset = state.position - middle
    rate = state.position.new_tensor([[stretch, 0.0], [0.0, -stretch]])
    # at rest in the pressure of the circle, P (1 - r^2/R^2)/2, P = rho R^2 omega^2
    pressure = density * (stretch**2 + omega**2) / 2 * (radius**2 - offset.square().sum(-1)).clamp(min=0.0)
    J = (1 + 7.0 * pressure / bulk).pow(-1 / 7)
    state = replace(
        state,
        velocity=offset @ rate.T,
        affine=rate.expand_as(state.affine).contiguous(),
        deformation=state.deformation * J.sqrt()[..., None, None],
    )
    inner = offset.norm(dim=-1)[0] < 0.3 * radius
    pushed = Pushed(solver, lambda now, _: -(omega**2) * (now.position - middle))

    def axes(now: ParticleState) -> Tensor:
        """2 sqrt(<x_i^2>), exact of an even ellipse [batch, 2]"""
        return 2 * (now.position - middle).square().mean(1).sqrt()

    def core(now: ParticleState) -> Tensor:
        return tait(now, bulk)[:, inner].mean(1)

    _, times, seen = watch(pushed, state, params, until, until / 220, axes=axes, core=core)
    exact = np.array([ellipse(omega, stretch, float(seen["axes"][0].mean()), float(t)) for t in times])
    a, b, s = exact.T
    turn = (s**2 + omega**2) * (b**2 - a**2) / (a**2 + b**2)
    centre = density * a**2 * (turn + s**2 + omega**2) / 2
    inside = centre * (1 - 0.3**2 / 2)  # mean over the inner particles, an ellipse of 0.3 of the half-axes
    ours = seen["axes"].numpy()
    yield relative("pressure of the core, mean over time", inside.mean(), float(seen["core"].mean()), 0.02, "Pa")
    yield at_most(
        "error of the half-axes over the radius, at most", float(np.abs(ours - exact[:, :2]).max() / radius), 0.02
    )


CASES = (
    Case("hydrostatic_column", "mpm", "p = rho g (H - y)", "hydrostatics; d'Alembert's wave in a column", column),
    Case(
        "oscillating_drop",
        "mpm",
        "half-axes and pressure of an ideal drop",
        "Monaghan & Rafiee 2013, section 5.2",
        drop,
        quick=False,
    ),
)

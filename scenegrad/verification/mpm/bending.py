"""A beam held at one end bends under its own weight."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.library import elastic
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, relative
from scenegrad.verification.mpm.marching import Braked, started, watch

__all__ = ["CASES", "reissner", "timoshenko"]

POISSON = 0.3
SETTLED = 10.0  # times 1 / omega of the first mode
FIRST_MODE = 1.8751**2  # of a cantilever, omega = 1.8751^2 sqrt(E I / (rho A L^4))


def timoshenko(load: float, slenderness: float, poisson: float) -> float:
    """Tip deflection over length of an evenly loaded cantilever of rectangular section, bending and shear, where small.

    load: w L^3 / (E' I), E' = E / (1 - nu^2) in plane strain;   w L^3 / (8 E' I) + w L / (2 k G A),   k = 5/6
    """
    return load / 8 + load / 12 / slenderness**2 / (2 * 5 / 6 * (1 - poisson) / 2)  # G / E' = (1 - nu) / 2


def reissner(load: float, slenderness: float, poisson: float) -> tuple[float, float]:
    """Deflection and reach of the tip over the length, however large: the elastica, with shear and stretch.

    With theta the turn downwards, W = w (1 - s) the weight beyond s, N = W sin theta, Q = W cos theta, e = N / (E' A),
    g = Q / (k G A):   E' I theta'' = g N - (1 + e) Q,   x' = (1 + e) cos theta - g sin theta,
    y' = (1 + e) sin theta + g cos theta;   theta(0) = theta'(1) = 0. load: w L^3 / (E' I).
    """
    from scipy.integrate import solve_bvp

    stretch = 12 * slenderness**2  # E' A L^2 / (E' I)
    shear = stretch * 5 / 6 * (1 - poisson) / 2

    def slopes(s: np.ndarray, y: np.ndarray) -> np.ndarray:
        turn, bend, *_ = y
        weight = load * (1 - s)
        N, Q = weight * np.sin(turn), weight * np.cos(turn)
        e, g = N / stretch, Q / shear
        across, along = (1 + e) * np.sin(turn) + g * np.cos(turn), (1 + e) * np.cos(turn) - g * np.sin(turn)
        return np.stack([bend, g * N - (1 + e) * Q, along, across])

    def ends(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([a[0], b[1], a[2], a[3]])

    s = np.linspace(0, 1, 201)
    guess = np.stack([load / 6 * (1 - (1 - s) ** 3), load / 2 * (1 - s) ** 2, s, load / 8 * s**2])
    _, _, reach, deflection = solve_bvp(slopes, ends, s, guess, tol=1e-8).y[:, -1]
    return float(deflection), float(reach)


def tip(load: float, slenderness: int, across: int, per_cell: int, setting: Setting) -> tuple[float, float]:
    """Deflection and reach of the tip over the length, once the beam has come to rest.

    load: w L^3 / (E' I). across: cells in the thickness."""
    thickness, young, density = 1 / slenderness, 1e6, 1000.0
    bending = young / (1 - POISSON**2) * thickness**3 / 12
    omega = FIRST_MODE * sqrt(bending / (density * thickness))
    scene = elastic.cantilever(
        thickness=thickness,
        youngs_modulus=young,
        poisson_ratio=POISSON,
        density=density,
        gravity=load * bending / (density * thickness),
        across=across,
    )
    solver, state, params = started(scene.replace({"time.cfl": 0.8, "beam.particles_per_cell": per_cell}), setting)
    x = state.position[0]
    near = x[:, 0] > 1.0 - thickness / across  # each carried to the end of the beam by its own deformation
    arm = torch.stack([1.0 - x[near, 0], torch.zeros_like(x[near, 0])], dim=1)[..., None]

    def end(now: ParticleState) -> Tensor:
        return (now.position[:, near] + (now.deformation[:, near] @ arm)[..., 0]).mean(1)

    settled = SETTLED / omega
    _, _, seen = watch(Braked(solver, 1.6 * omega), state, params, settled, settled, end=end)
    moved = seen["end"][-1] - seen["end"][0]
    return -float(moved[1]), 1.0 + float(moved[0])


def small_load(setting: Setting) -> Iterator[Finding]:
    load, slenderness = 0.04, 8
    expected = timoshenko(load, slenderness, POISSON)
    for across in (4, 8):
        deflection, _ = tip(load, slenderness, across, 4, setting)
        yield relative(f"tip deflection over length, {across} cells across", expected, deflection, 0.03)


def large_load(setting: Setting) -> Iterator[Finding]:
    """The beam crosses 16 cells, and each crossing leaves errors in F that soften it: by 2 % with 36 particles a cell,
    by 5 % with 9, by 11 % with 4, whatever the splines."""
    load, slenderness = 2.0, 8
    deflection, reach = reissner(load, slenderness, POISSON)
    ours = tip(load, slenderness, 8, 36, setting)
    yield relative("tip deflection over length, heavy", deflection, ours[0], 0.03)
    yield relative("reach of the tip over length, heavy", reach, ours[1], 0.03)


CASES = (
    Case("cantilever", "mpm", "w L^3 / (8 E I) and shear", "Timoshenko 1921, Phil. Mag. 41, 744-746", small_load),
    Case(
        "heavy_cantilever",
        "mpm",
        "elastica with shear and stretch",
        "Reissner 1972, ZAMP 23, 795-804",
        large_load,
        quick=False,
    ),
)

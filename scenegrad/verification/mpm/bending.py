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

__all__ = ["CASES", "elastica", "timoshenko"]

POISSON = 0.3
SETTLED = 12.0  # times 1 / omega of the first mode
FIRST_MODE = 1.8751**2  # of a cantilever, omega = 1.8751^2 sqrt(E I / (rho A L^4))


def timoshenko(load: float, length: float, thickness: float, poisson: float) -> float:
    """Tip deflection over length of an evenly loaded cantilever of rectangular section, bending and shear, where small.

    load: w / E', E' = E / (1 - nu^2) in plane strain;   w L^3 / (8 E' I) + w L / (2 k G A),   k = 5/6
    """
    bending = load * length**3 / (8 * thickness**3 / 12)
    shear = load * length / (2 * 5 / 6 * thickness * (1 - poisson) / 2)  # G / E' = (1 - nu) / 2
    return bending + shear


def elastica(load: float) -> tuple[float, float]:
    """Deflection and reach of the tip, over the length, of a heavy beam that keeps its length, turned down by theta:
    theta'' = -load (1 - s) cos theta, theta(0) = theta'(1) = 0, load = w L^3 / (E' I) [Bickley 1934]."""
    from scipy.integrate import solve_bvp

    def slope(s: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([y[1], -load * (1 - s) * np.cos(y[0])])

    def ends(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([a[0], b[1]])

    s = np.linspace(0, 1, 201)
    guess = np.stack([load / 6 * (1 - (1 - s) ** 3), load / 2 * (1 - s) ** 2])
    found = solve_bvp(slope, ends, s, guess, tol=1e-9)
    theta = found.sol(np.linspace(0, 1, 20001))[0]
    return float(np.trapezoid(np.sin(theta), dx=1 / 20000)), float(np.trapezoid(np.cos(theta), dx=1 / 20000))


def tip(load: float, slenderness: int, across: int, setting: Setting) -> tuple[float, float]:
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
    solver, state, params = started(scene.replace({"time.cfl": 0.8}), setting)
    x = state.position[0]
    # the tip: what is less than a cell from the free end, carried to the end by its own deformation
    near = x[:, 0] > 1.0 - thickness / across
    arm = x.new_tensor([1.0, 0.0]) * (1.0 - x[near, :1])
    arm = torch.cat([1.0 - x[near, :1], torch.zeros_like(x[near, :1])], dim=1)

    def end(now: ParticleState) -> Tensor:
        carried = now.position[:, near] + (now.deformation[:, near] @ arm[..., None])[..., 0]
        return carried.mean(1)

    first = end(state)[0]
    braked = Braked(solver, 1.4 * omega)  # near critical
    _, _, seen = watch(braked, state, params, SETTLED / omega, 1 / omega, end=end)
    last = seen["end"][-1] - first
    return -float(last[1]), 1.0 + float(last[0])


def small_load(setting: Setting) -> Iterator[Finding]:
    expected = timoshenko(0.04 / 12 / 8**3, 1.0, 1 / 8, POISSON)
    for across in (4, 8):
        deflection, _ = tip(0.04, 8, across, setting)
        yield relative(f"tip deflection over length, {across} cells across", expected, deflection, 0.03)


def large_load(setting: Setting) -> Iterator[Finding]:
    load = 8.0
    deflection, reach = elastica(load)
    ours = tip(load, 20, 4, setting)
    yield relative("tip deflection over length, heavy", deflection, ours[0], 0.03)
    yield relative("reach of the tip over length, heavy", reach, ours[1], 0.03)


CASES = (
    Case("cantilever", "mpm", "w L^4 / (8 E I) and shear", "Timoshenko 1921", small_load),
    Case("heavy_cantilever", "mpm", "theta'' = -load (1 - s) cos theta", "Bickley 1934", large_load, quick=False),
)

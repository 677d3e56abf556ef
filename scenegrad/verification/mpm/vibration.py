"""Elastic bodies that swing: how long a period is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import pi

import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.scenes import library
from scenegrad.verification.case import Case, Finding, Setting, relative
from scenegrad.verification.mpm.marching import started, watch

__all__ = ["CASES", "period"]


def period(times: Tensor, signal: Tensor) -> float:
    """Mean time between every other zero crossing of a signal [frame], found by straight lines between frames."""
    s, t = signal, times
    at = torch.nonzero((s[:-1] * s[1:]) < 0)[:, 0]
    crossings = t[at] - s[at] * (t[at + 1] - t[at]) / (s[at + 1] - s[at])
    return float((crossings[-1] - crossings[0]) * 2 / (len(crossings) - 1))


def bar_period(cells: int, setting: Setting) -> float:
    """Of the slowest longitudinal mode of a bar held at one end, set going in that mode [s]."""
    length = 25.0
    scene = library.bar_vibration(cells=cells)
    solver, state, params = started(scene, setting)
    rate = pi / (2 * length)
    x = state.position[..., 0]
    velocity, affine = torch.zeros_like(state.velocity), torch.zeros_like(state.affine)
    velocity[..., 0], affine[..., 0, 0] = 0.1 * torch.sin(rate * x), 0.1 * rate * torch.cos(rate * x)
    state = replace(state, velocity=velocity, affine=affine)
    _, times, seen = watch(solver, state, params, 33.0, 0.05, drift=lambda now: now.velocity[..., 0].mean(1))
    return period(times, seen["drift"])


def elastic_bar(setting: Setting) -> Iterator[Finding]:
    """T = 4 L / c, c = sqrt(E / rho), Poisson's ratio 0."""
    for cells in (40, 80):
        yield relative(f"period of the first mode, {cells} cells", 10.0, bar_period(cells, setting), 0.01, "s")


def breathing_ring(setting: Setting) -> Iterator[Finding]:
    """omega = sqrt(E / rho) / R of a thin ring, Poisson's ratio 0; its thickness counts by (h / R)^2 only."""
    radius, thickness, dx = 0.3, 0.03, 0.005
    ring = sc.Sphere(center=(0.45, 0.45), radius=radius + thickness / 2) - sc.Sphere(
        center=(0.45, 0.45), radius=radius - thickness / 2
    )
    matter = sc.NeoHookean(youngs_modulus=1000.0, poisson_ratio=0.0, density=1000.0)
    expected = 2 * pi * radius
    scene = sc.Scene(
        name="ring",
        domain=sc.Domain(size=(0.9, 0.9), cells=(round(0.9 / dx),) * 2),
        entities={"ring": sc.Body(shape=ring, material=matter)},
        time=sc.Time(end=3.3 * expected, cfl=0.8),
    )
    solver, state, params = started(scene, setting)
    offset = state.position - 0.45
    outwards = offset / torch.linalg.vector_norm(offset, dim=-1, keepdim=True)
    state = replace(state, velocity=0.003 * outwards)
    _, times, seen = watch(
        solver,
        state,
        params,
        3.3 * expected,
        expected / 80,
        swell=lambda now: (now.velocity * outwards).sum(-1).mean(1),
    )
    yield relative("period of breathing", expected, period(times, seen["swell"]), 0.01, "s")


CASES = (
    Case("elastic_bar", "mpm", "T = 4 L sqrt(rho / E)", "wave equation of a fixed-free bar", elastic_bar),
    Case("breathing_ring", "mpm", "T = 2 pi R sqrt(rho / E)", "Love 1944, Mathematical Theory of Elasticity, 293",
         breathing_ring, quick=False),
)  # fmt: skip

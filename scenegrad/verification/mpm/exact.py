"""What the discrete equations keep exactly: to rounding, whatever dx and dt are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import pi

import torch

import scenegrad.scenes as sc
from scenegrad.verification.case import Case, Finding, Setting, at_most
from scenegrad.verification.mpm.marching import started, steps

__all__ = ["CASES"]

JELLY = sc.NeoHookean(youngs_modulus=1e4, poisson_ratio=0.3, density=1000.0)


def block(dim: int, velocity: tuple[float, ...] | None = None, gravity: tuple[float, ...] | None = None) -> sc.Scene:
    """A jelly cube in a box of 1 m, well off its sides."""
    body = sc.Body(shape=sc.Box(center=(0.45,) * dim, size=(0.3,) * dim), material=JELLY, velocity=velocity)
    domain = sc.Domain(size=(1.0,) * dim, cells=(16,) * dim)
    return sc.Scene(name="block", domain=domain, entities={"block": body}, gravity=gravity, time=sc.Time(end=1.0))


def free_fall(setting: Setting) -> Iterator[Finding]:
    """Symplectic Euler falls by g t (t + dt) / 2."""
    for dim in (2, 3):
        gravity, velocity = (0.5, -9.81, 2.0)[:dim], (0.3, 1.0, -0.2)[:dim]
        solver, state, params = started(block(dim, velocity, gravity), setting)
        after, time = steps(solver, state, params, 100, 2e-3)
        g, v = (state.position.new_tensor(value) for value in (gravity, velocity))
        expected = state.position + v * time + g * time * (time + 2e-3) / 2
        miss = float((after.position - expected).abs().max())
        yield at_most(f"distance from the parabola after 100 steps, {dim}D", miss, 500 * setting.rounding, "m")


def rigid_rotation(setting: Setting) -> Iterator[Finding]:
    """A spinning disk, ten turns: it keeps its angular momentum, L = sum m (x x v + dx^2/4 curl C)."""
    dx, radius, spin = 1 / 16, 0.25, 0.4  # [m], [m], [rad/s]; the rim moves at a tenth of the speed of waves
    disk = sc.Body(shape=sc.Sphere(center=(0.5, 0.5), radius=radius), material=sc.NeoHookean(youngs_modulus=1000.0))
    scene = sc.Scene(
        name="spin",
        domain=sc.Domain(size=(1.0, 1.0), cells=(round(1 / dx),) * 2),
        entities={"disk": disk},
        time=sc.Time(end=20 * pi / spin),
    )
    solver, state, params = started(scene, setting)
    rate = state.position.new_tensor([[0.0, -spin], [spin, 0.0]])
    middle = state.position.mean(1, keepdim=True)
    state = replace(
        state, velocity=(state.position - middle) @ rate.T, affine=rate.expand_as(state.affine).contiguous()
    )
    turns, dt = 10, 0.8 * float(solver.max_dt(state, params))
    before = solver.observe(state, params)["angular_momentum"]
    count = round(turns * 2 * pi / spin / dt)
    after, _ = steps(solver, state, params, count, turns * 2 * pi / spin / count)
    drift = float((solver.observe(after, params)["angular_momentum"] / before - 1).abs().max())
    # each step rounds every particle's share anew: the errors add up like a random walk
    yield at_most(
        f"drift of the angular momentum in {turns} turns, {count} steps", drift, 20 * count**0.5 * setting.rounding
    )


def affine_round_trip(setting: Setting) -> Iterator[Finding]:
    """v = v0 + A x, given to unstressed matter, is found again after particle -> grid -> particle."""
    for dim in (2, 3):
        solver, state, params = started(block(dim), setting)
        generator = torch.Generator().manual_seed(dim)
        A, v0 = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((dim, dim), (dim,)))
        A, v0 = A.to(state.position), v0.to(state.position)
        field = state.position @ A.T + v0
        state = replace(state, velocity=field, affine=A.expand_as(state.affine).contiguous())
        after, _ = steps(solver, state, params, 1, 1e-4)
        miss = float((after.velocity - field).abs().max() / field.abs().max())
        slope = float((after.affine - A).abs().max() / A.abs().max())
        yield at_most(f"error of v, {dim}D", miss, 30 * setting.rounding)
        yield at_most(f"error of C, {dim}D", slope, 1000 * setting.rounding)


def grid_mass(setting: Setting) -> Iterator[Finding]:
    """The nodes hold the mass of the particles."""
    for dim in (2, 3):
        solver, state, params = started(block(dim), setting)
        steps(solver, state, params, 1, 1e-4)
        held = solver.work.nodes["momentum"][..., -1].double().sum(1)
        mass = solver.observe(state, params)["mass"].double()
        yield at_most(f"mass of the nodes over that of the particles - 1, {dim}D", float((held / mass - 1).abs().max()),
                      30 * setting.rounding)  # fmt: skip


CASES = (
    Case("free_fall", "mpm", "x = x0 + v0 t + g t (t + dt) / 2", "symplectic Euler, summed", free_fall),
    Case("rigid_rotation", "mpm", "angular momentum", "Jiang et al. 2015, APIC keeps it exactly", rigid_rotation),
    Case("affine_round_trip", "mpm", "v = v0 + A x", "Jiang et al. 2015, APIC keeps affine fields", affine_round_trip),
    Case("grid_mass", "mpm", "mass of the particles", "B-splines sum to one", grid_mass),
)

"""Viscous fluids: profiles between plates, the decay of vortices, a paste that slumps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log, pi

import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.scenes.library import viscous
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most, relative
from scenegrad.verification.mpm.marching import started, watch

__all__ = ["CASES"]

VISCOSITY = 0.05  # [Pa s], at density 1, speed 1 and wavelength 1


def starting_flow(y: Tensor, time: float) -> Tensor:
    """u / U between plates at y = 0 and 1, nu = 1, from rest: 4 y (1 - y) - sum_n 32 / (n pi)^3 sin(n pi y)
    exp(-n^2 pi^2 t), n odd."""
    n = pi * torch.arange(1, 40, 2, dtype=y.dtype, device=y.device)
    late = (32 / n**3 * torch.sin(y[..., None] * n) * torch.exp(-(n**2) * time)).sum(-1)
    return 4 * y * (1 - y) - late


def poiseuille(setting: Setting) -> Iterator[Finding]:
    cells = 32
    solver, state, params = started(viscous.channel(cells=cells).replace({"time.cfl": 0.8}), setting)
    for begin, end in ((0.0, 0.05), (0.05, 0.35)):
        state, _, _ = watch(solver, state, params, end, end - begin, begin, speed=lambda now: now.velocity[..., 0])
        y, u = state.position[0, :, 1].double(), state.velocity[0, :, 0].double()
        miss = (u - starting_flow(y, end)).square().mean().sqrt()
        yield at_most(f"error of u / U at t = {end:g} H^2 / nu, root mean square", float(miss), 0.02)


def decay(cells: int, setting: Setting) -> float:
    """Viscosity by which the kinetic energy of vortices falls as exp(-4 nu k^2 t), to a quarter [Pa s]."""
    k = 2 * pi
    until = log(4) / (4 * VISCOSITY * k**2)
    fluid = sc.Body(
        shape=sc.Box(center=(0.5, 0.5), size=(1.0, 1.0)),
        material=sc.Newtonian(bulk_modulus=400.0, viscosity=VISCOSITY, density=1.0),
    )
    scene = sc.Scene(
        name="vortices",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"fluid": fluid},
        time=sc.Time(end=until, cfl=0.8),
    )
    solver, state, params = started(scene, setting)
    x, y = (k * state.position).unbind(-1)
    sx, cx, sy, cy = x.sin(), x.cos(), y.sin(), y.cos()
    slope = torch.stack([-sx * sy, cx * cy, -cx * cy, sx * sy], dim=-1).unflatten(-1, (2, 2))
    state = replace(state, velocity=torch.stack([cx * sy, -sx * cy], dim=-1), affine=k * slope)
    after, _, _ = watch(solver, state, params, until, until, place=lambda now: now.position)
    fall = torch.log(state.velocity.double().square().sum() / after.velocity.double().square().sum())
    return float(fall) / (4 * k**2 * until)


def taylor_green(setting: Setting) -> Iterator[Finding]:
    """What the transfers damp adds to the viscosity, and falls with dx."""
    coarse, fine = decay(32, setting), decay(64, setting)
    yield relative("viscosity by the decay of energy, 64 cells", VISCOSITY, fine, 0.02, "Pa s")
    ratio = abs(coarse / VISCOSITY - 1) / abs(fine / VISCOSITY - 1)
    yield at_least("order of the viscosity of the scheme, 32 to 64 cells", 2.0, log(ratio, 2))


def bingham_slump(setting: Setting) -> Iterator[Finding]:
    """h^2 = 2 tau_y (L - x) / (rho g), L = (9 A^2 rho g / (8 tau_y))^(1/3), A the area of one half."""
    height, width, stress, weight, cells = 0.3, 1 / 3, 50.0, 9810.0, 20
    scene = viscous.slump(height, width, stress, cells=cells).replace({"time.cfl": 0.8})
    solver, state, params = started(scene, setting)
    end, dx = scene.time.end, height / cells
    after, _, _ = watch(solver, state, params, end, end, place=lambda now: now.position)
    x, y = after.position[0].unbind(-1)
    reach = (9 * (height * width) ** 2 * weight / (8 * stress)) ** (1 / 3)
    foot = float(torch.nonzero(torch.bincount((x.clamp(min=0.0) / dx).long()) >= 2)[-1] + 1) * dx
    yield relative("reach of the deposit", reach, foot, 0.1, "m")
    yield relative("height in its middle", (2 * stress * reach / weight) ** 0.5, float(y[x < 2 * dx].max()), 0.1, "m")


CASES = (
    Case("poiseuille", "mpm", "flow between plates, from its start on", "Batchelor 1967, section 4.3", poiseuille),
    Case("taylor_green", "mpm", "E = E0 exp(-4 nu k^2 t)", "Taylor & Green 1937", taylor_green),
    Case(
        "bingham_slump",
        "mpm",
        "h^2 = 2 tau_y (L - x) / (rho g)",
        "Liu & Mei 1989, J. Fluid Mech. 207, 505-529",
        bingham_slump,
        quick=False,
    ),
)

"""What bounds a time step, particle by particle, as rates [1/s]: a step of 1 / rate is the longest one."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor

from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.state import ParticleState

__all__ = ["crossing_rates", "explicit_rates", "limit_of", "limit_of_obstacle"]


def explicit_rates(state: ParticleState, row: Tensor, matter: Matter, grid: Grid) -> Tensor:
    """(c_p + |v_p|) / dx + 2 dim nu_p / dx^2, [batch, particle]: neither wave nor particle crosses a cell in one step,
    and viscosity does not overshoot. row: of the laws [batch, body or particle, width]."""
    by_particle, number, rates = row.shape[1] > len(matter.bodies), matter.body.long(), []
    for law, bodies in groupby(matter.bodies, key=lambda body: body.law):
        first, *others = bodies
        own = slice(first.first, (others or [first])[-1].end)
        constants = row[:, own] if by_particle else row[:, number[own]]
        wave = law.wave_speed(constants, state.deformation[:, own], state.history[:, own])
        spread = 2 * grid.dim * law.diffusivity(constants) / grid.dx**2
        rates.append((wave + speeds(state)[:, own]) / grid.dx + spread)
    return torch.cat(rates, dim=1)


def crossing_rates(state: ParticleState, gravity: Tensor, grid: Grid) -> Tensor:
    """Of dt where |v_p| dt + |g| dt^2 = dx, [batch, particle]: no particle crosses a cell. gravity [batch, dim]."""
    speed, pull = speeds(state), torch.linalg.vector_norm(gravity, dim=-1)[:, None]
    return (speed + (speed.square() + 4 * pull * grid.dx).sqrt()) / (2 * grid.dx)


def limit_of(state: ParticleState, rates: Tensor, matter: Matter, grid: Grid, member: int, implicit: bool) -> str:
    """Which particle of a member asks for the shortest step, and what can be done about it."""
    particle = int(rates[member].argmax())
    body = next(body.name for body in matter.bodies if body.first <= particle < body.end)
    place = ", ".join(f"{float(x):.4g}" for x in state.position[member, particle])
    speed, fastest = float(speeds(state)[member, particle]), float(rates[member, particle]) * grid.dx
    who = f"It is set by particle {particle} of {body} at ({place}), in cells of {grid.dx:.4g} m: "
    if implicit:
        return f"{who}no particle may cross a cell in one step, and this one moves with {speed:.4g} m/s."
    return (
        f"{who}its waves and viscosity run with {fastest - speed:.4g} m/s and itself with {speed:.4g} m/s. "
        f"Larger cells or a softer, denser material allow a larger dt; so does "
        f"method=MaterialPoint(integrator=Implicit()), which no wave bounds."
    )


def limit_of_obstacle(name: str, grid: Grid) -> str:
    """The same where a collider or a rigid body does."""
    return (
        f"It is set by {name}, which is as fast as {grid.dx:.4g} m, a cell, in a step, or so light that it swings on "
        f"what it touches. A slower motion, a denser body or a smaller stiffness of it allows a larger dt."
    )


def speeds(state: ParticleState) -> Tensor:
    return torch.linalg.vector_norm(state.velocity, dim=-1)

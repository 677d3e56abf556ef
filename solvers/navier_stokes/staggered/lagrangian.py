"""A step along the paths of the flow: half of what pushes is given before, half after.

With everything that changes a parcel taken halfway through the step, R = F - grad p / density at t + dt/2,

    q' = (q + dt/2 R) at the foot of the path + dt/2 R,

the trapezoidal rule along the path, and then a projection, whose pressure adds to the one before. What is carried is,
halfway, q + (q - q_before) / 2 in steps of one length [Temperton & Staniforth 1987, Q. J. R. Meteorol. Soc. 113,
1025-1039], so that all is of second order in time with one projection a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.maccormack import Paths
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Obstacles, Standing
from scenegrad.solvers.navier_stokes.staggered.sides import Known
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState, bits
from scenegrad.solvers.navier_stokes.staggered.stepping import Flow, Stepper

__all__ = ["along_paths"]


def along_paths(
    stepper: Stepper, paths: Paths, state: StaggeredState, params: Params, time: Tensor, dt: Tensor
) -> StaggeredState:
    """state -> state after dt. What a state keeps as rates are those of all changes in the step before it."""
    if isinstance(stepper.obstacles, Obstacles) and stepper.obstacles.still:
        stepper = replace(stepper, obstacles=Standing(stepper.obstacles.at(params, time)))
    grid, physics = stepper.grid, stepper.physics
    assert state.rates is not None
    dt = dt.to(grid.device, torch.float64)
    span, late = stepper.beside(dt), time + dt.to(time.device)
    begin = stepper.flow(state)
    older = [] if state.tracer_rates is None else list(state.tracer_rates.unbind(1))
    half = Flow(ahead(begin.velocity, state.rates, 0.5 * span), ahead(begin.tracers, older, 0.5 * span))
    midway = time + 0.5 * dt.to(time.device)
    sides = physics.sides
    old, mid, new = sides.at(params, time), sides.at(params, midway), sides.at(params, late)
    middle = [sides.impose(u, axis, mid) for axis, u in zip(grid.axes, half.velocity, strict=True)]
    rates = physics.rates(middle, half.tracers, params, mid, stepper.solid(params, midway))
    scale = 1.0 / physics.number(params, f"{physics.fluid}.density")
    pull = stepper.projection.steps(state.pressure, old)
    pushes = [r - scale / h * p for r, p, h in zip(rates.velocity, pull, grid.spacing, strict=True)]
    wind = [paths.wide_velocity(u, axis, mid) for axis, u in zip(grid.axes, middle, strict=True)]
    spread = spreading(stepper, begin, params, old)

    velocity, tracers = [], []
    for n, (axis, u) in enumerate(zip(grid.axes, begin.velocity, strict=True)):
        given = u + 0.5 * span * (pushes[n] + spread.velocity[n])
        ends = [paths.wide_velocity(given, axis, known) for known in (old, new)]
        velocity.append(paths.carried(ends[0], ends[1], wind, span, bounded=False) + 0.5 * span * pushes[n])
    for n, c in enumerate(begin.tracers):
        given = c + 0.5 * span * (rates.tracers[n] + spread.tracers[n])
        ends = [paths.wide_tracer(given, n, known) for known in (old, new)]
        tracers.append(paths.carried(ends[0], ends[1], wind, span, bounded=True) + 0.5 * span * rates.tracers[n])

    after = diffused(stepper, begin, Flow(velocity, tracers), params, new, dt)
    flow, rise, push = stepper.projected(after, params, late, dt, None)
    made = stepper.named(flow, state.pressure + rise)
    if push is not None:
        made["felt"] = stepper.felt(state, params, time, dt, push)
    changes = [(b - a) / span for a, b in zip(begin.velocity, flow.velocity, strict=True)]
    made |= dict(zip(("u_rate", "v_rate", "w_rate"), changes, strict=False))
    if flow.tracers:
        columns = zip(begin.tracers, flow.tracers, strict=True)
        made["tracer_rates"] = torch.stack([(b - a) / span for a, b in columns], dim=1)
    made["pace"] = bits(1.0 / span)
    return replace(state, **made)


def ahead(fields: Sequence[Tensor], rates: Sequence[Tensor], span: Tensor) -> list[Tensor]:
    return [torch.addcmul(field, rate, span) for field, rate in zip(fields, rates, strict=True)]


def spreading(stepper: Stepper, begin: Flow, params: Params, known: Known) -> Flow:
    """Rates by diffusion, where it is implicit, at the beginning of the step; else zero, for they are in the others."""
    diffusion, physics = stepper.diffusion, stepper.physics
    none = Flow([torch.zeros_like(u) for u in begin.velocity], [torch.zeros_like(c) for c in begin.tracers])
    if diffusion is None:
        return none
    k = physics.number(params, f"{physics.fluid}.viscosity")
    axes = zip(stepper.grid.axes, begin.velocity, strict=True)
    velocity = [k * diffusion.laplace_velocity(u, axis, known) for axis, u in axes]
    tracers = [
        physics.number(params, f"{one.name}.diffusivity") * diffusion.laplace_tracer(c, n, known)
        if one.diffuses
        else none.tracers[n]
        for n, (one, c) in enumerate(zip(physics.carried, begin.tracers, strict=True))
    ]
    return Flow(velocity, tracers)


def diffused(stepper: Stepper, begin: Flow, after: Flow, params: Params, new: Known, dt: Tensor) -> Flow:
    """The step with the later half of diffusion, where it is implicit: q' - dt/2 k laplace q' = what there is."""
    diffusion, physics = stepper.diffusion, stepper.physics
    if diffusion is None:
        return after
    half = 0.5 * stepper.beside(dt)
    velocity, tracers = [], []
    k = half * physics.number(params, f"{physics.fluid}.viscosity")
    for n, axis in enumerate(stepper.grid.axes):
        u = physics.sides.impose(begin.velocity[n], axis, new)
        change = after.velocity[n] - u + k * diffusion.laplace_velocity(u, axis, new)
        velocity.append(u + diffusion.solve_velocity(change, axis, k.flatten()))
    for n, one in enumerate(physics.carried):
        if not one.diffuses:
            tracers.append(after.tracers[n])
            continue
        k = half * physics.number(params, f"{one.name}.diffusivity")
        c = begin.tracers[n]
        change = after.tracers[n] - c + k * diffusion.laplace_tracer(c, n, new)
        tracers.append(c + diffusion.solve_tracer(change, n, k.flatten()))
    return Flow(velocity, tracers)

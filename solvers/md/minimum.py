"""Where atoms come to rest: minima of the potential energy, and their derivatives by parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["Minimum", "minimise"]

# Of the paper: how many downhill steps before dt grows, its growth and fall, the share of steering and its decay.
PATIENCE, GROW, FALL, STEER, DECAY = 5, 1.1, 0.5, 0.1, 0.99
SOLVED = 1e-11  # relative residual at which the equations of the way back are solved


@dataclass(frozen=True)
class Minimum:
    """state: at rest, without velocities; energy and largest force on an atom [batch], float64; steps [batch]; reached:
    whether that force is below the tolerance [batch]. state.position and energy are differentiable by params."""

    state: AtomState
    energy: Tensor
    force: Tensor
    steps: Tensor
    reached: Tensor


def minimise(
    solver: AtomSolver,
    state: AtomState,
    params: Params,
    tolerance: float = 1e-8,
    most: int = 20_000,
    longest: float = 0.05,
    stride: float = 0.1,
) -> Minimum:
    """The minimum that each member runs down into, by FIRE [Bitzek, Koskinen, Gaehler, Moseler & Gumbsch 2006, Phys.
    Rev. Lett. 97, 170201].

    tolerance: of the force on every atom. most: steps. longest: time step, for unit masses; about 1 / omega of the
    fastest vibration. stride: how far an atom goes in a step at most. How a member fares does not depend on others.

    Gradients by params go through the condition F(x*, p) = 0, not through the way there: dx* = H^-1 dF, H the Hessian.
    Where the minimum can be shifted or, in open space, turned without a change, it is taken not to be.
    """
    system, box = solver.system, solver.system.box_of(state)
    with torch.no_grad():
        x, force, steps = run_down(system, state.position.detach(), box, params, (tolerance, most, longest, stride))
    values = [params[address] for address in system.forces.addresses]
    if torch.is_grad_enabled() and any(value.requires_grad for value in values):
        x = Rest.apply(system, box, params, x, *values)
    energy = system.forces.differentiable_sums(x, box, params)[:, 0]
    at_rest = replace(state, position=x, velocity=torch.zeros_like(state.velocity))
    return Minimum(at_rest, energy, force, steps, force < tolerance)


def run_down(
    system: System, x: Tensor, box: Box, params: Params, how: tuple[float, int, float, float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Positions, largest forces [batch] and numbers of steps [batch]."""
    tolerance, most, longest, stride = how
    v, one = torch.zeros_like(x), torch.ones(len(x), dtype=torch.float64, device=x.device)
    dt, steer, downhill, steps = 0.1 * longest * one, STEER * one, 0.0 * one, torch.zeros_like(one, dtype=torch.int64)

    def size(vectors: Tensor) -> Tensor:
        return vectors.double().flatten(1).norm(dim=1)

    def wide(numbers: Tensor) -> Tensor:
        return numbers.to(x.dtype)[:, None, None]

    for _ in range(most + 1):
        force = system.forces.force(x, box, params)
        largest = force.double().norm(dim=2).amax(dim=1)
        going = largest >= tolerance
        if not bool(going.any()) or int(steps.max()) == most:
            break
        down = (force.double() * v.double()).sum(dim=(1, 2)) > 0.0
        along = steer * size(v) / size(force).clamp(min=1e-300)
        v = torch.where(wide(down) > 0, wide(1.0 - steer) * v + wide(along) * force, 0.0)
        downhill = torch.where(down, downhill + 1.0, 0.0)
        quick = downhill > PATIENCE
        dt = torch.where(quick, (GROW * dt).clamp(max=longest), torch.where(down | (steps == 0), dt, FALL * dt))
        steer = torch.where(quick, DECAY * steer, torch.where(down, steer, STEER))
        v = v + wide(dt) * force
        move = wide(dt) * v
        held = (stride / move.double().norm(dim=2).amax(dim=1).clamp(min=1e-300)).clamp(max=1.0)
        x = torch.where(wide(going) > 0, x + wide(held) * move, x)
        steps = steps + going.long()
    return x, largest, steps


class Rest(torch.autograd.Function):
    """x*(p), where F(x*, p) = 0: the cotangent of p is z.dF/dp with H z = that of x*."""

    @staticmethod
    def forward(ctx: Any, system: System, box: Box, params: Params, x: Tensor, *values: Tensor) -> Tensor:
        ctx.system, ctx.box, ctx.params = system, box, params
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        system, box, params = ctx.system, ctx.box, ctx.params
        z = solved(system, x, box, params, bar)
        _, bars = system.forces.product(x, box, params, z)
        return None, None, None, None, *(bars.get(address) for address in system.forces.addresses)


def solved(system: System, x: Tensor, box: Box, params: Params, bar: Tensor) -> Tensor:
    """z with H z = bar by conjugate gradients, each member on its own; without shifts and turns that cost nothing."""
    asleep, free = params.detach(), idle(system, x, box, params)

    def bent(w: Tensor) -> Tensor:
        return -system.forces.product(x, box, asleep, w)[0]

    def clean(w: Tensor) -> Tensor:
        return w - (free @ (free.transpose(1, 2) @ w.flatten(1)[..., None])).view_as(w)

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=(1, 2), keepdim=True)

    r = clean(bar)
    z, p, square = torch.zeros_like(r), r.clone(), dot(r, r)
    goal = SOLVED**2 * square if x.dtype == torch.float64 else 1e-10 * square
    for _ in range(20 * x[0].numel()):
        going = square > goal
        if not bool(going.any()):
            return z
        q = clean(bent(p))
        curve = dot(p, q)
        if bool((going & (curve <= 0.0)).any()):
            member = int((going & (curve <= 0.0)).flatten().nonzero()[0])
            raise EngineError(
                f"Member {member} does not stand in a minimum: its energy falls along some direction, and the place "
                f"where it rests is no function of the parameters. Shake it and minimise again."
            )
        share = torch.where(going, square / curve, 0.0)
        z, r = z + share * p, r - share * q
        after = dot(r, r)
        p, square = torch.where(going, r + after / square.clamp(min=1e-300) * p, p), torch.where(going, after, square)
    raise EngineError(
        "The equations of the derivative of a minimum were not solved: its Hessian is nearly singular. Ask minimise "
        "for a smaller tolerance, or hold atoms that nothing holds."
    )


def idle(system: System, x: Tensor, box: Box, params: Params) -> Tensor:
    """Orthonormal directions [batch, atom dim, count] along which the energy stays: shifts along axes, and turns in
    open space, as far as the Hessian says that they are such."""
    batch, atoms, dim = x.shape
    unit = torch.eye(dim, dtype=x.dtype, device=x.device)
    moves = [unit[a].expand(batch, atoms, dim) for a in range(dim)]
    if bool(torch.isinf(box.edges).all()):
        y = x - x.mean(dim=1, keepdim=True)
        for a in range(dim):
            for b in range(a):
                moves.append(y[..., a : a + 1] * unit[b] - y[..., b : b + 1] * unit[a])
    basis = torch.linalg.qr(torch.stack([one.flatten(1) for one in moves], dim=2))[0]
    asleep = params.detach()
    probe = (
        torch.linspace(-1.0, 1.0, atoms * dim, dtype=x.dtype, device=x.device).view(1, atoms, dim).expand(batch, -1, -1)
    )
    scale = system.forces.product(x, box, asleep, probe)[0].flatten(1).norm(dim=1) / probe[0].norm()
    kept = []
    for column in basis.unbind(dim=2):
        cost = system.forces.product(x, box, asleep, column.reshape(x.shape))[0].flatten(1).norm(dim=1)
        kept.append(torch.where((cost < 1e-5 * scale)[:, None], column, 0.0))
    return torch.stack(kept, dim=2)

"""The transposed derivative of one step: two products with the Hessian, of which one is that of the step after it.

Going back from (x', v'), with bars for cotangents, h = dt and F_bar -> H F_bar the transposed derivative of the force:

    second kick     x'_bar += h/2 H(x') v'_bar/m
    drift           v_bar = v'_bar + h x'_bar        (in halves around the noise, where there is any: v_bar *= keep)
    first kick      x_bar = x'_bar + h/2 H(x) v_bar/m

The first product of a step, H(x') v'_bar/m, is the last one of the step after it; it is remembered and recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.noise import standard_normal
from scenegrad.solvers.md.state import AtomState

if TYPE_CHECKING:
    from scenegrad.solvers.md.solver import AtomSolver

__all__ = ["Products", "pull_back"]


@dataclass(frozen=True)
class Product:
    """Cotangents of position and of the potential's parameters for the cotangent w of the force at x."""

    x: Tensor
    w: Tensor
    theta: Tensor
    x_bar: Tensor
    theta_bar: Tensor | None


class Products:
    """Remembers the last product."""

    def __init__(self) -> None:
        self.last: Product | None = None

    def product(self, solver: AtomSolver, x: Tensor, theta: Tensor, w: Tensor, learning: bool) -> Product:
        last = self.last
        known = (
            last is not None
            and (last.theta_bar is not None or not learning)
            and last.theta is theta
            and torch.equal(last.x, x)
            and torch.equal(last.w, w)
        )
        if last is None or not known:
            last = Product(x, w, theta, *solver.forces.force_adjoint(x, theta, w, learning))
            self.last = last
        return last


def pull_back(
    solver: AtomSolver, state: AtomState, params: Params, dt: Tensor, cotangent: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Cotangents of position, velocity and of every parameter that asks for one."""
    x, v = state.position.detach(), state.velocity.detach()
    zero = torch.zeros_like(x)
    x_bar, v_bar = cotangent.get("position", zero), cotangent.get("velocity", zero)
    theta, masses = solver.theta(params), solver.mass(params)
    species = solver.forces.species.long()
    mass = masses[:, species, None]
    h = dt.to(x.device, x.dtype)
    half = 0.5 * h[:, None, None]
    learning = solver.theta.learning(params)

    force = solver.forces.force(state.position, theta)
    x_after, _ = solver.glide(state, params, dt, h)
    second = solver.products.product(solver, x_after, theta, v_bar / mass, learning)
    arrived = x_bar + half * second.x_bar
    before = v + half * force / mass  # the velocity between the first kick and the noise
    if solver.thermostat is None:
        shaken, glided = v_bar, v_bar + 2.0 * half * arrived
    else:
        keep, noise = solver.thermostat.coefficients(*solver.thermostat.values(params), dt.to(x.device))
        shaken = v_bar + half * arrived
        glided = keep.to(x.dtype)[:, None, None] * shaken + half * arrived
    first = solver.products.product(solver, x, theta, glided / mass, learning)
    bars = {"position": arrived + half * first.x_bar, "velocity": glided}

    found: dict[str, Tensor] = {}
    if learning:
        assert first.theta_bar is not None
        assert second.theta_bar is not None
        found |= solver.theta.parts(half * (first.theta_bar + second.theta_bar), params)
    mass_bar = None
    if solver.mass.learning(params):
        force_after = solver.forces.force(x_after, theta)
        mass_bar = -(half / mass.square()) * (v_bar * force_after + glided * force)
    if solver.thermostat is not None:
        thermostat = solver.thermostat
        stirred = any(params[a].requires_grad for a in (thermostat.temperature, thermostat.friction))
        if stirred or mass_bar is not None:
            xi = standard_normal(state.seed, state.step, torch.empty_like(x)) / mass.sqrt()
            keep_bar = (shaken * before).sum(dim=(1, 2), dtype=torch.float64)
            noise_bar = (shaken * xi).sum(dim=(1, 2), dtype=torch.float64)
            found |= thermostat.pull_back(params, dt, keep_bar, noise_bar)
            if mass_bar is not None:
                mass_bar = mass_bar - 0.5 * noise.to(x.dtype)[:, None, None] * shaken * xi / mass
    if mass_bar is not None:
        by_atom = mass_bar.sum(dim=2, dtype=torch.float64)
        by_species = [by_atom[:, species == s].sum(dim=1) for s in range(masses.shape[1])]
        found |= solver.mass.parts(torch.stack(by_species, dim=1).to(masses.dtype), params)
    return bars, found

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
from scenegrad.solvers.md.force_field import added
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.shared.unchanged import Fingerprint

if TYPE_CHECKING:
    from scenegrad.solvers.md.motions.verlet import Verlet

__all__ = ["Products", "pull_back"]


@dataclass(frozen=True)
class Product:
    """Cotangents of position and of params for the cotangent w of the force at x."""

    x: Tensor
    w: Tensor
    made_of: Fingerprint
    asked: frozenset[str]
    x_bar: Tensor
    bars: dict[str, Tensor]


class Products:
    """Remembers the last product."""

    def __init__(self) -> None:
        self.last: Product | None = None

    def product(self, system: System, x: Tensor, params: Params, w: Tensor) -> Product:
        last = self.last
        values = [params[address] for address in system.forces.addresses]
        asked = frozenset(a for a, v in zip(system.forces.addresses, values, strict=True) if v.requires_grad)
        known = (
            last is not None
            and asked <= last.asked
            and last.made_of.fits(values)
            and torch.equal(last.x, x)
            and torch.equal(last.w, w)
        )
        if last is None or not known:
            last = Product(x, w, Fingerprint(values), asked, *system.forces.product(x, system.box, params, w))
            self.last = last
        return last


def pull_back(
    motion: Verlet, system: System, state: AtomState, params: Params, dt: Tensor, cotangent: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Cotangents of position, velocity and of every parameter that asks for one."""
    x, v = state.position.detach(), state.velocity.detach()
    zero = torch.zeros_like(x)
    x_bar, v_bar = cotangent.get("position", zero), cotangent.get("velocity", zero)
    mass = system.masses(params)[..., None]
    h = dt.to(x.device, x.dtype)
    half = 0.5 * h[:, None, None]

    force = system.force(state, params)
    x_after, _ = motion.glide(system, state, params, dt, h)
    second = motion.products.product(system, x_after, params, v_bar / mass)
    arrived = x_bar + half * second.x_bar
    before = v + half * force / mass  # the velocity between the first kick and the noise
    if motion.thermostat is None:
        shaken, glided = v_bar, v_bar + 2.0 * half * arrived
    else:
        keep, noise = motion.thermostat.coefficients(*motion.thermostat.values(params), dt.to(x.device))
        shaken = v_bar + half * arrived
        glided = keep.to(x.dtype)[:, None, None] * shaken + half * arrived
    first = motion.products.product(system, x, params, glided / mass)
    bars = {"position": arrived + half * first.x_bar, "velocity": glided}

    found: dict[str, Tensor] = {}
    for address in sorted(first.asked):
        halves = [product.bars[address] for product in (first, second) if address in product.bars]
        if halves:
            found[address] = 0.5 * h.view(-1, *[1] * (halves[0].ndim - 1)) * sum(halves[1:], halves[0])
    mass_bar = None
    if system.masses.learning(params):
        force_after = system.forces.force(x_after, system.box, params)
        mass_bar = -(half / mass.square()) * (v_bar * force_after + glided * force)
    if motion.thermostat is not None:
        thermostat = motion.thermostat
        stirred = any(params[a].requires_grad for a in (thermostat.temperature, thermostat.friction))
        if stirred or mass_bar is not None:
            xi = standard_normal(state.seed, state.step, torch.empty_like(x)) / mass.sqrt()
            keep_bar = (shaken * before).sum(dim=(1, 2), dtype=torch.float64)
            noise_bar = (shaken * xi).sum(dim=(1, 2), dtype=torch.float64)
            found |= thermostat.pull_back(params, dt, keep_bar, noise_bar)
            if mass_bar is not None:
                mass_bar = mass_bar - 0.5 * noise.to(x.dtype)[:, None, None] * shaken * xi / mass
    if mass_bar is not None:
        found = added(
            [found, system.masses.parts(mass_bar.sum(dim=2, dtype=torch.float64), params)]
        )  # gravity has masses
    return bars, found

"""The transposed derivative of one step: two products with the Hessian, of which one is that of the step after it.

All that it needs to know of a step are the positions before and after it; those of a trajectory are one array a step.

Going back from (x', v'), with bars for cotangents, h = dt and F_bar -> H F_bar the transposed derivative of the force:

    second kick     x'_bar += h/2 H(x') v'_bar/m
    drift           v_bar = v'_bar + h x'_bar        (in halves around the noise, where there is any: v_bar *= keep)
    first kick      x_bar = x'_bar + h/2 H(x) v_bar/m

The first product of a step, H(x') v'_bar/m, is the last one of the step after it; it is remembered and recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scenegrad.engine.state import Params
from scenegrad.solvers.md.force_field import added
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.shared.unchanged import Fingerprint

if TYPE_CHECKING:
    from scenegrad.solvers.md.motions.verlet import Verlet

__all__ = ["Passage", "Products", "passage", "pull_back"]


@dataclass(frozen=True)
class Product:
    """Cotangents of position and of params for the cotangent w of the force at x."""

    x: Tensor
    version: int  # of x
    w: Tensor
    made_of: Fingerprint
    asked: frozenset[str]
    x_bar: Tensor
    bars: dict[str, Tensor]


class Products:
    """Remembers the last product, and other names for positions."""

    def __init__(self) -> None:
        self.last: Product | None = None
        self.names: Any = WeakTensorKeyDictionary()  # position -> the same, by a name that no force is remembered by

    def kept(self, position: Tensor) -> Tensor:
        """The same position for as long as it is wanted on the way back, where its force is not."""
        if position not in self.names:
            self.names[position] = position.detach()
        return self.names[position]

    def product(self, system: System, x: Tensor, params: Params, w: Tensor) -> Product:
        last = self.last
        values = [params[address] for address in system.forces.addresses]
        asked = frozenset(a for a, v in zip(system.forces.addresses, values, strict=True) if v.requires_grad)
        known = (
            last is not None
            and asked <= last.asked
            and last.made_of.fits(values)
            and last.version == last.x._version
            and (last.x.data_ptr() == x.data_ptr() or torch.equal(last.x, x))
            and torch.equal(last.w, w)
        )
        if last is None or not known:
            made = system.forces.product(x, system.box, params, w)
            self.last = last = Product(x, x._version, w, Fingerprint(values), asked, *made)
        return last


@dataclass(frozen=True)
class Passage:
    """A step, as far as its transpose needs to know it: positions before and after it, dt and the counter of its noise.

    velocity: before it; None where no number of the thermostat learns, and no mass.
    """

    start: Tensor
    end: Tensor
    dt: Tensor
    seed: Tensor
    step: Tensor
    velocity: Tensor | None


def passage(
    motion: Verlet, system: System, state: AtomState, params: Params, dt: Tensor, start: Tensor, end: Tensor
) -> Passage:
    """Of a step from a state; start and end are its positions."""
    noisy = motion.thermostat is not None
    stirred = noisy and (motion.learning(params) or system.masses.learning(params))
    velocity = state.velocity.detach() if stirred else None
    return Passage(start, end, dt, state.seed, state.step, velocity)


def pull_back(
    motion: Verlet, system: System, way: Passage, params: Params, cotangent: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Cotangents of position, velocity and of every parameter that asks for one."""
    x, dt = way.start, way.dt
    x_bar, v_bar = cotangent.get("position"), cotangent.get("velocity")
    x_bar = torch.zeros_like(x) if x_bar is None else x_bar
    v_bar = torch.zeros_like(x) if v_bar is None else v_bar
    mass = system.masses(params)[..., None]
    h = dt.to(x.device, x.dtype)
    half = 0.5 * h[:, None, None]

    second = motion.products.product(system, way.end, params, v_bar / mass)
    arrived = torch.addcmul(x_bar, half, second.x_bar)
    if motion.thermostat is None:
        shaken, glided = v_bar, torch.addcmul(v_bar, half, arrived, value=2.0)
    else:
        keep, noise = motion.thermostat.coefficients(*motion.thermostat.values(params), dt.to(x.device))
        shaken = torch.addcmul(v_bar, half, arrived)
        glided = torch.addcmul(keep.to(x.dtype)[:, None, None] * shaken, half, arrived)
    first = motion.products.product(system, x, params, glided / mass)
    bars = {"position": torch.addcmul(arrived, half, first.x_bar), "velocity": glided}

    found: dict[str, Tensor] = {}
    for address in sorted(first.asked):
        halves = [product.bars[address] for product in (first, second) if address in product.bars]
        if halves:
            found[address] = 0.5 * h.view(-1, *[1] * (halves[0].ndim - 1)) * sum(halves[1:], halves[0])
    mass_bar = None
    if system.masses.learning(params):
        force, force_after = (system.forces.force(one, system.box, params) for one in (x, way.end))
        mass_bar = -(half / mass.square()) * (v_bar * force_after + glided * force)
    if motion.thermostat is not None and way.velocity is not None:
        xi = standard_normal(way.seed, way.step, torch.empty_like(x)) / mass.sqrt()
        before = way.velocity + half * system.forces.force(x, system.box, params) / mass  # after the first kick
        keep_bar = (shaken * before).sum(dim=(1, 2), dtype=torch.float64)
        noise_bar = (shaken * xi).sum(dim=(1, 2), dtype=torch.float64)
        found |= motion.thermostat.pull_back(params, dt, keep_bar, noise_bar)
        if mass_bar is not None:
            mass_bar = mass_bar - 0.5 * noise.to(x.dtype)[:, None, None] * shaken * xi / mass
    if mass_bar is not None:
        found = added(
            [found, system.masses.parts(mass_bar.sum(dim=2, dtype=torch.float64), params)]
        )  # gravity has masses
    return bars, found

"""Classical mechanics of atoms: velocity Verlet, or BAOAB where a Langevin thermostat holds a temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.solver import Program, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.adjoint import Products, pull_back
from scenegrad.solvers.md.interactions import Interactions
from scenegrad.solvers.md.motion import kick, kick_drift, kick_drift_shake_drift
from scenegrad.solvers.md.numbers import launch, view
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.thermostat import Thermostat

__all__ = ["AtomSolver", "Joined"]

COLLISION = 10.0  # energy of the hardest collisions that the stability bound allows for, in units of the temperature


class Joined:
    """Params at some addresses side by side, [batch, address]; made again only when one of them changed."""

    def __init__(self, addresses: Sequence[str], shape: tuple[int, ...]):
        self.addresses, self.shape = tuple(addresses), shape
        self.made_of: list[tuple[Tensor, int]] = []
        self.value: Tensor | None = None

    def __call__(self, params: Params) -> Tensor:
        """Without a graph: always the same tensor for the same numbers."""
        parts = [params[address].detach() for address in self.addresses]
        known = len(self.made_of) == len(parts) and all(
            part.data_ptr() == old.data_ptr() and part._version == version and part.shape == old.shape
            for part, (old, version) in zip(parts, self.made_of, strict=True)
        )
        if self.value is None or not known:
            self.value = self.join(parts)
            self.made_of = [(part, part._version) for part in parts]
        return self.value

    def differentiable(self, params: Params) -> Tensor:
        return self.join([params[address] for address in self.addresses])

    def join(self, parts: list[Tensor]) -> Tensor:
        return torch.stack(parts, dim=1).reshape(parts[0].shape[0], *self.shape).contiguous()

    def learning(self, params: Params) -> bool:
        return any(params[address].requires_grad for address in self.addresses)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        """The cotangent of the whole to those of its parts that ask for one."""
        columns = bar.reshape(bar.shape[0], -1).unbind(dim=1)
        return {a: c for a, c in zip(self.addresses, columns, strict=True) if params[a].requires_grad}


@dataclass(frozen=True)
class AtomSolver:
    """Atoms of one make-up in periodic boxes, a batch of them. box: edge lengths, float64 [batch, dim].

    step: v += dt/2 F/m; x += dt v (with noise on v in between, given a thermostat); v += dt/2 F/m. Symplectic and
    time-reversible without a thermostat; the error of both is of second order in dt.
    """

    forces: Interactions
    box: Tensor
    theta: Joined  # [batch, pair, parameter]
    mass: Joined  # [batch, species]
    thermostat: Thermostat | None
    program: Program[AtomState]
    order: int = 2
    products: Products = field(default_factory=Products, repr=False)

    def with_program(self, program: Program[AtomState]) -> AtomSolver:
        return replace(self, program=program)

    def max_dt(self, state: AtomState, params: Params) -> Tensor:
        """2/omega of the stiffest pair [batch]: of those in touch now, and of a collision at ten times the temperature.

        A pair of reduced mass mu on a spring u'' turns with omega^2 = u''/mu, and velocity Verlet follows it for
        dt < 2/omega. The bound is rounded down to four values an octave: a constant dt keeps the energy best.
        """
        mass = self.mass(params)
        heat = mass[:, self.forces.species.long()].double() * state.velocity.detach().double().square().sum(dim=2)
        temperature = heat.sum(dim=1) / self.freedoms()
        if self.thermostat is not None:
            temperature = torch.maximum(temperature, self.thermostat.values(params)[0])
        square = self.forces.highest_frequency(state.position, self.theta(params), mass, COLLISION * temperature)
        bound = 2.0 / square.double().sqrt()
        return torch.exp2((4.0 * bound.log2()).floor() / 4.0).cpu()

    def step(self, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        h = dt.to(self.box.device, state.position.dtype)
        x, v = self.glide(state, params, dt, h)
        force = self.forces.force(x, self.theta(params))
        n = self.forces.numbers
        atoms = [view(self.mass(params), n.real), view(self.forces.species, wp.int32)]
        launch(kick(n.dim, n.dtype), tuple(x.shape[:2]), [view(h, n.real), *atoms, view(force, n.vec), view(v, n.vec)],
               self.forces.device)  # fmt: skip
        return Step(AtomState(x, v, state.step + 1, state.seed))

    def glide(self, state: AtomState, params: Params, dt: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Everything before the second force: new position, velocity on arrival; h is dt in the state's precision."""
        n = self.forces.numbers
        x, v = state.position.detach().contiguous(), state.velocity.detach().contiguous()
        force = self.forces.force(state.position, self.theta(params))
        x_out, v_out = torch.empty_like(x), torch.empty_like(v)
        ends = [view(self.mass(params), n.real), view(self.forces.species, wp.int32)]
        ends += [view(tensor, n.vec) for tensor in (force, x, v, x_out, v_out)]
        shape, device = tuple(x.shape[:2]), self.forces.device
        if self.thermostat is None:
            launch(kick_drift(n.dim, n.dtype), shape, [view(h, n.real), *ends], device)
            return x_out, v_out
        temperature, friction = self.thermostat.values(params)
        keep, noise = self.thermostat.coefficients(temperature, friction, dt.to(temperature.device))
        keep, noise = keep.to(x.dtype), noise.to(x.dtype)
        seed, count = state.seed.contiguous(), state.step.contiguous()
        begin = [view(h, n.real), view(keep, n.real), view(noise, n.real), view(seed, wp.int64), view(count, wp.int64)]
        launch(kick_drift_shake_drift(n.dim, n.dtype), shape, [*begin, *ends], device)
        return x_out, v_out

    def vjp(
        self, state: AtomState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return pull_back(self, state, params, dt, cotangent)

    def observe(self, state: AtomState, params: Params) -> dict[str, Tensor]:
        """kinetic, potential and total energy, temperature, pressure [batch], momentum [batch, dim]; in float64.

        temperature = 2 K / freedoms; pressure = (2 K + W) / (dim V), W = sum_{i<j} f.r the virial.
        """
        mass = self.mass.differentiable(params).double()[:, self.forces.species.long(), None]
        velocity = state.velocity.double()
        kinetic = 0.5 * (mass * velocity.square()).sum(dim=(1, 2))
        potential, virial = self.forces.differentiable_sums(state.position, self.theta.differentiable(params)).unbind(1)
        volume, dim = self.box.prod(dim=1), self.box.shape[1]
        return {
            "kinetic_energy": kinetic,
            "potential_energy": potential,
            "total_energy": kinetic + potential,
            "temperature": 2.0 * kinetic / self.freedoms(),
            "pressure": (2.0 * kinetic + virial) / (dim * volume),
            "momentum": (mass * velocity).sum(dim=1),
        }

    def freedoms(self) -> int:
        """Degrees of freedom: a thermostat moves the centre of mass too, without one it rests."""
        atoms, dim = self.forces.atoms, self.box.shape[1]
        return dim * (atoms if self.thermostat is not None else max(atoms - 1, 1))

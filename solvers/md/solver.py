"""Classical mechanics of atoms: a system, and the equations by which it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Program, Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.bonded.term import BondedTerm
from scenegrad.solvers.md.closeness import apart, closest, named
from scenegrad.solvers.md.growth import Growth
from scenegrad.solvers.md.motions.active import ActiveMotion
from scenegrad.solvers.md.motions.barostat import CellRescaling
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.pace import Pacing
from scenegrad.solvers.md.motions.rattle import Rattle
from scenegrad.solvers.md.motions.undoing import WholeVerlet, whole_verlet
from scenegrad.solvers.md.observables.recall import Recall
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.md.taped import taped_motion, taped_system

__all__ = ["AtomSolver"]

UNWEIGHED = (ActiveMotion, CellRescaling, Rattle)
STRAINED = 0.95  # r/R of a bond that bounds the step
COLLISION = 10.0  # energy of the hardest collisions that the stability bound allows for, in units of the temperature


@dataclass(frozen=True)
class AtomSolver:
    """Atoms of one make-up, a batch of systems of them.

    boltzmann: energy of one unit of temperature. Temperatures in params are in units of the scene; motions are given
    energies.
    """

    system: System
    motion: Motion
    program: Program[AtomState]
    recall: Recall = field(default_factory=Recall)  # what outputs want to be remembered
    boltzmann: float = 1.0
    growth: Growth = field(default_factory=Growth, repr=False, compare=False)

    @property
    def order(self) -> int:
        return self.motion.order

    def with_program(self, program: Program[AtomState]) -> AtomSolver:
        return replace(self, program=program)

    def max_dt(self, state: AtomState, params: Params) -> Tensor:
        """Of the stiffest motion [batch]: of what is in touch now, and of a collision at ten times the temperature.

        A pair of reduced mass mu on a spring u'' turns with omega^2 = u''/mu, and velocity Verlet follows it for
        dt < 2/omega. The bound is rounded down to four values an octave: a constant dt keeps the energy best. Of a
        motion that says itself how long the next step is, that.
        """
        params = self.in_energies(params)
        if isinstance(self.motion, Pacing):
            return self.motion.pace(self.system, state, params).cpu()
        mass = self.system.masses(params)
        temperature = 2.0 * self.system.kinetic_energy(state.velocity.detach(), mass) / self.freedoms()
        held = self.motion.temperature(params)
        if held is not None:
            temperature = torch.maximum(temperature, held.to(temperature.device))
        box = self.system.box_of(state)
        square = self.system.forces.highest_frequency(state.position, box, params, mass, COLLISION * temperature)
        bound = self.motion.longest(square, params)
        return torch.exp2((4.0 * bound.log2()).floor() / 4.0).cpu()

    def limit(self, state: AtomState, params: Params, member: int) -> str:
        """The bond that is drawn out furthest, or the two atoms that stand closest where none are bonded."""
        if (drawn := self.drawn_out(state, params, member)) is not None and drawn[1] > STRAINED:
            return drawn[0]
        box = self.system.box_of(state)
        if box.lean is not None or any(isinstance(term, BondedTerm) for term in self.system.forces.terms):
            return ""
        points, edges = (one[member].detach().double().cpu().numpy() for one in (state.position, box.edges))
        pair = closest(points, edges)
        return "" if pair is None else f"The closest two, {apart(pair, *self.species())}."

    def broken(self, state: AtomState, params: Params, member: int) -> str:
        """The bond beyond its extent, of a state that is not finite."""
        drawn = self.drawn_out(state, params, member)
        return drawn[0] if drawn is not None and drawn[1] >= 1.0 else ""

    def drawn_out(self, state: AtomState, params: Params, member: int) -> tuple[str, float] | None:
        """Of bonds with an extent, the one nearest to it or furthest beyond, in words; and r/R."""
        box, x = self.system.box_of(state), state.position.detach()
        terms = [term for term in self.system.forces.terms if isinstance(term, BondedTerm)]
        found = [one for term in terms if (one := term.drawn_out(x, box, params, member)) is not None]
        if not found:
            return None
        name, (i, j), share = max(found, key=lambda one: one[2])
        first, second = (named(atom, *self.species()) for atom in (i, j))
        return f"The bond {name} of {first} and {second} is drawn out to {share:.3g} of its extent.", share

    def species(self) -> tuple[list[str], list[int]]:
        names = [address.removesuffix(".mass") for address in self.system.masses.addresses]
        return names, torch.bincount(self.system.species.long(), minlength=len(names)).tolist()

    def step(self, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        made = self.motion.step(self.system, self.recall.keep(state, time), self.in_energies(params), time, dt)
        if made.state.position.requires_grad:  # where steps are on torch's graph
            made.state.position.register_hook(partial(self.growth.see, time))
        return made

    def linearize(self, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> tuple[AtomState, Pull]:
        began = self.recall.keep(state, time)
        after, pull = self.motion.linearize(self.system, began, self.in_energies(params), time, dt)
        return after, lambda cotangent: self.pulled(time, cotangent, pull)

    def vjp(
        self, state: AtomState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        values = self.in_energies(params)
        return self.pulled(
            time, cotangent, lambda others: self.motion.vjp(self.system, state, values, time, dt, others)
        )

    def pulled(
        self, time: Tensor, cotangent: Mapping[str, Tensor], pull: Pull
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Through a motion, and through what is remembered and told of it."""
        self.growth.see(time, cotangent.get("position"))
        moved, learnt = pull(self.recall.other(cotangent))
        learnt = {a: self.boltzmann * bar if is_temperature(a) else bar for a, bar in learnt.items()}
        return self.recall.pull_back(time, cotangent, moved), learnt

    def undoable(self, state: AtomState, params: Params) -> tuple[AtomSolver, AtomState]:
        values = self.in_energies(params)
        motion = whole_verlet(self.motion, self.system, state, values)
        return replace(self, motion=motion), motion.begin(self.system, state, values)

    def undo(self, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> tuple[AtomState, Pull]:
        assert isinstance(self.motion, WholeVerlet)
        before, pull = self.motion.undo(self.system, state, self.in_energies(params), time, dt)
        return before, lambda cotangent: self.pulled(time, cotangent, pull)

    def taped(self) -> AtomSolver:
        return replace(self, motion=taped_motion(self.motion), system=taped_system(self.system))

    def observe(self, state: AtomState, params: Params) -> dict[str, Tensor]:
        """kinetic, potential and total energy, temperature, pressure [batch], momentum [batch, dim], virial
        and stress [batch, dim, dim]; in float64.

        temperature = 2 K / (freedoms k_B); stress = (sum m v v + W) / V, W the virial, see `Term.sums`; pressure the
        mean of its diagonal. Of motion without inertia, m v v is what it is on average at the temperature of the bath.
        """
        system, box = self.system, self.system.box_of(state)
        mass = system.masses.differentiable(params).double()
        kinetic = system.kinetic_energy(state.velocity, mass)
        sums = system.forces.differentiable_sums(state.position, box, params)
        potential, virial = sums[:, 0], sums[:, 1:].reshape(-1, box.dim, box.dim)
        velocity = state.velocity.double()
        carried = ((mass[..., None] * velocity)[..., None] * velocity[:, :, None]).sum(dim=1)
        if (heat := self.motion.unseen(self.in_energies(params))) is not None:
            kinetic = 0.5 * system.dim * system.atoms * heat
            carried = system.atoms * heat[:, None, None] * torch.eye(system.dim, dtype=heat.dtype, device=heat.device)
        stress = (carried + virial) / box.volume.view(-1, 1, 1)
        return {
            "kinetic_energy": kinetic,
            "potential_energy": potential,
            "total_energy": kinetic + potential,
            "temperature": 2.0 * kinetic / (self.freedoms() * self.boltzmann),
            "pressure": stress.diagonal(dim1=1, dim2=2).mean(dim=1),
            "momentum": (mass[..., None] * state.velocity.double()).sum(dim=1),
            "virial": virial,
            "stress": stress,
            **self.motion.observe(system, state, self.in_energies(params)),
        }

    def reduced(self, state: AtomState, params: Params) -> Tensor:
        """U / (k_B T) of each member [batch], at the temperature of the bath; differentiable by what U knows."""
        heat = self.motion.temperature(self.in_energies(params))
        assert heat is not None, "dynamics without a bath are refused"
        energy = self.system.forces.differentiable_sums(state.position, self.system.box_of(state), params)[:, 0]
        return energy / heat.to(energy)

    def refuse_unweighed(self, params: Params) -> None:
        """Frames of a bath at a temperature, in a box that stays, are drawn from exp(-U/(k_B T)) of their places."""
        if self.motion.temperature(self.in_energies(params)) is None or isinstance(self.motion, UNWEIGHED):
            raise EngineError(
                "gradient=Reweighted() is of frames that are drawn at a temperature, in a box and with bonds that stay "
                "as they are. Give the scene such dynamics, as Langevin(temperature=1.0) are."
            )
        others = {*self.system.masses.addresses, *(a for a in params if is_temperature(a))}
        if learning := [a for a in others if a in params and params[a].requires_grad]:
            raise EngineError(
                f"gradient=Reweighted() weighs where atoms are, and {', '.join(sorted(learning))} also shapes how fast "
                f"they move. Take gradient=Stored(), or let it stay."
            )

    def in_energies(self, params: Params) -> Params:
        """Temperatures times Boltzmann's constant."""
        if self.boltzmann == 1.0:
            return params
        return Params({a: self.boltzmann * value if is_temperature(a) else value for a, value in params.items()})

    def freedoms(self) -> float:
        """Degrees of freedom: noise moves the centre of mass too, and so does a well; without them it rests."""
        return max(self.system.dim * (self.system.atoms - self.motion.fixed(self.system)), 1.0)


def is_temperature(address: str) -> bool:
    return address.rpartition(".")[2] == "temperature"

"""What moves: atoms of a batch of systems of the same make-up, their masses, their box and the forces between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["PerAtom", "System"]


class PerAtom:
    """Numbers of atoms [batch, atom], such as their masses, from those of their species in the params.

    scale: of a number of the params, in the units of energies, lengths and times.
    """

    def __init__(self, by_species: Joined, species: Tensor, scale: float = 1.0):
        self.by_species, self.species, self.scale = by_species, species.long(), scale
        self.made_of, self.value = Fingerprint(()), torch.empty(0)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.by_species.addresses

    def __call__(self, params: Params) -> Tensor:
        """Without a graph: always the same tensor for the same numbers."""
        masses = self.by_species(params)
        if not self.made_of.fits([masses]):
            self.made_of, self.value = Fingerprint([masses]), (self.scale * masses[:, self.species]).contiguous()
        return self.value

    def differentiable(self, params: Params) -> Tensor:
        return self.scale * self.by_species.differentiable(params)[:, self.species]

    def learning(self, params: Params) -> bool:
        return self.by_species.learning(params)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        """Cotangents [batch, atom] to those of the params that ask for one."""
        masses = self.by_species(params)
        gathered = torch.zeros_like(masses, dtype=torch.float64)
        gathered.index_add_(1, self.species, self.scale * bar.double())
        return self.by_species.parts(gathered.to(masses.dtype), params)


@dataclass(frozen=True)
class System:
    """Species of every atom [atom] int32; the box at the start."""

    forces: ForceField
    masses: PerAtom
    species: Tensor
    box: Box

    @property
    def atoms(self) -> int:
        return len(self.species)

    @property
    def dim(self) -> int:
        return self.box.dim

    @property
    def device(self) -> str:
        return str(self.species.device)

    @property
    def anchored(self) -> bool:
        """Whether something holds atoms to a place, so that their total momentum is not kept."""
        return any(getattr(term, "anchors", False) for term in self.forces.terms)

    def box_of(self, state: AtomState) -> Box:
        """The box now: where a barostat changes it, that of the state."""
        return self.box if state.edges is None else Box(state.edges, self.box.lean)

    def force(self, state: AtomState, params: Params) -> Tensor:
        """F [batch, atom, dim]; not to be written to."""
        return self.forces.force(state.position, self.box_of(state), params)

    def pull(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """The force at a position [batch, atom, dim], as a function that autograd knows where that listens."""
        if torch.is_grad_enabled() and (position.requires_grad or self.forces.learning(params)):
            return self.forces.differentiable_force(position, box, params)
        return self.forces.force(position, box, params)

    def kinetic_energy(self, velocity: Tensor, mass: Tensor) -> Tensor:
        """[batch], float64; mass [batch, atom]"""
        return 0.5 * (mass.double()[..., None] * velocity.double().square()).sum(dim=(1, 2))

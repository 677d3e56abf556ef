"""Pairs of atoms that act on each other in part, such as the ends of dihedrals."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.bonded import ScaledPairs
from scenegrad.scenes.coulomb import Electrostatics
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.bonded.term import BondedTerm
from scenegrad.solvers.md.bonded.topology import bonded_of, groups_of
from scenegrad.solvers.md.families import Assembly
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.pairs.mixing import MixedNumbers
from scenegrad.solvers.md.pairs.mixtures import kinds_of
from scenegrad.solvers.md.units import UNITS
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["check_scaled", "scaled_terms"]


class ChargeProducts:
    """constant q_i q_j of every two species [batch, pair, 1]; for a term in place of `Joined`."""

    def __init__(self, names: tuple[str, ...], constant: float):
        self.charges = Joined([f"{name}.charge" for name in names], (len(names),))
        self.constant = constant
        self.pairs = tuple(combinations_with_replacement(range(len(names)), 2))
        self.first, self.second = ([pair[end] for pair in self.pairs] for end in (0, 1))
        self.shape: tuple[int, ...] = (len(self.pairs), 1)
        self.made_of, self.value = Fingerprint(()), torch.empty(0)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.charges.addresses

    def __call__(self, params: Params) -> Tensor:
        q = self.charges(params)
        if not self.made_of.fits([q]):
            self.made_of = Fingerprint([q])
            self.value = (self.constant * q[:, self.first] * q[:, self.second])[..., None].contiguous()
        return self.value

    def learning(self, params: Params) -> bool:
        return self.charges.learning(params)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        q, slope = self.charges(params), self.constant * bar.reshape(len(bar), -1)
        found = torch.zeros_like(q)
        for mine, others in ((self.first, self.second), (self.second, self.first)):
            found.index_add_(1, torch.tensor(mine, device=q.device), (slope * q[:, others]).to(q))
        return self.charges.parts(found, params)


def scaled_terms(assembly: Assembly) -> list[Term]:
    scene = assembly.scenes[0]
    kinds, species, found = kinds_of(scene), assembly.species.cpu().numpy(), list[Term]()
    charged = any(isinstance(part, Electrostatics) for part in scene.entities.values())
    kind_of = np.full(len(assembly.names), -1)
    for number, part in enumerate(kinds.values()):
        kind_of[[assembly.names.index(one) for one in part.of]] = number
    for part in bonded_of(scene).values():
        if not isinstance(part, ScaledPairs):
            continue
        groups = groups_of(scene, part)
        if kinds and part.pairs > 0.0:
            rows = MixedNumbers(tuple(kinds), part.pairs)
            feeling = groups[(kind_of[species[groups]] >= 0).all(axis=1)]
            found += dealt(assembly, "lennard_jones_14", feeling, kind_of[species], rows)
        if charged and part.charges > 0.0:
            products = ChargeProducts(assembly.names, part.charges * UNITS[scene.units].coulomb)
            found += dealt(assembly, "charges_14", groups, species, products)
    return found


def dealt(
    assembly: Assembly, kind: str, groups: np.ndarray, kind_of: np.ndarray, rows: MixedNumbers | ChargeProducts
) -> list[Term]:
    """The pairs of atoms that share a row of parameters stand together. kind_of: of every atom [atom]."""
    if not len(groups):
        return []
    both = np.sort(kind_of[groups], axis=1)
    shared = [groups[(both == pair).all(axis=1)] for pair in rows.pairs]
    names = [f"{kind}-{row}" for row in range(len(shared))]
    return [BondedTerm(kind, names, shared, assembly.box, len(assembly.species), assembly.dtype, rows)]


def check_scaled(scene: Scene, reasons: Reasons) -> None:
    for name, part in bonded_of(scene).items():
        if isinstance(part, ScaledPairs) and not kinds_of(scene):
            if not any(isinstance(other, Electrostatics) for other in scene.entities.values()):
                reasons.add(name, "finds neither MixedLennardJones nor Electrostatics to scale. Add one of them.")

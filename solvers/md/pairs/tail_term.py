"""Tail corrections as a term of the force field: of a mixture, in a box whose volume may change."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.tail import TailCorrection
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.pairs.family import pairs_of, table
from scenegrad.solvers.md.pairs.tail import tail_energy, tail_pressure
from scenegrad.solvers.md.pairs.term import PairTable
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["TAILS", "TailTerm"]


class TailTerm:
    """U = sum_ab N_a N_b / (2 V) int_rc^inf u_ab dV over ordered pairs of species, and the virial of the same pairs,
    V p on the diagonal with p of `tail_pressure`; see `Term`.

    The virial is not -dU/d strain, which would count the jump of the energy at the cutoff too.
    """

    def __init__(self, pairs: PairTable, species: Tensor):
        self.pairs = pairs
        self.theta = Joined([address for row in pairs.addresses for address in row], (len(pairs.names), 2))
        number = torch.bincount(species, minlength=len(pairs.pair_of)).double()
        served = pairs.pair_of >= 0
        weight = (number[:, None] * number)[served]
        self.weight = torch.zeros(len(pairs.names), dtype=torch.float64, device=species.device)
        self.weight.index_add_(0, pairs.pair_of[served].long(), weight)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.theta.addresses

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        """None."""

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        return {}

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        return self.sums_of(self.theta(params), box)

    def sums_of(self, theta: Tensor, box: Box) -> Tensor:
        epsilon, sigma = theta.double().unbind(dim=2)
        per_volume = self.weight / box.volume[:, None]
        given = (self.pairs.cutoff, epsilon, sigma, box.dim)
        energy = (per_volume * tail_energy(1.0, *given)).sum(dim=1)
        pressure_volume = (per_volume * tail_pressure(1.0, *given)).sum(dim=1)
        unit = torch.eye(box.dim, dtype=torch.float64, device=theta.device).flatten()
        return torch.cat([energy[:, None], pressure_volume[:, None] * unit], dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            theta = self.theta(params).clone().requires_grad_()
            (theta_bar,) = torch.autograd.grad(self.sums_of(theta, box), theta, bar.double())
        return self.theta.parts(theta_bar, params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        return torch.zeros(len(x), dtype=torch.float64, device=x.device)


def cut_plainly(scene: Scene) -> list[str]:
    return [name for name, pair in pairs_of(scene).items() if isinstance(pair, LennardJones) and pair.cut == "plain"]


def terms(assembly: Assembly) -> list[Term]:
    scene = assembly.scenes[0]
    if not any(isinstance(part, TailCorrection) for part in scene.entities.values()):
        return []
    return [TailTerm(table(assembly, ("lennard_jones", "plain"), cut_plainly(scene)), assembly.species)]


def check(scene: Scene, reasons: Reasons) -> None:
    names = [name for name, part in scene.entities.items() if isinstance(part, TailCorrection)]
    for name in names[1:]:
        reasons.add(name, f"would count again what {names[0]} counts. Leave one of the two out.")
    if not cut_plainly(scene):
        reasons.add(names[0], "corrects plainly cut Lennard-Jones potentials, and there are none. Write cut='plain'.")
    wraps = scene.domain.wrap if isinstance(scene.domain.wrap, tuple) else (scene.domain.wrap,)
    if not all(wraps):
        reasons.add(names[0], "is for a fluid that fills a box, Domain.periodic(...); in open space leave it out.")


TAILS = Interaction((TailCorrection,), terms, check, lambda scene: [], tilts=True)

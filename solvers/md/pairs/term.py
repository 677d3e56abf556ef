"""A pair potential between all atoms: lists of neighbours, kernels over them, parameters by pair of species."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.pairs import kinds  # noqa: F401  # known from here on
from scenegrad.solvers.md.pairs.cuts import measure_edges
from scenegrad.solvers.md.pairs.kernels import PairLaw, force, force_adjoint, stiffest, sums, sums_adjoint
from scenegrad.solvers.md.pairs.mixing import MixedNumbers
from scenegrad.solvers.md.pairs.potentials import potential
from scenegrad.solvers.md.pairs.stability import stiffness
from scenegrad.solvers.md.shares import cuts, launch_shared
from scenegrad.solvers.shared.jobs import at_once
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["PairTable", "PairTerm"]

Met = Callable[[Params, Tensor], Tensor]


@dataclass(frozen=True)
class PairTable:
    """Which pairs of species a potential acts on. All of them share its kind and its cut.

    names: of the pairs, the first part of the addresses of their parameters. pair_of: row of each two species
    [species, species] int32. cutoff: float64 [batch, pair].
    """

    kind: str
    cut: str
    names: tuple[str, ...]
    pair_of: Tensor
    cutoff: Tensor

    @property
    def addresses(self) -> tuple[tuple[str, ...], ...]:
        """Address of every parameter, pair by pair."""
        return tuple(
            tuple(f"{name}.{parameter}" for parameter in potential(self.kind).parameters) for name in self.names
        )


class PairTerm:
    """U = sum_{i<j} u(|x_i - x_j|) of one kind of potential and one cut; see `Term`.

    theta [batch, pair, parameter] are the parameters of the potential: those of the entities that the table names, or
    what a rule makes of others. species: of every atom [atom]. met: u'' of two species that meet with an energy [batch]
    [batch, species, species], where something else tells it too.
    """

    def __init__(
        self,
        table: PairTable,
        species: Tensor,
        neighbours: Neighbours,
        dtype: torch.dtype,
        theta: MixedNumbers | None = None,
        met: Met | None = None,
    ):
        self.table, self.neighbours, self.dtype = table, neighbours, dtype
        self.device, self.batch, self.atoms = str(species.device), *neighbours.shape
        self.numbers = numbers(neighbours.dim, dtype)
        count = len(potential(table.kind).parameters)
        own = Joined([address for row in table.addresses for address in row], (len(table.names), count))
        self.theta, self.met = own if theta is None else theta, met
        self.theta_type = self.numbers.theta(count)
        some = bool((table.pair_of < 0).any())
        self.law = PairLaw(
            table.kind,
            table.cut,
            neighbours.dim,
            dtype,
            mixed=len(table.names) > 1 or some,
            partial=some,
            once=self.device == "cpu",
            tilted=neighbours.tilted,
        )
        self.ends = cuts(self.atoms, self.device)
        self.parts = torch.zeros(len(self.ends) - 2, self.batch, self.atoms, neighbours.dim, dtype=dtype)
        self.species, self.pair_of = species.to(torch.int32), table.pair_of
        self.cutoff = table.cutoff.to(dtype)
        self.edges = torch.zeros(self.batch, len(table.names), 4, dtype=dtype, device=species.device)
        self.kinds = [view(self.pair_of, wp.int32), view(self.species, wp.int32)]
        self.made_of = Fingerprint(())  # theta and box that kernels see
        self.begin: list[Any] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.theta.addresses

    def system(self, x: Tensor, box: Box, params: Params) -> list[Any]:
        """What every pair kernel begins with; brings list and edges up to date."""
        self.neighbours.update(x, box)
        n, theta = self.numbers, self.theta(params)
        if not self.made_of.fits([theta, box.edges]):
            seen, edges = view(theta, self.theta_type), view(self.edges, n.edge)
            given = [view(self.cutoff, n.real), seen, edges]
            launch(measure_edges(self.law.kind, self.dtype), tuple(self.cutoff.shape), given, self.device)
            self.refuse_ends_beyond(theta)
            self.lengths, self.lean = box.lengths(self.dtype), box.leaning(self.dtype)
            self.begin = [view(self.lengths, n.vec), view(self.lean, n.three), seen, edges, *self.kinds]
            self.made_of = Fingerprint([theta, box.edges])
        rows = self.neighbours.once if self.law.once else self.neighbours.table
        return [*self.begin, *rows, view(x, n.vec)]

    def add_up(self, kernel: wp.Kernel, given: list[Any], total: Tensor, rest: Sequence[Any] = ()) -> None:
        """A kernel that adds to atoms of other rows too: every thread to a tensor of its own, which are then summed.

        How many there are depends on the number of atoms and threads alone, and so does the order of summation.
        """
        vec, shape = self.numbers.vec, (self.batch, self.atoms)
        if len(self.ends) == 2:
            self.deal_out(kernel, [*given, view(total, vec), *rest])
            return
        self.parts.zero_()
        jobs = []
        for (low, high), out in zip(pairwise(self.ends), [total, *self.parts], strict=True):
            inputs = [wp.vec2i(0, low), *given, view(out, vec), *rest]
            jobs.append(partial(launch, kernel, (shape[0], high - low), inputs, self.device))
        at_once(jobs, kernel)
        for part in self.parts:
            total.add_(part)

    def deal_out(self, kernel: wp.Kernel, inputs: list[Any]) -> None:
        """Whole systems to threads."""
        ends = cuts(self.batch * self.atoms, self.device)
        ends = [end // self.atoms for end in ends]
        jobs = [
            partial(launch, kernel, (high - low, self.atoms), [wp.vec2i(low, 0), *inputs], self.device)
            for low, high in pairwise(ends)
        ]
        at_once(jobs, kernel)

    def add_force(self, x: Tensor, box: Box, params: Params, force_out: Tensor) -> None:
        self.add_up(force(self.law), self.system(x, box, params), force_out)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        self.refuse_jumps()
        p, learning = self.theta(params), self.theta.learning(params)
        p_bar = self.by_atom(p) if learning else p.new_zeros(1, 1, 1, p.shape[2])
        given = [*self.system(x, box, params), view(w, self.numbers.vec)]
        self.add_up(force_adjoint(self.law, learning), given, x_bar, [view(p_bar, self.theta_type)])
        return self.theta.parts(self.added(p_bar), params) if learning else {}

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        parts = torch.empty(self.batch, self.atoms, 1 + box.dim**2, dtype=torch.float64, device=x.device)
        inputs = [*self.system(x, box, params), view(parts, self.numbers.sums)]
        launch_shared(sums(self.law), (self.batch, self.atoms), inputs, self.device)
        return parts.sum(dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        self.refuse_jumps()
        n, dim = self.numbers, box.dim
        bar = bar.to(self.dtype)
        u_bar, w_bar = bar[:, 0].contiguous(), bar[:, 1:].reshape(-1, dim, dim).contiguous()
        p_bar = self.by_atom(self.theta(params))
        given = [*self.system(x, box, params), view(u_bar, n.real), view(w_bar, n.mat)]
        self.add_up(sums_adjoint(self.law), given, x_bar, [view(p_bar, self.theta_type)])
        return self.theta.parts(self.added(p_bar), params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = u'' (1/m_i + 1/m_j) of the stiffest pair: of those close now, and of those that meet."""
        real = self.numbers.real
        now = torch.empty(self.batch, self.atoms, dtype=self.dtype, device=x.device)
        system = self.system(x, box, params)
        seen = [*system, view(mass, real), view(now, real)]
        launch_shared(stiffest(self.law), (self.batch, self.atoms), seen, self.device)
        if self.met is not None:
            met = self.met(params, height).to(self.dtype)
        else:
            by_row = torch.empty_like(self.cutoff)
            height = height.to(self.dtype).contiguous()
            law = [system[2], system[3], view(height, real), view(by_row, real)]
            launch(stiffness(self.law.kind, self.law.cut, self.dtype), tuple(by_row.shape), law, self.device)
            met = by_row[:, self.pair_of.clamp(min=0).long()]
        lightest = mass.new_zeros(self.batch, len(self.pair_of))
        kind = self.species.long().expand(self.batch, -1)
        lightest.scatter_reduce_(1, kind, 1.0 / mass, "amax")  # 1/m of the lightest of each species
        both = lightest[:, :, None] + lightest[:, None, :]
        stiffest_met = torch.where(self.pair_of < 0, 0.0, met * both)
        return torch.maximum(now.amax(dim=1), stiffest_met.flatten(1).amax(dim=1))

    def by_atom(self, theta: Tensor) -> Tensor:
        return theta.new_zeros(self.batch, self.atoms, *theta.shape[1:])

    def added(self, p_bar: Tensor) -> Tensor:
        return p_bar.sum(dim=1, dtype=torch.float64).to(self.dtype)

    def refuse_ends_beyond(self, theta: Tensor) -> None:
        """A potential that ends by itself has to do so where neighbours are still looked for."""
        ends = potential(self.table.kind).ends
        if ends is None:
            return
        beyond = ends(theta.double().unbind(dim=2)) > self.table.cutoff * (1.0 + 1e-6)
        if bool(beyond.any()):
            member, row = (int(i) for i in beyond.nonzero()[0])
            end = float(ends(list(theta[member, row].double())))
            raise EngineError(
                f"{self.table.names[row]} of member {member} ends at {end:.4g}, beyond the cutoff of its neighbours, "
                f"{float(self.table.cutoff[member, row]):.4g}. Give it a cutoff of {1.1 * end:.3g} or more."
            )

    def refuse_jumps(self) -> None:
        if self.table.cut == "plain":
            raise EngineError(
                f"{', '.join(self.table.names)} has cut='plain': energy and force jump at the cutoff, which no "
                f"derivative sees, so that the gradient would be wrong. Take cut='force-shift' or cut='switch'."
            )

"""Systems of atoms without a scene around them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.pairs.term import PairTable, PairTerm


class Interactions:
    """A force field of one pair potential, as a function of positions and of theta [batch, pair, parameter]."""

    def __init__(self, term: PairTerm, box: Box):
        self.term, self.box, self.field = term, box, ForceField([term])
        self.given = None

    def params(self, theta: Tensor, learning: bool = False) -> Params:
        """The same tensors for the same theta."""
        key = (theta.data_ptr(), theta._version, theta.shape, learning)
        if theta.requires_grad or self.given is None or self.given[0] != key:
            batch = self.box.edges.shape[0]
            columns = theta.expand(batch, *theta.shape[1:]).reshape(batch, -1).unbind(dim=1)
            if not theta.requires_grad:
                columns = [column.detach().clone().requires_grad_(learning) for column in columns]
            self.given = (key, Params(dict(zip(self.term.addresses, columns, strict=True))), theta)
        return self.given[1]

    def force(self, x: Tensor, theta: Tensor) -> Tensor:
        return self.field.force(x, self.box, self.params(theta))

    def force_adjoint(self, x: Tensor, theta: Tensor, w: Tensor, learning: bool) -> tuple[Tensor, Tensor | None]:
        x_bar, bars = self.field.product(x, self.box, self.params(theta, learning), w)
        return x_bar, torch.stack([bars[a] for a in self.term.addresses], dim=1).view_as(theta) if learning else None

    def sums(self, x: Tensor, theta: Tensor) -> Tensor:
        """Energy and the trace of the virial [batch, 2]."""
        return traced(self.field.sums(x, self.box, self.params(theta)), self.box.dim)

    def differentiable_sums(self, x: Tensor, theta: Tensor) -> Tensor:
        return traced(self.field.differentiable_sums(x, self.box, self.params(theta)), self.box.dim)


def traced(sums: Tensor, dim: int) -> Tensor:
    return torch.stack([sums[:, 0], sums[:, 1 :: dim + 1].sum(dim=1)], dim=1)


Build = Callable[..., Interactions]


@pytest.fixture
def interactions() -> Build:
    """Lennard-Jones forces of one species in cubic boxes; edge and cutoff may differ between members."""

    def build(
        edge: float | list[float],
        atoms: int,
        dim: int = 3,
        cutoff: float | list[float] = 2.5,
        cut: str = "force-shift",
        skin: float = 0.3,
        dtype: torch.dtype = torch.float64,
        kind: str = "lennard_jones",
    ) -> Interactions:
        edges = torch.tensor([edge] if isinstance(edge, float | int) else edge, dtype=torch.float64)
        reach = torch.tensor([cutoff] if isinstance(cutoff, float | int) else cutoff, dtype=torch.float64)
        box = edges[:, None].expand(-1, dim).contiguous()
        table = PairTable(kind, cut, ("pair",), torch.zeros(1, 1, dtype=torch.int32), reach.expand(len(edges))[:, None])
        neighbours = Neighbours(Box(box), table.cutoff.max(dim=1).values, skin, atoms, dtype)
        return Interactions(PairTerm(table, torch.zeros(atoms, dtype=torch.int64), neighbours, dtype), Box(box))

    return build


@pytest.fixture
def scattered() -> Callable[..., Tensor]:
    """Positions in a cubic box, a shaken lattice."""

    def place(edge: float, per_axis: int, dim: int = 3, shake: float = 0.1, seed: int = 0, batch: int = 1) -> Tensor:
        rng = np.random.default_rng(seed)
        grid = np.stack(np.meshgrid(*[np.arange(per_axis)] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
        spacing = edge / per_axis
        points = grid * spacing + shake * spacing * rng.standard_normal((batch, len(grid), dim))
        return torch.from_numpy(points)

    return place

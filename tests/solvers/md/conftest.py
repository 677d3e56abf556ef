"""Systems of atoms without a scene around them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from scenegrad.solvers.md.interactions import Interactions, PairTable

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
        return Interactions(table, torch.zeros(atoms, dtype=torch.int32), box, skin, dtype)

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

"""Pairs at the very edge of the list: rounding may let one atom see the other and not be seen; no third may pay."""

import math

import pytest
import torch

from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.lists import Neighbours

REACH = 2.8  # cutoff and skin
BOX = 15.0


@pytest.mark.parametrize("seed", range(3))
def test_pairs_at_the_edge_disturb_no_other_row(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    first = torch.rand(400, 3, generator=random, dtype=torch.float64) * BOX
    way = torch.randn(400, 3, generator=random, dtype=torch.float64)
    away = REACH * (1 + 1e-7 * torch.randn(400, 1, generator=random, dtype=torch.float64))
    position = torch.cat([first, first + away * way / way.norm(dim=1, keepdim=True)]).float()[None]
    box = torch.full((1, 3), BOX, dtype=torch.float64)
    lists = Neighbours(Box(box), torch.tensor([REACH - 0.3], dtype=torch.float64), 0.3, 800, torch.float32)
    for shift in (0.0, 0.4 * BOX, math.pi):  # the later lists are made over older ones
        lists.update(position + shift)
        count, rows = lists.pairs(once=False)
        d = position[0].double()[:, None] - position[0].double()
        d = (d - BOX * torch.round(d / BOX)).norm(dim=2)
        d.fill_diagonal_(math.inf)
        for i in range(800):
            row = rows[0, i, : int(count[0, i])].tolist()
            assert row == sorted(set(row)), f"row {i} is not in order, or names an atom twice"
            assert set(torch.nonzero(d[i] < REACH - 1e-5).flatten().tolist()) <= set(row), f"row {i} lacks an atom"
            assert all(d[i, j] < REACH + 1e-5 for j in row), f"row {i} names an atom that is too far"

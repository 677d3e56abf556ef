"""Neighbour lists hold every pair, whatever the box, however long ago they were made."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours import lists as module
from scenegrad.solvers.md.neighbours.lists import Neighbours

BOXES = {  # edges, atoms per axis of the shaken lattice
    "many cells": ((9.7, 12.3, 15.1), 7),
    "five cells along one axis": ((7.1, 20.0, 11.0), 7),
    "fewer than five along each": ((5.2, 5.9, 6.4), 6),
    "five along each": ((7.01, 7.1, 7.2), 7),
    "flat": ((10.3, 17.9), 14),
    "flat and narrow": ((5.3, 31.0), 14),
}


def lists(box, cutoff=2.5, skin=0.3, atoms=343, **options):
    edges = torch.tensor([box], dtype=torch.float64)
    return Neighbours(Box(edges), torch.tensor([cutoff], dtype=torch.float64), skin, atoms, torch.float64, **options)


def rows(found, b=0):
    count, table = found.pairs(once=False)
    return [table[b, i, : int(count[b, i])].tolist() for i in range(found.atoms)]


def all_pairs(x, box, radius):
    """Neighbours of each atom by the minimum image, no cells."""
    d = x[:, None] - x[None]
    d = d - torch.tensor(box, dtype=x.dtype) * torch.round(d / torch.tensor(box, dtype=x.dtype))
    near = d.square().sum(dim=2) < radius**2
    near.fill_diagonal_(False)
    return [torch.nonzero(row).flatten().tolist() for row in near]


def filled(box, per_axis, seed=0):
    """Atoms on a shaken lattice, many of them boxes away from the first."""
    dim = len(box)
    generator = torch.Generator().manual_seed(seed)
    grid = torch.cartesian_prod(*[torch.arange(per_axis, dtype=torch.float64)] * dim) + 0.3
    x = (grid + 0.5 * torch.rand(grid.shape, generator=generator)) * torch.tensor(box) / per_axis
    rounds = torch.randint(-3, 4, x.shape, generator=generator)
    return x + rounds * torch.tensor(box)


@pytest.fixture(params=BOXES.values(), ids=BOXES)
def place(request):
    return request.param


def test_cells_find_the_same_pairs_as_a_look_at_all(place):
    box, per_axis = place
    x = filled(box, per_axis)
    found = lists(box, atoms=len(x))
    found.update(x[None])
    assert rows(found) == all_pairs(x, box, 2.8)  # as sorted lists: the order of a row is part of the promise


def test_a_list_holds_the_pairs_within_the_cutoff_while_atoms_drift(place):
    """Atoms walk through the sides of the box, far from where they began; some pictures are folded back into it."""
    box, per_axis = place
    x = filled(box, per_axis, seed=1)
    found = lists(box, atoms=len(x))
    generator = torch.Generator().manual_seed(2)
    wind = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    for n in range(40):
        x = x + 0.03 * wind + 0.01 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        seen = x - torch.tensor(box) * torch.floor(x / torch.tensor(box)) if n % 4 == 3 else x
        found.update(seen[None])
        needed = all_pairs(x, box, 2.5)
        assert all(set(need) <= set(row) for need, row in zip(needed, rows(found), strict=True)), f"pairs lost at {n}"
    assert 4 < int(found.builds) < 41


def test_a_list_is_made_again_when_an_atom_went_half_the_skin():
    box = (9.7, 12.3, 15.1)
    x = filled(box, 7)[None]
    found = lists(box, skin=0.4)
    moved = x.clone()
    for step, builds in ((0.0, 1), (0.19, 1), (0.201, 2)):
        moved[0, 17, 1] = x[0, 17, 1] + step
        found.update(moved)
        assert int(found.builds) == builds, f"after a step of {step}"


def test_excluded_pairs_are_left_out_and_no_others(place):
    box, per_axis = place
    x = filled(box, per_axis)
    whole = all_pairs(x, box, 2.8)
    excluded = torch.full((len(x), 3), -1, dtype=torch.int32)
    used = [0] * len(x)
    for i in range(0, len(x), 2):
        for j in whole[i][::9]:
            if j > i and max(used[i], used[j]) < 3:
                excluded[i, used[i]], excluded[j, used[j]] = j, i
                used[i], used[j] = used[i] + 1, used[j] + 1
    assert sum(used) > len(x) // 8
    found = lists(box, atoms=len(x), excluded=excluded)
    found.update(x[None])
    assert rows(found) == [[j for j in row if j not in excluded[i]] for i, row in enumerate(whole)]


def test_exclusions_of_one_side_only_are_refused():
    excluded = torch.tensor([[1], [-1], [-1]])
    with pytest.raises(EngineError, match="Atom 0 excludes atom 1"):
        lists((9.0, 9.0, 9.0), atoms=3, excluded=excluded)


def test_a_full_row_grows_and_loses_nothing():
    box = (9.7, 12.3, 15.1)
    x = filled(box, 7)
    found = lists(box, capacity=3)
    found.update(x[None])
    assert found.capacity > 3
    assert rows(found) == all_pairs(x, box, 2.8)


def test_a_row_that_others_fill_grows_too():
    """Where each pair is found by one atom, it stands in the row of the other: an atom that finds few may get many."""
    box = (9.7, 12.3, 15.1)
    x = filled(box, 7)
    longest = 0
    for capacity in range(16, 40):
        found = lists(box, capacity=capacity)
        found.update(x[None])
        count, _ = found.pairs(once=True)
        longest = max(longest, int(found.count.max()))
        assert int(found.count.max()) <= found.far_rows.shape[2]
        assert 2 * int(count.sum()) == sum(map(len, all_pairs(x, box, 2.8)))
    assert longest > 16


def test_rows_that_are_just_full_lose_nothing():
    box = (9.7, 12.3, 15.1)
    x = filled(box, 7)
    longest = max(map(len, all_pairs(x, box, float(lists(box).far))))
    found = lists(box, capacity=longest)
    found.update(x[None])
    assert found.capacity == longest
    assert rows(found) == all_pairs(x, box, 2.8)


def test_atoms_that_crowd_together_later_find_room_too():
    box = (20.0, 20.0, 20.0)
    x = filled(box, 7)
    found = lists(box)
    found.update(x[None])
    capacity = found.capacity
    crowd = x - torch.tensor(box) * torch.floor(x / torch.tensor(box))
    crowd = 0.3 * crowd
    found.update(crowd[None])
    assert found.capacity > capacity
    assert rows(found) == all_pairs(crowd, box, 2.8)


def test_each_system_has_a_list_of_its_own():
    """Boxes and cutoffs of their own; only the one whose atoms moved is sorted again."""
    boxes, cutoffs = torch.tensor([[9.7, 12.3, 15.1], [7.1, 20.0, 11.0]]).double(), torch.tensor([2.5, 3.1]).double()
    x = torch.stack([filled(box.tolist(), 7, seed) for seed, box in enumerate(boxes)])
    found = Neighbours(Box(boxes), cutoffs, 0.3, 343, torch.float64)
    found.update(x)
    for b in range(2):
        assert rows(found, b) == all_pairs(x[b], boxes[b].tolist(), float(cutoffs[b]) + 0.3)
    x = x.clone()
    x[1, 5] += 0.5
    found.update(x)
    assert found.builds.tolist() == [1, 2]
    assert rows(found, 1) == all_pairs(x[1], boxes[1].tolist(), 3.4)


def test_small_systems_are_searched_whole():
    box = (12.0, 12.0, 12.0)
    x = filled(box, 4)
    found = lists(box, atoms=len(x))
    assert len(x) <= module.FEW_ATOMS
    found.update(x[None])
    assert int(found.cells.max()) == 1
    assert rows(found) == all_pairs(x, box, 2.8)


def test_forces_do_not_depend_on_when_the_list_was_made(interactions, scattered):
    """Bit for bit: rows are sorted, and pairs beyond the cutoff add nothing."""
    edge, p = 8.0, torch.ones(1, 1, 2, dtype=torch.float64)
    x = scattered(edge, 7)
    old, fresh = interactions(edge, 343, skin=0.6), interactions(edge, 343, skin=0.2)
    old.force(x, p)
    moved = x + 0.25 * (torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) - 0.5)
    assert torch.equal(old.force(moved, p), fresh.force(moved, p))
    assert old.term.neighbours.builds.tolist() == [1]

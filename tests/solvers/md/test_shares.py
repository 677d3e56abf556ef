"""Threads that share a launch change the order of a sum and nothing else, and nothing of a member by its companions."""

import pytest
import torch

from scenegrad.solvers.md import shares
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.lists import Neighbours


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(shares, "LEAST", 1000)  # small systems are shared out, too
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_forces_and_derivatives_of_two_threads_equal_those_of_one(interactions, scattered, threads):
    edge, p = 14.0, torch.ones(1, 1, 2, dtype=torch.float64)
    x, w = scattered(edge, 13), torch.randn(1, 13**3, 3, generator=torch.Generator().manual_seed(0)).double()
    found = []
    for count in (2, 1):
        torch.set_num_threads(count)
        one = interactions(edge, 13**3)
        assert len(one.term.ends) == count + 1
        for _ in range(2):  # the first launch of a kernel is not shared
            force = one.force(x.clone(), p)
            x_bar, p_bar = one.force_adjoint(x.clone(), p, w, learning=True)
            found.append((force, x_bar, p_bar, one.sums(x.clone(), p)))
    for other in found[:3]:
        for mine, theirs in zip(found[3], other, strict=True):
            assert torch.allclose(mine, theirs, rtol=1e-11, atol=1e-11)
    assert all(torch.equal(a, b) for a, b in zip(found[0], found[1], strict=True)), "two threads, twice"


def test_members_dealt_out_to_threads_equal_themselves_alone(interactions, scattered, threads):
    p = torch.ones(1, 1, 2, dtype=torch.float64)
    x = scattered(6.5, 6, batch=11)
    many = interactions([6.5] * 11, 216)
    for _ in range(2):
        force = many.force(x.clone(), p)
    for member in (0, 4, 10):
        assert torch.equal(interactions(6.5, 216).force(x[member : member + 1].clone(), p)[0], force[member])


def test_each_pair_stands_in_one_row_or_in_two():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 400, 3, generator=generator, dtype=torch.float64) * 9.0
    found = Neighbours(Box(torch.full((1, 3), 9.0).double()), torch.tensor([2.5]).double(), 0.3, 400, torch.float64)
    found.update(x)

    def pairs(once):
        count, rows = found.pairs(once=once)
        return [(i, int(j)) for i in range(400) for j in rows[0, i, : int(count[0, i])]]

    single = pairs(once=True)
    both = pairs(once=False)
    assert len(set(map(frozenset, single))) == len(single)
    assert {frozenset(pair) for pair in both} == set(map(frozenset, single))
    assert len(both) == 2 * len(single)
    assert pairs(once=True) == single  # picked from rows of both kinds
    assert found.builds.tolist() == [1]


def test_few_atoms_have_a_list_of_all_that_is_made_once():
    x = torch.rand(3, 13, 3, dtype=torch.float64) * 3.0
    found = Neighbours(Box(torch.full((3, 3), torch.inf).double()), torch.full((3,), 2.5).double(), 0.3, 13, x.dtype)
    for _ in range(5):
        x = x + torch.rand(3, 13, 3, dtype=torch.float64)
        found.update(x)
    assert found.builds.tolist() == [1, 1, 1]
    assert bool((found.pairs(once=True)[0].sum(dim=1) == 13 * 12 // 2).all())

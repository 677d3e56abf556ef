"""What tells a solid cluster from a liquid one."""

import math

import pytest
import torch

import scenegrad as sg
from scenegrad.verification.md.small_systems import free_cluster


def test_the_index_of_shaken_atoms_is_the_spread_of_their_distance():
    """Two atoms a distance apart, shaken by s along each axis: their distance spreads by s sqrt 2."""
    noise = torch.randn(20_000, 3, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = 0.02 * noise + torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]], dtype=torch.float64)
    found = sg.sampling.lindemann(x)
    assert found.shape == (3,)
    torch.testing.assert_close(found, torch.full_like(found, 0.02 * math.sqrt(2.0) / 2.0), rtol=0.03, atol=0.0)


def test_the_index_does_not_see_how_a_cluster_turns_and_drifts():
    turn, _ = torch.linalg.qr(torch.randn(50, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    drift = torch.randn(50, 1, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert float(sg.sampling.lindemann(x @ turn + drift)) < 1e-7


def test_atoms_of_a_cold_cluster_keep_their_neighbours_and_those_of_a_hot_one_do_not():
    rungs = [0.06, 0.1, 0.16, 0.24, 0.32, 0.4]
    run = sg.sampling.replica_exchange(
        free_cluster(), rungs, every=50, exchanges=30, ladders=3, warmup=1000, seed=2, device="cpu"
    )
    solid = float(run.energies[:, :, 0].mean())  # 3 N - 6 squares, each with T/2
    assert solid == pytest.approx(-44.3268 + 16.5 * 0.06, abs=0.2)
    index = sg.sampling.lindemann(run.watched(100, every=20)).mean(dim=0)
    assert float(index[0]) < 0.06
    assert float(index[-1]) > 0.2
    again = sg.sampling.lindemann(run.watched(100, every=20)).mean(dim=0)
    assert torch.equal(index, again)

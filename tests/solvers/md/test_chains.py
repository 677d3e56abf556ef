"""Chains start with their bonds, without overlaps, and as wide as random walks are."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

import scenegrad.scenes as sc
import scenegrad.scenes.library as library
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.chains import chains

EDGE = (20 * 20 / 0.85) ** (1 / 3)


def start(seed=1, count=20, length=20, edge=EDGE, **changes):
    return chains(sc.Chains(count=count, length=length, **changes), (edge,) * 3, (seed, 3, 0))


def test_bonds_have_their_length_and_no_beads_overlap():
    x = start()
    bonds = np.linalg.norm(np.diff(x.reshape(20, 20, 3), axis=1), axis=2)
    np.testing.assert_allclose(bonds, 0.97, rtol=0.02)
    pairs = cKDTree(np.mod(x, EDGE), boxsize=EDGE).query_pairs(0.87, output_type="ndarray")
    assert all(j - i == 1 and j % 20 for i, j in pairs), "beads that are not bonded overlap"


def test_the_seed_alone_decides():
    np.testing.assert_array_equal(start(), start())
    assert np.abs(start(seed=2) - start()).max() > 1.0


def test_chains_are_as_wide_as_walks_that_do_not_fold_back():
    """<cos> between steps is 0.28 where all directions but the fold are as likely: <R^2> = n b^2 (1 + c)/(1 - c)."""
    ends = np.concatenate(
        [start(seed).reshape(20, 20, 3)[:, -1] - start(seed).reshape(20, 20, 3)[:, 0] for seed in range(6)]
    )
    square = (ends**2).sum(axis=1)
    least = 0.5 * (1.02 / 0.97) ** 2 - 1.0
    cosine = 0.5 * (1.0 + least)
    expected = 19 * 0.97**2 * (1.0 + cosine) / (1.0 - cosine)
    assert square.mean() == pytest.approx(expected, abs=4 * square.std() / np.sqrt(len(square)) + 0.08 * expected)


def test_a_box_without_room_is_refused():
    with pytest.raises(SceneError, match=r"20 chains of 20 beads found no room"):
        start(edge=0.8 * EDGE)


def test_chains_are_not_shared_out():
    melt = library.polymer_melt(chains=4, length=5)
    with pytest.raises(SceneError, match="not dealt among species"):
        compile_scene(melt.replace({"bead.share": 0.5}), device="cpu", dtype="float64")

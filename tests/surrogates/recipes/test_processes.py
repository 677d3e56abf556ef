"""The study of other processes keeps what it claims; drops of particles have the laws that it is held to."""

import pytest
import torch

from scenegrad.surrogates.recipes.brownian_drops import Drops, bound, covariance
from scenegrad.surrogates.recipes.processes import Processes, coarsened
from scenegrad.view.report import Stage


def test_the_study_of_processes_keeps_its_claims(tmp_path):
    chapter = Processes.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)


def test_particles_in_a_trap_are_a_schroedinger_bridge_between_their_laws():
    """The covariance of positions of the same particles is that of the bridge with the epsilon of the trap, and half of
    the time between lies where a bridge has its half."""
    drop = Drops(((0.5, -0.5),), (1.0,), 0.3, 2.0, 0.1, 0.6, 0.005)
    early, middle, late = (x.double() for x in drop.seen(4000, 1))
    a, b = (drop.variance(t, drop.width**2) for t in (drop.early, drop.late))
    assert float(early.var(0).mean()) == pytest.approx(a, rel=0.06)
    assert float(late.var(0).mean()) == pytest.approx(b, rel=0.06)
    assert covariance(early, late) == pytest.approx(bound(a, b, drop.epsilon), rel=0.12)
    slope = covariance(drop.origin(late), late) / covariance(late, late)
    assert slope == pytest.approx(bound(a, b, drop.epsilon) / b, rel=1e-6), "of one drop the best guess is a line"
    half = 0.5 * (early + late) * drop.squeeze
    left = middle - half
    assert float(left.var(0).mean()) == pytest.approx(0.25 * drop.epsilon * drop.squeeze**2, rel=0.08)
    assert abs(covariance(left, half)) < 0.02 * b, "no more is known of it"


def test_where_particles_came_from_is_said_by_bayes_rule():
    """No other guess has a smaller mean square error: what is left is uncorrelated with anything late."""
    drops = Drops(((-1.0, 0.0), (1.0, 0.5)), (0.7, 0.3), 0.2, 1.0, 0.1, 0.5, 0.005)
    early, _, late = drops.seen(4000, 2)
    left = early - drops.origin(late)
    for seen in (late, late.square(), late.tanh(), drops.origin(late)):
        spread = float(left.std() * seen.std())
        assert abs(covariance(left, seen)) < 0.05 * spread
    assert float(left.mean(0).abs().max()) < 0.04


def test_rounded_weights_have_so_many_values():
    layer = torch.nn.Linear(30, 30)
    rough = coarsened(layer, 3)
    assert len(rough.weight.unique()) == 7
    assert len(layer.weight.unique()) > 800
    torch.testing.assert_close(rough.weight.abs().max(), layer.weight.abs().max())

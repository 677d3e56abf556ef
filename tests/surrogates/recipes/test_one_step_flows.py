"""The study of flows in one step keeps what it claims, and its distance is one."""

import math

import torch

from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.recipes.one_step_flows import OneStepFlows
from scenegrad.view.report import Stage


def test_the_study_of_flows_in_one_step_keeps_its_claims(tmp_path):
    chapter = OneStepFlows.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)


def test_the_sliced_distance_of_shifted_samples_is_that_of_the_shift():
    """A shift by d moves every projection by d . w: E|d . w|^2 = |d|^2 / n, E|d . w| = |d| E|w_1|, in any order."""
    a = torch.randn(64, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shift = torch.zeros(2, 3, dtype=torch.float64)
    shift[0, 1] = 3.0
    shuffled = (a + shift)[torch.randperm(64, generator=torch.Generator().manual_seed(1))]
    assert abs(sliced_wasserstein(a, shuffled, order=2.0, directions=40_000) / (3.0 / math.sqrt(6)) - 1.0) < 0.01
    mean = math.gamma(3.0) / (math.gamma(3.5) * math.sqrt(math.pi))  # E|w_1| on the sphere in 6 dimensions
    assert abs(sliced_wasserstein(a, shuffled, directions=40_000) / (3.0 * mean) - 1.0) < 0.01
    assert sliced_wasserstein(a, a[torch.randperm(64)]) < 1e-12

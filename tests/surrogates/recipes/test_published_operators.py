"""Studies of the published Fourier neural operators, in small."""

import math

import numpy as np
import pytest
import torch

from scenegrad.surrogates.recipes.function_pairs import at_centres, at_points
from scenegrad.surrogates.recipes.published_scheme import crank_nicolson_euler
from scenegrad.surrogates.recipes.study import study_of
from scenegrad.view.report import Stage


@pytest.mark.parametrize("name", ["burgers", "darcy", "navier_stokes_fno"])
def test_a_study_keeps_its_claims(name, tmp_path):
    chapter = study_of(name).preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert len(chapter.claims) >= 2
    assert all(picture.path.stat().st_size > 1000 for picture in chapter.pictures)


def test_grids_of_fewer_points_see_the_same_function():
    x = np.arange(12) / 12
    assert np.array_equal(at_points(x[None], 4, 1)[0], [0, 0.25, 0.5, 0.75])
    middles = (np.arange(12) + 0.5) / 12
    field = middles[:, None] + 10 * middles
    for cells in (4, 6, 3):
        coarse = (np.arange(cells) + 0.5) / cells
        np.testing.assert_allclose(at_centres(field, cells, smooth=True), coarse[:, None] + 10 * coarse, rtol=1e-12)
    assert set(np.ravel(at_centres(field, 6, smooth=False))) <= set(np.ravel(field))


def test_the_published_scheme_decays_a_vortex_and_is_of_first_order():
    """Without a force cos(2 pi x) cos(2 pi y) carries itself nowhere and decays by exp(-8 pi^2 nu t)."""
    x = torch.arange(32, dtype=torch.float64) / 32
    wave = torch.cos(2 * math.pi * x)
    vortex = (wave[:, None] * wave)[None]
    decayed = crank_nicolson_euler(vortex, 1e-2, 0.0, 1e-2, 100)
    torch.testing.assert_close(decayed, math.exp(-8 * math.pi**2 * 1e-2) * vortex, rtol=1e-4, atol=1e-6)
    start = vortex + 0.5 * torch.sin(2 * math.pi * (2 * x[:, None] + x))
    ends = [crank_nicolson_euler(start, 1e-3, 0.1, 0.1 / n, 10 * n) for n in (8, 16, 32)]
    assert float((ends[0] - ends[1]).norm() / (ends[1] - ends[2]).norm()) == pytest.approx(2.0, rel=0.1)

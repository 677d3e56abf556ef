"""The study of Kolmogorov flow, in seconds."""

import torch

from scenegrad.surrogates.recipes.kolmogorov import Kolmogorov
from scenegrad.surrogates.recipes.plane_flow import velocity_of, vorticity_of
from scenegrad.view.report import Stage


def test_a_vorticity_is_the_curl_of_its_velocity():
    x = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    vorticity = (torch.sin(x)[:, None] * torch.cos(2 * x) + torch.cos(3 * x))[None]
    u = velocity_of(vorticity)
    torch.testing.assert_close(vorticity_of(u), vorticity)
    exact = -0.4 * torch.sin(x)[:, None] * torch.sin(2 * x) - torch.sin(3 * x) / 3  # d/dy of the stream function
    torch.testing.assert_close(u[0, ..., 0], exact)


def test_four_models_learn_the_flow_and_one_gives_no_divergence(tmp_path):
    chapter = Kolmogorov.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert all(claim.holds for claim in chapter.claims), [str(claim) for claim in chapter.claims]
    assert all(picture.path.is_file() for picture in chapter.pictures)
    models = [row[0] for row in chapter.tables[0].rows]
    assert models == ["U-Net", "FNO", "PDE-Refiner", "interpolant"]

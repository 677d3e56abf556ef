"""The study of guided design keeps what it claims; shares of the outflow are the solver's, with its gradient."""

import torch

from scenegrad.surrogates.recipes.guided_design import GuidedDesign
from scenegrad.surrogates.recipes.outflow import Outflow, smooth_medium
from scenegrad.surrogates.recipes.porous_media import permeabilities
from scenegrad.view.report import Stage


def test_the_study_of_guided_design_keeps_its_claims(tmp_path):
    chapter = GuidedDesign.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)


def test_what_is_fed_in_flows_out_and_its_shares_have_the_gradient_of_the_solver():
    scene = smooth_medium(8)
    outflow = Outflow(scene)
    fields = permeabilities(scene, 3, 5).double().log().requires_grad_()
    shares = outflow(fields.exp())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3, dtype=torch.float64), atol=1e-6, rtol=0)
    assert outflow.solves == 6, "a solve and a transposed one for each"
    weight, way = (
        torch.randn(s, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) for s in ((3, 8), fields.shape)
    )
    (slope,) = torch.autograd.grad((weight * shares).sum(), fields)
    with torch.no_grad():
        ahead, behind = ((weight * outflow((fields + h * way).exp())).sum() for h in (1e-4, -1e-4))
    torch.testing.assert_close((slope * way).sum(), (ahead - behind) / 2e-4, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(outflow(torch.ones(1, 8, 8)), torch.full((1, 8), 0.125), atol=1e-5, rtol=0)

"""The operator of space and time."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.grids import Torus
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.operators.space_time import SpaceTimeFNO
from scenegrad.surrogates.resampling import fourier_resample

SIZES = {"components": {"past": 3, "future": 6}, "outputs": ["future"]}
TOLD = torch.tensor([[1.0], [2.0]], dtype=torch.float64)


def network(modes=(4, 4, 2), **more) -> SpaceTimeFNO:
    torch.manual_seed(0)
    return SpaceTimeFNO(modes, 8, ["past"], depth=2, **SIZES, **more).double()


def test_all_frames_come_out_at_once_and_each_is_another():
    model, u = network(surroundings=Torus((1, 0))), torch.randn(2, 3, 16, 16, dtype=torch.float64)
    v = model(u, TOLD).detach()
    assert v.shape == (2, 6, 16, 16)
    assert float((v[:, 1:] - v[:, :-1]).abs().amin(dim=(0, 2, 3)).max()) > 0.0
    torch.testing.assert_close(model(u[1:], TOLD[1:]).detach(), v[1:])
    again = build_operator(model.config()).double()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(u, TOLD).detach(), v)


def test_space_is_a_torus_seen_on_any_grid():
    model = network()
    coarse = fourier_resample(torch.randn(2, 3, 6, 6, dtype=torch.float64), (32, 32))
    fine = fourier_resample(coarse, (64, 64))
    with torch.no_grad():
        v = model(coarse, TOLD)
        torch.testing.assert_close(model(coarse.roll((3, 5), (2, 3)), TOLD), v.roll((3, 5), (2, 3)))
        assert float((model(fine, TOLD)[..., ::2, ::2] - v).norm() / v.norm()) < 1e-2


def test_courses_that_cannot_be_are_refused():
    with pytest.raises(EngineError, match="these are the frames, several"):
        SpaceTimeFNO((4, 4, 2), 8, ["past"], outputs=["future"])
    with pytest.raises(EngineError, match="one or two axes of space and for time"):
        network((4,))

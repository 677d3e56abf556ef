"""Networks on a grid of their own serve functions, whatever grid they are given on."""

import math

import pytest
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.cno import CNO, filtered_gelu
from scenegrad.surrogates.operators.grids import Bounded, Torus
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.scot import ScOT, gathered, scattered
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.resampling import cosine_resample, fourier_resample

TOLD = torch.tensor([[1.0], [2.0]], dtype=torch.float64)


def speaking(network: Operator) -> Operator:
    """Parts that begin with zeros say something, too."""
    for weight in network.parameters():
        if not bool(weight.any()):
            torch.nn.init.normal_(weight, std=0.2)
    return network.double()


def waves(points: int, seed: int = 0) -> Tensor:
    """The same smooth periodic function of two members on every grid [2, 1, points, points]."""
    random = torch.Generator().manual_seed(seed)
    u_hat = torch.zeros(2, 1, 16, 16, dtype=torch.complex128)
    u_hat[..., :4, :4] = torch.randn(2, 1, 4, 4, generator=random, dtype=torch.complex128)
    return fourier_resample(torch.fft.ifft2(u_hat, norm="forward").real, (points, points))


def test_a_cosine_series_goes_on_between_the_points():
    def wave(points: int) -> Tensor:
        x = (torch.arange(points, dtype=torch.float64) + 0.5) / points
        return torch.cos(3 * math.pi * x)[:, None] * torch.cos(5 * math.pi * x) + 0.5

    torch.testing.assert_close(cosine_resample(wave(8), (20, 14))[:14], cosine_resample(wave(20), (20, 14))[:14])
    torch.testing.assert_close(cosine_resample(wave(8), (24, 24)), wave(24))
    torch.testing.assert_close(cosine_resample(wave(24), (8, 8)), wave(8))
    noise = torch.randn(2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(cosine_resample(cosine_resample(noise, (18, 13)), (9, 8)), noise)


@pytest.mark.parametrize("surroundings", [Torus(), Bounded()], ids=["torus", "walls"])
@pytest.mark.parametrize("kind", ["cno", "scot"])
def test_a_network_is_the_same_function_on_every_grid_that_holds_its_own(kind, surroundings):
    torch.manual_seed(0)
    if kind == "cno":
        network = speaking(CNO((16, 16), (8, 12), ["u"], surroundings=surroundings))
    else:
        network = speaking(ScOT((16, 16), (8, 16), ["u"], patch=2, window=4, head=8, surroundings=surroundings))
    if isinstance(surroundings, Torus):
        coarse, fine, meet = waves(32), waves(96), (..., slice(None, None, 3), slice(None, None, 3))
    else:  # middles of cells: of every three, the second one is the middle of the three together
        coarse = torch.randn(2, 1, 32, 32, dtype=torch.float64)
        fine, meet = cosine_resample(coarse, (96, 96)), (..., slice(1, None, 3), slice(1, None, 3))
    torch.testing.assert_close(fine[meet], coarse)
    with torch.no_grad():
        found = network(coarse, TOLD)
        torch.testing.assert_close(network(fine, TOLD)[meet], found, rtol=0, atol=1e-10)
    assert float(found.std()) > 0.05


def test_an_activation_between_grids_does_not_fold_waves_back():
    """cos(7x)^2-like products reach wave 14 and more, which 16 points show as wave 2: the filter takes them away."""
    x = 2 * math.pi * torch.arange(16, dtype=torch.float64) / 16
    u = torch.cos(7 * x)[None, None]
    plain = torch.fft.rfft(torch.nn.functional.gelu(u))[0, 0].abs()
    kept = torch.fft.rfft(filtered_gelu(u, (16,), Torus()))[0, 0].abs()
    assert float(plain[2]) > 0.5
    assert float(kept[2]) < 0.05 * float(plain[2])
    assert float(kept[7]) == pytest.approx(float(plain[7]), rel=0.1)


def test_band_limited_layers_hardly_notice_where_the_points_lie():
    """A shift by one point is half a point on the next level: a U-Net cannot follow it, a CNO does within 2 %."""
    torch.manual_seed(0)
    misses = {}
    for network in (CNO((32, 32), (8, 12, 12), ["u"]), UNet(2, (8, 12, 12), ["u"], blocks=1)):
        network, u = speaking(network), waves(32)
        with torch.no_grad():
            plain, moved = network(u, TOLD), network(u.roll((1, 3), (2, 3)), TOLD)
        misses[network.kind] = float((moved - plain.roll((1, 3), (2, 3))).norm() / plain.norm())
    assert misses["cno"] < 0.02
    assert misses["unet"] > 5 * misses["cno"]


def test_windows_that_move_see_across_a_torus_and_not_through_walls():
    """Four layers of windows of 8 points, every other one moved by 4, and a convolution over 5."""
    x, reach = torch.zeros(1, 1, 32, dtype=torch.float64), {}
    x[..., 0] = 1.0
    for surroundings in (Torus(), Bounded()):
        torch.manual_seed(0)
        network = speaking(ScOT((32,), (8,), ["u"], patch=1, window=8, head=8, surroundings=surroundings))
        with torch.no_grad():
            change = (network(x, TOLD[:1]) - network(0 * x, TOLD[:1]))[0, 0].abs()
        reach[type(surroundings)] = change > 1e-14
    assert bool(reach[Bounded][:20].all())
    assert not bool(reach[Bounded][22:].any())
    assert bool(reach[Torus][26:].all())


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_cubes_of_points_become_channels_and_come_back(dim):
    x = torch.randn(2, *(4, 6, 8)[:dim], 3)
    cubes = gathered(x, 2)
    assert cubes.shape == (2, *(2, 3, 4)[:dim], 2**dim * 3)
    corner = x[(0, *[slice(0, 2)] * dim)].reshape(-1)
    assert torch.equal(cubes[(0, *[0] * dim)], corner)
    assert torch.equal(scattered(cubes, 2, dim), x)


@pytest.mark.parametrize(
    "network",
    [
        CNO((8,), (4, 4), ["u"]),
        ScOT((16,), (4, 8), ["u"], patch=2, window=4, head=4, skips=1, surroundings=Bounded()),
    ],
    ids=["cno", "scot"],
)
def test_slopes_and_curvatures_are_those_of_differences(network):
    torch.manual_seed(0)
    speaking(network)
    u = torch.randn(1, 1, *network.grid, dtype=torch.float64, requires_grad=True)
    constants = torch.rand(1, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, (u, constants), fast_mode=True)
    assert torch.autograd.gradgradcheck(network, (u, constants), fast_mode=True)


def test_grids_that_do_not_go_into_patches_and_windows_are_refused():
    with pytest.raises(EngineError, match=r"8 = patch 2\^\(levels - 1\) divides the points"):
        ScOT((20, 24), (16, 32), ["u"])
    with pytest.raises(EngineError, match=r"window=4: .* there are 6 along an axis"):
        ScOT((24,), (16, 32), ["u"], patch=2, window=4)
    with pytest.raises(EngineError, match="widths are multiples of head"):
        ScOT((32,), (24,), ["u"])
    with pytest.raises(EngineError, match="three points or more along each axis"):
        CNO((8, 8), (4, 4, 4), ["u"])

"""Kernels that act near a point are derivatives and integrals, whatever the grid."""

import math

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.operators.local_kernels import Differential, Integral, LocalConv
from scenegrad.surrogates.operators.tfno import TFNO


def waves(points: int) -> torch.Tensor:
    """sin(2 pi x) cos(4 pi y) in the second of two channels [1, points, points, 2]."""
    x = torch.arange(points, dtype=torch.float64) / points
    wave = torch.sin(2 * math.pi * x)[:, None] * torch.cos(4 * math.pi * x)
    return torch.stack([torch.zeros_like(wave), wave], dim=-1)[None]


def test_a_differential_kernel_becomes_a_derivative_along_its_direction():
    torch.manual_seed(0)
    layer = LocalConv(2, 2, Differential(cells=1)).double()
    weight = layer.weight.detach()[0, 1]
    kernel = weight - weight.mean()
    j = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    direction = [(kernel * j[:, None]).sum(), (kernel * j).sum()]
    errors = []
    for n in (64, 128, 256):
        x = torch.arange(n, dtype=torch.float64) / n
        slopes = [
            2 * math.pi * torch.cos(2 * math.pi * x)[:, None] * torch.cos(4 * math.pi * x),
            -4 * math.pi * torch.sin(2 * math.pi * x)[:, None] * torch.sin(4 * math.pi * x),
        ]
        true = direction[0] * slopes[0] + direction[1] * slopes[1]
        with torch.no_grad():
            errors.append(float((layer(waves(n))[0, ..., 0] - true).norm() / true.norm()))
    assert errors[2] < 0.06
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.1)
    assert float(layer(torch.ones(1, 8, 8, 2, dtype=torch.float64)).detach().abs().max()) < 1e-12


def test_an_integral_kernel_is_the_same_mean_on_every_grid():
    torch.manual_seed(0)
    layer = LocalConv(2, 2, Integral(radius=0.125)).double()
    with torch.no_grad():
        found = [layer(waves(n))[0, :: n // 32, :: n // 32, 0] for n in (32, 64, 128)]
        errors = [float((a - found[2]).norm() / found[2].norm()) for a in found[:2]]
        assert errors[0] < 0.2
        assert errors[0] / errors[1] > 3.0, "the trapezoidal rule is of second order"
        layer.weight.fill_(1.0)
        even = layer(torch.ones(1, 32, 32, 2, dtype=torch.float64))
    torch.testing.assert_close(even, torch.full_like(even, 2.0))


@pytest.mark.parametrize("local", [Differential(cells=16), Integral(radius=0.2)], ids=["differential", "integral"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_an_operator_with_local_kernels_is_made_again_and_commutes_with_shifts(local, dim):
    torch.manual_seed(0)
    u, told = torch.randn(2, 1, *[8] * dim, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    for network in (FNO((2,) * dim, 6, ["u"], depth=2, local=local), TFNO((2,) * dim, 6, ["u"], local=local)):
        network = network.double()
        again = build_operator(network.config()).double()
        again.load_state_dict(network.state_dict())
        with torch.no_grad():
            v = network(u, told)
            assert torch.equal(again(u, told), v)
            torch.testing.assert_close(network(u.roll(3, -1), told), v.roll(3, -1))
        assert len(list(network.parameters())) > len(list(FNO((2,) * dim, 6, ["u"], depth=2).parameters()))


def test_kernels_that_cannot_be_are_refused():
    with pytest.raises(EngineError, match="an odd number from 3 on"):
        Differential(cells=16, knots=4)
    with pytest.raises(EngineError, match="a fraction of the edge below a half"):
        Integral(radius=0.5)


@pytest.mark.parametrize("local", [Differential(32), Integral(0.2)], ids=repr)
def test_kernels_serve_a_training_in_half_precision(local):
    torch.manual_seed(0)
    network, u = FNO((3, 3), 8, ["u"], depth=1, local=local), torch.randn(2, 1, 16, 16)
    whole = network(u, torch.ones(2, 1)).detach()
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        half = network(u, torch.ones(2, 1))
    half.float().square().sum().backward()
    assert float((half.detach().float() - whole).norm()) < 0.03 * float(whole.norm())
    assert all(bool(weight.grad.isfinite().all()) for weight in network.parameters())

"""What flow matching learns of a flow between Gaussians is its velocity in closed form, to a thousandth."""

from typing import Unpack

import pytest
import torch
from torch import nn

from scenegrad.surrogates import Flow, FlowMatching, Operator, Trigonometric
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.flows.likelihood import log_likelihood
from scenegrad.surrogates.operators.known import OPERATORS
from scenegrad.surrogates.operators.operator import Said
from scenegrad.surrogates.training.losses import RelativeL2

MEAN, STD, TERMS = 1.5, 0.7, 8


class Affine(Operator):
    """A(s) + B(s) x, both polynomials of the time: whatever is quadratic in its output is so in its weights."""

    kind = "affine"

    def __init__(self, fields, parameters=(), **said: Unpack[Said]):
        super().__init__(fields, parameters, **said)
        self.weight = nn.Parameter(torch.zeros(2, TERMS))

    def forward(self, u, constants):
        powers = torch.cos(torch.arange(TERMS) * torch.arccos(2.0 * constants[:, :1] - 1.0))
        shift, gain = (self.weight @ powers.T)[:, :, None, None]
        return shift + gain * u[:, :1]


@pytest.fixture(scope="module")
def matched():
    """The weights at which the gradient of FlowMatching() vanishes, by one step of Newton, on 8 million draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OPERATORS, "affine", Affine)
        stepper = Flow(Affine([], outputs=["u"]), path=Trigonometric()).dressed(None, 1.0, (4096,))
    weight = stepper.flow.network.weight
    stepper.scales.output_mean.zero_()
    random, total, slopes = torch.Generator().manual_seed(0), torch.zeros(2 * TERMS), torch.zeros(2 * TERMS, 2 * TERMS)
    for seed in range(32):
        data = MEAN + STD * torch.randn(64, 4096, generator=random)
        window = Window({}, ({"u": data},), {}, torch.ones(64))
        value = FlowMatching()(stepper, window, RelativeL2(), torch.Generator().manual_seed(1000 + seed))
        (slope,) = torch.autograd.grad(value, weight, create_graph=True)
        rows = [torch.autograd.grad(one, weight, retain_graph=True)[0].flatten() for one in slope.flatten()]
        total, slopes = total + slope.detach().flatten(), slopes + torch.stack(rows)
    with torch.no_grad():
        weight.copy_(-torch.linalg.solve(slopes.double(), total.double()).view(2, TERMS))
    return stepper


def test_the_velocity_that_is_matched_is_that_of_the_gaussians_to_a_thousandth(matched):
    s = torch.linspace(0.02, 0.98, 49)
    a, b, _, a_slope, b_slope, _ = (v[:, None] for v in Trigonometric()(s))
    variance = a**2 + (b * STD) ** 2
    x = b * MEAN + variance.sqrt() * torch.randn(49, 4096, generator=torch.Generator().manual_seed(1))
    exact = b_slope * MEAN + (a * a_slope + b * b_slope * STD**2) / variance * (x - b * MEAN)
    with torch.no_grad():
        found = matched.velocity(x[:, None], s, x[:, None, :][:, :0], torch.ones(49, 1))[:, 0]
    assert float((found - exact).square().mean().sqrt() / exact.square().mean().sqrt()) < 1e-3


def test_its_likelihood_is_that_of_the_data(matched):
    """ln N(x; MEAN, STD^2) of 4 numbers, with the velocity as it was learned."""
    x = MEAN + STD * torch.randn(20, 1, 4, generator=torch.Generator().manual_seed(2))
    found = log_likelihood(matched.field(torch.zeros(20, 0, 4), torch.ones(20, 1)), x, steps=32)
    exact = torch.distributions.Normal(MEAN, STD).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0)

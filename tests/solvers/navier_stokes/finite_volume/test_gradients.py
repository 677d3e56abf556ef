"""Gradients of a hundred steps agree with central differences, and what they leave is of second order."""

import math
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc

STEPS = 100


def test_a_gradient_of_a_hundred_steps_is_that_of_central_differences(walled, flow):
    """Gamma or gravity, viscosity, start, patches, what comes in, a moving wall, place and size of an obstacle."""
    of = flow(walled, STEPS)
    of.loss(of.params).backward()
    for address in walled.parameters():
        value = of.params[address]
        way = of.like(value)
        slope, found = float((value.grad * way).sum()), []
        for h in (1e-6, 4e-7):
            with torch.no_grad():
                ends = [of.loss(of.params.replace({address: value + s * h * way})) for s in (1.0, -1.0)]
            found.append(float(ends[0] - ends[1]) / (2 * h))
        misses = [abs(difference / slope - 1) for difference in found]
        assert min(misses) < 1e-6, f"{address}: {slope}, central differences {found}"


def test_what_the_gradient_of_the_start_leaves_is_of_second_order(walled, flow):
    """|L(u + h v) - L(u) - h <dL/du, v>| falls as h^2, for a smooth change v of the initial state."""
    of = flow(walled, STEPS)
    state = of.state.conserved.detach()
    x = torch.linspace(0, math.pi, state.shape[2], dtype=state.dtype)[:, None]
    way = 0.3 * state.abs().amax((2, 3), keepdim=True) * torch.sin(x) * torch.ones_like(state)
    added = torch.zeros_like(state, requires_grad=True)
    begin = of.loss(of.params, added)
    begin.backward()
    slope = float((added.grad * way).sum())
    sizes = [1e-4, 5e-5, 2.5e-5]
    with torch.no_grad():
        rests = [abs(float(of.loss(of.params, h * way) - begin) - h * slope) for h in sizes]
    orders = [math.log2(a / b) for a, b in pairwise(rests)]
    assert min(orders) > 1.9, f"orders {orders} of {rests}"


@pytest.mark.parametrize("reconstruction", ["muscl", "weno5"])
def test_a_uniform_gas_has_a_gradient_too(flow, reconstruction):
    """Limiters and weights are smooth where nothing varies: a shaken uniform state moves as the gradient says."""
    scene = sc.Scene(
        name="uniform",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(8, 8)),
        entities={"gas": sc.Gas(velocity=(0.5, 0.3))},
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )
    of = flow(scene, 20)
    way = of.like(of.state.conserved)
    added = torch.zeros_like(way, requires_grad=True)
    of.loss(of.params, added).backward()
    slope, h = float((added.grad * way).sum()), 1e-6
    with torch.no_grad():
        difference = float(of.loss(of.params, h * way) - of.loss(of.params, -h * way)) / (2 * h)
    assert abs(difference / slope - 1) < 1e-5

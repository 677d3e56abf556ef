"""Weights of disturbed flows are right on the average, whatever the flow and however coarse its steps."""

import math

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import CenteredNormal, Continuous, Coordinates, NormalizingFlow, Perturbed, importance
from scenegrad.surrogates.flows.samplers import RK4, Heun

DOUBLE, SIZE = torch.float64, 6


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def turned(size: int = SIZE):
    """A velocity that turns, shears and bends, and knows nothing of the target."""
    random = seeded(3)
    inner, outer = (torch.randn(size, size, dtype=DOUBLE, generator=random) / math.sqrt(size) for _ in range(2))
    shift = torch.randn(size, dtype=DOUBLE, generator=random)
    return lambda x, s: 0.6 * torch.tanh(x @ inner.T + s[:, None] * shift) @ outer.T + 0.2 * shift


def target(x):
    """Energy of a mixture of two Gaussians, normalised: ln Z = 0; <x_0^2> = 0.7^2 + 0.5^2."""
    shift = torch.zeros(x.shape[1], dtype=DOUBLE)
    shift[0] = 0.5
    wells = torch.stack([-0.5 * ((x - sign * shift) / 0.7).square().sum(1) for sign in (-1.0, 1.0)])
    return -wells.logsumexp(0) + math.log(2.0) + x.shape[1] * math.log(0.7 * math.sqrt(2.0 * math.pi))


@pytest.mark.parametrize(("method", "steps"), [(Heun, 4), (Heun, 16), (RK4, 2)])
def test_weights_without_jacobians_give_the_norm_and_averages_of_a_known_density(method, steps):
    """Two steps of RK4 are off the flow that they stand for, and yet no norm and no average is off."""
    flow = Perturbed(turned(), steps=steps, size=1e-2, method=method, random=seeded(1))
    found = importance(*NormalizingFlow(Coordinates((False,) * SIZE), flow).double().sample(40_000, seeded(0)), target)
    assert found.effective > 0.02
    assert found.log_z_error < 0.05
    assert abs(found.log_z) < 3.0 * found.log_z_error
    square = found.x[:, 0] ** 2
    mean = float(found.mean(square))
    error = float((found.share**2 * (square - mean) ** 2).sum().sqrt())
    assert error < 0.02
    assert abs(mean - (0.7**2 + 0.5**2)) < 3.0 * error


def test_random_signs_give_weights_that_are_off_where_disturbances_do_not():
    """E[exp(estimate of ln |det|)] > |det|: Hutchinson's estimate is right for ln |det| alone."""
    base = Coordinates((False,) * SIZE)
    signs = Continuous(turned(), steps=8, probes=1, random=seeded(1))
    found = importance(*(v.detach() for v in NormalizingFlow(base, signs).double().sample(40_000, seeded(0))), target)
    assert abs(found.log_z) > 6.0 * found.log_z_error


def test_a_small_disturbance_finds_the_determinant_on_the_average():
    """E[exp(ln_det)] = |det| of a linear map, forth and back; more steps scatter less."""
    matrix = torch.randn(4, 4, dtype=DOUBLE, generator=seeded(5)) * 0.4
    det = math.exp(float(matrix.trace()))
    x = torch.randn(1, 4, dtype=DOUBLE, generator=seeded(6)).expand(20_000, 4)
    scatter = []
    for steps in (2, 16):
        flow = Perturbed(lambda x, s: x @ matrix.T, steps=steps, size=1e-2, random=seeded(7))
        for sign, way in ((1.0, flow), (-1.0, flow.inverse)):
            ratio = way(x)[1].exp() / det**sign
            assert float(ratio.mean()) == pytest.approx(1.0, abs=4.0 * float(ratio.std()) / math.sqrt(len(x)) + 1e-3)
        scatter.append(float(flow(x)[1].std()))
    assert scatter[1] < 0.5 * scatter[0]
    with pytest.raises(EngineError, match=r"size=0\.0"):
        Perturbed(lambda x, s: x, size=0.0)


def test_disturbances_leave_the_mean_of_particles_alone():
    """x -> 2 x of 3 particles in the plane: |det| = 2^4 by the volume of the space whose mean is zero; and particles
    stay centered."""
    base = CenteredNormal(3, 2)
    flow = Perturbed(lambda x, s: math.log(2.0) * x, steps=8, size=1e-3, along=base, random=seeded(0))
    x = base.sample(2000, seeded(1), torch.zeros((), dtype=DOUBLE))
    y, log_det = flow(x)
    assert float(log_det.std()) < 0.3, "what is left is that of the lengths"
    assert float(y.mean(dim=1).abs().max()) < 1e-12
    torch.testing.assert_close(log_det.exp().mean(), torch.tensor(16.0, dtype=DOUBLE), atol=0.3, rtol=0)

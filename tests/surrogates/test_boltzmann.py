"""Flows with exact weights: what holds of invertible maps, symmetric fields, weights and annealing in closed form."""

import math

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import (
    MALA,
    CenteredNormal,
    Continuous,
    Coordinates,
    Langevin,
    NormalizingFlow,
    ParticleField,
    anneal,
    annealed_smc,
    effective_share,
    energy_w2,
    energy_w2_floor,
    forward_effective_share,
    importance,
    learn_by_energy,
    match_particles,
    spline_flow,
)
from scenegrad.surrogates.boltzmann.learning import aligned
from scenegrad.surrogates.boltzmann.normalizing_flow import Affine
from scenegrad.surrogates.boltzmann.splines import circle_spline, line_spline

PI = math.pi
KINDS = {"plane": (False, False), "torus": (True, True), "mixed": (False, True, True, False, True)}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stirred(flow: NormalizingFlow, size: float = 0.6) -> NormalizingFlow:
    """Far from the identity."""
    random = seeded(3)
    flow = flow.double()
    with torch.no_grad():
        for value in flow.parameters():
            value += size * torch.randn(value.shape, generator=random, dtype=torch.float64) / value.shape[-1] ** 0.5
    return flow


@pytest.mark.parametrize("circles", KINDS.values(), ids=KINDS)
def test_spline_flow_is_invertible_and_knows_its_determinant(circles):
    flow = stirred(spline_flow(circles))
    z = flow.base.sample(50, seeded(), flow.like)
    for layer in flow.bijections:
        y, log_det = layer(z)
        jac = torch.stack([torch.autograd.functional.jacobian(lambda p, f=layer: f(p[None])[0][0], p) for p in z])
        torch.testing.assert_close(log_det, torch.linalg.slogdet(jac).logabsdet, rtol=0, atol=1e-9)
        back, log_back = layer.inverse(y)
        torch.testing.assert_close(back, z, rtol=0, atol=1e-9)
        torch.testing.assert_close(log_back, -log_det, rtol=0, atol=1e-8)
        z = y
    x, log_q = flow.sample(200, seeded(1))
    torch.testing.assert_close(flow.log_density(x), log_q, rtol=0, atol=1e-8)


@pytest.mark.parametrize("circles", [(False, False), (True, True)], ids=["plane", "torus"])
def test_density_of_spline_flow_integrates_to_one(circles):
    flow = stirred(spline_flow(circles, couplings=4, bins=4), 0.3)
    reach, cells = (PI, 200) if circles[0] else (10.0, 300)
    line = (torch.arange(cells, dtype=torch.float64) + 0.5) * 2 * reach / cells - reach
    with torch.no_grad():
        total = flow.log_density(torch.cartesian_prod(line, line)).exp().sum() * (2 * reach / cells) ** 2
    assert abs(float(total) - 1.0) < 2e-3


def test_splines_of_zeros_are_the_identity_and_end_as_they_should():
    x = torch.linspace(-6.0, 6.0, 41, dtype=torch.float64)
    y, log_slope = line_spline(torch.zeros(41, 23, dtype=torch.float64), 5.0).forward(x)
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(log_slope, torch.zeros_like(x))
    raw = torch.randn(24, dtype=torch.float64, generator=seeded())
    seam = torch.tensor([-PI + 1e-9, PI - 1e-9], dtype=torch.float64)
    _, slopes = circle_spline(raw.expand(2, 24)).forward(seam)
    torch.testing.assert_close(slopes[0], slopes[1], atol=1e-6, rtol=0)
    edge = torch.tensor([-5.0 + 1e-9, 5.0 - 1e-9, 7.0], dtype=torch.float64)
    _, slopes = line_spline(raw[:23].expand(3, 23), 5.0).forward(edge)
    torch.testing.assert_close(slopes, torch.zeros_like(slopes), atol=1e-6, rtol=0)


def test_angles_that_differ_by_a_turn_have_one_density():
    flow = stirred(spline_flow((True, True, False)))
    x, log_q = flow.sample(20, seeded())
    turned = x + 2 * PI * torch.tensor([1.0, -2.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(flow.log_density(turned), log_q, rtol=0, atol=1e-8)


def particle_flow(steps: int = 12, probes: int = 0, particles: int = 4, dim: int = 2) -> NormalizingFlow:
    torch.manual_seed(0)
    field = ParticleField(particles, width=8)
    flow = NormalizingFlow(
        CenteredNormal(particles, dim), Continuous(field, steps=steps, probes=probes, random=seeded(5))
    )
    return stirred(flow, 0.4)


@pytest.mark.parametrize("dim", [2, 3])
def test_particle_flow_turns_reflects_and_permutes_with_its_particles(dim):
    flow = particle_flow(steps=3, dim=dim)
    z = flow.base.sample(6, seeded(), flow.like)
    turn = torch.linalg.qr(torch.randn(dim, dim, dtype=torch.float64, generator=seeded(2))).Q
    turn[0] *= -torch.linalg.det(turn).sign()  # a reflection
    order = [2, 0, 3, 1]
    y, log_det = flow.bijections[0](z)
    assert float((y - z).detach().abs().max()) > 0.1
    y_other, log_det_other = flow.bijections[0](z[:, order] @ turn)
    torch.testing.assert_close(y_other, y[:, order] @ turn, rtol=0, atol=1e-10)
    torch.testing.assert_close(log_det_other, log_det, rtol=0, atol=1e-9)
    torch.testing.assert_close(y.mean(dim=1), torch.zeros(6, dim, dtype=torch.float64), rtol=0, atol=1e-12)
    velocity = flow.bijections[0].velocity
    s = torch.full((6,), 0.3, dtype=torch.float64)
    torch.testing.assert_close(velocity(z + 7.0, s), velocity(z, s), rtol=0, atol=1e-10)


def test_species_that_differ_do_not_permute():
    torch.manual_seed(0)
    field = ParticleField(4, species=(0, 0, 1, 1)).double()
    x, s = torch.randn(3, 4, 2, dtype=torch.float64, generator=seeded()), torch.zeros(3, dtype=torch.float64)
    v = field(x, s)
    torch.testing.assert_close(field(x[:, [1, 0, 3, 2]], s), v[:, [1, 0, 3, 2]], rtol=0, atol=1e-12)
    assert float((field(x[:, [2, 1, 0, 3]], s) - v[:, [2, 1, 0, 3]]).detach().abs().max()) > 1e-3


def test_particle_flow_is_invertible_and_its_determinant_is_that_of_the_map():
    flow = particle_flow(steps=20)
    z = flow.base.sample(1, seeded(), flow.like)
    layer = flow.bijections[0]
    y, log_det = layer(z)
    back, log_back = layer.inverse(y)
    torch.testing.assert_close(back, z, rtol=0, atol=1e-6)
    torch.testing.assert_close(log_back, -log_det, rtol=0, atol=1e-6)
    # in an orthonormal basis of the configurations whose mean is zero
    frame = torch.linalg.qr(torch.cat([torch.ones(4, 1), torch.eye(4)[:, :3]], 1).double()).Q[:, 1:]

    def within(free):
        return (frame.T @ layer((frame @ free.view(3, 2))[None])[0][0]).flatten()

    jac = torch.autograd.functional.jacobian(within, (frame.T @ z[0]).flatten())
    assert abs(float(torch.linalg.slogdet(jac).logabsdet - log_det.detach()[0])) < 1e-6


class Stretch(torch.nn.Module):
    """v = rate x: x(1) = exp(rate) x(0), so that ln |det| = rate times the number of coordinates."""

    def forward(self, x, s):
        return 0.7 * (x - x.mean(dim=1, keepdim=True))


@pytest.mark.parametrize("probes", [0, 400])
def test_stretched_normal_has_the_density_of_a_wider_one(probes):
    flow = NormalizingFlow(CenteredNormal(5, 3), Continuous(Stretch(), probes=probes, random=seeded(7))).double()
    with torch.no_grad():
        x, log_q = flow.sample(8, seeded())
    wide = CenteredNormal(5, 3).at(math.exp(2 * 0.7))
    slack = 1e-6 if probes == 0 else 5 * 0.7 * math.sqrt(2 * 12 * 4 / 5 / 400)  # five standard errors
    assert float((log_q - wide.log_density(x)).abs().max()) < slack
    if probes:
        assert float((log_q - wide.log_density(x)).abs().max()) > 0.0


def test_centered_normal_is_normalised_over_its_own_space():
    """One particle on each side: x = (r, -r) / sqrt 2 moves along a line of unit vectors."""
    r = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    x = torch.stack([r, -r], dim=1)[..., None] / math.sqrt(2)
    density = CenteredNormal(2, 1, temperature=1.7).log_density(x).exp()
    assert abs(float(torch.trapezoid(density, r)) - 1.0) < 1e-9


def quadratic(x):
    """exp(-U) integrates to 2 pi 0.5 0.8 exp(1.3)."""
    return 0.5 * (((x[:, 0] - 0.5) / 0.5) ** 2 + ((x[:, 1] + 0.2) / 0.8) ** 2) - 1.3


def test_weights_give_the_norm_and_averages_of_the_target():
    flow = NormalizingFlow(Coordinates((False, False))).double()
    x, log_q = flow.sample(40000, seeded())
    found = importance(x, log_q, quadratic, chunk=7000)
    assert abs(found.log_z - math.log(2 * PI * 0.5 * 0.8 * math.exp(1.3))) < 4 * found.log_z_error
    assert found.log_z_error < 0.02
    torch.testing.assert_close(found.mean(x), torch.tensor([0.5, -0.2], dtype=torch.float64), atol=0.02, rtol=0)
    # Kish's share is (E w)^2 / E w^2 = prod of sigma-integrals, which the Gaussians give in closed form
    expected = 1.0
    for mean, std in ((0.5, 0.5), (-0.2, 0.8)):
        a = 2.0 / std**2 - 1.0
        square = math.exp(-(mean**2) / std**2 + (2 * mean / std**2) ** 2 / (2 * a)) / (std**2 * math.sqrt(a))
        expected /= square
    assert abs(found.effective - expected) < 0.03 * expected
    cold = importance(x, log_q, quadratic, temperature=0.5)
    assert abs(cold.log_z - math.log(2 * PI * 0.5 * 0.8 * 0.5 * math.exp(2.6))) < 4 * cold.log_z_error
    even = found.resampled(seeded(4))
    torch.testing.assert_close(even.mean(0), found.mean(x), atol=0.005, rtol=0)


def test_forward_share_sees_the_mode_that_the_reverse_share_misses():
    """q covers one of two modes of equal weight."""
    random = seeded()
    sides = torch.where(torch.rand(20000, generator=random, dtype=torch.float64) < 0.5, -4.0, 4.0)
    target = sides + torch.randn(20000, generator=random, dtype=torch.float64)

    def log_p(x):
        return torch.logaddexp(-0.5 * (x - 4) ** 2, -0.5 * (x + 4) ** 2)

    def log_q(x):
        return -0.5 * (x - 4) ** 2

    own = torch.randn(20000, generator=random, dtype=torch.float64) + 4.0
    assert effective_share(log_p(own) - log_q(own)) > 0.99
    assert forward_effective_share(log_p(target) - log_q(target)) < 0.01
    assert effective_share(torch.zeros(10)) == pytest.approx(1.0)
    assert forward_effective_share(torch.zeros(10)) == pytest.approx(1.0)
    assert effective_share(torch.tensor([0.0, -torch.inf, 0.0, -torch.inf])) == pytest.approx(0.5)


def test_energy_distance_is_exact_and_has_the_floor_of_finite_samples():
    a = torch.randn(3000, dtype=torch.float64, generator=seeded())
    assert energy_w2(a, a + 2.5) == pytest.approx(2.5)
    assert energy_w2(a, 3.0 * a) == pytest.approx(2.0 * float(a.square().mean().sqrt()))
    assert energy_w2(a, a.repeat(3)) == pytest.approx(0.0, abs=1e-7)
    # a third of the weight of 0 has to come from 3
    found = energy_w2(torch.tensor([0.0, 3.0]), torch.tensor([0.0, 0.0, 3.0]), torch.tensor([2.0, 1.0]))
    assert found == pytest.approx(0.0, abs=1e-12)
    assert energy_w2(torch.tensor([0.0, 3.0]), torch.tensor([0.0, 0.0, 3.0])) == pytest.approx(math.sqrt(9 / 6))
    floor = energy_w2_floor(a, 200, random=seeded(1))
    assert 0.05 < floor.mean < 0.25
    assert energy_w2_floor(a, 1500, random=seeded(1)).mean < 0.6 * floor.mean
    with pytest.raises(EngineError, match="1500"):
        energy_w2_floor(a, 1501)


def test_affine_flow_at_another_temperature_is_its_density_to_that_power():
    flow = NormalizingFlow(Coordinates((False, False)), Affine((False, False))).double()
    with torch.no_grad():
        flow.bijections[0].log_scale.copy_(torch.tensor([0.3, -0.4]))
        flow.bijections[0].shift.copy_(torch.tensor([1.0, 2.0]))
        hot = flow.at(2.5)
        x, log_q = hot.sample(50, seeded())
        difference = log_q - flow.log_density(x) / 2.5
        assert float(difference.std()) < 1e-10
        energies = importance(x, log_q, lambda y: -flow.log_density(y), temperature=2.5)
    assert energies.effective == pytest.approx(1.0)


def mixture(x):
    """Two wells of weights 3 and 1, of width 0.5, six apart; exp(-U) integrates to 4 * 2 pi 0.25."""
    away = torch.tensor([3.0, 0.0], dtype=x.dtype)
    one, two = ((x - m).square().sum(1) / (2 * 0.25) for m in (away, -away))
    return -torch.logaddexp(math.log(3.0) - one, -two)


@pytest.mark.parametrize("move", [MALA(0.15, 5), Langevin(0.02, 5)], ids=["mala", "langevin"])
@pytest.mark.parametrize("ladder", [None, tuple(n / 16 for n in range(17))], ids=["by_share", "fixed"])
def test_annealing_finds_the_norm_and_both_wells_of_a_mixture(move, ladder):
    flow = NormalizingFlow(Coordinates((False, False), temperature=9.0)).double()
    found = annealed_smc(flow, mixture, 4000, move=move, ladder=ladder, random=seeded(2))
    assert abs(found.log_ratio - math.log(4 * 2 * PI * 0.25)) < 0.15
    share = found.weighted(mixture(found.x)).mean((found.x[:, 0] > 0).double())
    assert abs(float(share) - 0.75) < 0.05
    assert min(found.accepted) > 0.4
    assert found.ladder[0] == 0.0
    assert found.ladder[-1] == 1.0


def test_annealing_is_reproduced_by_its_seed_and_keeps_particles_centered():
    flow = NormalizingFlow(CenteredNormal(4, 2)).double()

    def energy(x):
        return x.square().sum((1, 2))

    runs = [annealed_smc(flow, energy, 2000, random=seeded(1)) for _ in range(2)]
    assert torch.equal(runs[0].x, runs[1].x)
    assert float(runs[0].x.mean(1).abs().max()) < 1e-12
    assert abs(runs[0].log_ratio - 3.0 * math.log(PI)) < 0.1


def test_what_cannot_be_is_refused_with_a_remedy():
    flow = NormalizingFlow(Coordinates((False, False))).double()
    x, log_q = flow.sample(5, seeded())
    with pytest.raises(EngineError, match="not a number"):
        importance(x, log_q, lambda y: y[:, 0] * math.nan)
    with pytest.raises(EngineError, match="temperature"):
        importance(x, log_q, quadratic, temperature=0.0)
    with pytest.raises(EngineError, match="at least two"):
        spline_flow((True,))
    with pytest.raises(EngineError, match="rise"):
        annealed_smc(flow, quadratic, 5, ladder=(0.0, 0.5))
    with pytest.raises(EngineError, match="one number"):
        ParticleField(4, species=(0,))
    with pytest.raises(EngineError, match="finite"):
        energy_w2(torch.tensor([math.inf]), torch.tensor([1.0]))


def test_alignment_undoes_a_turn_and_a_permutation_within_species():
    x = torch.randn(20, 5, 3, dtype=torch.float64, generator=seeded())
    x = x - x.mean(dim=1, keepdim=True)
    assert torch.allclose(aligned(x, x), x, atol=1e-12)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=seeded(2))).Q
    torch.testing.assert_close(aligned(x @ turn, x), x, rtol=0, atol=1e-10)
    other = torch.randn(20, 5, 3, dtype=torch.float64, generator=seeded(1))
    assert bool(((aligned(x, other) - other).square().sum((1, 2)) <= (x - other).square().sum((1, 2)) + 1e-12).all())
    order = [1, 0, 2, 4, 3]
    near = aligned(x[:, order] + 0.0, x, species=(0, 0, 1, 2, 2))
    lengths, inner = near.square().sum(2), x.square().sum(2)
    torch.testing.assert_close(lengths[:, 2], inner[:, 2])  # alone of its species: it is never exchanged
    torch.testing.assert_close(lengths[:, :2].sort(dim=1).values, inner[:, :2].sort(dim=1).values)


def test_flow_that_learns_by_energy_becomes_the_target():
    """A torus with two angles that attract each other: ln Z = ln((2 pi)^2 I_0(1.5))."""

    def energy(x):
        return -1.5 * (x[:, 0] - x[:, 1]).cos()

    torch.manual_seed(0)
    flow = spline_flow((True, True), couplings=2, bins=6, width=24).double()
    exact = math.log((2 * PI) ** 2 * float(torch.special.i0(torch.tensor(1.5))))
    before = importance(*flow.sample(1000, seeded(1)), energy).effective
    losses = learn_by_energy(flow, energy, steps=200, batch=128, learning_rate=1e-2, random=seeded())
    found = importance(*flow.sample(4000, seeded(1)), energy)
    assert before < 0.6
    assert found.effective > 0.95
    assert sum(losses[-20:]) / 20 == pytest.approx(-exact, abs=0.05)
    assert found.log_z == pytest.approx(exact, abs=4 * found.log_z_error + 1e-4)


def test_flow_matched_to_particles_draws_them():
    """A normal distribution of half the width: any normal flow of the right rate has a share of one."""
    torch.manual_seed(0)
    flow = NormalizingFlow(CenteredNormal(3, 2), Continuous(ParticleField(3, width=16, layers=1), steps=5))
    narrow = CenteredNormal(3, 2, temperature=0.25)
    data = narrow.sample(2000, seeded(3), flow.like)

    def energy(x):
        return -narrow.log_density(x)

    before = importance(*flow.sample(1000, seeded(1)), energy).effective
    match_particles(flow, data, steps=250, batch=128, learning_rate=5e-3, random=seeded())
    found = importance(*flow.sample(1000, seeded(1)), energy)
    assert before < 0.4
    assert found.effective > max(0.8, 2 * before)
    assert abs(found.log_z) < 0.05
    with pytest.raises(EngineError, match="learn_by_energy"):
        match_particles(spline_flow((False, False)), data)


def test_members_that_have_lost_their_weight_do_not_hold_up_the_ladder():
    """A population of which a tenth sits where it cannot be, and cannot move away."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(500, 1, 2, dtype=torch.float64, generator=random)
    x[:50] = 1e4

    def last(y):
        return -0.5 * y.square().sum((1, 2)) / 0.25 - (y.abs().amax((1, 2)) > 1e3) * 1e15

    def first(y):
        return -0.5 * y.square().sum((1, 2)) * (y.abs().amax((1, 2)) < 1e3)

    found = anneal(
        x, first, last, noise=lambda like, random: torch.randn(like.shape, generator=random, dtype=like.dtype),
        move=MALA(0.05, 5), random=random,
    )  # fmt: skip
    assert len(found.ladder) < 20
    weights = found.log_weights.softmax(0)
    assert float((weights[:, None, None] * found.x.square()).sum() / 2) == pytest.approx(0.25, rel=0.2)

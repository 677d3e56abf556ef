"""Averages as functions of the potential: against integrals, against other runs, and how far frames reach."""

import math

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.verification.md.small_systems import D0, RADII, TRAP, A, pair, well

SETTINGS = {"frames": 60, "every": 20, "copies": 64, "warmup": 200, "seed": 3, "device": "cpu", "dtype": "float64"}


def given(params, **values):
    """Params of one system with some numbers changed, by the last part of their address."""
    return params.detach().replace(
        {a: torch.full_like(params[a].detach(), v) for a in params for k, v in values.items() if a.endswith(f".{k}")}
    )


@pytest.fixture(scope="module")
def harmonic():
    return sg.sampling.reweighting(well(sg.Parameter(1.0), sg.Parameter(1.0)), **SETTINGS)


def test_the_spread_in_a_well_falls_with_its_stiffness_as_theory_says(harmonic):
    """<x^2> = T/k of each coordinate, d<x^2>/dk = -T/k^2, d<x^2>/dT = 1/k."""
    square = harmonic.frames.position.square().mean(dim=(1, 2))
    params = harmonic.params
    mean = harmonic.average(square, params)
    by_k, by_t = torch.autograd.grad(mean, [params["well.stiffness"], params["dynamics.temperature"]])
    error = float(harmonic.error(square, params))
    assert float(mean.detach()) == pytest.approx(1.0, abs=4 * error)
    assert error == pytest.approx((0.5 / 3840) ** 0.5, rel=0.5)  # var(x^2) = 2, four coordinates; frames half forget
    assert float(by_k) == pytest.approx(-1.0, abs=0.06)
    assert float(by_t) == pytest.approx(1.0, abs=0.06)
    slopes = harmonic.slopes(square, params)
    torch.testing.assert_close(slopes["well.stiffness"], by_k[0])
    torch.testing.assert_close(slopes["dynamics.temperature"], by_t[0])
    for k in (0.85, 1.2):
        there = given(params, stiffness=k)
        off = float(harmonic.average(square, there)) - 1.0 / k
        assert abs(off) < 4 * float(harmonic.error(square, there)), (k, off)


@pytest.mark.parametrize("k", [0.9, 1.0, 1.15, 1.4])
def test_the_effective_share_is_that_of_two_gaussians(harmonic, k):
    """exp(-sum w ln w)/N = exp(-D), D = d/2 (r - 1 - ln r) the relative entropy, r the ratio of their variances."""
    r = 1.0 / k  # variance of the wanted distribution over that of the drawn one
    expected = math.exp(-4 / 2 * (r - 1.0 - math.log(r)))
    assert harmonic.effective(given(harmonic.params, stiffness=k)) == pytest.approx(expected, abs=0.02)


def test_the_weights_have_the_gradient_of_central_differences(harmonic):
    square = harmonic.frames.position.square().mean(dim=(1, 2))
    found = harmonic.slopes(square, harmonic.params)
    h = 1e-4
    for address, name in (("well.stiffness", "stiffness"), ("dynamics.temperature", "temperature")):
        up, down = (harmonic.average(square, given(harmonic.params, **{name: 1.0 + s * h})) for s in (1, -1))
        assert float(found[address]) == pytest.approx(float(up - down) / (2 * h), rel=1e-6)


DEPTH = -2.0  # a barrier of the height 1 between two distances


def mean_square(b):
    """<(r - d0)^2> of `pair` with another b, by quadrature."""
    q = RADII - D0
    weight = RADII * np.exp(-(A * q**4 + b * q**2 + 0.25 * TRAP * RADII**2))
    return float((weight * q**2).sum() / weight.sum())


def square_of(found):
    x = found.frames.position
    return ((x[:, 0] - x[:, 1]).norm(dim=1) - D0).square()


def test_the_derivative_is_that_of_the_integral_and_of_differences_between_runs():
    wells = sg.DoubleWellPairs(a=A, b=sg.Parameter(DEPTH), d0=D0)
    base = pair().model_copy(update={"entities": pair().entities | {"pair": wells}})
    run = sg.sampling.reweighting(base, **SETTINGS)
    exact = (mean_square(DEPTH + 1e-3) - mean_square(DEPTH - 1e-3)) / 2e-3
    slope = float(run.slopes(square_of(run), run.params)["pair.b"])
    assert slope == pytest.approx(exact, rel=0.08)
    h, ends, errors = 0.3, [], []
    for b in (DEPTH + h, DEPTH - h):
        other = sg.sampling.reweighting(base.replace({"pair.b": b}), **SETTINGS | {"seed": 5})
        ends.append(float(other.average(square_of(other), other.params).detach()))
        errors.append(float(other.error(square_of(other), other.params)))
        assert ends[-1] == pytest.approx(mean_square(b), abs=4 * errors[-1])
        here = given(run.params, b=b)
        error = math.hypot(float(run.error(square_of(run), here)), errors[-1])
        assert float(run.average(square_of(run), here)) == pytest.approx(ends[-1], abs=4 * error)
    by_runs, doubt = (ends[0] - ends[1]) / (2 * h), math.hypot(*errors) / (2 * h)
    assert doubt < 0.15 * abs(slope)
    assert slope == pytest.approx(by_runs, abs=3 * doubt)


def test_new_frames_are_drawn_when_few_have_a_weight(harmonic):
    near, far = given(harmonic.params, stiffness=1.1), given(harmonic.params, stiffness=3.0)
    assert harmonic.renewed(near) is harmonic
    again = harmonic.renewed(far)
    assert again.effective(far) == pytest.approx(1.0, abs=1e-9)
    square = again.frames.position.square().mean(dim=(1, 2))
    assert float(again.average(square, far)) == pytest.approx(1.0 / 3.0, abs=4 * float(again.error(square, far)))


def test_outputs_of_the_scene_are_measured_in_every_frame():
    scene = sg.library.lj_fluid(cells=3, density=0.5, epsilon=sg.Parameter(1.0)).replace({"pair.cutoff": 2.0})
    outputs = {"g": sg.RDF(r_max=2.5, bins=25, every=1.0), "thermo": sg.Thermo(every=1.0), "msd": sg.MSD(every=1.0)}
    scene = scene.model_copy(update={"outputs": outputs})
    run = sg.sampling.reweighting(scene, frames=3, every=5, copies=2, warmup=5, device="cpu", dtype="float64")
    seen = run.measured(run.params)
    assert set(seen) == {"g", "thermo"}
    assert seen["g"].shape == (6, 25)
    energy = 108 * seen["thermo"]["potential"]
    torch.testing.assert_close(energy / 1.5, run.reduced)
    # Energies depend on epsilon by themselves too: d<U>/d epsilon = <dU/d epsilon> - cov(U, dU/d epsilon) / T.
    (slope,) = torch.autograd.grad(run.average(energy, run.params), [run.params["pair.epsilon"]])
    u = energy.detach()
    assert float(slope) == pytest.approx(float(u.mean() - u.var(correction=0) / 1.5), rel=1e-9)


def test_frames_that_are_at_hand_are_weighted_as_they_are(harmonic):
    scenes = [well(sg.Parameter(1.0))] * 50
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    noise = torch.randn(state.position.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    state = sg.with_tensors(state, {"position": noise})
    run = sg.sampling.reweighting((solver, state, params))
    stiff = given(run.params, stiffness=1.3)
    weight = torch.exp(-0.15 * noise.square().sum(dim=(1, 2)))
    torch.testing.assert_close(run.weights(stiff), weight / weight.sum())
    with pytest.raises(EngineError, match="frames were given"):
        run.renewed(given(run.params, stiffness=9.0))
    with pytest.raises(EngineError, match="threshold=0"):
        sg.sampling.reweighting(scenes[0], threshold=0.0)


def fluid(sigma, epsilon):
    """A liquid of 108 atoms."""
    pair = sg.LennardJones(sigma=sg.Parameter(sigma), epsilon=sg.Parameter(epsilon), cutoff=2.2, cut="switch")
    return sg.Scene(
        name="liquid",
        units="lj",
        domain=sg.Domain.periodic(density=0.75),
        entities={"Ar": sg.Atoms(lattice=sg.FCC(cells=(3, 3, 3)), temperature=1.1), "pair": pair},
        dynamics=sg.Langevin(temperature=1.1, friction=1.0),
        outputs={"g": sg.RDF(r_max=2.2, bins=66, every=1.0)},
        time=sg.Time(end=1.0, dt=0.005),
    )


def test_parameters_that_are_hidden_are_found_from_the_structure_they_make():
    """By the integrals of g(r) with r^-12 and r^-6, which two parameters are enough to match; compare the example."""
    settings = {"frames": 20, "every": 30, "copies": 8, "warmup": 1000, "settle": 100, "device": "cpu"}
    names = ("pair.sigma", "pair.epsilon")
    r = (torch.arange(66, dtype=torch.float64) + 0.5) / 30
    felt = torch.stack([r**-10, r**-4], dim=1)
    hidden = sg.sampling.reweighting(fluid(1.0, 1.0), **settings | {"seed": 1, "frames": 40})
    shown = hidden.measured(hidden.params)["g"] @ felt
    wanted = hidden.average(shown, hidden.params).detach()
    run = sg.sampling.reweighting(fluid(0.97, 1.15), threshold=0.9, **settings)
    params = run.params
    for _ in range(4):
        run = run.renewed(params)
        seen = run.measured(params)["g"] @ felt
        by = run.slopes(seen, params)
        turn = torch.linalg.inv(torch.stack([by[a] * params[a].detach() for a in names], dim=1))
        told = (wanted - seen) @ turn.T
        step = run.average(told, params).detach()
        error = (run.error(told, params).square() + hidden.error(shown @ turn.T, hidden.params).square()).sqrt()
        step = step * min(1.0, 0.05 / float(step.abs().max()))
        params = params.replace(
            {a: (params[a].detach() * step[k].exp().float()).requires_grad_() for k, a in enumerate(names)}
        )
    found = torch.tensor([params[a].item() for a in names])
    assert float(error[0]) < 0.01
    assert float(error[1]) < 0.08
    assert bool(((found - 1.0).abs() < 4 * error).all()), (found, error)

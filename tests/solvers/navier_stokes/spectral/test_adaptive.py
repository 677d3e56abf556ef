"""Steps chosen by the embedded error estimate."""

import math
from itertools import pairwise

import pytest
import torch

from scenegrad.engine.controllers import CFL, PI, Fixed
from scenegrad.engine.loop import StepRecord, march
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import Fields, GaussianField, Time


@pytest.fixture
def smooth(flow, compiled):
    """Compiled, with a tolerance, so that the pair with an estimate is taken."""

    def make(tolerance: float, **changes):
        return compiled(flow(32, time=Time(end=1.0, tolerance=tolerance), **changes))

    return make


def test_a_tolerance_selects_the_pair_with_an_estimate(smooth, flow, compiled):
    solver, _, _ = smooth(1e-5)
    assert solver.stepper.method.name == "etdrk43"
    assert solver.program.controller == PI(tolerance=1e-5, k=4)
    assert compiled(flow())[0].stepper.method.name == "etdrk4"


def test_global_error_follows_the_tolerance(smooth):
    solver, state, params = smooth(1e-5)
    exact = rollout(solver, state, params, controller=Fixed(1.0 / 800)).state.vorticity
    tolerances = (1e-4, 1e-5, 1e-6, 1e-7)
    errors, steps = [], []
    for tolerance in tolerances:
        end = rollout(solver, state, params, controller=PI(tolerance=tolerance, k=4))
        errors.append(float((end.state.vorticity - exact).norm() / exact.norm()))
        steps.append(int(end.steps))
    slopes = [math.log10(loose / tight) for loose, tight in pairwise(errors)]
    assert all(0.7 < slope < 1.4 for slope in slopes), f"errors {errors} for tolerances {tolerances}"
    assert all(error < 20 * tolerance for error, tolerance in zip(errors, tolerances, strict=True)), errors
    assert steps[-1] > 3 * steps[0], steps


def test_steps_that_miss_the_tolerance_are_taken_again(smooth):
    solver, state, params = smooth(1e-9)
    moments = list(march(solver, state, params, solver.program.controller, [0.25]))
    clock = moments[-1].clock
    assert int(clock.rejected) >= 1
    assert float(clock.time) == 0.25
    exact = rollout(solver, state, params, 0.25, controller=Fixed(0.25 / 400)).state.vorticity
    assert float((moments[-1].state.vorticity - exact).norm() / exact.norm()) < 1e-8


def test_output_times_are_hit_exactly(smooth):
    solver, state, params = smooth(1e-6, outputs={"fields": Fields("vorticity", every=0.07)})
    times = rollout(solver, state, params).times["fields"]
    assert times.tolist() == [n * 0.07 for n in range(15)]
    pauses = [0.07, 0.1, 1 / 3, 0.9999, 1.0]
    reached = [m.clock.time.item() for m in march(solver, state, params, PI(k=4), pauses) if m.pause is not None]
    assert reached == pauses


def test_steps_stay_below_the_stability_bound(smooth):
    """However loose the tolerance: what is stable for the state must be stable for its adjoint."""
    solver, state, params = smooth(0.5, vorticity=GaussianField(peak=3, width=1, rms=4.0, seed=1))
    seen: list[tuple[StepRecord, object]] = []
    list(march(solver, state, params, solver.program.controller, [1.0], seen=lambda r, s: seen.append((r, s))))
    shares = [float(record.dt / solver.max_dt(before, params)) for record, before in seen]
    assert max(shares) < 0.8 + 1e-12
    assert max(shares) > 0.7


def test_gradient_through_chosen_steps_is_that_of_the_steps_taken(smooth):
    solver, state, params = smooth(1e-5)
    weights = torch.randn(1, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    records: list[StepRecord] = []
    list(march(solver, state, params, solver.program.controller, [1.0], seen=lambda r, s: records.append(r)))
    assert len({float(r.dt) for r in records}) > 5

    def replayed(w: torch.Tensor) -> float:
        now = type(state)(w)
        for record in records:
            now = solver.step(now, params, record.time, record.dt).state
        return float((now.vorticity * weights).sum())

    w = state.vorticity.clone().requires_grad_()
    loss = (rollout(solver, type(state)(w), params).state.vorticity * weights).sum()
    assert loss.item() == replayed(state.vorticity)
    (gradient,) = torch.autograd.grad(loss, w)
    rng = torch.Generator().manual_seed(1)
    for _ in range(3):
        direction = solver.modes.project(torch.randn(w.shape, dtype=torch.float64, generator=rng))
        slope = float((gradient * direction).sum())
        estimates = [
            (replayed(state.vorticity + h * direction) - replayed(state.vorticity - h * direction)) / (2 * h)
            for h in (1e-2, 1e-3, 1e-4)
        ]
        assert abs(slope) > 1e-2
        assert min(abs(estimate / slope - 1) for estimate in estimates) < 1e-6, (slope, estimates)
    reference = torch.autograd.grad(
        (rollout(solver, type(state)(w), params, controller=Fixed(0.0025)).state.vorticity * weights).sum(), w
    )[0]
    assert float((gradient - reference).norm() / reference.norm()) < 1e-3


def test_members_of_a_batch_choose_their_own_steps(flow, compiled):
    scenes = [flow(24, vorticity=GaussianField(peak=2, width=0.5, rms=r, seed=3), time=Time(end=0.5, tolerance=1e-6))
              for r in (0.5, 4.0)]  # fmt: skip
    both = rollout(*compiled(scenes))
    assert int(both.steps[1]) > 2 * int(both.steps[0])
    for member, scene in enumerate(scenes):
        alone = rollout(*compiled(scene))
        assert int(alone.steps) == int(both.steps[member])
        assert (alone.state.vorticity[0] - both.state.vorticity[member]).abs().max() < 1e-12


def test_time_error_of_the_default_steps_is_small(flow, compiled):
    """Kolmogorov flow in the developed regime: halving the default steps changes the state by less than 1e-4."""
    scene = flow(64, viscosity=1e-3, vorticity=GaussianField(peak=4, width=1.5, rms=4.0, seed=0), time=Time(end=1.0))
    solver, state, params = compiled(scene)
    assert isinstance(solver.program.controller, CFL)
    number = solver.program.controller.number
    usual, half = (rollout(solver, state, params, controller=CFL(n)).state.vorticity for n in (number, number / 2))
    assert float((usual - half).norm() / half.norm()) < 1e-4

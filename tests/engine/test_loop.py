"""The loop: output times, controllers, batches, and what happens when a state runs away."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from scenegrad.engine.controllers import CFL, PI, Fixed
from scenegrad.engine.errors import Diverged, EngineError, StabilityError
from scenegrad.engine.loop import Clock, due_times, march
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.engine.state import member, tensors

CONTROLLERS = [Fixed(0.01), Fixed(0.013), CFL(0.1), CFL(0.3, steps=3), PI(tolerance=1e-4, k=2)]


def at_every(every, start=0.0):
    return Probe("p", every, lambda state, params: {}, Series(), start=start)


def test_due_times_are_products_of_the_interval_and_end_with_the_run():
    times = [t for t, _ in due_times([at_every(0.1), at_every(0.25, start=0.5)], 0.0, 1.0)]
    assert times == sorted({n * 0.1 for n in range(10)} | {0.75, 0.5, 1.0})
    assert dict(due_times([at_every(0.1), at_every(0.25, start=0.5)], 0.0, 1.0))[0.5] == (0, 1)


def test_a_run_ends_at_its_end_even_if_no_output_is_due_then():
    assert due_times([at_every(0.4)], 0.0, 1.0)[-1] == (1.0, ())


def test_due_times_go_on_after_a_restart():
    whole = due_times([at_every(0.1)], 0.0, 1.0)
    assert due_times([at_every(0.1)], 0.35, 1.0) == whole[4:]


@pytest.mark.parametrize("controller", CONTROLLERS, ids=str)
def test_every_output_time_is_hit_exactly(make_pendulum, controller):
    solver, state, params = make_pendulum(batch=3, controller=controller)
    pauses = [0.0, 0.1, 0.25, 1.0 / 3.0, 1.7]
    hit = {
        m.pause: m.clock.time for m in march(solver, state, params.detach(), controller, pauses) if m.pause is not None
    }
    for index, pause in enumerate(pauses):
        assert bool((hit[index] == pause).all())


@pytest.mark.parametrize("controller", CONTROLLERS, ids=str)
def test_a_member_does_not_feel_its_companions(make_pendulum, controller):
    solver, state, params = make_pendulum(batch=3, controller=controller)
    together = rollout(solver, state, params)
    for b in range(3):
        alone = rollout(solver, member(state, b), member(params, b))
        assert int(alone.steps[0]) == int(together.steps[b])
        assert torch.equal(alone.state.angle[0], together.state.angle[b])
        assert torch.equal(alone.outputs["height"][0], together.outputs["height"][b])


def test_members_take_steps_of_their_own(make_pendulum):
    solver, state, params = make_pendulum(batch=2, controller=CFL(0.1))
    steps = rollout(solver, state, params).steps
    assert steps[1] > 1.3 * steps[0]  # the second pendulum is twice as stiff: sqrt(2) more steps


@pytest.mark.parametrize("make", [lambda h: Fixed(h), lambda h: CFL(2 * h)], ids=["fixed", "cfl"])
def test_error_falls_with_the_order_of_the_method(make_pendulum, make):
    solver, state, params = make_pendulum()
    params = params.detach()
    exact = rollout(solver, state, params, controller=Fixed(0.0002)).state.angle
    sizes = (0.02, 0.01, 0.005)
    errors = [float((rollout(solver, state, params, controller=make(h)).state.angle - exact).abs()) for h in sizes]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(orders) > 1.85, f"expected order 2, measured {orders} from {errors}"


def test_pi_keeps_to_its_tolerance_with_fewer_steps_than_a_fixed_one(make_pendulum):
    solver, state, params = make_pendulum(end=4.0)
    params = params.detach()
    exact = rollout(solver, state, params, controller=Fixed(0.0002)).state.angle
    found = [rollout(solver, state, params, controller=PI(tol, k=2)) for tol in (1e-3, 1e-4, 1e-5)]
    errors = [float((run.state.angle - exact).abs()) for run in found]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-4
    assert found[0].steps < found[1].steps < found[2].steps


def test_pi_rejects_a_step_that_is_too_wrong(make_pendulum):
    solver, state, params = make_pendulum(controller=PI(1e-6, k=2))
    start = Clock.start(1)
    eager = replace(start, memory=replace(start.memory, dt=torch.full((1,), 0.4, dtype=torch.float64)))
    last = list(march(solver, state, params.detach(), PI(1e-6, k=2), [1.0], eager))[-1]
    assert int(last.clock.rejected[0]) >= 2


def test_dt_beyond_the_stability_bound_is_refused(make_pendulum):
    solver, state, params = make_pendulum()
    with pytest.raises(StabilityError, match=r"dt=2 is 4 times the stability bound .*0\.5.*dt='auto'"):
        rollout(solver, state, params, controller=Fixed(2.0))


@pytest.mark.parametrize("make", [lambda: Fixed(0.0), lambda: Fixed(-1.0), lambda: CFL(1.5), lambda: PI(0.0)])
def test_a_controller_without_sense_is_refused(make):
    with pytest.raises(EngineError):
        make()


def test_a_diverging_run_names_step_time_field_and_member(make_pendulum):
    solver, state, params = make_pendulum(batch=2)
    step = solver.step

    def explode(state, params, time, dt):
        after = step(state, params, time, dt)
        bad = torch.where(time[:, None] > 0.499 + torch.tensor([[9.0], [0.0]]), torch.nan, after.state.rate)
        return replace(after, state=replace(after.state, rate=bad))

    solver.step = explode
    with pytest.raises(Diverged, match=r"rate of member 1 is not finite after step 51 \(t = 0\.51") as caught:
        rollout(solver, state, params)
    assert caught.value.members == (1,)


def test_marching_in_two_parts_equals_marching_at_once(make_pendulum):
    solver, state, params = make_pendulum(controller=PI(1e-5, k=2))
    pauses = [0.5, 1.0, 2.0]
    moments = list(march(solver, state, params.detach(), PI(1e-5, k=2), pauses))
    middle = moments[len(moments) // 2]
    left = [p for p in pauses if p > float(middle.clock.time)]
    again = list(march(solver, middle.state, params.detach(), PI(1e-5, k=2), left, middle.clock))[-1]
    assert torch.equal(again.state.angle, moments[-1].state.angle)
    assert torch.equal(again.clock.steps, moments[-1].clock.steps)


def test_a_step_leaves_the_state_it_was_given_alone(make_pendulum):
    solver, state, params = make_pendulum(batch=2)
    before = {name: value.clone() for name, value in tensors(state).items()}
    rollout(solver, state, params)
    assert all(torch.equal(before[name], value) for name, value in tensors(state).items())


def test_the_last_frame_is_the_end_however_the_interval_rounds():
    assert 0.0 + 3 * 0.3 < 0.9
    assert due_times([at_every(0.3)], 0.0, 0.9)[-1] == (0.9, (0,))


def test_more_frames_than_anyone_can_store_are_refused():
    with pytest.raises(EngineError, match=r"'p' asks for 1e\+12 frames"):
        due_times([at_every(1e-12)], 0.0, 1.0)


def test_a_step_that_shrinks_to_nothing_stops_the_run(make_pendulum):
    solver, state, params = make_pendulum(controller=CFL(0.5))
    solver.max_dt = lambda state, params: torch.full((1,), 1e-22, dtype=torch.float64)
    with pytest.raises(Diverged, match=r"steps of 5e-23 .*running away"):
        rollout(solver, state, params)


def test_a_tolerance_that_no_step_meets_stops_the_run(make_pendulum):
    solver, state, params = make_pendulum(controller=PI(1e-6, k=2))
    step = solver.step
    solver.step = lambda *given: replace(step(*given), error=torch.ones(1))
    with pytest.raises(Diverged, match="tolerance cannot be met"):
        rollout(solver, state, params)

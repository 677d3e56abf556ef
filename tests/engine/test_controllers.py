"""Controllers hold what they promise: the tolerance, the bound, smooth steps, one dt for all where that is asked."""

import math

import pytest
import torch

from scenegrad.engine.controllers import CFL, FILTERS, PI, PID, Filter, InStep, Memory, Plan
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.step_rule import StepRule
from scenegrad.engine.trials import Trials


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def tried(make_pendulum, controller, **how):
    solver, state, params = make_pendulum(controller=controller, **how)
    trials = Trials()
    run = rollout(solver, state, params.detach(), tried=trials.append)
    return run, trials.table()


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_holds_the_tolerance_and_brings_the_error_to_it(make_pendulum, name):
    """Where nothing bounds dt but the error, accepted errors gather below the tolerance, not far below."""
    control = PID(tolerance=1e-5, k=2, filter=FILTERS[name])
    _, table = tried(make_pendulum, control, end=20.0, every=20.0)
    accepted = table["accepted"][:, 0]
    errors = table["error"][accepted, 0]
    assert float(errors.max()) <= 1e-5
    assert 0.3e-5 < float(errors[20:].median()) < 1e-5
    assert int((~accepted).sum()) < 0.15 * len(accepted)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_settles_where_the_error_is_that_of_its_safety(name):
    """For error = (dt / unit)^k every filter ends at dt = safety^(...) unit and stays there."""
    control = PID(tolerance=1.0, k=3, cap=1.0, filter=FILTERS[name])
    memory, never = Memory.fresh(1), numbers(1e9)
    for _ in range(400):
        plan = control.plan(never, numbers(1e6), memory)
        _, memory = control.judge(plan, (plan.dt / 7.0) ** 3, memory)
    gain = sum(FILTERS[name].errors)
    assert float(plan.dt) == pytest.approx(7.0 * 0.9 ** (1.0 / gain), rel=1e-3)


def test_digital_filters_pass_less_noise_on_than_pi():
    """Errors that scatter by a factor: successive steps differ least under the filters of Soderlind."""

    def roughness(filter: Filter) -> float:
        rng = torch.Generator().manual_seed(0)
        control = PID(tolerance=1.0, k=3, cap=1.0, filter=filter)
        memory, steps = Memory.fresh(1), []
        for _ in range(400):
            plan = control.plan(numbers(1e9), numbers(1e6), memory)
            noise = torch.exp(0.5 * torch.randn(1, generator=rng, dtype=torch.float64))
            accepted, memory = control.judge(plan, 0.5 * noise * plan.dt**3, memory)
            if bool(accepted):
                steps.append(math.log(float(plan.dt)))
        return float(torch.tensor(steps[50:]).diff().std())

    found = {name: roughness(filter) for name, filter in FILTERS.items()}
    assert found["h312b"] < found["h211b"] < 0.7 * found["pi"], found


def test_landing_on_an_output_leaves_no_mark_on_the_steps_that_follow():
    control = PID(tolerance=1e-4, k=3)
    memory = Memory(*(numbers(value) for value in (0.1, 0.5, 0.4, 0.09, 0.08)))
    plan = control.plan(numbers(1e-4), numbers(1.0), memory)
    _, after = control.judge(plan, numbers(1e-16), memory)
    assert float(plan.dt) == 1e-4
    assert all(torch.equal(a, b) for a, b in zip(vars(after).values(), vars(memory).values(), strict=True))


def test_members_in_step_share_every_time_and_none_breaks_the_tolerance(make_pendulum):
    control = PI(tolerance=1e-5, k=2)
    _, apart = tried(make_pendulum, control, batch=3)
    run, table = tried(make_pendulum, InStep(control), batch=3)
    for name in ("time", "dt", "steps", "accepted"):
        assert bool((table[name] == table[name][:, :1]).all()), name
    assert bool((apart["dt"] != apart["dt"][:, :1]).any()), "alone they would have differed"
    assert bool((table["error"][table["accepted"]] <= 1e-5).all())
    assert len(set(run.steps.tolist())) == 1
    _, followed = tried(make_pendulum, InStep(CFL(0.3)), batch=3)
    assert bool((followed["dt"] <= 0.3 * followed["bound"].amin(1, keepdim=True) * (1 + 1e-9)).all())


def test_a_rule_is_never_allowed_beyond_the_bound_and_is_shortened_when_refused(make_pendulum):
    rash = StepRule(lambda memory, max_dt: 100.0 * max_dt, tolerance=1e-4, k=2, cap=0.6)
    _, table = tried(make_pendulum, rash, batch=2)
    assert bool((table["dt"] <= 0.6 * table["bound"] * (1 + 1e-9)).all())
    assert bool((table["error"][table["accepted"]] <= 1e-4).all())
    assert int((~table["accepted"]).sum()) > 10
    _, free = tried(make_pendulum, StepRule(lambda memory, max_dt: 100.0 * max_dt, cap=0.6))
    assert bool(free["accepted"].all())


@pytest.mark.parametrize("wrong", [[0.0], [math.nan], [-1.0], [0.1, 0.1]], ids=str)
def test_a_rule_that_says_nonsense_is_refused(wrong):
    with pytest.raises(EngineError, match="one positive dt for each member"):
        StepRule(lambda memory, max_dt: numbers(*wrong)).plan(numbers(1.0), numbers(1.0), Memory.fresh(1))


def test_an_error_without_end_is_taken_back_by_all_in_step():
    plan = Plan(numbers(0.1, 0.1), torch.tensor([5, 5]), 1)
    accepted, memory = InStep(PI(1e-3)).judge(plan, numbers(1e-9, math.nan), Memory.fresh(2))
    assert accepted.tolist() == [False, False]
    assert memory.dt.tolist() == pytest.approx([0.02, 0.02])

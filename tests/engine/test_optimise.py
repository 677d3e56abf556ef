"""Optimisation finds the parameters that made an observation, keeps to the bounds and says what it tried."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.optimise import optimise
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors

STIFFNESS, DAMPING = "pendulum.stiffness", "pendulum.damping"


@dataclass(frozen=True)
class Known:
    bounds: tuple[float, float] | None = None
    transform: str = "identity"


def measured(make_pendulum, noise=0.0):
    """A pendulum of stiffness 9 and damping 0.3 as it was seen."""
    solver, state, params = make_pendulum(end=2.0, every=0.1, stiffness=9.0, damping=0.3, controller=Fixed(0.02))
    seen = rollout(solver, state, params).outputs["height"].detach()
    return seen + noise * torch.randn(seen.shape, generator=torch.Generator().manual_seed(1), dtype=seen.dtype)


def misfit(seen):
    return lambda roll: (roll.outputs["height"] - seen).square().mean()


def test_the_parameters_behind_a_trajectory_are_recovered(make_pendulum):
    seen = measured(make_pendulum)
    solver, state, params = make_pendulum(end=2.0, every=0.1, stiffness=2.0, controller=Fixed(0.02))
    known = {STIFFNESS: Known((1.0, 100.0), "log"), DAMPING: Known((0.0, 1.0))}
    best = optimise(solver, state, params, misfit(seen), parameters=known, steps=50, tolerance=1e-14)
    assert best.params[STIFFNESS].item() == pytest.approx(9.0, rel=1e-5)
    assert best.params[DAMPING].item() == pytest.approx(0.3, rel=1e-4)
    assert best.value == min(trial.value for trial in best.history) < 1e-10
    assert len(best.history) < 60
    assert best.params[STIFFNESS].requires_grad


def test_noise_moves_the_answer_little(make_pendulum):
    seen = measured(make_pendulum, noise=0.1)
    solver, state, params = make_pendulum(end=2.0, every=0.1, stiffness=2.0, damping=0.3, controller=Fixed(0.02))
    best = optimise(solver, state, params, misfit(seen), parameters={STIFFNESS: Known((0.5, 50.0), "log")})
    assert best.converged, best.message
    assert best.params[STIFFNESS].item() == pytest.approx(9.0, rel=0.02)
    assert best.params[DAMPING].item() == 0.3, "a parameter that was not named stays as it was"


@pytest.mark.parametrize("transform", ["log", "identity"])
def test_no_trial_leaves_the_bounds_and_the_best_may_lie_on_one(make_pendulum, transform):
    seen = measured(make_pendulum)
    solver, state, params = make_pendulum(end=2.0, every=0.1, stiffness=4.0, damping=0.3, controller=Fixed(0.02))
    best = optimise(solver, state, params, misfit(seen), parameters={STIFFNESS: Known((3.0, 7.0), transform)})
    tried = np.concatenate([trial.params[STIFFNESS] for trial in best.history])
    assert tried.min() >= 3.0
    assert tried.max() <= 7.0
    assert best.params[STIFFNESS].item() == pytest.approx(7.0, rel=1e-6)


def test_the_initial_state_may_be_built_from_the_parameters(make_pendulum):
    """Start at angle = damping: the gradient must flow through the state as well as through the steps."""
    solver, state, params = make_pendulum(end=1.0, damping=0.9, controller=Fixed(0.02))

    def build(values):
        return with_tensors(state, {"angle": values[DAMPING][:, None]})

    truth = params.replace({DAMPING: torch.full((1,), 0.6, dtype=torch.float64)})
    seen = rollout(solver, build(truth), truth).outputs["height"].detach()
    known = {DAMPING: Known((0.1, 2.0))}
    best = optimise(solver, state, params, misfit(seen), parameters=known, build=build, tolerance=1e-14)
    assert best.params[DAMPING].item() == pytest.approx(0.6, rel=1e-4)


@pytest.mark.parametrize("start", [2.0, 20.0])
def test_a_stand_in_leads_to_the_optimum_of_the_solver_that_verifies(make_pendulum, start):
    """A solver with steps so long that its own optimum lies elsewhere; the other is asked a few times only."""
    seen, known = measured(make_pendulum), {STIFFNESS: Known((1.0, 30.0), "log")}
    fine, state, params = make_pendulum(end=2.0, every=0.1, stiffness=start, damping=0.3, controller=Fixed(0.02))
    coarse, *_ = make_pendulum(end=2.0, every=0.1, controller=Fixed(0.1))
    calls = []
    best = optimise(
        coarse, state, params, misfit(seen), parameters=known, verify=fine, tolerance=1e-10, watch=calls.append
    )
    astray = optimise(coarse, state, params, misfit(seen), parameters=known, tolerance=1e-12)
    assert best.params[STIFFNESS].item() == pytest.approx(9.0, rel=1e-4)
    assert astray.params[STIFFNESS].item() != pytest.approx(9.0, rel=1e-4)
    assert best.value == pytest.approx(misfit(seen)(rollout(fine, state, best.params)).item())
    assert best.converged
    assert len(calls) == len(best.history) < len(best.surrogate)
    assert len(best.history) <= 12
    values = [trial.value for trial in best.history]
    assert min(values) == best.value


def test_a_stand_in_that_is_wrong_everywhere_costs_moves_but_not_the_optimum(make_pendulum):
    """Its stiffness counts as its damping and the other way about."""
    seen, known = measured(make_pendulum), {STIFFNESS: Known((1.0, 30.0), "log")}
    fine, state, params = make_pendulum(end=2.0, every=0.1, stiffness=8.0, damping=0.3, controller=Fixed(0.02))

    class Wrong:
        program, order = fine.program, fine.order
        max_dt, observe, vjp = fine.max_dt, fine.observe, fine.vjp

        def step(self, state, params, time, dt):
            return fine.step(state, params.replace({STIFFNESS: 0.3 * params[STIFFNESS] + 5.0}), time, dt)

    best = optimise(Wrong(), state, params, misfit(seen), parameters=known, verify=fine, steps=60)
    assert best.params[STIFFNESS].item() == pytest.approx(9.0, rel=1e-2)


def test_what_cannot_be_optimised_is_refused(make_pendulum):
    solver, state, params = make_pendulum(end=0.5)
    seen = torch.zeros(1, 2, dtype=torch.float64)
    with pytest.raises(EngineError, match=r"No parameter 'pendulum\.mass'.*pendulum\.stiffness"):
        optimise(solver, state, params, misfit(seen), parameters={"pendulum.mass": Known()})
    with pytest.raises(EngineError, match="nothing to optimise"):
        optimise(solver, state, params, misfit(seen), parameters={})
    with pytest.raises(EngineError, match="does not depend on"):
        optimise(solver, state, params, lambda roll: params[DAMPING].sum(), parameters={STIFFNESS: Known()})
    with pytest.raises(EngineError, match="does not depend on"):
        optimise(solver, state, params, lambda roll: seen.sum(), parameters={STIFFNESS: Known()})


def test_a_state_that_depends_on_parameters_is_made_anew_as_the_scene_makes_it(make_pendulum):
    solver, state, params = make_pendulum()

    def initial(values):
        return with_tensors(state, {"angle": 0.25 * values[STIFFNESS][:, None]})

    solver.program = replace(solver.program, initial=initial)
    seen = rollout(solver, initial(params.replace({STIFFNESS: torch.tensor([5.0]).double()})), params.detach())
    goal = seen.outputs["height"].detach()
    best = optimise(
        solver, initial(params), params, lambda roll: (roll.outputs["height"][:, 0] - goal[:, 0]).square().sum(),
        parameters={STIFFNESS: Known((1.0, 9.0))}, steps=30, tolerance=1e-14,
    )  # fmt: skip
    assert len(best.history) > 2
    other = with_tensors(state, {"angle": 2 * initial(params).angle})
    with pytest.raises(EngineError, match="Pass build="):
        optimise(solver, other, params, lambda roll: roll.state.angle.sum(), parameters={STIFFNESS: Known()})

"""Networks of particles in the place of material points: their states, loop, outputs and gradients."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.library import sand_column
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates import GNS, Carried, ParticleSurrogate, Surrogate, farthest_points
from scenegrad.surrogates.data.statistics import Statistics

ANGLE, STILL, DT = "sand.material.friction_angle", ("affine", "deformation", "history"), 0.02


def compiled(dtype):
    return compile_scene([sand_column(cells=3, every=DT, end=4 * DT)] * 2, device="cpu", dtype=dtype)


@pytest.fixture(scope="module")
def column():
    return compiled("float32")


def network(history=3, **said):
    torch.manual_seed(2)
    made = GNS(8, 0.04, ["position"], [ANGLE], rounds=1, components={"position": 2}, history=history, **said)
    two, one, nothing = torch.ones(2).double(), torch.ones(2 * history).double(), torch.zeros(1).double()
    scales = Statistics(
        0 * one, one, 0 * two, two, 0.004 * two, 30.0 + nothing, 10.0 + nothing, output_turn=0.001 * two
    )
    return made.dressed(scales, DT, (18,)).double()


def test_it_runs_in_the_solvers_loop_and_begins_with_its_steps(column):
    solver, state, params = column
    surrogate = ParticleSurrogate(network(), like=solver, still=STILL)
    run = rollout(surrogate, state, params)
    true = rollout(solver, state, params)
    x, known = (made.outputs["particles"]["position"] for made in (run, true))
    assert x.shape == known.shape == (2, 5, state.position.shape[1], 2)
    torch.testing.assert_close(x[:, :3], known[:, :3])  # two steps of the solver, to look back on
    step = surrogate.network(x)(
        {"position": x[:, 2], "position[-1]": x[:, 1], "position[-2]": x[:, 0]},
        params,
        torch.full((2,), DT),
        {},
    )
    torch.testing.assert_close(x[:, 3], step["position"])
    torch.testing.assert_close(run.state.velocity, (x[:, 4] - x[:, 3]) / DT)
    torch.testing.assert_close(run.outputs["com"][:, 4], x[:, 4].mean(1))


def test_carriers_move_a_column_that_the_solver_can_go_on_with(column):
    solver, state, params = column
    carriers = farthest_points(state.position[0], 8)
    surrogate = ParticleSurrogate(Carried(network(), carriers, 0.1), like=solver, still=STILL)
    end = rollout(surrogate, state, params).state
    assert bool(end.position.isfinite().all())
    further = rollout(solver, surrogate.memory.alone(end), params, 5 * DT, start=4 * DT, probes=()).state
    assert bool(further.position.isfinite().all())


def test_gradients_reach_the_places_and_the_angle_of_friction():
    solver, state, params = compiled("float64")
    surrogate = ParticleSurrogate(network(history=1), like=solver, still=STILL)
    angle = params[ANGLE].detach().clone().requires_grad_()

    def loss(place, value):
        told = params.detach().replace({ANGLE: value})
        moved = type(state)(**{**vars(state), "position": place})
        return rollout(surrogate, moved, told, 3 * DT, probes=()).state.position.square().sum()

    place = state.position.clone().requires_grad_()
    loss(place, angle).backward()
    toward, h = torch.randn_like(place), 1e-7
    with torch.no_grad():
        difference = (loss(place + h * toward, angle) - loss(place - h * toward, angle)) / (2 * h)
        turned = (loss(place, angle + 1e-5) - loss(place, angle - 1e-5)) / 2e-5
    assert float((place.grad * toward).sum()) == pytest.approx(float(difference), rel=1e-5)
    assert float(angle.grad.sum()) == pytest.approx(float(turned), rel=1e-4)


def test_fields_that_it_knows_nothing_of_are_named(column):
    solver, state, params = column
    with pytest.raises(EngineError, match=r"still=\('affine', 'deformation'"):
        rollout(ParticleSurrogate(network(history=1), like=solver), state, params)
    both = GNS(8, 0.04, ["position", "speed"], components={"position": 2, "speed": 2})
    with pytest.raises(EngineError, match="those that give the position alone"):
        ParticleSurrogate(both.dressed(None, DT, (18,)), like=solver)
    assert isinstance(ParticleSurrogate(network(), like=solver), Surrogate)

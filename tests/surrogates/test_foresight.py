"""Networks that tell numbers of a scene in the place of its solver."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.responses import Responses
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.foresight import Foresight
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train

BY = "flow.velocity.coefficients"


def scene(coefficients) -> sg.Scene:
    return sg.Scene(
        name="steer",
        domain=sg.Domain.periodic(size=(1.0,), cells=(16,)),
        entities={"flow": sg.Burgers(viscosity=0.05, velocity=sg.Waves(coefficients))},
        outputs={"cost": sg.Misfit("velocity", sg.Waves((0.2, 0.1)), every=0.2), "energy": sg.Energy(every=0.1)},
        time=sg.Time(end=0.2, dt=0.02),
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foresight")
    made = sg.generate(
        sg.vary(scene((sg.Uniform(-0.6, 0.6),) * 4), 24), out=folder / "data", batch=24, of=(sg.Final("cost.misfit"),),
        gradients=(BY,), device="cpu", progress=False,
    )  # fmt: skip
    data = Responses.of(made, split=Split(0.0, 0.0))
    torch.manual_seed(0)
    fit = train(
        MLP.of(data, width=24), data, out=folder / "fit", epochs=60, batch_size=8, learning_rate=1e-2,
        target=WithGradients(), progress=False, device="cpu",
    )  # fmt: skip
    told = sg.compile(scene(sg.Parameter((-0.3, 0.4, 0.2, -0.5), bounds=(-0.6, 0.6))), device="cpu", dtype="float64")
    return fit.model, *told


def test_what_it_tells_is_what_the_network_says_with_its_gradient(taught):
    model, solver, state, params = taught
    fast = Foresight(model, solver)
    roll = sg.rollout(fast, state, params)
    (slope,) = torch.autograd.grad(roll.outputs["cost"][:, -1].sum(), params[BY])
    said = params[BY].detach().float().requires_grad_()
    value = model({BY: said}, {}, torch.ones(1))["final cost.misfit"]
    (wanted,) = torch.autograd.grad(value.sum(), said)
    assert float(roll.outputs["cost"][0, -1].detach()) == pytest.approx(float(value.detach()), rel=1e-4)
    np.testing.assert_allclose(slope.numpy(), wanted.numpy(), rtol=1e-3, atol=1e-5)
    assert set(roll.outputs) == {"cost"}


def test_verified_by_the_solver_it_leads_to_the_solver_s_optimum_with_fewer_calls(taught):
    model, solver, _, params = taught

    def objective(roll):
        return 1.0 + 100.0 * roll.outputs["cost"][:, -1]

    def searched(engine, **more):
        return sg.optimise(engine, solver.program.initial(params), params, objective, tolerance=1e-9, **more)

    alone = searched(solver)
    together = searched(Foresight(model, solver), verify=solver, region=float("inf"))
    assert together.value == pytest.approx(alone.value, rel=1e-4)
    assert len(together.history) < len(alone.history)
    assert together.surrogate


def test_a_penalty_is_part_of_what_is_minimised(taught):
    """f + c |p|^2 with c without bound is least at nothing; the slope of the penalty is felt."""
    _, solver, _, params = taught
    best = sg.optimise(
        solver, solver.program.initial(params), params, lambda roll: roll.outputs["cost"][:, -1],
        penalty=lambda told: 1e4 * told[BY].square().sum(1), tolerance=1e-12,
    )  # fmt: skip
    assert float(best.params[BY].detach().abs().max()) < 1e-4


def test_a_network_of_another_scene_is_refused(taught):
    model, solver, _, _ = taught
    other = sg.compile(scene((0.1, 0.2, 0.3, 0.4)).replace({"outputs": {"energy": sg.Energy(every=0.1)}}), device="cpu")
    with pytest.raises(EngineError, match="tells cost, which is no output of this scene; it has energy"):
        Foresight(model, other[0])
    with pytest.raises(EngineError, match="got 2 numbers for a network that tells final cost"):
        Foresight(model, solver, (sg.Final("cost.misfit"), sg.Final("energy.total")))

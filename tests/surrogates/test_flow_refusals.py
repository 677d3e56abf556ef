"""Parts of flows that do not belong together are refused, and constraints hold on noisy ways too."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import (
    FNO,
    ConstantAcceleration,
    DivergenceFree,
    Euler,
    Flow,
    FromPoissonField,
    MeanFlow,
    Noisy,
    Pairs,
    Reflow,
    train,
)
from scenegrad.surrogates.constraints import divergence
from scenegrad.surrogates.flows.likelihood import log_likelihood

QUIET = {"epochs": 1, "progress": False, "device": "cpu"}


def operator():
    return FNO((2,), 4, [], outputs=["u"], depth=1)


def data(scale=1.0, seed=0):
    u = scale * torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))
    return Pairs.from_arrays({}, {"u": u.numpy()})


@pytest.mark.parametrize("target", [MeanFlow(), ConstantAcceleration()])
def test_a_flow_that_was_not_built_for_a_target_is_refused(target, tmp_path):
    with pytest.raises(EngineError, match=r"Build it with Flow\(\.\.\., objective="):
        train(Flow(operator()), data(), target=target, out=tmp_path, **QUIET)


def test_a_flow_of_constant_acceleration_is_drawn_from_by_its_own_sampler_alone():
    flow = Flow(operator(), objective=ConstantAcceleration(), sampler=Euler(4)).dressed(None, 1.0, (8,))
    with pytest.raises(EngineError, match="sampler=Accelerated"):
        flow({}, {}, torch.ones(2))
    x = torch.randn(2, 1, 8)
    with pytest.raises(EngineError, match="knows its velocity at the start alone"):
        log_likelihood(flow.field(*flow.told({}, {}, torch.ones(2), x)), x)


def test_a_teacher_of_other_scales_or_another_start_is_refused(tmp_path):
    teacher = train(Flow(operator(), sampler=Euler(1)), data(), out=tmp_path / "teacher", **QUIET).model
    with pytest.raises(EngineError, match="other scales"):
        train(Flow(operator()), data(3.0), target=Reflow(teacher), out=tmp_path / "scaled", **QUIET)
    heavy = Flow(operator(), start=FromPoissonField(8.0))
    with pytest.raises(EngineError, match="The teacher has start=FromNoise"):
        train(heavy, data(), target=Reflow(teacher), out=tmp_path / "heavy", **QUIET)
    assert train(Flow(operator()), data(), target=Reflow(teacher), out=tmp_path / "alike", **QUIET).history


def test_noisy_ways_keep_the_constraints_of_a_flow():
    torch.manual_seed(0)
    network = FNO((3, 3), 4, ["velocity"], components={"velocity": 2}, constraints=[DivergenceFree()], depth=1)
    flow = Flow(network, sampler=Noisy(6)).dressed(None, 0.1, (12, 12))
    seen, asked = [], flow.flow.mean_velocity

    def watched(x, *told):
        seen.append(float(divergence(x.movedim(1, -1)).square().mean().sqrt()))
        return asked(x, *told)

    flow.flow.mean_velocity = watched
    with torch.no_grad():
        flow({"velocity": torch.randn(2, 12, 12, 2)}, {}, torch.full((2,), 0.1))
    assert len(seen) == 12
    assert max(seen) < 1e-4  # of about four without a projection of the noise on the way

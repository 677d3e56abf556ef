"""Rollouts that outlive a few Lyapunov times say so, and others do not."""

import re
import warnings

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene


def gradient(temperature, end, density=0.8442):
    """Of the last potential energy, by epsilon; what was warned of, and the size of the gradient."""
    scene = sc.Scene(
        name="liquid",
        units="lj",
        domain=sc.Domain.periodic(density=density),
        entities={
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(3, 3, 3)), temperature=temperature),
            "pair": sc.LennardJones(cutoff=2.0, epsilon=sc.Parameter(1.0)),
        },
        time=sc.Time(end=end, dt=0.005),
    )
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    state = map_tensors(torch.Tensor.detach, state)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        made = rollout(solver, state, params)
        solver.observe(made.state, params)["potential_energy"].sum().backward()
        told = [str(one.message) for one in seen if "e-fold" in str(one.message)]
    return told, float(params["pair.epsilon"].grad)


def test_a_hot_liquid_warns_once_and_says_how_fast_gradients_grow(measure):
    told, _ = gradient(3.0, 6.0)
    assert len(told) == 1
    fold = float(re.search(r"e-fold every ([\d.e+-]+)", told[0])[1])
    measure("time in which gradients of a hot liquid grow e-fold [tau]", fold, "0.1 to 1.5")
    assert 0.1 < fold < 1.5


@pytest.mark.parametrize(("temperature", "end"), [(3.0, 0.5), (0.05, 6.0)], ids=["short", "crystal"])
def test_short_and_regular_motion_is_not_warned_of(temperature, end):
    assert gradient(temperature, end, density=1.0 if temperature < 1.0 else 0.8442)[0] == []

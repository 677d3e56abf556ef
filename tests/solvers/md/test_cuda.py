"""A GPU follows the same code path: the same forces, noise and gradients, and the same bits from run to run."""

import pytest
import torch

import scenegrad.scenes.library as library
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.gradients import Reversible, Stored
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.compile import compile_scene

SCENES = {
    "argon": lambda: library.argon(cells=5, sigma=Parameter(value=1.0)),
    "kob-andersen": lambda: library.kob_andersen(cells=5, friction=Parameter(value=1.0)),
    "flat": lambda: library.melting_crystal(),
}


def flown(scene, device, steps=60):
    solver, state, params = compile_scene(scene, device=device, dtype="float64")
    end = rollout(solver, state, params, steps * 0.004, controller=Fixed(0.004), probes=()).state
    solver.observe(end, params)["pressure"].sum().backward() if scene.parameters() else None
    return map_tensors(lambda v: v.detach().cpu(), end), {a: params[a].grad.cpu() for a in scene.parameters()}, solver


@pytest.mark.gpu
@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_a_gpu_and_a_cpu_agree(make):
    (here, slopes_here, _), (there, slopes_there, solver) = (flown(make(), device) for device in ("cpu", "cuda:0"))
    torch.testing.assert_close(there.position, here.position, rtol=0, atol=1e-9)
    torch.testing.assert_close(there.velocity, here.velocity, rtol=0, atol=1e-8)
    for address, slope in slopes_here.items():
        torch.testing.assert_close(slopes_there[address], slope, rtol=1e-6, atol=0)
    lists = solver.system.forces.terms[0].neighbours
    row = lists.rows[0, 3, : int(lists.count[0, 3])].cpu()
    assert bool((row[1:] > row[:-1]).all())


@pytest.mark.gpu
@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_a_gpu_gives_the_same_bits_again(make):
    (one, slopes_one, _), (two, slopes_two, _) = (flown(make(), "cuda:0") for _ in range(2))
    assert torch.equal(one.position, two.position)
    assert torch.equal(one.velocity, two.velocity)
    assert all(torch.equal(slope, slopes_two[address]) for address, slope in slopes_one.items())


@pytest.mark.gpu
def test_a_gpu_undoes_steps_to_the_last_bit_too():
    """Or the way back would end in an error."""
    slopes = []
    for how in (Stored(), Reversible()):
        solver, state, params = compile_scene(SCENES["argon"](), device="cuda:0", dtype="float64")
        end = rollout(solver, state, params, 0.24, controller=Fixed(0.004), probes=(), gradient=how).state
        solver.observe(end, params)["pressure"].sum().backward()
        slopes.append(params["pair.sigma"].grad.cpu())
    torch.testing.assert_close(*slopes, rtol=1e-8, atol=0)

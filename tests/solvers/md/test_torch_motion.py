"""A motion written in torch is the motion whose steps and transposes are kernels."""

import dataclasses

import torch

import scenegrad as sg
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.md.motions.torch_motion import TorchMotion


class Verlet(TorchMotion):
    """v += dt/2 F/m; x += dt v; v += dt/2 F/m"""

    def advance(self, system, state, params, time, dt):
        half = 0.5 * dt.to(state.position)[:, None, None] / system.masses.differentiable(params)[..., None]
        before = state.velocity + half * system.pull(state.position, system.box_of(state), params)
        x = state.position + dt.to(state.position)[:, None, None] * before
        return dataclasses.replace(
            state, position=x, velocity=before + half * system.pull(x, system.box_of(state), params)
        )


def test_both_lead_to_the_same_place_and_back():
    scene = sg.library.lj_fluid(cells=5).replace(
        {"pair.epsilon": sg.Parameter(1.0), "Ar.mass": sg.Parameter(1.2), "dynamics": sg.NVE()}
    )
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    state, ends, gradients = map_tensors(torch.Tensor.detach, state), [], []
    for motion in (solver.motion, Verlet()):
        for value in params.values():
            value.grad = None
        one = dataclasses.replace(solver, motion=motion)
        end = rollout(one, state, params, 0.1, controller=Fixed(0.004), probes=()).state
        weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
        (weights * (end.position + end.velocity)).sum().backward()
        ends.append(end.position.detach())
        gradients.append(torch.stack([params["pair.epsilon"].grad, params["Ar.mass"].grad]))
    torch.testing.assert_close(ends[0], ends[1], rtol=0.0, atol=1e-13)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-11, atol=0.0)

"""A gas starts with the velocity fields that other fluids start with, their numbers differentiable."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def gas(velocity: object, cells: int = 16) -> sc.Scene:
    domain = sc.Domain.periodic(size=(1.0, 1.0), cells=(cells, cells))
    entities = {"gas": sc.Gas(velocity=velocity, pressure=20.0)}
    return sc.Scene(name="start", domain=domain, entities=entities, time=sc.Time(end=0.01, dt=0.005))


def test_a_gas_starts_with_vortices_and_loses_what_their_amplitude_says():
    solver, state, params = compile_scene(gas(sc.TaylorGreen(amplitude=sc.Parameter(0.7))), "cpu", "float64")
    x = (torch.arange(16, dtype=torch.float64) + 0.5) / 16 * 2 * math.pi
    momentum = state.conserved[0, 1:3].detach()  # of density 1
    assert momentum[0] == pytest.approx(0.7 * x.cos()[:, None] * x.sin())
    assert momentum[1] == pytest.approx(-0.7 * x.sin()[:, None] * x.cos())

    def energy(values: object) -> torch.Tensor:
        end = rollout(solver, solver.program.initial(values), values).state
        return end.conserved[:, 1:3].square().sum()

    slope = torch.autograd.grad(energy(params), params["gas.velocity.amplitude"])[0]
    with torch.no_grad():
        up, down = (
            energy(params.replace({"gas.velocity.amplitude": params["gas.velocity.amplitude"] + h}))
            for h in (1e-5, -1e-5)
        )
    assert float(slope) == pytest.approx(float(up - down) / 2e-5, rel=1e-6)


def test_velocities_that_cells_cannot_show_are_refused():
    with pytest.raises(sc.SceneError, match=r"gas\.velocity +is finer than the grid"):
        compile_scene(gas(sc.GaussianField(peak=9.0)), "cpu", "float64")
    with pytest.raises(sc.SceneError, match=r"gas\.velocity +is a spots"):
        compile_scene(gas(sc.Spots(radius=0.1)), "cpu", "float64")

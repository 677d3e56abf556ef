"""Flows and tracers on meshes start from the same fields as those on grids, with their numbers differentiable."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

P = sc.Parameter


def scene(path: str, **entities: object) -> sc.Scene:
    return sc.Scene(
        name="starts",
        domain=sc.Domain.meshed(path),
        entities=entities,
        boundary=sc.Boundary(default=sc.Slip()),
        method=sc.FiniteElement(time="bdf2"),
        time=sc.Time(end=0.02, dt=0.01),
    )


def test_a_flow_and_its_dye_start_from_closed_forms_at_every_node(mesh_file):
    told = scene(
        mesh_file((2.0, 1.0), (6, 4)),
        water=sc.Fluid(viscosity=0.01, velocity=sc.TaylorGreen(amplitude=P(0.5))),
        dye=sc.Tracer(diffusivity=0.01, initial=sc.PlaneWave((1, 0), amplitude=0.3, phase=0.2)),
        mark=sc.Tracer(diffusivity=0.01, initial=sc.MaternField(alpha=4.0, tau=1.0, scale=9.0, seed=2)),
    )
    solver, state, params = compile_scene(told, "cpu", "float64")
    x, y = solver.space.places(solver.space.vertices[None])[0].T
    k_x, k_y = math.pi, 2 * math.pi
    inner = (x > 1e-9) & (x < 2 - 1e-9) & (y > 1e-9) & (y < 1 - 1e-9)
    u, v = state.velocity[0].detach()[inner].T
    assert u == pytest.approx((0.5 * (k_x * x).cos() * (k_y * y).sin())[inner])
    assert v == pytest.approx((-0.25 * (k_x * x).sin() * (k_y * y).cos())[inner])
    assert state.tracers[0, 0] == pytest.approx(0.3 * (k_x * x + 0.2).cos())
    assert 0.003 < float(state.tracers[0, 1].std()) < 0.1
    slope = torch.autograd.grad(state.velocity[0, :, 0].square().sum(), params["water.velocity.amplitude"])[0]
    assert float(slope) == pytest.approx(4.0 * float(state.velocity[0, :, 0].square().sum()))


def test_the_height_of_spots_that_spread_has_a_gradient(mesh_file):
    told = scene(
        mesh_file((1.0, 1.0), (5, 5)),
        heat=sc.Tracer(diffusivity=0.1, initial=sc.Spots(count=3, radius=P(0.3), height=P(0.7), seed=1)),
    )
    solver, _, params = compile_scene(told, "cpu", "float64")

    def loss(values: object) -> torch.Tensor:
        return rollout(solver, solver.program.initial(values), values).state.value.square().sum()

    for name in ("heat.initial.radius", "heat.initial.height"):
        slope = torch.autograd.grad(loss(params), params[name])[0]
        with torch.no_grad():
            up, down = (loss(params.replace({name: params[name] + h})) for h in (1e-5, -1e-5))
        assert float(slope) == pytest.approx(float(up - down) / 2e-5, rel=1e-6)


def test_waves_that_the_elements_cannot_show_are_refused(mesh_file):
    water = sc.Fluid(viscosity=0.01, velocity=sc.GaussianField(peak=9.0, width=1.0))
    with pytest.raises(sc.SceneError, match=r"water\.velocity +is finer than the grid"):
        compile_scene(scene(mesh_file((1.0, 1.0), (4, 4)), water=water), "cpu", "float64")

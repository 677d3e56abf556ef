"""Budgets of flows on meshes."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import scenegrad as sg
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

Measured = dict[str, Tensor]


def kept(scene: sg.Scene) -> Measured:
    solver, state, params = compile_scene(scene, "cpu", "float64")
    return {name: value[0] for name, value in rollout(solver, state, params).outputs["kept"].items()}


@pytest.fixture
def lid(mesh_file: Callable[..., str]) -> Callable[[float], sg.Scene]:
    def make(dt: float) -> sg.Scene:
        heat = sg.Tracer(diffusivity=0.05, initial=0.0, buoyancy=(0.0, 2.0))
        return sg.Scene(
            name="lid",
            domain=sg.Domain.meshed(mesh_file((1.0, 1.0), (4, 4))),
            entities={"water": sg.Fluid(viscosity=0.05, drag=0.1, density=2.0), "heat": heat},
            boundary=sg.Boundary(
                default=sg.NoSlip(), tags={"y_hi": sg.NoSlip(velocity=(1.0, 0.0)), "x_lo": sg.NoSlip(heat=1.0)}
            ),
            time=sg.Time(end=0.4, dt=dt),
            outputs={"kept": sg.Diagnostics(every=0.2)},
        )

    return make


def test_what_changes_a_flow_on_a_mesh_adds_up_to_the_change_of_a_step(lid: Callable[[float], sg.Scene]) -> None:
    seen = [kept(lid(dt)) for dt in (0.02, 0.01)]
    for one in seen:
        terms = torch.stack([v for name, v in one.items() if name.startswith("energy_") and name != "energy_rate"])
        torch.testing.assert_close(terms[:, 1:].sum(0), one["energy_rate"][1:], rtol=1e-9, atol=1e-12)
        assert float(one["energy_buoyancy"][-1].abs()) > 1e-3 * float(one["energy_walls"][-1])
    gaps = [float(one["residual"][-1]) for one in seen]
    assert math.log2(gaps[0] / gaps[1]) > 0.8
    assert float(seen[1]["energy_numerical"][-1].abs()) < 1e-3 * float(seen[1]["energy_walls"][-1])


def test_steady_flow_on_a_mesh_leaves_nothing_over(mesh_file: Callable[..., str]) -> None:
    """Poiseuille's flow: the pressure's work, through the inflow that is held, is lost to viscosity."""
    walls = sg.Boundary(
        tags={
            "x_lo": sg.Inflow(sg.Parabolic(peak=1.0)), "x_hi": sg.Outflow(), "y_lo": sg.NoSlip(), "y_hi": sg.NoSlip(),
        }
    )  # fmt: skip
    seen = kept(
        sg.Scene(
            name="channel",
            domain=sg.Domain.meshed(mesh_file((2.0, 1.0), (6, 3))),
            entities={"water": sg.Fluid(viscosity=0.1)},
            boundary=walls,
            method=sg.FiniteElement(inertia=False, time="steady"),
            time=sg.Time(end=1.0),
            outputs={"kept": sg.Diagnostics(every=1.0)},
        )
    )
    assert float(seen["residual"][-1]) < 1e-8
    assert float(seen["divergence_rms"][-1]) < 1e-8
    torch.testing.assert_close(seen["energy_walls"][-1], -seen["energy_viscosity"][-1], rtol=1e-8, atol=0)
    lost = 0.1 * 2.0 * 16.0 / 3.0  # viscosity, length, integral of (4 (1 - 2 y))^2 over the breadth
    torch.testing.assert_close(seen["energy_viscosity"][-1], torch.tensor(-lost, dtype=torch.float64))

"""Flows between walls whose form is known, and how fast the errors fall."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout

VISCOSITY, END = 0.05, 1.0


def vortex_error(solver, state) -> float:
    """Root mean square over all faces, against vortices that have moved by (1, 1/2) and decayed."""
    fade = math.exp(-2 * VISCOSITY * END)
    wrong = []
    for n, axis in enumerate(solver.grid.axes):
        x, y = (p.double() for p in solver.grid.positions(axis))
        x, y = x - END, y - 0.5 * END
        exact = 1.0 + fade * x.cos() * y.sin() if n == 0 else 0.5 - fade * x.sin() * y.cos()
        wrong.append((state.velocity[n][0] - exact).square().mean())
    return float(torch.stack(wrong).sum().sqrt())


@pytest.mark.parametrize("advection", ["central", "van_leer", "weno3"])
def test_error_of_carried_vortices_falls_with_the_square_of_the_cell(advection, carried_vortices, compiled, measure):
    """u = 1 + cos x' sin y' e^(-2 nu t), v = 1/2 - sin x' cos y' e^(-2 nu t) in the frame that moves along."""
    errors = []
    for cells in (32, 64):
        solver, state, params = compiled(carried_vortices(cells, advection=advection))
        errors.append(vortex_error(solver, rollout(solver, state, params).state))
    order = math.log2(errors[0] / errors[1])
    measure(f"Order of the staggered grid in space, {advection}", order, ">= 1.9")
    assert order >= 1.9, errors


@pytest.mark.parametrize(("integrator", "expected"), [("ab2", 1.9), ("rk3", 2.7)])
def test_error_in_time_falls_with_the_order_of_the_method(integrator, expected, carried_vortices, compiled, measure):
    """Against steps so small that the error in time is gone, on the same grid."""

    def end(dt: float) -> torch.Tensor:
        scene = carried_vortices(16, advection="central", integrator=integrator).replace({"time.dt": dt})
        solver, state, params = compiled(scene)
        return rollout(solver, state, params).state.u

    best = end(0.0025)
    errors = [float((end(dt) - best).abs().max()) for dt in (0.04, 0.02)]
    order = math.log2(errors[0] / errors[1])
    measure(f"Order of the staggered grid in time, {integrator}", order, f">= {expected}")
    assert order >= expected, errors


def test_a_channel_has_the_parabola_of_poiseuille(compiled):
    """nu u'' = -f between walls: u = f/(2 nu) y (1 - y), which the second difference gives without error but for the
    value at the wall, an eighth of a cell squared times u''."""
    force, viscosity, cells = 1.0, 0.5, 16
    scene = sc.Scene(
        name="channel",
        domain=sc.Domain(size=(0.5, 1.0), cells=(4, cells), wrap=(True, False)),
        entities={"water": sc.Fluid(viscosity=viscosity, forcing=sc.UniformForcing((force, 0.0)))},
        boundary=sc.Boundary(x=sc.Periodic(), y=sc.NoSlip()),
        time=sc.Time(end=4.0),
    )
    solver, state, params = compiled(scene)
    u = rollout(solver, state, params).state.u[0, 0]
    y = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    exact = force / (2 * viscosity) * (y * (1 - y) + 0.25 / cells**2)
    torch.testing.assert_close(u, exact, rtol=1e-8, atol=1e-8)


def test_a_channel_with_inflow_keeps_its_parabola_and_its_pressure_gradient(compiled):
    """Poiseuille again, as what comes in and leaves: dp/dx = -8 nu peak / H^2."""
    peak, viscosity = 1.0, 0.1
    scene = sc.Scene(
        name="channel",
        domain=sc.Domain(size=(2.0, 1.0), cells=(32, 16)),
        entities={"water": sc.Fluid(viscosity=viscosity)},
        boundary=sc.Boundary(x_lo=sc.Inflow(sc.Parabolic(peak)), x_hi=sc.Outflow(pressure=2.0), y=sc.NoSlip()),
        time=sc.Time(end=6.0, cfl=0.9),
    )
    solver, state, params = compiled(scene)
    end = rollout(solver, state, params).state
    y = (torch.arange(16, dtype=torch.float64) + 0.5) / 16
    assert float((end.u[0, 20] - 4 * peak * y * (1 - y)).abs().max()) < 0.01 * peak
    slope = (end.pressure[0, 28] - end.pressure[0, 20]) / (8 * 2.0 / 32)
    assert float((slope + 8 * viscosity * peak).abs().max()) < 0.03 * 8 * viscosity * peak
    beyond = float(end.pressure[0, 31].mean() + 0.5 * 2.0 / 32 * slope.mean())
    assert beyond == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("dim", [2, 3])
def test_what_moves_in_a_box_loses_no_volume(dim, cavity, compiled):
    solver, state, params = compiled(cavity(8, end=0.3, dim=dim))
    end = rollout(solver, state, params).state
    assert float(solver.observe(end, params)["divergence"]) < 1e-12
    assert float(end.u.abs().max()) > 0.1


def test_three_dimensions_repeat_two(cavity, compiled):
    """A cavity that is periodic along z holds the flow of the plane."""
    flat = cavity(8, end=0.3)
    deep = flat.replace(
        {
            "domain": {"size": [1.0, 1.0, 0.5], "cells": [8, 8, 4]},
            "boundary": {
                "default": {"kind": "no_slip"},
                "z": {"kind": "periodic"},
                "y_hi": {"kind": "no_slip", "velocity": [1.0, 0.0, 0.0]},
            },
            "time.dt": 0.005,
        }
    )
    plane = compiled(flat.replace({"time.dt": 0.005}))
    space = compiled(deep)
    u = rollout(*plane).state.u
    for layer in rollout(*space).state.u.unbind(-1):
        torch.testing.assert_close(layer, u, rtol=1e-10, atol=1e-12)


def test_central_fluxes_keep_the_energy_of_a_flow_without_friction(carried_vortices, compiled):
    """Rates of change by advection are orthogonal to the velocity, whatever it is."""
    scene = carried_vortices(16, advection="central").replace({"water.viscosity": 0.0})
    solver, state, params = compiled(scene)
    physics = solver.stepper.physics
    generator = torch.Generator().manual_seed(0)
    u = [torch.randn(q.shape, dtype=q.dtype, generator=generator) for q in state.velocity]
    u, _ = solver.stepper.projection(u, None)
    rates = physics.rates(u, [], params, physics.sides.at(params, torch.zeros(1, dtype=torch.float64))).velocity
    power = sum(float((a * b).sum()) for a, b in zip(u, rates, strict=True))
    size = sum(float((a * b).abs().sum()) for a, b in zip(u, rates, strict=True))
    assert abs(power) < 1e-12 * size

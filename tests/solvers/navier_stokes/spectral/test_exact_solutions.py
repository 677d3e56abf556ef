"""Flows that are known in closed form: the method has no error in space on them, and often none in time."""

import math

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.scenes import Fields, KolmogorovForcing, TaylorGreen, Time
from scenegrad.scenes.library import taylor_green


@pytest.mark.parametrize("cells", [(32, 32), (27, 16)])
@pytest.mark.parametrize("integrator_time", [{"dt": 0.1}, {"tolerance": 1e-6}])
def test_taylor_green_vortices_decay_to_round_off(flow, compiled, positions, cells, integrator_time):
    """u = cos x sin y F, w = -2 cos x cos y F with F = exp(-2 nu t): advection vanishes, so no step size matters."""
    scene = flow(
        cells, viscosity=0.05, drag=0.0, forcing=None, vorticity=TaylorGreen(), time=Time(end=3.0, **integrator_time)
    )
    solver, state, params = compiled(scene)
    end = rollout(solver, state, params).state.vorticity[0]
    x, y = positions(solver)
    exact = -2 * torch.cos(x) * torch.cos(y) * math.exp(-2 * 0.05 * 3.0)
    assert (end - exact).abs().max() < 1e-13
    seen = solver.observe(type(state)(end[None]), params)
    square = math.exp(-2 * 0.05 * 3.0) ** 2 * (2 * math.pi) ** 2
    assert float(seen["kinetic_energy"]) == pytest.approx(0.25 * square, rel=1e-12)
    assert float(seen["enstrophy"]) == pytest.approx(0.5 * square, rel=1e-12)
    assert float(seen["palinstrophy"]) == pytest.approx(square, rel=1e-12)


def test_taylor_green_vortices_fill_a_box_that_is_not_square(flow, compiled, positions):
    size, nu, end = (3.0, 1.0), 0.01, 0.5
    scene = flow((48, 24), size=size, viscosity=nu, drag=0.2, forcing=None, time=Time(end=end, dt=0.05),
                 vorticity=TaylorGreen(wavenumber=2, amplitude=0.3))  # fmt: skip
    solver, state, params = compiled(scene)
    k_x, k_y = 2 * math.pi * 2 / size[0], 2 * math.pi * 2 / size[1]
    u, _ = solver.diagnostics.velocity(state.vorticity)
    x, y = positions(solver)
    assert (u[0] - 0.3 * torch.cos(k_x * x) * torch.sin(k_y * y)).abs().max() < 1e-14
    after = rollout(solver, state, params).state.vorticity
    decay = math.exp(-(nu * (k_x**2 + k_y**2) + 0.2) * end)
    assert (after - decay * state.vorticity).abs().max() < 1e-12


def test_pressure_of_taylor_green_vortices_is_exact(compiled, positions):
    """p = -density/4 (cos 2x + cos 2y)."""
    scene = taylor_green(cells=24).replace(
        {"fluid.density": 3.0, "outputs": {"p": Fields("pressure", "velocity", every=1.0).model_dump()}}
    )
    solver, state, params = compiled(scene)
    (probe,) = solver.program.probes
    measured = probe.measure(state, params)
    x, y = positions(solver)
    assert (measured["pressure"][0] + 0.75 * (torch.cos(2 * x) + torch.cos(2 * y))).abs().max() < 1e-13
    assert (measured["velocity"][0, ..., 1] + torch.sin(x) * torch.cos(y)).abs().max() < 1e-14


def test_pressure_balances_the_force_and_the_advection(flow, compiled):
    """The momentum equation: u_t = f - u.grad u - grad p / density + nu laplace u - drag u, curl and divergence."""
    solver, state, params = compiled(flow(48, density=2.0))
    modes, w = solver.modes, state.vorticity
    d_x, d_y = modes.gradient
    u, v = solver.diagnostics.velocity(w)

    def slope(field, d):
        return modes.inverse(d * modes.spectrum(field))

    p = solver.diagnostics.pressure(w, params["fluid.density"], params["fluid.forcing.amplitude"])
    force = params["fluid.forcing.amplitude"] * solver.diagnostics.push[:, 0]
    a_x = force - u * slope(u, d_x) - v * slope(u, d_y) - slope(p, d_x) / 2.0
    a_y = -u * slope(v, d_x) - v * slope(v, d_y) - slope(p, d_y) / 2.0
    divergence = slope(a_x, d_x) + slope(a_y, d_y)
    assert divergence.abs().max() < 1e-10 * slope(a_x, d_y).abs().max()


@pytest.mark.parametrize("drag", [0.0, 0.3])
def test_laminar_kolmogorov_flow_is_steady(flow, compiled, positions, drag):
    """u = A sin(k y) / (nu k^2 + drag) is where force and friction balance; the flow gets there from rest."""
    amplitude, k, nu = 0.4, 2, 0.5
    scene = flow(16, viscosity=nu, drag=drag, vorticity=None, time=Time(end=20.0, cfl=0.5),
                 forcing=KolmogorovForcing(amplitude=amplitude, wavenumber=k))  # fmt: skip
    solver, rest, params = compiled(scene)
    _, y = positions(solver)
    exact = (-k * amplitude / (nu * k**2 + drag) * torch.cos(k * y)).expand(1, 16, 16)
    assert (rollout(solver, rest, params).state.vorticity - exact).abs().max() < 1e-12
    stay = rollout(solver, type(rest)(exact.contiguous()), params, 5.0).state.vorticity
    assert (stay - exact).abs().max() < 1e-12


def test_a_flow_at_rest_sets_no_bound_and_a_force_does(flow, compiled):
    solver, rest, params = compiled(flow(16, vorticity=None, forcing=None))
    assert solver.max_dt(rest, params).isinf().all()
    solver, rest, params = compiled(flow(16, vorticity=None, forcing=KolmogorovForcing(amplitude=2.0, wavenumber=1)))
    dt = float(solver.max_dt(rest, params))
    assert dt * (2.0 * dt) * 5 == pytest.approx(solver.stepper.method.reach)  # K = 5, u = A dt

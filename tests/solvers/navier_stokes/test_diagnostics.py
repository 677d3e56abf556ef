"""Budgets, spectra and residuals of flows, as every solver of them tells."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import scenegrad as sg
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.spectral.equations.flow import FlowEquation
from scenegrad.solvers.navier_stokes.spectral.flow_budget import FlowBudget
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice

EDGE = 2.0 * math.pi
CENTRAL = sg.Staggered(advection="central", integrator="rk3")
FLOWS: dict[str, Callable[[], sg.Scene]] = {}
Measured = dict[str, Tensor]


def flow(make: Callable[[], sg.Scene]) -> Callable[[], sg.Scene]:
    FLOWS[make.__name__] = make
    return make


def scene(**parts: Any) -> sg.Scene:
    told = {"name": "flow", "time": sg.Time(end=10.0), "outputs": {"kept": sg.Diagnostics(every=1.0)}}
    return sg.Scene(**(told | parts))


def turbulent(**changes: Any) -> sg.Fluid:
    given = {"viscosity": 0.02, "drag": 0.1, "vorticity": sg.GaussianField(peak=4.0, width=1.0, rms=2.0, seed=3)}
    return sg.Fluid(**(given | {"forcing": sg.KolmogorovForcing(wavenumber=2, amplitude=0.7)} | changes))


@flow
def stirred_vorticity() -> sg.Scene:
    return scene(domain=sg.Domain.periodic(size=(EDGE, EDGE), cells=(32, 32)), entities={"water": turbulent()})


@flow
def stirred_in_space() -> sg.Scene:
    start = sg.GaussianField(peak=3.0, width=1.0, rms=2.0, seed=3)
    heat = sg.Tracer(diffusivity=0.01, initial=sg.PlaneWave(waves=(1, 1, 0), amplitude=1.0), buoyancy=(0.0, 0.0, 1.0))
    return scene(
        domain=sg.Domain.periodic(size=(EDGE,) * 3, cells=(18, 18, 18)),
        entities={"water": turbulent(vorticity=None, velocity=start), "heat": heat},
        method=sg.Spectral(),
    )


@flow
def stirred_on_a_grid() -> sg.Scene:
    return scene(
        domain=sg.Domain.periodic(size=(EDGE, EDGE), cells=(32, 32)), entities={"water": turbulent()}, method=CENTRAL
    )


@flow
def upwind_on_a_grid() -> sg.Scene:
    return scene(
        domain=sg.Domain.periodic(size=(EDGE, EDGE), cells=(32, 32)),
        entities={"water": turbulent()},
        method=sg.Staggered(advection="van_leer", integrator="rk3"),
    )


@flow
def lid_cavity() -> sg.Scene:
    return scene(
        domain=sg.Domain(size=(1.0, 1.0), cells=(24, 24)),
        entities={"water": sg.Fluid(viscosity=0.02, drag=0.05)},
        boundary=sg.Boundary(default=sg.NoSlip(), y_hi=sg.NoSlip(velocity=(1.0, 0.0))),
        method=CENTRAL,
    )


@flow
def convection() -> sg.Scene:
    heat = sg.Tracer(
        diffusivity=0.01, initial=sg.Conduction(lo=0.5, hi=-0.5, axis=1, disturbance=0.2), buoyancy=(0.0, 5.0)
    )
    return scene(
        domain=sg.Domain(size=(2.0, 1.0), cells=(32, 16)),
        entities={"air": sg.Fluid(viscosity=0.01, density=1.3), "heat": heat},
        boundary=sg.Boundary(x=sg.NoSlip(), y_lo=sg.NoSlip(heat=0.5), y_hi=sg.NoSlip(heat=-0.5)),
        method=CENTRAL,
    )


@flow
def channel() -> sg.Scene:
    return scene(
        domain=sg.Domain(size=(2.0, 0.5), cells=(40, 12)),
        entities={"water": sg.Fluid(viscosity=5e-3, velocity=(0.2, 0.0))},
        boundary=sg.Boundary(x_lo=sg.Inflow(sg.Parabolic(peak=0.3)), x_hi=sg.Outflow(), y=sg.NoSlip()),
        method=sg.Staggered(integrator="rk3"),
    )


@flow
def plates_in_space() -> sg.Scene:
    return scene(
        domain=sg.Domain(size=(EDGE,) * 3, cells=(16, 16, 16), wrap=(True, True, False)),
        entities={
            "water": sg.Fluid(
                viscosity=0.05, velocity=sg.TaylorGreen(), forcing=sg.UniformForcing((0.3, 0.0, 0.0)), drag=0.02
            )
        },
        boundary=sg.Boundary(z=sg.NoSlip()),
        method=CENTRAL,
    )


@flow
def gusty_channel() -> sg.Scene:
    """What comes in changes with time, as a sine and as a table, and a wall is shaken."""
    gust = sg.Sine(0.1, 1.5, offset=0.3)
    return scene(
        domain=sg.Domain(size=(1.5, 0.5), cells=(24, 10)),
        entities={"water": sg.Fluid(viscosity=5e-3, density=1.2, velocity=(0.2, 0.0))},
        boundary=sg.Boundary(
            x_lo=sg.Inflow(gust),
            x_hi=sg.Outflow(),
            y_lo=sg.NoSlip(velocity=(sg.Table(every=0.25, values=(0.0, 0.3, -0.2)), 0.0)),
            y_hi=sg.NoSlip(velocity=(0.2, 0.0)),
        ),
        method=sg.Staggered(integrator="rk3"),
    )


def around(scene: sg.Scene, start: float, dt: float) -> Measured:
    """The diagnostics a step before `start`, then, and a step after it [3, ...]."""
    solver, state, params = compile_scene(scene, "cpu", "float64")
    probe = next(p for p in solver.program.probes if p.name == "kept")
    state = rollout(solver, state, params, start, probes=()).state
    probe, end = dataclasses.replace(probe, every=dt, start=start), start + 2.0 * dt
    outputs = rollout(solver, state, params, end, start=start, controller=Fixed(dt), probes=(probe,)).outputs["kept"]
    return {name: value[0] for name, value in outputs.items()}


@pytest.fixture(params=list(FLOWS), scope="module")
def seen(request: pytest.FixtureRequest) -> Measured:
    return around(FLOWS[request.param](), 0.3, 1e-3)


def terms(seen: Measured, law: str) -> Tensor:
    names = [name for name in seen if name.startswith(f"{law}_") and name != f"{law}_rate"]
    return torch.stack([seen[name] for name in names])


@pytest.mark.parametrize(("law", "amount"), [("energy", "kinetic_energy"), ("enstrophy", "enstrophy")])
def test_what_changes_a_flow_adds_up_to_how_fast_it_changes(seen: Measured, law: str, amount: str) -> None:
    each = terms(seen, law)
    size = each[:, 1].abs().max()
    torch.testing.assert_close(each[:, 1].sum(), seen[f"{law}_rate"][1], rtol=0, atol=1e-11 * float(size))
    measured = (seen[amount][2] - seen[amount][0]) / 2e-3
    torch.testing.assert_close(measured, seen[f"{law}_rate"][1], rtol=0, atol=2e-4 * float(size))


def test_spectrum_adds_up_to_the_energy(seen: Measured) -> None:
    if "spectrum" in seen:
        torch.testing.assert_close(seen["spectrum"].sum(1), seen["kinetic_energy"], rtol=1e-12, atol=0)


def test_no_fluid_appears_or_vanishes(seen: Measured) -> None:
    assert float(seen["divergence_max"].max()) < 1e-10
    assert bool((seen["divergence_rms"] <= seen["divergence_max"]).all())


def test_beside_a_body_that_shakes_the_causes_add_up_to_what_a_step_changes() -> None:
    """In a gust; what the body does is of the size of what viscosity takes."""
    post = sg.Obstacle(sg.Sphere(center=(0.5, 0.25), radius=0.08), motion=sg.Moving(velocity=(0.0, sg.Sine(0.1, 2.0))))
    entities = {"water": sg.Fluid(viscosity=5e-3, velocity=(0.2, 0.0)), "post": post}
    gust = gusty_channel().model_copy(update={"entities": entities, "method": sg.Staggered()})
    seen = around(gust.replace({"domain.cells": (48, 20)}), 0.3, 1e-3)
    for law, amount in (("energy", "kinetic_energy"), ("enstrophy", "enstrophy")):
        torch.testing.assert_close(terms(seen, law).sum(0), seen[f"{law}_rate"], rtol=1e-11, atol=0)
        change = (seen[amount][2] - seen[amount][1]) / 1e-3
        torch.testing.assert_close(change, seen[f"{law}_rate"][1], rtol=1e-8, atol=0)
    assert float(seen["energy_sides"].abs().min()) > 1e-3
    assert bool((seen["energy_obstacles"].abs() < 2.0 * seen["energy_viscosity"].abs()).all())


def test_work_of_the_scheme_is_none_for_central_differences_and_a_loss_upwind() -> None:
    central, upwind = (around(FLOWS[name](), 0.3, 1e-3) for name in ("stirred_on_a_grid", "upwind_on_a_grid"))
    lost = central["energy_viscosity"].abs().max()
    assert float(central["energy_numerical"].abs().max()) < 1e-12 * float(lost)
    assert bool((upwind["energy_numerical"] < -1e-3 * lost).all())


def test_lid_does_the_work_that_viscosity_takes() -> None:
    """Of the steady cavity: what the lid does is lost in the fluid, and nothing else is there."""
    made = FLOWS["lid_cavity"]().replace({"water.drag": 0.0, "water.viscosity": 0.2, "domain.cells": (16, 16)})
    seen = around(made, 2.0, 1e-3)
    assert float(seen["energy_walls"][1]) > 0.0
    torch.testing.assert_close(seen["energy_walls"], -seen["energy_viscosity"], rtol=1e-5, atol=0)


def test_work_of_a_lid_is_its_speed_times_its_drag() -> None:
    solver, state, params = compile_scene(FLOWS["lid_cavity"](), "cpu", "float64")
    state = rollout(solver, state, params, 0.5, probes=()).state
    seen = solver.program.probes[0].measure(state, params)
    shear = 2.0 * (1.0 - state.u[0, 1:-1, -1]) * 24  # slope in the half cell below the lid
    expected = 0.02 * shear.sum() / 24
    torch.testing.assert_close(seen["energy_walls"][0], expected, rtol=1e-11, atol=0)


def test_decaying_turbulence_loses_enstrophy_by_its_palinstrophy() -> None:
    calm = turbulent(drag=0.0, forcing=None)
    seen = around(FLOWS["stirred_vorticity"]().model_copy(update={"entities": {"water": calm}}), 0.3, 1e-3)
    torch.testing.assert_close(seen["enstrophy_rate"], -2.0 * 0.02 * seen["palinstrophy"], rtol=1e-11, atol=0)
    torch.testing.assert_close(seen["energy_rate"], -2.0 * 0.02 * seen["enstrophy"], rtol=1e-11, atol=0)


def carried_vortices(cells: int) -> sg.Scene:
    return scene(
        domain=sg.Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
        entities={"water": sg.Fluid(viscosity=0.05, velocity=(1.0, 0.5), vorticity=sg.TaylorGreen())},
        method=sg.Staggered(advection="central"),
    )


def first_frame(scene: sg.Scene) -> Measured:
    solver, state, params = compile_scene(scene, "cpu", "float64")
    return {name: value[0] for name, value in solver.program.probes[0].measure(state, params).items()}


def test_residual_falls_with_the_square_of_the_cell_on_a_staggered_grid() -> None:
    coarse, fine = (float(first_frame(carried_vortices(cells))["residual"]) for cells in (32, 64))
    assert 1.9 < math.log2(coarse / fine) < 2.1


def vortex(cells: int, reconstruction: str) -> sg.Scene:
    return scene(
        domain=sg.Domain.periodic(size=(10.0, 10.0), cells=(cells, cells)),
        entities={
            "gas": sg.Gas(
                density=1.0,
                pressure=1.0,
                velocity=(1.0, 1.0),
                gas_constant=1.0,
                start=sg.IsentropicVortex(strength=5.0),
            )
        },
        method=sg.FiniteVolume(reconstruction=reconstruction),
    )


@pytest.mark.parametrize(("reconstruction", "order"), [("muscl", 1.4), ("weno5", 4.0)])
def test_residual_of_a_smooth_gas_falls_with_the_order_of_the_scheme(reconstruction: str, order: float) -> None:
    coarse, fine = (first_frame(vortex(cells, reconstruction)) for cells in (40, 80))
    for law in ("mass", "momentum", "energy"):
        assert math.log2(float(coarse[f"{law}_residual"] / fine[f"{law}_residual"])) > order


def test_spectral_residual_is_what_the_grid_cannot_hold() -> None:
    """Vortices of one wavenumber have products on few modes; a rough field loses much of them."""
    resolved = FLOWS["stirred_vorticity"]().replace({"water.vorticity.peak": 2.0, "water.vorticity.width": 0.3})
    rough = FLOWS["stirred_vorticity"]().replace({"water.vorticity.peak": 9.0, "water.vorticity.width": 0.3})
    assert float(first_frame(resolved)["residual"]) < 1e-9
    assert float(first_frame(rough)["residual"]) > 1e-3


def test_budgets_by_vorticity_and_by_velocity_are_the_same() -> None:
    """One sums over modes of a vorticity, with products on other cells, the other over samples of a velocity."""
    shape = FLOWS["stirred_vorticity"]().replace({"domain.cells": (36, 50), "domain.size": (EDGE, 5.0)})
    shape = shape.replace({"water.vorticity.peak": 7.0, "water.density": 1.3})
    solver, state, params = compile_scene(shape, "cpu", "float64")
    modes, diagnostics = solver.modes, solver.diagnostics
    grid = Lattice(modes.cells, modes.size, modes.device, modes.dtype)
    by_velocity = FlowBudget(FlowEquation(grid, "water", push=diagnostics.push))
    found = solver.program.probes[0].measure(state, params)
    expected = by_velocity(torch.stack(diagnostics.velocity(state.vorticity), dim=1), params)
    assert found.keys() == expected.keys()
    assert float(expected["residual"]) > 1e-3
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-11, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}")
    torch.testing.assert_close(solver.program.probes[0].layout.coordinates["wavenumber"], grid.shells[1])
    again = solver.observe(state, params)
    for name, key in {"kinetic_energy": "kinetic_energy", "palinstrophy": "palinstrophy"}.items():
        torch.testing.assert_close(again[name], expected[key], rtol=1e-12, atol=0)
    torch.testing.assert_close(again["energy_input"], expected["energy_forcing"], rtol=1e-10, atol=0)


def test_equations_tell_how_their_squares_change() -> None:
    wave = sg.PlaneWave(waves=(1,), amplitude=1.0)
    for part in (sg.Burgers(viscosity=0.01, velocity=wave), sg.KuramotoSivashinsky(height=wave)):
        seen = around(scene(domain=sg.Domain.periodic(size=(9.0,), cells=(64,)), entities={"u": part}), 0.2, 1e-3)
        measured = (seen["energy"][2] - seen["energy"][0]) / 2e-3
        torch.testing.assert_close(measured, seen["energy_rate"][1], rtol=1e-4, atol=0)
        torch.testing.assert_close(terms(seen, "energy").sum(0), seen["energy_rate"], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(seen["spectrum"].sum(1), seen["energy"], rtol=1e-12, atol=0)


def test_heat_through_a_wall_whose_temperature_swings_is_what_a_box_gains() -> None:
    made = scene(
        domain=sg.Domain(size=(1.0, 0.5), cells=(16, 8)),
        entities={"water": sg.Fluid(viscosity=0.01), "heat": sg.Tracer(diffusivity=0.05, initial=0.2)},
        boundary=sg.Boundary(x_lo=sg.NoSlip(heat=sg.Sine(1.0, 0.8)), default=sg.NoSlip()),
        outputs={
            "flow": sg.Exchange(of="heat", through="boundary.x_lo", every=1e-3),
            "c": sg.Fields("heat", every=1e-3),
        },
        method=CENTRAL,
    )
    solver, state, params = compile_scene(made, "cpu", "float64")
    out = rollout(solver, state, params, 0.5, controller=Fixed(1e-3)).outputs
    whole = out["c"][0].sum((1, 2)) / 16 / 16
    gained = (whole[2:] - whole[:-2]) / 2e-3
    torch.testing.assert_close(gained[10:], out["flow"][0, 11:-1], rtol=0, atol=2e-3 * float(gained.abs().max()))
    assert float(gained.min()) < -0.01 < 0.01 < float(gained.max())


# ---- gases and water


def burst(**changes: Any) -> sg.Scene:
    hot = sg.GasPatch(sg.Sphere(center=(0.5, 0.5), radius=0.2), pressure=5.0)
    given: dict[str, Any] = {
        "domain": sg.Domain(size=(1.0, 1.0), cells=(24, 24)),
        "entities": {"gas": sg.Gas(density=1.0, pressure=1.0, gas_constant=1.0, patches=(hot,))},
        "boundary": sg.Boundary(default=sg.Slip()),
    }
    return scene(**(given | changes))


def test_gas_between_walls_keeps_mass_and_energy_and_gains_entropy() -> None:
    solver, state, params = compile_scene(burst(), "cpu", "float64")
    probe = dataclasses.replace(solver.program.probes[0], every=0.1)
    seen = rollout(solver, state, params, 0.4, probes=(probe,)).outputs["kept"]
    for law in ("mass", "energy"):
        torch.testing.assert_close(seen[law], seen[law][:, :1].expand_as(seen[law]), rtol=1e-13, atol=0)
        assert float(seen[f"{law}_rate"].abs().max()) < 1e-12
    assert bool((seen["entropy"][0].diff() > 0.0).all())
    assert float(seen["pressure_min"].min()) > 0.0


def test_what_leaves_through_the_sides_is_what_a_gas_loses() -> None:
    seen = around(burst(boundary=sg.Boundary(x=sg.Outflow(), y=sg.Slip())), 0.3, 1e-4)
    for law in ("mass", "momentum", "energy"):
        measured = (seen[law][2] - seen[law][0]) / 2e-4
        size = max(float(seen[f"{law}_{side}"].abs().max()) for side in ("x_lo", "x_hi", "y_lo", "y_hi"))
        torch.testing.assert_close(measured, seen[f"{law}_rate"][1], rtol=0, atol=1e-5 * size)
    assert float(seen["mass_rate"][1]) < -1e-3
    assert float(seen["mass_y_lo"].abs().max()) < 1e-15


def test_water_between_walls_keeps_its_mass() -> None:
    wave = sg.WaterPatch(sg.Sphere(center=(0.5, 0.5), radius=0.2), depth=2.0)
    made = burst(entities={"sea": sg.ShallowWater(depth=1.0, patches=(wave,))})
    seen = around(made, 0.1, 1e-4)
    torch.testing.assert_close(seen["mass"], seen["mass"][:1].expand(3), rtol=1e-13, atol=0)
    assert bool((seen["energy"].diff() < 0.0).all())  # bores lose it
    assert {"kinetic_energy", "potential_energy", "depth_min", "enstrophy"} <= seen.keys()


# ---- between two frames


def test_residual_between_frames_is_none_for_the_solver_and_large_for_a_wrong_viscosity() -> None:
    solver, state, params = compile_scene(FLOWS["stirred_vorticity"](), "cpu", "float64")
    after = rollout(solver, state, params, 0.1, probes=()).state
    own = sg.residual(solver, state, after, params, 0.1)["vorticity"]
    assert float(own.abs().max()) < 1e-10
    wrong = sg.residual(solver, state, after, params.replace({"water.viscosity": 0.03}), 0.1)["vorticity"]
    change = (after.vorticity - state.vorticity) / 0.1
    assert float(wrong.square().mean().sqrt()) > 0.05 * float(change.square().mean().sqrt())


def test_residual_between_frames_can_be_trained_on() -> None:
    solver, state, params = compile_scene(FLOWS["stirred_vorticity"](), "cpu", "float64")
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(state.vorticity.shape, generator=draw, dtype=torch.float64)
    guess = (state.vorticity + 0.1 * noise).requires_grad_()
    begin = state.vorticity.clone().requires_grad_()

    def loss(begin: Tensor, guess: Tensor) -> Tensor:
        first = dataclasses.replace(state, vorticity=begin)
        return sg.residual(solver, first, {"vorticity": guess}, params, 0.05)["vorticity"].square().mean()

    slopes = torch.autograd.grad(loss(begin, guess), (begin, guess))
    step = 1e-5
    for place, slope in enumerate(slopes):
        along = torch.randn(slope.shape, generator=draw, dtype=torch.float64)
        ends = []
        for sign in (1.0, -1.0):
            moved = [begin.detach(), guess.detach()]
            moved[place] = moved[place] + sign * step * along
            ends.append(loss(*moved))
        expected = (ends[0] - ends[1]) / (2.0 * step)
        torch.testing.assert_close((slope * along).sum(), expected, rtol=1e-6, atol=0)


def test_residual_between_frames_asks_for_a_time_and_for_fields_that_there_are() -> None:
    solver, state, params = compile_scene(FLOWS["stirred_vorticity"](), "cpu", "float64")
    with pytest.raises(sg.EngineError, match="dt=0"):
        sg.residual(solver, state, state, params, 0.0)
    with pytest.raises(sg.EngineError, match="has no vortices"):
        sg.residual(solver, state, {"vortices": state.vorticity}, params, 0.1)


# ---- gradients, and who serves


def test_budgets_can_be_differentiated() -> None:
    solver, state, params = compile_scene(FLOWS["lid_cavity"](), "cpu", "float64")
    state = rollout(solver, state, params, 0.2, probes=()).state
    measure = solver.program.probes[0].measure

    def lost(u: Tensor) -> Tensor:
        found = measure(dataclasses.replace(state, u=u), params)
        return found["energy_viscosity"] + found["enstrophy_rate"] + found["residual"]

    u = state.u.clone().requires_grad_()
    (slope,) = torch.autograd.grad(lost(u).sum(), u)
    along = torch.randn(u.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = (lost(state.u + 1e-6 * along) - lost(state.u - 1e-6 * along)) / 2e-6
    torch.testing.assert_close((slope * along).sum(), expected.sum(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["elastic_drop", "argon", "darcy", "bar_vibration"])
def test_other_matter_has_no_diagnostics_and_says_so(name: str) -> None:
    made = sg.read_scene(name)
    with pytest.raises(sg.SceneError, match=r"outputs\.kept"):
        compile_scene(made.model_copy(update={"outputs": {"kept": sg.Diagnostics(every=1.0)}}), "cpu")


def test_run_writes_diagnostics_of_flows_as_often_as_their_fields(tmp_path: Path) -> None:
    flow = FLOWS["stirred_vorticity"]().replace({"time.end": 0.4})
    wanted = {"often": sg.Fields("vorticity", every=0.1), "seldom": sg.Fields("velocity", every=0.2)}
    made = sg.run(flow.model_copy(update={"outputs": wanted}), tmp_path / "a", device="cpu", progress=False)
    assert made.record["frames"] == {"often": 5, "seldom": 3, "diagnostics": 5}
    own = wanted | {"kept": sg.Diagnostics(every=0.4)}
    made = sg.run(flow.model_copy(update={"outputs": own}), tmp_path / "b", device="cpu", progress=False)
    assert made.record["frames"] == {"often": 5, "seldom": 3, "kept": 2}
    assert sg.read_scene(str(tmp_path / "a" / "scene.toml")).outputs.keys() == wanted.keys()

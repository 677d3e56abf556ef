"""What holds for every flow in finite volumes, whatever it looks like."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import CFL, PID
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def ran(scene, dtype="float64", **how):
    solver, state, params = compile_scene(scene, "cpu", dtype)
    return solver, state, params.detach(), rollout(solver, state, params.detach(), **how)


def test_a_tube_is_the_same_along_every_axis_of_every_dimension(tube, reconstruction):
    """One code path: sweeps along x, y and z, in one, two and three dimensions."""
    left, right = (1.0, 0.3, 1.0), (0.3, -0.1, 0.2)
    fixed = CFL(0.1, steps=1000)
    _, _, _, alone = ran(tube(0, 1, left, right, reconstruction=reconstruction), controller=fixed)
    for axis, dim in ((1, 2), (0, 3), (2, 3)):
        scene = tube(axis, dim, left, right, reconstruction=reconstruction)
        _, _, _, among = ran(scene, controller=fixed)
        row = among.state.conserved[0].movedim(1 + axis, 1).flatten(2)[:, :, 0]
        density, momentum, energy = row[0], row[1 + axis], row[-1]
        found = torch.stack([density, momentum, energy])
        # Sums over axes make the step a little shorter; the error that this makes in time is far below that in space.
        torch.testing.assert_close(found, alone.state.conserved[0], rtol=0.0, atol=2e-3)
        others = [row[1 + a] for a in range(dim) if a != axis]
        assert all(float(other.abs().max()) < 1e-13 for other in others)


@pytest.mark.parametrize("seed", range(3))
def test_density_and_pressure_stay_positive_whatever_meets(reconstruction, seed):
    """Random states of a thousandfold spread, flying apart and into each other faster than sound."""
    random = torch.Generator().manual_seed(seed)
    scene = sc.Scene(
        name="chaos",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(12, 12)),
        entities={"gas": sc.Gas()},
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    gamma = params["gas.gamma"].detach()
    shape = state.conserved[:, 0].shape
    spread = [10 ** (3 * torch.rand(shape, generator=random, dtype=torch.float64) - 1.5) for _ in range(2)]
    speeds = [4 * torch.randn(shape, generator=random, dtype=torch.float64) for _ in range(2)]
    w = torch.stack([spread[0], *speeds, spread[1]], dim=1)
    state = type(state)(solver.law.conserved(w, gamma))
    time = torch.zeros(1, dtype=torch.float64)
    before = solver.observe(state, params.detach())
    for _ in range(60):
        state = solver.step(state, params.detach(), time, 0.4 * solver.max_dt(state, params)).state
        now = solver.law.primitive(state.conserved, gamma)
        assert float(now[:, 0].min()) > 0
        assert float(now[:, -1].min()) > 0
    after = solver.observe(state, params.detach())
    for name in ("mass", "total_energy"):
        torch.testing.assert_close(after[name], before[name], rtol=1e-13, atol=0.0)


def test_a_dry_bed_stays_dry_where_no_water_comes(reconstruction):
    patch = sc.WaterPatch(sc.Box(center=(0.0, 0.5), size=(0.6, 2.0)), depth=1.0)
    scene = sc.Scene(
        name="dry",
        domain=sc.Domain(size=(2.0, 1.0), cells=(40, 4), wrap=(False, True)),
        entities={"water": sc.ShallowWater(depth=0.0, patches=(patch,))},
        boundary=sc.Boundary(x=sc.Slip(), y=sc.Periodic()),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=0.1),
    )
    solver, state, params, run = ran(scene)
    depth = run.state.conserved[0, 0]
    assert float(depth.min()) >= 0
    assert float(depth[-8:].max()) < 1e-12  # no wave is faster than 2 sqrt(g h)
    assert float(depth[12].max()) > 0.01
    mass = [solver.observe(s, params)["mass"] for s in (state, run.state)]
    torch.testing.assert_close(mass[0], mass[1], rtol=1e-13, atol=0.0)


def test_an_obstacle_keeps_mass_and_energy_and_takes_momentum(reconstruction):
    scene = sc.Scene(
        name="closed",
        domain=sc.Domain(size=(1.0, 1.0), cells=(24, 24)),
        entities={
            "gas": sc.Gas(patches=(sc.GasPatch(sc.Sphere(center=(0.3, 0.3), radius=0.15), pressure=8.0),)),
            "ball": sc.Obstacle(sc.Sphere(center=(0.6, 0.62), radius=0.17)),
        },
        boundary=sc.Boundary(default=sc.Slip()),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=0.4),
    )
    solver, state, params, run = ran(scene)
    before, after = (solver.observe(s, params) for s in (state, run.state))
    for name in ("mass", "total_energy"):
        torch.testing.assert_close(after[name], before[name], rtol=1e-13, atol=0.0)
    assert float(after["momentum"].abs().max()) > 1e-3


def test_an_error_controlled_run_keeps_its_tolerance_and_says_its_steps(tube):
    """The method of second order inside the one of third tells the error of a step."""
    scene = tube(0, 1, (1.0, 0.5, 1.0), (0.9, 0.4, 0.9), cells=64).replace({"time.tolerance": 1e-5})
    solver, state, params = compile_scene(scene, "cpu", "float64")
    assert isinstance(solver.program.controller, PID)
    assert solver.program.controller.k == 3
    rough = rollout(solver, state, params.detach())
    exact = rollout(solver, state, params.detach(), controller=CFL(0.02))
    gap = (rough.state.conserved - exact.state.conserved).norm() / exact.state.conserved.norm()
    assert float(gap) < 1e-3
    assert int(rough.steps) < int(exact.steps) / 3


def test_the_estimate_of_the_error_is_of_third_order(flow):
    """Of U3 - (2 U2 - U): halving dt divides it by eight."""
    scene = sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(10.0, 10.0), cells=(32, 32)),
        entities={"gas": sc.Gas(velocity=(1.0, 0.5), start=sc.IsentropicVortex(strength=3.0))},
        method=sc.FiniteVolume(reconstruction="weno5"),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    time, dt = torch.zeros(1, dtype=torch.float64), 0.4 * solver.max_dt(state, params)
    errors = [float(solver.step(state, params.detach(), time, dt / n).error) for n in (1, 2, 4)]
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(8, rel=0.15)


def test_viscosity_bounds_the_step():
    def bound(viscosity):
        scene = sc.Scene(
            name="thick",
            domain=sc.Domain.periodic(size=(1.0,), cells=(64,)),
            entities={"gas": sc.Gas(viscosity=viscosity)},
            time=sc.Time(end=1.0),
        )
        solver, state, params = compile_scene(scene, "cpu", "float64")
        return float(solver.max_dt(state, params))

    assert bound(10.0) == pytest.approx(bound(1.0) / 10, rel=0.02)
    assert bound(1e-6) == pytest.approx(bound(0.0), rel=1e-3)


def test_vorticity_and_schlieren_do_not_see_where_a_periodic_box_begins():
    """Shifting a flow around its box shifts what is measured of it."""
    scene = sc.Scene(
        name="vortex",
        domain=sc.Domain(size=(1.0, 0.8), cells=(20, 12), wrap=(True, False)),
        entities={"gas": sc.Gas(start=sc.IsentropicVortex(strength=1.0, radius=0.1))},
        boundary=sc.Boundary(y=sc.Slip()),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    shifted = type(state)(state.conserved.roll(10, 2))
    for name in ("vorticity", "schlieren"):
        seen, other = (solver.measures.fields(s, params)[name] for s in (state, shifted))
        assert seen.abs().max() > 0.1
        torch.testing.assert_close(other, seen.roll(10, 1), rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(
    ("dim", "mass", "energy", "momentum"), [(1, "m^2", "m^4/s^2", "m^3/s"), (2, "m^3", "m^5/s^2", "m^4/s")]
)
def test_sums_of_water_have_units_of_as_many_lengths_as_there_are_dimensions(dim, mass, energy, momentum):
    """A depth, or a depth times a speed squared and so on, over a length or over an area."""
    scene = sc.Scene(
        name="pond",
        domain=sc.Domain.periodic(size=(1.0,) * dim, cells=(4,) * dim),
        entities={"water": sc.ShallowWater()},
        outputs={"energy": sc.Energy(every=0.1), "momentum": sc.Momentum(every=0.1)},
        time=sc.Time(end=0.1),
    )
    probes = {probe.name: probe for probe in compile_scene(scene, "cpu", "float64")[0].program.probes}
    assert probes["energy"].units["mass"] == mass
    assert probes["energy"].units["total"] == energy
    assert probes["momentum"].units["momentum"] == momentum

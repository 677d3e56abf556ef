"""Velocity Verlet: order, conservation laws, reversal; and what a run owes to its companions and to its history."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.engine.state import map_tensors, member
from scenegrad.solvers.compile import compile_scene

TABLE = Path(__file__).resolve().parents[3] / "assets" / "reference" / "md" / "lj_nve_dt_scaling.csv"


def liquid(cells=3, temperature=1.44, density=0.8442, cutoff=2.5, seed=0, **pair):
    return sc.Scene(
        name="liquid",
        units="lj",
        domain=sc.Domain.periodic(density=density),
        entities={
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(cells,) * 3), temperature=temperature),
            "pair": sc.LennardJones(cutoff=cutoff, **pair),
        },
        seed=seed,
        time=sc.Time(end=1.0, dt=0.004),
    )


def flat(temperature=1.0, seed=0):
    return sc.Scene(
        name="flat",
        units="lj",
        domain=sc.Domain.periodic(density=0.75),
        entities={
            "Ar": sc.Atoms(lattice=sc.Hexagonal(cells=(8, 5)), temperature=temperature),
            "pair": sc.LennardJones(cutoff=2.5, cut="switch"),
        },
        seed=seed,
        time=sc.Time(end=1.0, dt=0.004),
    )


SCENES = {"2d": flat, "3d": lambda **given: liquid(cutoff=2.0, **given)}


@pytest.fixture(params=SCENES)
def scene(request):
    return SCENES[request.param]


def compiled(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def energy_probe(solver, every):
    def total(state, params):
        return {"total": solver.observe(state, params)["total_energy"]}

    return Probe("energy", every, total, Series())


def carried(solver, state, params, span, dt, probes=()):
    return rollout(solver, state, params, span, controller=Fixed(dt), probes=probes)


def test_energy_wavers_with_the_square_of_dt_as_it_does_elsewhere(measure):
    """rms of the energy per atom about its trend, against dt: the exponent, and the factor that LAMMPS finds."""
    solver, state, params = compiled(liquid(cells=6))
    state = carried(solver, state, params, 2.0, 0.004).state
    atoms, dts = state.position.shape[1], np.array([0.001, 0.002, 0.004, 0.008])
    rms = []
    for dt in dts:
        run = carried(solver, state, params, 1.0, float(dt), [energy_probe(solver, 0.008)])
        energy, time = run.outputs["energy"][0].numpy() / atoms, run.times["energy"].numpy()
        rms.append(np.std(energy - np.polyval(np.polyfit(time, energy, 1), time)))
    exponent, _ = np.polyfit(np.log(dts), np.log(rms), 1)
    measure("exponent of the energy's fluctuation in dt", exponent, "2.00 +- 0.05")
    assert exponent == pytest.approx(2.0, abs=0.05), f"rms {rms}"
    with TABLE.open() as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        known = {float(row["dt"]): float(row["rms_E_per_atom"]) for row in rows}
    for dt, found in zip(dts, rms, strict=True):
        assert found == pytest.approx(known[float(dt)], rel=0.35)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_momentum_stays_to_round_off(scene, dtype, tolerance):
    solver, state, params = compiled(scene(), dtype)
    state = replace(state, velocity=state.velocity + 0.3)
    before = solver.observe(state, params)["momentum"]
    after = solver.observe(carried(solver, state, params, 1.0, 0.004).state, params)["momentum"]
    assert float(before.abs().min()) > 10.0
    assert float((after - before).abs().max()) < tolerance * float(before.abs().max())


def test_energy_is_kept_in_both_dimensions_and_precisions(scene):
    for dtype in ("float64", "float32"):
        solver, state, params = compiled(scene(), dtype)
        run = carried(solver, state, params, 4.0, 0.002, [energy_probe(solver, 0.1)])
        energy = run.outputs["energy"][0] / state.position.shape[1]
        assert float((energy - energy[0]).abs().max()) < 2e-4


def test_turned_velocities_lead_back(scene):
    solver, state, params = compiled(scene())
    there = carried(solver, state, params, 0.5, 0.005).state
    back = carried(solver, replace(there, velocity=-there.velocity), params, 0.5, 0.005).state
    assert float((there.position - state.position).abs().max()) > 0.2
    assert float((back.position - state.position).abs().max()) < 1e-11
    assert float((back.velocity + state.velocity).abs().max()) < 1e-10


def test_a_shift_by_whole_boxes_changes_nothing(scene):
    solver, state, params = compiled(scene())
    shift = torch.tensor([3.0, -2.0, 5.0])[: state.position.shape[2]] * solver.system.box.edges
    one = carried(solver, state, params, 0.2, 0.004).state
    other = carried(solver, replace(state, position=state.position + shift[:, None]), params, 0.2, 0.004).state
    torch.testing.assert_close(other.position - shift[:, None], one.position, rtol=0, atol=1e-9)


def test_batched_equals_single_bit_for_bit(scene):
    """Members with temperatures, densities and steps of their own; some rest while others still move."""
    scenes = [scene(temperature=t, seed=n).replace({"domain.density": rho}) for n, (t, rho) in
              enumerate([(0.8, 0.8), (1.4, 0.7), (1.1, 0.75)])]  # fmt: skip
    solver, state, params = compiled(scenes)
    dt, clock = torch.tensor([0.004, 0.003, 0.005], dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    first = state
    for _ in range(60):
        state = solver.step(state, params, clock, dt).state
    for b, one in enumerate(scenes):
        alone_solver, alone, alone_params = compiled(one)
        assert torch.equal(alone.position, member(first, b).position)
        assert torch.equal(alone.velocity, member(first, b).velocity)
        for _ in range(60):
            alone = alone_solver.step(alone, alone_params, clock[:1], dt[b : b + 1]).state
        assert torch.equal(alone.position[0], state.position[b])
        assert torch.equal(alone.velocity[0], state.velocity[b])
    together, apart = solver.observe(state, params), alone_solver.observe(alone, alone_params)
    assert all(torch.equal(value[2], apart[name][0]) for name, value in together.items())


def test_a_run_taken_up_again_has_the_same_bits(scene):
    """A fresh solver makes its list at another time and from other positions."""
    solver, state, params = compiled(scene())
    halfway = carried(solver, state, params, 0.2, 0.004).state
    straight = carried(solver, halfway, params, 0.2, 0.004).state
    fresh, _, _ = compiled(scene())
    again = carried(fresh, map_tensors(torch.clone, halfway), params, 0.2, 0.004).state
    assert torch.equal(again.position, straight.position)
    assert torch.equal(again.velocity, straight.velocity)
    assert again.step.tolist() == [100]


def test_one_step_costs_one_force(scene, monkeypatch):
    solver, state, params = compiled(scene())
    dt, clock = torch.full((1,), 0.004, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    state, calls = solver.step(state, params, clock, dt).state, []
    term = solver.system.forces.terms[0]
    inner = term.system
    monkeypatch.setattr(term, "system", lambda *given: calls.append(1) or inner(*given))
    for _ in range(10):
        state = solver.step(state, params, clock, dt).state
    assert len(calls) == 10


def test_the_bound_of_dt_lies_where_the_energy_runs_away():
    """The triple point takes 0.005 and not 0.05; steps of the bound are the last that a liquid survives."""
    solver, state, params = compiled(liquid(temperature=0.722, cutoff=2.0))
    bound = float(solver.max_dt(state, params))
    assert 0.015 < bound < 0.03
    carried(solver, state, params, 0.05, 0.005)
    with pytest.raises(StabilityError, match=r"dt=0.05"):
        carried(solver, state, params, 0.5, 0.05)
    hot = compiled(liquid(temperature=50.0, cutoff=2.0))
    assert float(hot[0].max_dt(hot[1], hot[2])) < 0.4 * bound


def test_the_bound_scales_like_the_period_of_a_pair():
    """sqrt(m sigma^2 / epsilon), at the same temperature in units of epsilon."""
    base = liquid(temperature=1.0, cutoff=2.0)
    heavy = base.replace({"Ar.mass": 16.0})
    stiff = base.replace({"pair.epsilon": 4.0, "Ar.temperature": 4.0})
    bounds = [float(s.max_dt(x, p)) for s, x, p in map(compiled, (base, heavy, stiff))]
    assert bounds[1] / bounds[0] == pytest.approx(4.0, rel=1e-9)
    assert bounds[2] / bounds[0] == pytest.approx(0.5, rel=1e-9)


def test_squeezed_atoms_shorten_the_bound():
    wide, tight = (compiled(liquid(temperature=0.1, density=rho, cutoff=1.5)) for rho in (0.9, 2.5))
    assert float(tight[0].max_dt(*tight[1:])) < 0.5 * float(wide[0].max_dt(*wide[1:]))


def test_an_automatic_step_keeps_the_energy():
    scene = liquid(cutoff=2.0).model_copy(update={"time": sc.Time(end=2.0)})
    solver, state, params = compiled(scene)
    run = rollout(solver, state, params, probes=[energy_probe(solver, 0.1)])
    energy = run.outputs["energy"][0] / state.position.shape[1]
    assert float((energy - energy[0]).abs().max()) < 1e-3
    assert 300 < int(run.steps) < 1000

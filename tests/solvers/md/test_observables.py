"""What is written down while atoms move: exact in cases that can be worked out by hand."""

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors, member
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene


def fluid(outputs, cells=3, cutoff=1.5, dynamics=None, seed=0, density=0.6, **lj):
    return sc.Scene(
        name="fluid",
        units="lj",
        domain=sc.Domain.periodic(density=density),
        entities={
            "A": sc.Atoms(lattice=sc.FCC(cells=(cells,) * 3), share=0.75, temperature=1.0),
            "B": sc.Atoms(lattice=sc.FCC(cells=(cells,) * 3), share=0.25, temperature=1.0, mass=2.0),
            "pair": sc.LennardJones(cutoff=cutoff, cut="switch", **lj),
        },
        dynamics=dynamics or sc.NVE(),
        outputs=outputs,
        seed=seed,
        time=sc.Time(end=1.0, dt=0.005),
    )


def compiled(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


LOOKING_BACK = {
    "msd": sc.MSD(every=0.02, lags=5),
    "vacf": sc.VelocityCorrelation(every=0.03, lags=4),
    "traj": sc.Particles("position", "velocity", every=0.01),
    "far": sc.MSD(every=0.01, lags=4, doublings=2),
    "far_vacf": sc.VelocityCorrelation(every=0.02, lags=4, doublings=1),
}
RASTER = {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 6: 2, 8: 2, 12: 4, 16: 4}  # frames between those that know a lag, by lag


def by_hand(frames, every, lags, compare):
    """[frame, lag] from all positions or velocities [frame, atom, dim], one a hundredth; nan where history ends."""
    taken = frames[::every]
    found = np.full((len(taken), lags + 1), np.nan)
    for n in range(len(taken)):
        for k in range(min(n, lags) + 1):
            found[n, k] = compare(taken[n], taken[n - k]).sum(axis=1).mean()
    return found


def test_displacements_and_correlations_are_those_of_the_trajectory():
    solver, state, params = compiled([fluid(LOOKING_BACK, seed=n) for n in (0, 1)])
    run = rollout(solver, state, params, 0.2)
    for b in (0, 1):
        x, v = (run.outputs["traj"][key][b].numpy() for key in ("position", "velocity"))
        msd, vacf = run.outputs["msd"], run.outputs["vacf"]
        known = by_hand(x, 2, 5, lambda now, before: (now - before) ** 2)
        np.testing.assert_allclose(msd["msd"][b].numpy(), known, rtol=1e-12)
        np.testing.assert_allclose(vacf["velocity_correlation"][b].numpy(), by_hand(v, 3, 4, np.multiply), rtol=1e-12)
        of_b = by_hand(x[:, solver.system.species.numpy() == 1], 2, 5, lambda now, before: (now - before) ** 2)
        np.testing.assert_allclose(msd["msd_B"][b].numpy(), of_b, rtol=1e-12)
        far = by_hand(x, 1, 16, lambda now, before: (now - before) ** 2)[:, list(RASTER)]
        known = np.array([[n % raster == 0 for raster in RASTER.values()] for n in range(len(far))])
        np.testing.assert_allclose(run.outputs["far"]["msd"][b].numpy(), np.where(known, far, np.nan), rtol=1e-12)
        slow = by_hand(v, 2, 8, np.multiply)[:, [0, 1, 2, 3, 4, 6, 8]]
        slow[1::2, 5:] = np.nan
        found = run.outputs["far_vacf"]["velocity_correlation_A"][b].numpy()
        of_a = by_hand(v[:, solver.system.species.numpy() == 0], 2, 8, np.multiply)[:, [0, 1, 2, 3, 4, 6, 8]]
        np.testing.assert_allclose(found, np.where(np.isnan(slow), np.nan, of_a), rtol=1e-12)
    lags = {probe.name: probe.layout.coordinates["lag"] for probe in solver.program.probes if probe.name != "traj"}
    np.testing.assert_allclose(lags["far"].numpy(), 0.01 * np.array(list(RASTER)), rtol=1e-12)


def test_what_is_remembered_goes_on_after_a_restart_and_owes_nothing_to_companions():
    solver, state, params = compiled([fluid(LOOKING_BACK, seed=n) for n in (0, 1)])
    whole = rollout(solver, state, params, 0.2)
    half = rollout(solver, state, params, 0.115)
    rest = rollout(solver, map_tensors(torch.clone, half.state), params, 0.2, start=0.115)
    for name, key in (("msd", "msd"), ("vacf", "velocity_correlation"), ("far", "msd")):
        joined = torch.cat([half.outputs[name][key], rest.outputs[name][key]], dim=1)
        torch.testing.assert_close(joined, whole.outputs[name][key], rtol=0, atol=0, equal_nan=True)
    alone_solver, alone, alone_params = compiled(fluid(LOOKING_BACK, seed=1))
    alone = rollout(alone_solver, alone, alone_params, 0.2).outputs
    for name in ("msd", "far"):
        torch.testing.assert_close(alone[name]["msd"][0], whole.outputs[name]["msd"][1], rtol=0, atol=0, equal_nan=True)


def test_a_run_that_begins_anew_forgets():
    solver, state, params = compiled(fluid({"msd": sc.MSD(every=0.02, lags=3)}))
    later = rollout(solver, state, params, 0.1).state
    again = rollout(solver, later, params, 0.06).outputs["msd"]["msd"][0]
    assert again[1:].isnan().sum(dim=1).tolist() == [2, 1, 0]


@pytest.mark.parametrize("name", ["msd", "vacf", "far"])
def test_gradients_reach_back_through_what_is_remembered(name):
    base = fluid({name: LOOKING_BACK[name]}, epsilon=sc.Parameter(1.0))
    solver, state, params = compile_scene(base, device="cpu", dtype="float64")
    state = map_tensors(torch.Tensor.detach, state)

    def loss(epsilon, push):
        live = params.detach().replace({"pair.epsilon": epsilon})
        moved = state.__class__(**{**vars(state), "velocity": state.velocity + push})
        found = rollout(solver, moved, live, 0.15).outputs[name]
        values = found["velocity_correlation" if name == "vacf" else "msd"]
        return values[:, -2:][values[:, -2:].isfinite()].square().sum()

    epsilon, push = torch.tensor([1.0]).double().requires_grad_(), torch.zeros_like(state.velocity).requires_grad_()
    slopes = torch.autograd.grad(loss(epsilon, push), (epsilon, push))
    way = torch.randn(push.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    h = 1e-5
    with torch.no_grad():
        by_epsilon = (loss(epsilon + h, push) - loss(epsilon - h, push)) / (2 * h)
        by_push = (loss(epsilon, push + h * way) - loss(epsilon, push - h * way)) / (2 * h)
    assert float(slopes[0]) == pytest.approx(float(by_epsilon), rel=1e-6)
    assert float((slopes[1] * way).sum()) == pytest.approx(float(by_push), rel=1e-6)


def test_partial_distributions_add_up_to_that_of_all_atoms():
    pairs = {"AA": ("A", "A"), "AB": ("A", "B"), "BA": ("B", "A"), "BB": ("B", "B")}
    outputs = {"all": sc.RDF(r_max=2.2, bins=22, every=0.1)}
    outputs |= {name: sc.RDF(r_max=2.2, bins=22, every=0.1, of=two) for name, two in pairs.items()}
    outputs["each"] = sc.RDF(r_max=2.2, bins=22, every=0.1, of="pairs")
    solver, state, params = compiled(fluid(outputs))
    found = rollout(solver, state, params, 0.3).outputs
    g = {name: rows if name == "each" else rows[0] for name, rows in found.items()}
    b = float((solver.system.species == 1).double().mean())
    a = 1 - b
    torch.testing.assert_close(a * a * g["AA"] + 2 * a * b * g["AB"] + b * b * g["BB"], g["all"])
    torch.testing.assert_close(g["AB"], g["BA"])
    for name in ("AA", "AB", "BB"):
        assert torch.equal(g["each"][f"rdf_{name[0]}_{name[1]}"][0], g[name])
    assert float(g["AA"].max()) > 1.0


def test_a_crystal_scatters_where_its_lattice_says_and_nowhere_else():
    outputs = {"s": sc.StructureFactor(q_max=16.0, shells=400, vectors=500, every=1.0)}
    scene = fluid(outputs, cells=3)
    solver, state, params = compiled(scene)
    found = solver.program.probes[0].measure(state, params)
    q, s = found["q"][0].numpy(), found["s"][0].numpy()
    edge = float(solver.system.box.edges[0, 0]) / 3
    whole = np.round((q * edge / (2 * np.pi)) ** 2, 6)
    strong = s > 1e-9
    # (hkl) of a face-centred cell are all even or all odd: 3, 4, 8, 11, 12, ...
    assert set(whole[strong & (whole < 12.5)]) == {3.0, 4.0, 8.0, 11.0, 12.0}
    # Of the 32 wave vectors with n^2 = 27 in three cells, 8 are (333), which all atoms scatter alike; 24 are (511).
    assert s[np.isclose(whole, 3.0)] == pytest.approx(108.0 * 8 / 32)


def test_scattering_of_an_ideal_gas_is_one_and_partials_add_up():
    pairs = {"AA": ("A", "A"), "AB": ("A", "B"), "BB": ("B", "B")}
    given = {"q_max": 12.0, "shells": 12, "vectors": 200, "every": 1.0}
    outputs = {"all": sc.StructureFactor(**given)} | {
        name: sc.StructureFactor(of=two, **given) for name, two in pairs.items()
    }
    solver, state, params = compiled(fluid(outputs, cells=5))
    x = torch.rand(state.position.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    state = state.__class__(**{**vars(state), "position": x * solver.system.box.edges[:, None]})
    s = {probe.name: probe.measure(state, params)["s"][0] for probe in solver.program.probes}
    b = float((solver.system.species == 1).double().mean())
    together = (1 - b) * s["AA"] + 2 * np.sqrt(b * (1 - b)) * s["AB"] + b * s["BB"]
    torch.testing.assert_close(together, s["all"])
    assert float(s["all"][4:].mean()) == pytest.approx(1.0, abs=0.06)


def test_the_pressure_is_the_mean_of_the_diagonal_of_the_stress():
    solver, state, params = compiled(fluid({"stress": sc.Stress(every=0.1), "thermo": sc.Thermo(every=0.1)}))
    run = rollout(solver, state, params, 0.3)
    stress, pressure = run.outputs["stress"], run.outputs["thermo"]["pressure"]
    torch.testing.assert_close(stress.diagonal(dim1=2, dim2=3).mean(dim=2), pressure)
    torch.testing.assert_close(stress, stress.transpose(2, 3))


def test_outputs_that_cannot_be_served_are_refused():
    with pytest.raises(ValueError, match=r"lags is a multiple of 4\. Take lags=12"):
        sc.MSD(every=0.1, lags=11, doublings=3)
    slab = fluid({"rdf": sc.RDF(r_max=2.0, every=0.1)}).model_copy(
        update={"domain": sc.Domain(size=(9.0, 9.0, 9.0), wrap=(True, True, False))}
    )
    with pytest.raises(SceneError, match=r"A\.lattice\.spacing +is missing; without a box that repeats"):
        compiled(slab)
    lattice = {"kind": "fcc", "cells": [3, 3, 3], "spacing": 1.9}
    with pytest.raises(SceneError, match="density of a box that repeats itself along every axis"):
        compiled(slab.replace({"A.lattice": lattice, "B.lattice": lattice}))
    with pytest.raises(SceneError, match="names 'C'; the atoms here are A, B"):
        compiled(fluid({"rdf": sc.RDF(r_max=2.0, every=0.1, of=("A", "C"))}))
    with pytest.raises(SceneError, match=r"q_max=0.1 is below the smallest wave vector"):
        compiled(fluid({"s": sc.StructureFactor(q_max=0.1, every=0.1)}))


def test_free_flight_gives_the_square_of_time():
    solver, state, params = compiled(fluid({"msd": sc.MSD(every=0.02, lags=5)}, epsilon=1e-12))
    run = rollout(solver, state, params, 0.2, controller=Fixed(0.002))
    lag = 0.02 * torch.arange(6, dtype=torch.float64)
    speed = member(state, 0).velocity.square().sum(dim=2).mean()
    torch.testing.assert_close(run.outputs["msd"]["msd"][0, -1], speed * lag**2, rtol=1e-6, atol=1e-12)

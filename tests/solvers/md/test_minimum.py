"""Minima of the energy: those that are known, and how they move with parameters."""

import dataclasses

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.md.minimum import minimise


def cluster(atoms, members=1, **changes):
    scene = sg.library.lj_cluster(atoms, "unordered", stiffness=1e-12).replace({"outputs": {}, **changes})
    solver, state, params = sg.compile([scene] * members, device="cpu", dtype="float64")
    return solver, map_tensors(torch.Tensor.detach, state), params


@pytest.mark.parametrize(("atoms", "known"), [(13, -44.326801), (38, -173.928427)])
def test_shaken_clusters_find_back(atoms, known):
    solver, state, params = cluster(atoms, 2)
    shake = torch.randn(state.position.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = minimise(solver, dataclasses.replace(state, position=state.position + 0.08 * shake), params)
    assert bool(found.reached.all())
    assert float((found.energy - known).abs().max()) < 1e-6
    assert float(found.force.max()) < 1e-8


def test_the_best_of_many_random_starts_is_the_icosahedron():
    """13 atoms; and a member does not feel its companions."""
    solver, state, params = cluster(13, 256)
    place = 0.7 * torch.randn(state.position.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    found = minimise(solver, dataclasses.replace(state, position=place), params, tolerance=1e-5, most=3000)
    assert float(found.energy.min()) == pytest.approx(-44.326801, abs=1e-6)
    assert float(found.energy.max()) > -44.0
    n = int(found.energy.argmin())
    single, one, values = cluster(13)
    alone = minimise(single, dataclasses.replace(one, position=place[n : n + 1]), values, tolerance=1e-5, most=3000)
    assert int(alone.steps[0]) == int(found.steps[n])
    torch.testing.assert_close(alone.state.position[0], found.state.position[n], rtol=0.0, atol=1e-9)


def test_minima_move_with_parameters_as_central_differences_say():
    """Of a cluster in a common well, which may still be turned; only what does not change by that is asked."""
    scene = sg.library.lj_cluster(13, "unordered")
    names = {name: part.kind for name, part in scene.entities.items()}
    pair = next(name for name, kind in names.items() if kind == "lennard_jones_pairs")
    well = next(name for name, kind in names.items() if kind == "oscillator")
    at = {f"{pair}.epsilon": 1.0, f"{pair}.rm": 1.0, f"{well}.stiffness": 2.0}
    scene = scene.replace({"outputs": {}, **{address: sg.Parameter(value) for address, value in at.items()}})
    _, first, _ = sg.compile(scene, device="cpu", dtype="float64")
    shake = torch.randn(first.position.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    start = first.position.detach() + 0.05 * shake

    def loss(values):
        solver, state, params = sg.compile(scene.replace(values), device="cpu", dtype="float64")
        found = minimise(solver, dataclasses.replace(state, position=start), params, tolerance=1e-11)
        assert bool(found.reached.all())
        x = found.state.position[0]
        apart = (x[:, None] - x[None]).square().sum(dim=2)
        weights = torch.linspace(0.0, 1.0, apart.numel(), dtype=x.dtype).view_as(apart)
        return (weights * apart).sum() + 0.1 * found.energy.sum(), params

    value, params = loss({})
    value.backward()
    for address, middle in at.items():
        up, down = (float(loss({f"{address}.value": middle + s * 1e-4})[0].detach()) for s in (1, -1))
        assert (up - down) / 2e-4 == pytest.approx(float(params[address].grad), rel=1e-6), address


def test_a_place_that_is_no_minimum_has_no_derivative():
    scene = sg.library.lj_cluster(13, "unordered")
    pair = next(name for name, part in scene.entities.items() if part.kind == "lennard_jones_pairs")
    solver, state, params = sg.compile(
        scene.replace({"outputs": {}, f"{pair}.epsilon": sg.Parameter(1.0)}), device="cpu", dtype="float64"
    )
    wide = dataclasses.replace(state, position=1.6 * state.position.detach())
    found = minimise(solver, wide, params, most=0)
    assert not bool(found.reached.any())
    with pytest.raises(sg.EngineError, match="minimum"):
        found.state.position.square().sum().backward()

"""Atoms without a box around them, or with one along some axes only."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.rollout import rollout


def pair_of_atoms(domain, **changes):
    scene = sg.Scene(
        name="two",
        domain=domain,
        entities={
            "Ar": sg.Atoms(
                lattice=sg.Sites(((9.6, 0.0, 0.0), (10.9, 0.0, 0.0)), velocities=((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)))
            ),
            "pair": sg.LennardJones(cutoff=2.5),
        },
        outputs={"energy": sg.Energy(every=0.1)},
        time=sg.Time(end=2.0, dt=0.002),
        units="lj",
    )
    return scene.replace(changes)


def test_two_bound_atoms_swing_far_from_the_origin_as_anywhere():
    solver, state, params = sg.compile(pair_of_atoms(sg.Domain.unbounded(dim=3)), device="cpu", dtype="float64")
    assert state.velocity[0].tolist() == [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]
    run = rollout(solver, state, params)
    energy = run.outputs["energy"]["total"][0]
    assert float((energy - energy[0]).abs().max()) < 1e-4
    apart = run.state.position[0, 1] - run.state.position[0, 0]
    assert 1.0 < float(apart[0]) < 2.5
    torch.testing.assert_close(
        run.state.position.mean(dim=1), torch.tensor([[10.25, 0.0, 0.0]], dtype=torch.float64), rtol=0.0, atol=1e-12
    )


def test_an_axis_that_wraps_has_images_and_an_open_one_has_none():
    far = pair_of_atoms(sg.Domain(size=(10.0, 10.0, 10.0), wrap=(False, True, True)))
    near = far.replace({"domain.wrap": (True, True, True)})
    across = {"Ar.lattice.positions": ((0.2, 0.0, 0.0), (9.1, 0.0, 0.0))}  # 1.1 apart through the side
    energies = []
    for scene in (far.replace(across), near.replace(across)):
        solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
        energies.append(float(solver.observe(state, params)["potential_energy"]))
    assert energies[0] == 0.0
    assert energies[1] < -0.9


def test_single_precision_takes_open_space_too():
    energies = []
    for dtype in ("float32", "float64"):
        solver, state, params = sg.compile(pair_of_atoms(sg.Domain.unbounded(dim=3)), device="cpu", dtype=dtype)
        energies.append(float(solver.observe(state, params)["potential_energy"]))
    assert energies[0] == pytest.approx(energies[1], rel=1e-5)


def test_a_box_with_sides_is_refused_and_a_crystal_in_open_space_needs_a_spacing():
    with pytest.raises(sg.SceneError, match=r"Domain\.unbounded"):
        sg.compile(pair_of_atoms(sg.Domain(size=(30.0, 30.0, 30.0))))
    crystal = pair_of_atoms(sg.Domain.unbounded(dim=3)).replace({"Ar.lattice": sg.FCC(cells=(2, 2, 2))})
    with pytest.raises(sg.SceneError, match=r"spacing"):
        sg.compile(crystal)
    _, state, _ = sg.compile(crystal.replace({"Ar.lattice.spacing": 1.6}), device="cpu", dtype="float64")
    assert float(state.position.mean()) == pytest.approx(0.0, abs=1e-12)


def test_positions_written_out_have_one_shape():
    with pytest.raises(ValueError, match="2, or 3"):
        sg.Sites(((0.0, 0.0), (1.0, 0.0, 0.0)))
    with pytest.raises(ValueError, match="one each"):
        sg.Sites(((0.0, 0.0), (1.0, 0.0)), velocities=((0.0, 0.0),))

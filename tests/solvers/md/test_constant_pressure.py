"""A box that breathes: the density of its pressure, the volume's distribution, what is conserved, what is refused."""

import h5py
import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.view.h5md import open_h5md


def fluid(pressure, temperature=1.5, cells=3, density=0.7, cutoff=2.5, **changes):
    scene = sg.library.lj_fluid(cells=cells, temperature=temperature, density=density, warmup=0.0)
    dynamics = sg.ConstantPressure(temperature=temperature, pressure=pressure, response=0.5)
    return scene.replace({"outputs": {}, "pair.cutoff": cutoff, "dynamics": dynamics, **changes})


def compiled(scene):
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def carried(solver, state, params, steps, dt=0.004):
    time, long = torch.zeros(len(state.step), dtype=torch.float64), torch.full((len(state.step),), dt).double()
    for _ in range(steps):
        state = solver.step(state, params, time, long).state
        yield state


def test_the_volume_of_an_ideal_gas_has_the_distribution_of_its_pressure():
    """N atoms that hardly feel each other: V is of a gamma distribution, with mean N T / P and variance N (T / P)^2,
    up to the one atom's worth by which the resting centre of mass differs."""
    scene = sg.library.lj_fluid(cells=2, temperature=1.0, density=0.02, warmup=0.0)
    dynamics = sg.ConstantPressure(
        temperature=1.0, pressure=0.02, response=0.2, compressibility=50.0, relaxation=0.1, every=2
    )
    scene = scene.replace({"outputs": {}, "pair": sg.SoftSphere(epsilon=1e-6, cutoff=1.0), "dynamics": dynamics})
    solver, state, params = compiled([scene.replace({"seed": n}) for n in range(32)])
    seen = [
        one.edges.prod(dim=1)
        for n, one in enumerate(carried(solver, state, params, 700, 0.01))
        if n > 200 and n % 5 == 0
    ]
    volume = torch.stack(seen).numpy()
    assert volume.mean() * 0.02 == pytest.approx(32.0, rel=0.03)
    assert volume.std() * 0.02 == pytest.approx(np.sqrt(32.0), rel=0.15)


@pytest.mark.parametrize("every", [1, 5])
def test_what_it_gives_is_counted(every):
    """The conserved energy wavers with the square of dt, far below what the energy itself does."""
    wavers = []
    for dt in (0.004, 0.002):
        solver, state, params = compiled(fluid(2.0, **{"dynamics.every": every}))
        seen = [solver.observe(one, params) for one in carried(solver, state, params, round(0.4 / dt), dt)]
        wavers.append(np.ptp([float(one["conserved_energy"]) for one in seen]))
        assert np.ptp([float(one["total_energy"]) for one in seen]) > 20 * wavers[-1]
        assert np.ptp([float(one["volume"]) for one in seen]) > 1.0
    assert wavers[0] > 2.2 * wavers[1]


def test_a_member_does_not_feel_its_companions_and_a_restart_goes_on_alike():
    scenes = [fluid(pressure) for pressure in (1.0, 3.0)]
    solver, state, params = compiled(scenes)
    both = list(carried(solver, state, params, 12))
    single, start, values = compiled(scenes[1])
    alone = list(carried(single, start, values, 12))
    torch.testing.assert_close(both[-1].edges[1], alone[-1].edges[0], rtol=1e-12, atol=0.0)
    again = list(carried(single, alone[6], values, 5))
    assert torch.equal(again[-1].edges, alone[-1].edges)


def test_every_frame_has_its_box(tmp_path):
    """In the file of a run, as text, in the shard of an ensemble, and in the eyes of who draws it."""
    scene = fluid(1.0, outputs={"traj": sg.Particles("position", every=0.02), "thermo": sg.Thermo(every=0.02)})
    scene = scene.replace({"time.end": 0.08, "time.dt": 0.004})
    run = sg.run(scene, tmp_path / "run", device="cpu", dtype="float64")
    boxes = run["traj"].box[:]
    assert boxes.shape == (5, 3)
    assert run["traj"].box.units == "sigma"
    assert np.ptp(boxes, axis=0).min() > 1e-3
    text = sg.write_extxyz(run).read_text()
    lattices = [[float(x) for x in row.split('"')[1].split()] for row in text.splitlines() if "Lattice" in row]
    np.testing.assert_array_equal(np.array(lattices)[:, ::4], boxes)
    frames = open_h5md(run.folder / "traj.h5md")
    for n, box in enumerate(boxes):
        np.testing.assert_array_equal(frames.box(n), box)
        assert (frames.positions(n) < box).all()
    frames.close()
    sg.generate(
        scene.replace({"Ar.temperature": sg.Uniform(1.4, 1.6)}),
        1,
        out=tmp_path / "data",
        device="cpu",
        dtype="float64",
        progress=False,
    )
    with h5py.File(next((tmp_path / "data").rglob("*.h5"))) as file:
        assert np.ptp(file["particles/traj/box/edges/value"][:], axis=0).min() > 1e-3
        assert len(file["particles/traj/box/edges/time"]) == 5


def test_what_it_cannot_do_is_refused():
    with pytest.raises(sg.SceneError, match="no gradient"):
        sg.compile(fluid(1.0, **{"pair.epsilon": sg.Parameter(1.0)}))
    solver, state, params = compiled(fluid(1.0))
    moved = type(state)(**{**vars(state), "position": state.position.requires_grad_()})
    with pytest.raises(sg.EngineError, match="reweighting"):
        rollout(solver, moved, params, 0.01).state.position.sum().backward()

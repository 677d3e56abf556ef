"""What a run of atoms wrote is read by MDAnalysis: positions, velocities, forces, boxes, times, kinds and units.

It is a tool of this test alone (`pip install -e ".[peers]"`), and where it is missing the test is skipped.
"""

import shutil

import h5py
import numpy as np
import pytest

import scenegrad as sg

mda = pytest.importorskip("MDAnalysis", reason='pip install -e ".[peers]"')

AR = {"epsilon": 0.238, "sigma": 3.4, "cutoff": 5.4}  # kcal/mol, Angstrom


def gas(**changes):
    scene = sg.Scene(
        name="gas",
        units="real",
        domain=sg.Domain.periodic(size=(11.0, 12.0, 13.0)),
        entities={
            "Ar": sg.Atoms(lattice=sg.FCC(cells=(2, 2, 2)), mass=39.95, temperature=80.0, share=0.5),
            "Kr": sg.Atoms(lattice=sg.FCC(cells=(2, 2, 2)), mass=83.798, temperature=80.0, share=0.5),
            "pair": sg.LennardJones(**AR),
        },
        time=sg.Time(end=8.0, dt=2.0),
        outputs={"traj": sg.Particles("position", "velocity", "force", every=4.0)},
    )
    return scene.replace(changes)


def universe(run, **options):
    """The trajectory with the kinds and masses that stand in the same file."""
    path = shutil.copy(run.folder / "traj.h5md", run.folder.parent)  # HDF5 locks a file, if not always
    with h5py.File(path) as file:
        atoms = file["particles/traj"]
        names = np.array([str(name) for name in atoms["species"].attrs["names"]])[atoms["species"][...]]
        masses = atoms["mass"][...]
    found = mda.Universe.empty(len(names), trajectory=False, velocities=True, forces=True)
    found.add_TopologyAttr("types", names)
    found.add_TopologyAttr("masses", masses)
    found.load_new(str(path), format="H5MD", **options)
    return found


def test_every_frame_is_read_in_the_units_of_the_reader(tmp_path):
    """Which are Angstrom, ps, and for forces kJ/(mol Angstrom)."""
    run = sg.run(gas(), tmp_path / "run", device="cpu", dtype="float64")
    found = universe(run)
    assert found.trajectory.units == {
        "time": "fs", "length": "Angstrom", "velocity": "Angstrom/fs", "force": "kcal/(mol*Angstrom)",
    }  # fmt: skip
    assert len(found.trajectory) == len(run["traj"]) == 3
    assert len(found.select_atoms("type Ar")) == len(found.select_atoms("type Kr")) == 16
    assert found.select_atoms("type Kr").masses == pytest.approx(83.798)
    for n, frame in enumerate(found.trajectory):
        assert frame.time == pytest.approx(4e-3 * n)
        assert frame.data["step"] == 2 * n
        np.testing.assert_allclose(frame.dimensions, (11.0, 12.0, 13.0, 90.0, 90.0, 90.0))
        np.testing.assert_allclose(frame.positions, run["traj"].position[n], rtol=1e-6)
        np.testing.assert_allclose(frame.velocities, 1e3 * run["traj"].velocity[n], rtol=1e-6)
        np.testing.assert_allclose(frame.forces, 4.184 * run["traj"].force[n], rtol=1e-5, atol=1e-6)


def test_a_box_that_changes_is_read_frame_by_frame(tmp_path):
    dynamics = sg.ConstantPressure(
        temperature=80.0, pressure=0.0, response=100.0, relaxation=100.0, compressibility=5.0
    )
    run = sg.run(gas(dynamics=dynamics), tmp_path / "run", device="cpu", dtype="float64")
    edges = [frame.dimensions[:3].copy() for frame in universe(run).trajectory]
    np.testing.assert_allclose(edges, run["traj"].box[:], rtol=1e-6)
    assert np.ptp(edges, axis=0).min() > 1e-3


def test_a_tilted_box_is_read_with_its_vectors(tmp_path):
    run = sg.run(gas(**{"domain.tilt": (2.0, -1.0, 3.0)}), tmp_path / "run", device="cpu", dtype="float64")
    rows = mda.lib.mdamath.triclinic_vectors(universe(run).trajectory[0].dimensions)
    np.testing.assert_allclose(rows, [[11.0, 0.0, 0.0], [2.0, 12.0, 0.0], [-1.0, 3.0, 13.0]], rtol=1e-5, atol=1e-5)


def test_reduced_units_are_read_as_they_are(tmp_path):
    scene = sg.library.lj_fluid(cells=2, warmup=0.0).replace(
        {"pair.cutoff": 1.5, "time.end": 0.02, "outputs": {"traj": sg.Particles("velocity", every=0.01)}}
    )
    run = sg.run(scene, tmp_path / "run", device="cpu", dtype="float32")
    with pytest.raises(ValueError, match="units"):  # they have no name that it knows
        universe(run)
    found = universe(run, convert_units=False)
    np.testing.assert_array_equal([frame.positions.copy() for frame in found.trajectory], run["traj"].position[:])
    with h5py.File(run.folder / "traj.h5md") as file:
        assert file["particles/traj/position/value"].attrs["units"] == "sigma"
        assert file["particles/traj/box/edges/value"].attrs["units"] == "sigma"
        assert file["particles/traj/position/time"].attrs["units"] == "tau"

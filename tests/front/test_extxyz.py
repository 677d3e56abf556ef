"""Extended XYZ: what a run wrote comes back to its last digit, and what is wrong is refused with its line."""

import shutil

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.scenes.errors import SceneError


def gas():
    return sg.Scene(
        name="gas",
        units="metal",
        domain=sg.Domain.periodic(size=(11.0, 11.0, 11.0)),
        entities={
            "Ar": sg.Atoms(lattice=sg.FCC(cells=(2, 2, 2)), mass=39.95, temperature=80.0, share=0.5),
            "Kr": sg.Atoms(lattice=sg.FCC(cells=(2, 2, 2)), mass=83.798, temperature=80.0, share=0.5),
            "pair": sg.LennardJones(epsilon=0.0103, sigma=3.4, cutoff=5.4),
        },
        time=sg.Time(end=0.1, dt=0.01),
        outputs={"traj": sg.Particles("position", "velocity", every=0.05)},
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gas")
    run = sg.run(gas(), folder / "run", device="cpu", dtype="float64")
    return run, sg.write_extxyz(folder / "run")


def test_a_run_comes_back_to_its_last_digit(written):
    run, path = written
    found = sg.read_molecules(path, units="metal")
    assert found.size == (11.0, 11.0, 11.0)
    assert path.read_text().count("Lattice=") == len(run["traj"].position)
    np.testing.assert_array_equal([atom.position for atom in found.atoms], run["traj"].position[-1])
    np.testing.assert_array_equal([atom.velocity for atom in found.atoms], run["traj"].velocity[-1])
    assert {atom.kind: atom.mass for atom in found.atoms} == pytest.approx({"Ar": 39.95, "Kr": 83.798})
    again = sg.Scene(
        name="again", units="metal", domain=found.domain(), time=sg.Time(end=0.1, dt=0.01),
        entities={**found.entities(), "pair": sg.LennardJones(epsilon=0.0103, sigma=3.4, cutoff=5.4)},
    )  # fmt: skip
    _, state, _ = sg.compile(again, device="cpu", dtype="float64")
    np.testing.assert_array_equal(state.velocity[0].numpy(), run["traj"].velocity[-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-200], "ends within a frame|columns here|cannot be read"),
        (lambda text: text.replace("Ar ", "Ar x", 1) if text.count("Lattice") == 1 else cut(text), "line 3: "),
        (lambda text: text.replace("units=metal", "units=real"), "in units=real"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(written, tmp_path, change, words):
    path = tmp_path / "bad.extxyz"
    path.write_text(change(written[1].read_text()))
    with pytest.raises(SceneError, match=words) as error:
        sg.read_molecules(path, units="metal")
    assert ", line " in str(error.value)


def cut(text):
    """The first frame alone, with a word in place of a number."""
    return "\n".join(text.splitlines()[:34]).replace("Ar ", "Ar x", 1)


@pytest.mark.parametrize("left", [0, 100, 3000])
def test_a_trajectory_that_was_cut_off_is_refused_by_its_name(written, tmp_path, left):
    """Whoever asks for it: numbers, text, or a picture."""
    folder = shutil.copytree(written[0].folder, tmp_path / "run")
    path = folder / "traj.h5md"
    path.write_bytes(path.read_bytes()[:left])
    for look in (lambda: sg.open_run(folder)["traj"], lambda: sg.write_extxyz(folder)):
        with pytest.raises(sg.EngineError, match=r"traj\.h5md cannot be read as HDF5"):
            look()

"""Bonds are those of the scene, and go the short way over the ends of a periodic box; masses tell elements."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenegrad.view.bonds import bonds_of, length_of, ways
from scenegrad.view.chemistry import elements_of
from scenegrad.view.files import open_frames
from scenegrad.view.h5md import AtomFrames


def write(
    samples: ModuleType, folder: Path, entities: dict[str, Any], species: list[int], mass: list[float]
) -> AtomFrames:
    names = tuple(name for name, part in entities.items() if part["kind"] == "atoms")
    torch = samples.torch
    layout = samples.Atoms(torch.tensor(species), torch.tensor(mass), torch.full((1, 3), 4.0), names)
    place = np.stack([np.linspace(0.2, 3.8, len(species)), np.ones(len(species)), np.ones(len(species))], axis=1)
    table = {"name": "chain", "units": "real", "domain": {"size": [4.0] * 3, "wrap": True}, "entities": entities}
    frames = open_frames(samples.write(folder, "traj", layout, [{"position": place}], table))
    assert isinstance(frames, AtomFrames)
    return frames


def test_groups_are_counted_in_their_species_and_each_bond_once(run_folder: Path, samples: ModuleType) -> None:
    entities = {
        "A": {"kind": "atoms"},
        "B": {"kind": "atoms"},
        "stiff": {"kind": "rigid_bond", "of": "B", "groups": [[0, 1], [1, 0]]},
        "soft": {"kind": "harmonic_bond", "groups": [[0, 3], [9, 1]]},  # the second names an atom that is not there
        "angle": {"kind": "harmonic_angle", "groups": [[0, 1, 2]]},
    }
    frames = write(samples, run_folder, entities, [0, 0, 1, 1], [12.011] * 4)
    np.testing.assert_array_equal(bonds_of(frames), [[0, 3], [2, 3]])
    frames.close()


def test_beads_of_chains_are_bonded_to_their_neighbours(run_folder: Path, samples: ModuleType) -> None:
    lattice = {"kind": "chains", "count": 2, "length": 3}
    entities = {"bead": {"kind": "atoms", "lattice": lattice}, "bond": {"kind": "fene", "of": "bead"}}
    frames = write(samples, run_folder, entities, [0] * 6, [1.0] * 6)
    np.testing.assert_array_equal(bonds_of(frames), [[0, 1], [1, 2], [3, 4], [4, 5]])
    frames.close()


def test_a_bond_goes_the_short_way_over_the_end_of_the_box() -> None:
    positions = np.array([[0.2, 0.0, 0.0], [3.8, 0.0, 0.0], [0.2, 3.0, 0.0]])
    bonds = np.array([[0, 1], [0, 2]])
    repeats = np.array([4.0, np.inf, np.inf])
    np.testing.assert_allclose(ways(positions, bonds, repeats), [[-0.4, 0, 0], [0, 3.0, 0]])
    assert length_of(positions, bonds[:1], repeats) == pytest.approx(0.4)


def test_elements_are_told_from_masses_or_not_at_all() -> None:
    found = elements_of(np.array([1.008, 12.01, 14.01, 16.0]))
    assert found is not None
    np.testing.assert_array_equal(found, [1, 6, 7, 8])
    assert elements_of(np.array([12.01, 13.2])) is None


def test_types_of_a_force_field_are_shown_as_elements(run_folder: Path, samples: ModuleType) -> None:
    entities = {name: {"kind": "atoms"} for name in ("CT", "C", "HC")}
    frames = write(samples, run_folder, entities, [0, 1, 2, 2], [12.011, 12.011, 1.008, 1.008])
    np.testing.assert_array_equal(frames.values("element", 0), [6, 6, 1, 1])
    frames.close()
    alone = write(
        samples, run_folder / "salt", {"Na": {"kind": "atoms"}, "Cl": {"kind": "atoms"}}, [0, 1], [22.99, 35.45]
    )
    assert "element" not in alone.fields(), "species that are elements keep the names that the scene gave them"
    alone.close()

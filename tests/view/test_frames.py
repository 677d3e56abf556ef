"""What is read from the files of a run is what was written, finished or not."""

import fcntl
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

from scenegrad.view import plot_output
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.quantities import default_quantity, quantity


def ramp(cells: tuple[int, int], k: int = 0) -> np.ndarray:
    """f = x + 10 y + 100 k on the cells, [x, y]."""
    return np.add.outer(np.arange(cells[0]), 10.0 * np.arange(cells[1])) + 100 * k


def test_a_field_comes_back_with_y_down_the_rows_and_x_along_them(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [ramp((4, 3)), ramp((4, 3), 1)])
    frames = open_frames(run_folder)
    assert frames.dim == 2
    np.testing.assert_array_equal(frames.values("vorticity", 1), ramp((4, 3), 1).T)
    np.testing.assert_allclose(frames.times, [0.0, 0.1])
    assert frames.fields()["vorticity"].unit == "1/s"
    image = frames.frame(0)
    assert image.dimensions == (4, 3, 1)
    assert image["vorticity"][image.find_closest_point((1.75, 0.17, 0))] == 3.0  # the last cell of the first row
    frames.close()


def test_particles_come_back_frame_by_frame(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=3)
    frames = open_frames(run_folder)
    first, last = frames.positions(0), frames.positions(3)
    np.testing.assert_allclose(first - last, np.broadcast_to([0, 0, 0.6], first.shape), atol=1e-12)
    np.testing.assert_array_equal(frames.values("body", 2), 0)
    assert frames.frame(1).n_points == 27
    frames.close()


@pytest.mark.parametrize("writer", ["write_block", "write_flat_field"])
def test_an_unfinished_file_counts_up_to_its_last_commit(run_folder: Path, samples: ModuleType, writer: str) -> None:
    """A killed run leaves more rows than it vouched for, and none of the tables that VTK needs."""
    if writer == "write_block":
        samples.write_block(run_folder, side=2, frames=3, finished=False)
    else:
        samples.write(
            run_folder, "fields", samples.Grid((4, 3), (1.0, 1.0), (0.0, 0.0), (False, False)),
            [{"vorticity": ramp((4, 3), k)} for k in range(3)], samples.flat_scene(), finished=False,
        )  # fmt: skip
    (path,) = run_folder.glob("*.part.vtkhdf")
    with h5py.File(path, "r+") as file:
        (track,) = file["scenegrad/probes"].values()
        track.attrs.modify("frames", np.int64(2))
    frames = open_frames(run_folder)
    assert len(frames.times) == 2
    if writer == "write_block":
        np.testing.assert_allclose(frames.positions(1)[:, 2].min(), 0.6 + 0.075 - 0.2)
    else:
        np.testing.assert_array_equal(frames.values("vorticity", 1), ramp((4, 3), 1).T)
    frames.close()


def test_a_file_without_a_complete_frame_says_so(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2, frames=1, finished=False)
    (path,) = run_folder.glob("*.part.vtkhdf")
    with h5py.File(path, "r+") as file:
        file["scenegrad/probes/state"].attrs.modify("frames", np.int64(0))
    with pytest.raises(ViewError, match="no complete frame yet"):
        open_frames(run_folder)


def test_a_file_that_is_being_written_can_be_read(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2, frames=2, finished=False)
    (path,) = run_folder.glob("*.part.vtkhdf")
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as the HDF5 of another process holds it
        frames = open_frames(run_folder)
        assert len(frames.times) == 2
        frames.close()
    with h5py.File(path, "r+"):
        frames = open_frames(run_folder)
        assert len(frames.times) == 2
        frames.close()


def test_atoms_are_drawn_inside_their_periodic_box(run_folder: Path, samples: ModuleType) -> None:
    samples.write_atoms(run_folder, cells=3, frames=3)
    frames = open_frames(run_folder)
    where = frames.positions(2)  # 1.6 along x: the last layer has left the box of length 3
    assert where.min() >= 0
    assert where.max() < 3
    np.testing.assert_allclose(np.unique(where[:, 0].round(6)), [0.1, 1.1, 2.1])
    np.testing.assert_allclose(np.unique(where[:, 1].round(6)), [0.5, 1.5, 2.5])
    assert frames.species_names() == {0: "A", 1: "B"}
    frames.close()


def test_a_vector_is_shown_as_its_length_or_by_component(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2)
    frames = open_frames(run_folder)
    np.testing.assert_allclose(quantity(frames, "speed").of(frames, 0), 2.0)
    np.testing.assert_allclose(quantity(frames, "velocity_z").of(frames, 0), -2.0)
    assert quantity(frames, "velocity").title == "speed [m/s]"
    assert default_quantity(frames) == quantity(frames, "speed")
    frames.close()


def test_a_deformation_is_shown_as_its_ratio_of_volumes(run_folder: Path, samples: ModuleType) -> None:
    stretch = np.broadcast_to(np.diag([2.0, 1.0, 0.25]), (4, 3, 3)).copy()
    frame = {"position": np.random.default_rng(0).random((4, 3)), "deformation": stretch}
    samples.write(run_folder, "state", samples.Points(), [frame], samples.block_scene())
    frames = open_frames(run_folder)
    np.testing.assert_allclose(quantity(frames, "deformation").of(frames, 0), 0.5)
    assert quantity(frames, "volume ratio").center == 1.0
    frames.close()


def test_the_file_with_the_field_is_found_among_several(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [ramp((4, 3))], name="a", quantity="dye")
    samples.write_flat_field(run_folder, [ramp((4, 3))], name="b", quantity="vorticity")
    assert open_frames(run_folder, "vorticity").path.name == "b.vtkhdf"
    with pytest.raises(ViewError, match=r"a\.vtkhdf has dye; b\.vtkhdf has vorticity.*'vorticity'"):
        open_frames(run_folder, "vortisity")


def test_a_run_that_is_not_there_brings_up_its_neighbours(tmp_path: Path, samples: ModuleType) -> None:
    samples.write_block(tmp_path / "drop", side=2)
    with pytest.raises(ViewError, match=r"Did you mean .*drop"):
        open_frames(tmp_path / "dorp")
    with pytest.raises(ViewError, match="does not exist either"):
        open_frames(tmp_path / "nowhere" / "drop")


def test_a_folder_without_frames_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ViewError, match=r"notes\.txt"):
        open_frames(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.vtkhdf").write_bytes(b"not HDF5 at all")
    with pytest.raises(ViewError, match="cannot be read as HDF5"):
        open_frames(tmp_path)


def test_a_dataset_is_told_from_a_run_with_what_draws_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    for look in (open_frames, plot_output):
        with pytest.raises(ViewError, match=r"is a dataset, not a run.*scenegrad card.*--member 0"):
            look(tmp_path)

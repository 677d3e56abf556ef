"""Files of frames: what was written comes back, other programs read it, and a crash costs at most one frame."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from scenegrad.engine.errors import DiskFull, FileError
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile, part_name
from scenegrad.engine.files.recorded import open_outputs
from scenegrad.engine.solver import Atoms, Elements, Grid, Points, Probe, Series

PLANE = Grid((4, 3), (0.5, 0.25), (0.1, 0.2), (True, True))
SPACE = Grid((4, 3, 2), (0.5, 0.25, 1.0), (0.1, 0.2, 0.3), (True, True, False))
BODIES = Points({"body": torch.tensor([0, 1, 1, 2, 2])})
ARGON = Atoms(torch.tensor([0, 0, 1]), torch.ones(3), torch.tensor([[5.0, 6.0, 7.0]]), ("A", "B"))
SHEET = Elements({"body": torch.zeros(6, dtype=torch.int64)}, torch.tensor([[0, 1, 2, 3, 4, 5]]))
SOLID = Elements({"body": torch.arange(10)}, torch.tensor([[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]))
CASES = {
    "plane": (PLANE, {"velocity": (4, 3, 2), "vorticity": (4, 3), "gradient": (4, 3, 2, 2)}),
    "space": (SPACE, {"velocity": (4, 3, 2, 3), "pressure": (4, 3, 2)}),
    "disk": (BODIES, {"position": (5, 2), "velocity": (5, 2), "deformation": (5, 2, 2), "mass": (5,)}),
    "ball": (BODIES, {"position": (5, 3), "deformation": (5, 3, 3)}),
    "sheet": (SHEET, {"position": (6, 2), "velocity": (6, 2), "stress": (6, 2, 2)}),
    "solid": (SOLID, {"position": (10, 3), "velocity": (10, 3), "speed": (10,)}),
    "atoms": (ARGON, {"position": (3, 3), "velocity": (3, 3)}),
    "energy": (Series({"r": torch.arange(4.0)}), {"kinetic": (), "g": (4,)}),
}


def probe(name):
    return Probe(name, 0.1, lambda state, params: {}, CASES[name][0], {"velocity": "m/s"})


def frames(name, count=4, dtype=np.float32):
    """The same random frames each time [frame]{quantity: array}."""
    rng = np.random.default_rng(1)
    return [{key: rng.normal(size=s).astype(dtype) for key, s in CASES[name][1].items()} for _ in range(count)]


def written(folder, name, count=4, dtype=np.float32):
    format = format_of(probe(name))
    file = FrameFile.create(folder / format.file_name, {"version": "1"})
    for n, frame in enumerate(frames(name, count, dtype)):
        file.append(format, name, 0.1 * n, 5 * n, frame)
        file.commit()
    return file


def test_large_frames_come_back_and_other_precisions_are_converted(tmp_path):
    """Frames that fill a chunk go into the file as they are, which must not be done to bytes of another type."""
    wide = Grid((64, 48), (1.0, 1.0), (0.0, 0.0), (True, True))
    format = format_of(Probe("wide", 0.1, lambda state, params: {}, wide))
    file = FrameFile.create(tmp_path / format.file_name, {"version": "1"})
    made = np.random.default_rng(1).normal(size=(3, 64, 48))
    for n, dtype in enumerate((np.float32, np.float64, np.float32)):
        file.append(format, "wide", 0.1 * n, n, {"u": made[n].astype(dtype)})
        file.commit()
    file.seal()
    found = open_outputs(tmp_path)["wide"].quantities["u"]
    assert found.dtype == np.float32
    assert np.array_equal(found[:], made.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_frames_come_back_bit_for_bit(tmp_path, name, dtype):
    written(tmp_path, name, dtype=dtype).seal()
    output = open_outputs(tmp_path)[name]
    expected = frames(name, dtype=dtype)
    assert output.time == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert list(output.steps) == [0, 5, 10, 15]
    for key, quantity in output.quantities.items():
        whole = np.stack([frame[key] for frame in expected])
        assert quantity.dtype == dtype
        assert np.array_equal(np.asarray(quantity), whole)
        for index in (-1, 0, slice(1, 3), slice(None, None, 2), slice(None, None, -1), [0, 3], (2, ...)):
            assert np.array_equal(quantity[index], whole[index])


def test_a_single_quantity_stands_for_its_output(tmp_path):
    format = format_of(Probe("drag", 0.1, lambda state, params: {}, Series(), {"drag": "N"}))
    file = FrameFile.create(tmp_path / format.file_name, {})
    for n in range(5):
        file.append(format, "drag", float(n), n, {"drag": np.float64(n * n)})
    file.commit()
    file.seal()
    drag = open_outputs(tmp_path)["drag"]
    assert drag.mean(after=2) == pytest.approx((4 + 9 + 16) / 3)
    assert drag.units == "N"
    assert drag[-1] == 16
    assert np.array_equal(np.asarray(drag), [0, 1, 4, 9, 16])
    with pytest.raises(FileError, match=r"lie between 0 and 4"):
        drag.mean(after=9)


def test_several_quantities_must_be_told_apart(tmp_path):
    written(tmp_path, "plane").seal()
    with pytest.raises(AttributeError, match="velocity, vorticity, gradient"):
        open_outputs(tmp_path)["plane"].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["plane", "space"])
def test_vtk_reads_grids_with_x_along_x(tmp_path, name, dtype):
    written(tmp_path, name, dtype=dtype).seal()
    grid = CASES[name][0]
    for n, frame in enumerate(frames(name, dtype=dtype)):
        image, time = vtk_frame(tmp_path / f"{name}.vtkhdf", n, 4)
        assert time == pytest.approx(0.1 * n)
        assert image.GetDimensions()[: len(grid.cells)] == grid.cells
        for cell in np.ndindex(*grid.cells):
            index = image.ComputePointId((*cell, 0)[:3])
            place = np.array(grid.origin) + np.array(cell) * grid.spacing
            assert image.GetPoint(index)[: len(cell)] == pytest.approx(tuple(place))
            for key, value in frame.items():
                found = image.GetPointData().GetArray(key).GetTuple(index)
                assert np.array_equal(found[: value[cell].size], value[cell].ravel()), (key, cell)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["disk", "ball", "sheet", "solid"])
def test_vtk_reads_every_number_of_particles_and_meshes(tmp_path, name, dtype):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    written(tmp_path, name, dtype=dtype).seal()
    layout = CASES[name][0]
    for n, frame in enumerate(frames(name, dtype=dtype)):
        cloud, time = vtk_frame(tmp_path / f"{name}.vtkhdf", n, 4)
        assert time == pytest.approx(0.1 * n)
        points = vtk_to_numpy(cloud.GetPoints().GetData())
        assert points.dtype == dtype
        assert np.array_equal(points[:, : frame["position"].shape[1]], frame["position"])
        data = cloud.GetPointData()
        assert list(vtk_to_numpy(data.GetArray("body"))) == layout.labels["body"].tolist()
        for key in set(frame) - {"position"}:
            found, count = vtk_to_numpy(data.GetArray(key)), len(points)
            numbers = frame[key].reshape(count, -1)
            assert np.array_equal(found.reshape(count, -1)[:, : numbers.shape[1]], numbers), key
        if isinstance(layout, Elements):
            ids, kind = cloud.GetCell(0).GetPointIds(), {6: 22, 10: 24}[layout.nodes.shape[1]]
            found = [ids.GetId(i) for i in range(ids.GetNumberOfIds())]
            dim = frame["position"].shape[1]
            assert cloud.GetCellType(0) == kind
            assert found[: dim + 1] == layout.nodes[0, : dim + 1].tolist()  # corners first, then amid their edges
            assert sorted(found) == sorted(layout.nodes[0].tolist())
        else:
            assert cloud.GetNumberOfVerts() == len(points)


@pytest.mark.parametrize("name", CASES)
def test_a_file_tells_where_its_samples_are_from_its_first_frame_on(tmp_path, name):
    file = written(tmp_path, name, count=1)
    found, layout = open_outputs(tmp_path)[name].layout, CASES[name][0]
    file.close()
    assert type(found) is type(layout)
    for key, value in vars(layout).items():
        other = getattr(found, key)
        if isinstance(value, dict):
            assert value.keys() == other.keys()
            assert all(torch.equal(value[k], other[k]) for k in value)
        else:
            assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, key


@pytest.mark.parametrize("name", CASES)
def test_a_process_that_dies_while_it_completes_a_file_is_followed_by_one_that_completes_it(tmp_path, name):
    for folder, attempts in (("once", 1), ("twice", 2)):
        (tmp_path / folder).mkdir()
        file = written(tmp_path / folder, name)
        for _ in range(attempts):
            file.formats[name].seal(file.file, file.columns[name], file.file[f"scenegrad/probes/{name}"])
        file.commit()
        file.seal()
        output = open_outputs(tmp_path / folder)[name]
        for key in output.quantities:
            assert np.array_equal(np.asarray(output[key]), np.stack([frame[key] for frame in frames(name)]))
    if name not in ("atoms", "energy"):
        assert vtk_frame(tmp_path / "twice" / f"{name}.vtkhdf", 3, 4)[0].GetNumberOfPoints()


def vtk_frame(path, step, steps):
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == steps
    reader.SetStep(step)
    reader.Update()
    return reader.GetOutputDataObject(0), reader.GetTimeValue()


def test_atoms_are_h5md_1_1(tmp_path):
    written(tmp_path, "atoms").seal()
    with h5py.File(tmp_path / "atoms.h5md") as file:
        assert list(file["h5md"].attrs["version"]) == [1, 1]
        assert {"name", "version"} <= set(file["h5md/creator"].attrs)
        group = file["particles/atoms"]
        assert group["box"].attrs["dimension"] == 3
        assert list(group["box"].attrs["boundary"]) == [b"periodic"] * 3
        assert np.array_equal(group["box/edges/value"], np.tile([5.0, 6.0, 7.0], (4, 1)))
        for element in ("position", "velocity", "box/edges"):
            assert list(group[element]["step"]) == [0, 5, 10, 15]
            assert group[element]["time"][:] == pytest.approx([0.0, 0.1, 0.2, 0.3])
            assert len(group[element]["value"]) == 4
        assert list(group["species"]) == [0, 0, 1]
        assert not group["image"][:].any()  # positions are absolute


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path):
    file = written(tmp_path, "plane")
    assert not file.path.exists()
    assert part_name(file.path).exists()
    file.seal()
    assert file.path.exists()
    assert not part_name(file.path).exists()


def test_unfinished_files_count_up_to_their_last_commit(tmp_path):
    file = written(tmp_path, "plane", count=3)
    file.append(format_of(probe("plane")), "plane", 0.3, 15, frames("plane")[3])
    file.file.flush()  # the data of the frame arrived, its commit did not
    assert len(open_outputs(tmp_path)["plane"]) == 3
    file.close()


def test_the_count_of_frames_follows_the_frames_to_the_disk(tmp_path):
    file = written(tmp_path, "plane", count=2)
    flush, counts = file.file.flush, []

    def flush_and_look():
        counts.append(int(file.file["scenegrad/probes/plane"].attrs["frames"]))
        flush()

    file.file.flush = flush_and_look
    file.append(format_of(probe("plane")), "plane", 0.2, 10, frames("plane")[2])
    file.commit()
    assert counts == [2, 3]


def test_a_reopened_file_is_cut_back_and_goes_on(tmp_path):
    format = format_of(probe("disk"))
    file = written(tmp_path, "disk", count=4)
    file.close()
    file = FrameFile.reopen(tmp_path / format.file_name, {"disk": format}, {"disk": 2})
    for n, frame in list(enumerate(frames("disk")))[2:]:
        file.append(format, "disk", 0.1 * n, 5 * n, frame)
    file.commit()
    file.seal()
    output = open_outputs(tmp_path)["disk"]
    assert len(output) == 4
    for key in output.quantities:
        assert np.array_equal(np.asarray(output[key]), np.stack([frame[key] for frame in frames("disk")]))


def test_fewer_frames_than_the_checkpoint_counts_are_refused(tmp_path):
    format = format_of(probe("disk"))
    written(tmp_path, "disk", count=2).close()
    with pytest.raises(FileError, match="2 frames, the checkpoint 3"):
        FrameFile.reopen(tmp_path / format.file_name, {"disk": format}, {"disk": 3})


def test_the_same_frames_make_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in CASES:
            written(tmp_path / folder, name).seal()
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


WRITER = """
import sys, numpy as np, resource
from pathlib import Path
from scenegrad.engine.errors import DiskFull
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.solver import Grid, Probe

if limit := int(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
format = format_of(Probe("fields", 1.0, None, Grid((128, 128), (1.0, 1.0), (0.0, 0.0), (True, True))))
file = FrameFile.create(Path(sys.argv[1]) / format.file_name, {})
try:
    for n in range(10**6):
        file.append(format, "fields", float(n), n, {"u": np.full((128, 128), n, dtype=np.float32)})
        file.commit()
        print(n, flush=True)
except DiskFull as error:
    print(error, file=sys.stderr)
    file.close()
    sys.exit(1)
"""


def whole_frames(folder: Path) -> int:
    """Number of committed frames; every one of them must be intact."""
    output = open_outputs(folder)["fields"]
    for n, frame in enumerate(output.u):
        assert (frame == n).all(), f"frame {n} is damaged"
    return len(output)


@pytest.mark.parametrize("moment", [3, 17, 40])
def test_a_kill_costs_at_most_the_frame_being_written(tmp_path, moment):
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), "0"], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        last = int(line)
        if last >= moment:
            child.kill()
            break
    last = max([last, *map(int, child.stdout.read().split())])
    child.wait()
    assert whole_frames(tmp_path) >= last + 1


def test_a_limit_on_the_size_of_files_ends_the_run_in_words_and_harms_no_frame(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path), "1000000"], capture_output=True, text=True, check=False
    )
    assert child.returncode == 1, child.stderr
    assert "The disk is full" in child.stderr
    assert "Traceback" not in child.stderr
    assert whole_frames(tmp_path) == len(child.stdout.split()) >= 5


def test_a_full_disk_ends_the_run_in_words_and_harms_no_frame(tmp_path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        child = subprocess.run(
            [sys.executable, "-c", WRITER, str(disk), "0"], capture_output=True, text=True, check=False
        )
        assert child.returncode == 1, child.stderr
        assert "are missing" in child.stderr
        assert whole_frames(disk) == len(child.stdout.split()) >= 5


class small_disk:
    """A file system of a few megabytes in memory; the test is skipped where that needs rights that it has not."""

    def __init__(self, path: Path, size: str):
        self.path, self.size = path, size

    def __enter__(self) -> Path:
        self.path.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.path)]
        if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
            pytest.skip("a small disk can only be mounted by root")
        return self.path

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


def test_too_little_room_is_refused_before_the_file_is_touched(tmp_path, monkeypatch):
    file = written(tmp_path, "plane", count=2)
    monkeypatch.setattr("scenegrad.engine.files.disk.free_bytes", lambda path: 1000)
    with pytest.raises(DiskFull, match=r"only 1000 bytes are free .* are missing"):
        file.append(format_of(probe("plane")), "plane", 0.2, 10, frames("plane")[2])
    assert file.frames == {"plane": 2}


@pytest.mark.parametrize("name", ["plane", "space", "disk"])
def test_vtk_reads_a_single_frame(tmp_path, name):
    """Which it takes for no series."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    written(tmp_path, name, count=1).seal()
    reader = vtkHDFReader()
    reader.SetFileName(str(tmp_path / f"{name}.vtkhdf"))
    value = frames(name, 1)[0]["velocity"]
    dim = value.shape[-1]
    expected = value if name == "disk" else np.transpose(value, (*reversed(range(dim)), dim))
    for _ in range(2):
        reader.Update()
        found = vtk_to_numpy(reader.GetOutputDataObject(0).GetPointData().GetArray("velocity"))
        assert np.array_equal(found[:, :dim], expected.reshape(-1, dim))
        reader.SetStep(reader.GetNumberOfSteps() - 1)

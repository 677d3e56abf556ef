"""What is exported is read back by readers of others, number for number; what does not fit is refused in words."""

import csv
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile, part_name
from scenegrad.engine.files.recorded import open_outputs
from scenegrad.engine.solver import Atoms, Elements, Grid, Points, Probe, Series
from scenegrad.exporting import FORMATS, export

BODIES = {"body": torch.tensor([0, 1, 1, 2, 2])}
LAYOUTS = {
    "plane": (Grid((4, 3), (0.5, 0.25), (0.1, 0.2), (True, False)), {"velocity": (4, 3, 2), "vorticity": (4, 3)}),
    "space": (Grid((4, 3, 2), (0.5, 0.25, 1.0), (0.1, 0.2, 0.3), (True,) * 3), {"u": (4, 3, 2, 3), "p": (4, 3, 2)}),
    "disk": (Points(BODIES), {"position": (5, 2), "velocity": (5, 2), "deformation": (5, 2, 2), "mass": (5,)}),
    "ball": (Points(BODIES), {"position": (5, 3), "deformation": (5, 3, 3)}),
    "sheet": (Elements({}, torch.tensor([[0, 1, 2, 3, 4, 5]])), {"position": (6, 2), "speed": (6,)}),
    "solid": (Elements({}, torch.arange(10)[None]), {"position": (10, 3), "stress": (10, 3, 3)}),
    "atoms": (
        Atoms(torch.tensor([0, 1, 1]), torch.tensor([1.0, 2.0, 2.0]), torch.tensor([[5.0, 6.0, 7.0]]), ("H", "O")),
        {"position": (3, 3), "velocity": (3, 3), "force": (3, 3)},
    ),
    "energy": (Series({"r": torch.arange(4.0)}), {"kinetic": (), "g": (4,)}),
}
PLACED = ["plane", "space", "disk", "ball", "sheet", "solid", "atoms"]
COUNT = 4


def frames(name, dtype=np.float64):
    rng = np.random.default_rng(2)
    return [
        {key: rng.normal(size=shape).astype(dtype) for key, shape in LAYOUTS[name][1].items()} for _ in range(COUNT)
    ]


def recorded(folder, *names, sealed=True, dtype=np.float64):
    """A folder as a run leaves it, or as one leaves it that was killed."""
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text("{}")
    for name in names:
        format = format_of(Probe(name, 0.1, lambda state, params: {}, LAYOUTS[name][0], {"velocity": "m/s"}))
        file = FrameFile.create(folder / format.file_name, {"version": "1", "units": "real"})
        for n, frame in enumerate(frames(name, dtype)):
            file.append(format, name, 0.1 * n, 5 * n, frame)
            file.commit()
        if sealed:
            file.seal()
        else:
            file.append(format, name, 9.0, 99, frames(name, dtype)[0])  # arrived, but was never committed
            file.file.flush()
            file.close()
    return folder


def padded(value, dim):
    """As VTK has it: x fastest, vectors of the plane with a third component."""
    rows = value.reshape(-1, order="C") if dim == 0 else value
    if dim:
        axes = value.shape[:dim]
        rows = np.transpose(value, (*reversed(range(dim)), *range(dim, value.ndim))).reshape(int(np.prod(axes)), -1)
    return np.pad(rows, ((0, 0), (0, 1))) if rows.ndim == 2 and rows.shape[1] == 2 else rows


def expected(name):
    """The rows of each quantity, frame by frame."""
    dim = len(LAYOUTS[name][0].cells) if isinstance(LAYOUTS[name][0], Grid) else 1
    return [{key: padded(value, dim) for key, value in frame.items()} for frame in frames(name)]


def same(found, wanted):
    return np.array_equal(np.asarray(found).reshape(wanted.shape), wanted)


def vtk_steps(reader, read):
    """(time, dataset) of each step of a reader of VTK's."""
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline as Pipeline

    reader.UpdateInformation()
    for n, time in enumerate(reader.GetOutputInformation(0).Get(Pipeline.TIME_STEPS())):
        read(n, time)
        yield time, reader.GetOutputDataObject(0)


def check_vtk(steps, name, numbers=range(COUNT)):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    seen = 0
    for (time, data), n in zip(steps, numbers, strict=True):
        assert time == pytest.approx(0.1 * n)
        for key, rows in expected(name)[n].items():
            array = data.GetPoints().GetData() if key == "position" else data.GetPointData().GetArray(key)
            assert same(vtk_to_numpy(array), rows), (name, n, key)
        labels = getattr(LAYOUTS[name][0], "labels", {})
        assert all(same(vtk_to_numpy(data.GetPointData().GetArray(k)), v.numpy()) for k, v in labels.items())
        seen += 1
    assert seen == len(numbers)


@pytest.mark.parametrize("sealed", [True, False], ids=["finished", "killed"])
@pytest.mark.parametrize("name", PLACED)
def test_vtk_reads_vtkhdf_of_finished_and_killed_runs(tmp_path, name, sealed):
    from vtkmodules.vtkIOHDF import vtkHDFReader

    (path,) = export(recorded(tmp_path / "run", name, sealed=sealed), "vtkhdf")
    assert path == tmp_path / "run" / "export" / f"{name}.vtkhdf"
    reader = vtkHDFReader()
    reader.SetFileName(str(path))

    def read(n, time):
        reader.SetStep(n)
        reader.Update()

    check_vtk(vtk_steps(reader, read), name)


@pytest.mark.parametrize("sealed", [True, False], ids=["finished", "killed"])
@pytest.mark.parametrize("name", PLACED)
def test_the_xdmf_reader_of_vtk_reads_xdmf(tmp_path, name, sealed):
    xdmf = pytest.importorskip("vtkmodules.vtkIOXdmf2")
    run = recorded(tmp_path / "run", name, sealed=sealed)
    written = export(run, "xdmf", frames="1::2")
    copied = not sealed or name == "atoms"
    assert [path.suffix for path in written] == [".xdmf", *([".vtkhdf"] if copied else [])]
    reader = xdmf.vtkXdmfReader()
    reader.SetFileName(str(written[0]))
    check_vtk(vtk_steps(reader, lambda n, time: reader.UpdateTimeStep(time)), name, range(1, COUNT, 2))


@pytest.mark.parametrize("name", PLACED)
def test_paraviews_index_names_files_that_vtk_reads(tmp_path, name):
    import pyvista

    written = export(recorded(tmp_path / "run", name), "pvd", tmp_path / "out")
    assert len(written) == 1 + COUNT
    reader = pyvista.PVDReader(written[0])
    assert reader.time_values == pytest.approx([0.1 * n for n in range(COUNT)])
    for n, rows in enumerate(expected(name)):
        reader.set_active_time_point(n)
        data = reader.read()[0]
        for key, values in rows.items():
            assert same(data.points if key == "position" else data.point_data[key], values)
    if isinstance(LAYOUTS[name][0], Grid):
        grid = LAYOUTS[name][0]
        assert data.dimensions[: len(grid.cells)] == grid.cells
        assert data.origin[: len(grid.cells)] == pytest.approx(grid.origin)


@pytest.mark.parametrize("name", ["disk", "ball", "sheet", "solid", "atoms"])
def test_meshio_reads_the_frames_of_particles_and_meshes(tmp_path, name):
    import meshio

    layout = LAYOUTS[name][0]
    for n, path in enumerate(export(recorded(tmp_path / "run", name), "pvd")[1:]):
        found, rows = meshio.read(path), expected(name)[n]
        assert same(found.points, rows["position"])
        for key in set(rows) - {"position"}:
            assert same(found.point_data[key], rows[key])
        if isinstance(layout, Elements):
            assert found.cells[0].type == {6: "triangle6", 10: "tetra10"}[layout.nodes.shape[1]]
            dim = layout.nodes.shape[1] // 3
            assert found.cells[0].data[0, : dim + 1].tolist() == layout.nodes[0, : dim + 1].tolist()
        elif name != "atoms":
            assert found.point_data["body"].tolist() == BODIES["body"].tolist()


def test_h5md_of_a_killed_run_is_whole(tmp_path):
    (path,) = export(recorded(tmp_path / "run", "atoms", sealed=False), "h5md", frames="1:")
    with h5py.File(path) as file:
        atoms = file["particles/atoms"]
        assert list(file["h5md"].attrs["version"]) == [1, 1]
        for key in ("position", "velocity", "force"):
            assert np.array_equal(atoms[f"{key}/value"], np.stack([frame[key] for frame in frames("atoms")[1:]]))
            assert atoms[f"{key}/time"][:] == pytest.approx([0.1, 0.2, 0.3])
        assert np.array_equal(atoms["box/edges/value"], np.tile([5.0, 6.0, 7.0], (3, 1)))
        assert list(atoms["species"]) == [0, 1, 1]


def test_mdanalysis_reads_h5md(tmp_path):
    mda = pytest.importorskip("MDAnalysis", reason='pip install -e ".[peers]"')
    (path,) = export(recorded(tmp_path / "run", "atoms", sealed=False), "h5md")
    found = mda.Universe.empty(3, trajectory=False, velocities=True, forces=True)
    found.load_new(str(path), format="H5MD", convert_units=False)
    for moment, frame in zip(found.trajectory, frames("atoms"), strict=True):
        assert np.allclose(moment.positions, frame["position"], rtol=1e-6)
        assert np.allclose(moment.dimensions[:3], [5, 6, 7])


def test_extended_xyz_has_every_digit_of_every_frame(tmp_path):
    (path,) = export(recorded(tmp_path / "run", "atoms", sealed=False), "extxyz", tmp_path / "two.extxyz", frames="2:")
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * (3 + 2)
    for n, frame in enumerate(frames("atoms")[2:]):
        block = lines[5 * n : 5 * n + 5]
        assert block[0] == "3"
        assert 'Lattice="5 0 0 0 6 0 0 0 7"' in block[1]
        assert 'pbc="T T T"' in block[1]
        assert [row.split()[0] for row in block[2:]] == ["H", "O", "O"]
        numbers = np.array([[float(x) for x in row.split()[1:]] for row in block[2:]])
        wanted = [frame["position"], frame["velocity"], frame["force"], [[1.0], [2.0], [2.0]]]
        assert np.array_equal(numbers, np.concatenate(wanted, axis=1))


@pytest.mark.parametrize("name", LAYOUTS)
def test_numpy_reads_everything_without_pickle(tmp_path, name):
    (path,) = export(recorded(tmp_path / "run", name), "npz", frames="::2")
    with np.load(path, allow_pickle=False) as found:
        assert found["time"] == pytest.approx([0.0, 0.2])
        assert list(found["step"]) == [0, 10]
        for key in LAYOUTS[name][1]:
            assert np.array_equal(found[key], np.stack([frame[key] for frame in frames(name)[::2]]))
        if name == "plane":
            assert found["y"] == pytest.approx([0.2, 0.45, 0.7])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_csv_has_a_column_for_each_number(tmp_path, dtype):
    (path,) = export(recorded(tmp_path / "run", "energy", dtype=dtype), "csv")
    with path.open() as file:
        head, *rows = csv.reader(file)
    assert head == ["time", "step", "kinetic", "g[0]", "g[1]", "g[2]", "g[3]"]
    for row, frame in zip(rows, frames("energy", dtype), strict=True):
        numbers = np.array([dtype(x) for x in row[2:]])
        assert np.array_equal(numbers, np.concatenate([[frame["kinetic"]], frame["g"]]))


WRITER = """
import sys, numpy as np
from pathlib import Path
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.solver import Grid, Probe

format = format_of(Probe("fields", 1.0, None, Grid((64, 64), (1.0, 1.0), (0.0, 0.0), (True, True))))
file = FrameFile.create(Path(sys.argv[1]) / format.file_name, {})
for n in range(10**6):
    file.append(format, "fields", float(n), n, {"u": np.full((64, 64), n, dtype=np.float32)})
    file.commit()
    print(n, flush=True)
"""


def test_all_that_a_killed_process_committed_opens_in_vtk(tmp_path):
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    (tmp_path / "run.json").write_text("{}")
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if int(line) >= 20:
            child.kill()
            break
    last = max([20, *map(int, child.stdout.read().split())])
    child.wait()
    before = part_name(tmp_path / "fields.vtkhdf").read_bytes()
    (path,) = export(tmp_path, "vtkhdf")
    assert part_name(tmp_path / "fields.vtkhdf").read_bytes() == before  # the run can still go on
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() >= last + 1
    for n in range(reader.GetNumberOfSteps()):
        reader.SetStep(n)
        reader.Update()
        assert (vtk_to_numpy(reader.GetOutputDataObject(0).GetPointData().GetArray("u")) == n).all()


def test_one_file_is_named_and_several_go_to_a_folder(tmp_path):
    run = recorded(tmp_path / "run", "disk", "ball", "energy")
    assert [p.name for p in export(run, "vtkhdf", tmp_path / "all")] == ["ball.vtkhdf", "disk.vtkhdf"]
    assert export(run, "vtkhdf", tmp_path / "b.vtkhdf", output="ball") == [tmp_path / "b.vtkhdf"]
    assert len(open_outputs(run)) == 3  # what was exported is no output of the run
    assert export(run / "ball.vtkhdf", "npz", tmp_path / "file.npz") == [tmp_path / "file.npz"]
    with pytest.raises(EngineError, match=r"one file, and there are 2 outputs to write: ball, disk"):
        export(run, "vtkhdf", tmp_path / "b.vtkhdf")
    with pytest.raises(FileError, match="the file of the run itself"):
        export(run, "vtkhdf", run / "ball.vtkhdf", output="ball")


def test_what_does_not_fit_is_refused_in_words(tmp_path):
    run = recorded(tmp_path / "run", "plane", "energy")
    with pytest.raises(EngineError, match=r"extxyz holds atoms.*plane \(fields on a grid\).* go to vtkhdf, pvd"):
        export(run, "extxyz")
    with pytest.raises(EngineError, match=r"energy \(numbers over time\)\. Those go to npz, csv"):
        export(run, "pvd", output="energy")
    with pytest.raises(EngineError, match=r"no format 'pdv'\. Did you mean 'pvd'"):
        export(run, "pdv")
    with pytest.raises(EngineError, match=r"well is written from a dataset.* vtkhdf, pvd.*scenegrad generate \S+ -n 8"):
        export(run, "well")
    with pytest.raises(EngineError, match="no output 'plan'; it has "):
        export(run, "pvd", output="plan")
    with pytest.raises(FileError, match=r"frames='7' tells none of 4 frames, which count from 0 to 3"):
        export(run, "pvd", frames="7")
    with pytest.raises(FileError, match=r"frames='a:b' .*positive step"):
        export(run, "pvd", frames="a:b")
    with pytest.raises(FileError, match="is not there"):
        export(tmp_path / "nothing", "pvd")
    with pytest.raises(FileError, match="neither a run nor a dataset"):
        export(tmp_path, "pvd")
    assert not (run / "export").exists()
    assert {"vtkhdf", "pvd", "xdmf", "h5md", "extxyz", "npz", "csv"} <= set(FORMATS)

"""Springs go into the files beside their masses, and so into pictures."""

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.engine.files.recorded import open_member, open_outputs
from scenegrad.engine.solver import Net

PAIRS = ((0, 1), (1, 2), (2, 0))


@pytest.fixture
def triangle():
    net = sg.SpringList(points=((0.4, 0.5), (0.6, 0.5), (0.5, 0.7)), springs=PAIRS)
    return sg.Scene(
        name="triangle",
        domain=sg.Domain(size=(1.0, 1.0)),
        entities={"body": sg.Springs(net=net, mass=0.1, stiffness=50.0)},
        outputs={"points": sg.Particles("position", every=0.05)},
        time=sg.Time(end=0.1),
    )


def test_vtk_sees_the_springs_in_every_frame(triangle, tmp_path):
    vtk = pytest.importorskip("vtkmodules.vtkIOHDF")
    run = sg.run(triangle, out=tmp_path / "run", device="cpu", progress=False)
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(run.folder / "points.vtkhdf"))
    reader.UpdateInformation()
    for step in range(reader.GetNumberOfSteps()):
        reader.SetStep(step)
        reader.Update()
        seen = reader.GetOutput()
        first, count = seen.GetNumberOfVerts(), seen.GetNumberOfLines()
        lines = [[seen.GetCell(first + n).GetPointId(end) for end in (0, 1)] for n in range(count)]
        assert sorted(map(sorted, lines)) == sorted(map(sorted, PAIRS))
        assert np.array_equal(seen.GetPoint(2), np.append(np.float32(run["points"].position[step][2]), 0.0))


def test_runs_and_shards_tell_which_masses_are_joined(triangle, tmp_path):
    run = sg.run(triangle, out=tmp_path / "run", device="cpu", progress=False)
    data = sg.generate(
        sg.vary(triangle.replace({"body.stiffness": sg.Uniform(40.0, 60.0)}), 1),
        out=tmp_path / "data",
        device="cpu",
        progress=False,
    )
    for outputs in (open_outputs(run.folder), open_member(data.folder.shard(0))):
        layout = outputs["points"].layout
        assert isinstance(layout, Net)
        assert sorted(map(sorted, layout.pairs.tolist())) == sorted(map(sorted, PAIRS))

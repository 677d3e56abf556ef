"""Frames of a mesh are files that VTK reads, with the elements in them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import scenegrad.scenes as sc
from scenegrad.running import run

pyvista = pytest.importorskip("pyvista")


@pytest.mark.parametrize("dim", [2, 3])
def test_vtk_finds_quadratic_elements_that_fill_the_region(
    mesh_file: Callable[..., str], tmp_path: Path, dim: int
) -> None:
    """The volume is that of the box, and a quadratic function is itself between the nodes too."""
    size = (2.0, 0.5) if dim == 2 else (2.0, 0.5, 1.0)
    scene = sc.Scene(
        name="box",
        domain=sc.Domain.meshed(mesh_file(size, (2,) * dim)),
        entities={"rock": sc.Darcy(source=1.0)},
        boundary=sc.Boundary(tags={"x_lo": sc.Outflow(), "x_hi": sc.Outflow()}, default=sc.Slip()),
        outputs={"p": sc.Fields("pressure", every=0.5)},
        time=sc.Time(end=1.0),
    )
    run(scene, tmp_path / "run", device="cpu", dtype="float64")
    reader = pyvista.get_reader(tmp_path / "run" / "p.vtkhdf")
    reader.reader.SetStep(2)
    grid = reader.read()
    assert set(grid.celltypes) == {22 if dim == 2 else 24}
    measure = grid.triangulate().compute_cell_sizes()  # of the corners: edges are straight
    assert float(measure["Area" if dim == 2 else "Volume"].sum()) == pytest.approx(float(np.prod(size)))
    x = grid.points[:, 0]
    np.testing.assert_allclose(grid["pressure"], 0.5 * x * (2.0 - x), atol=1e-6)
    probed = pyvista.PolyData(np.array([[0.31, 0.2, 0.0 if dim == 2 else 0.3]])).sample(grid)
    assert float(probed["pressure"][0]) == pytest.approx(0.5 * 0.31 * 1.69, abs=1e-5)

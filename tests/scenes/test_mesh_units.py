"""Units, axes and groups of files come into the scene as it says, for bodies, points and finite elements alike."""

from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest
import pyvista
from pydantic import ValidationError

import scenegrad.scenes as sc
from scenegrad.engine.geometry.tagged import read_tagged
from scenegrad.solvers.shared.regions import placed_mesh
from scenegrad.solvers.shared.sources import placed_points
from scenegrad.view.regions import placed_mesh as drawn_mesh

BOX = np.array([1.0, 2.0, 3.0])  # its edges in the file along x, y, z


@pytest.fixture
def box(tmp_path: Path) -> Path:
    pyvista.Box(bounds=(0, 1, 0, 2, 0, 3)).triangulate().save(tmp_path / "box.stl")
    return tmp_path / "box.stl"


@pytest.mark.parametrize(
    ("how", "low", "high"),
    [
        ({}, (0, 0, 0), (1, 2, 3)),
        ({"units": "mm"}, (0, 0, 0), (1e-3, 2e-3, 3e-3)),
        ({"units": "in", "scale": 2.0}, (0, 0, 0), (0.0508, 0.1016, 0.1524)),
        ({"up": "y"}, (0, -3, 0), (1, 0, 2)),
        ({"up": "x"}, (0, 0, 0), (2, 3, 1)),
        ({"up": "y", "rotation": (0, 0, 90.0)}, (0, 0, 0), (3, 1, 2)),
        ({"up": "y", "units": "cm", "center": (1, 1, 1)}, (0.995, 0.985, 0.99), (1.005, 1.015, 1.01)),
    ],
)
def test_a_mesh_stands_where_units_and_axes_put_it(how: dict[str, Any], low: Any, high: Any, box: Path) -> None:
    shape = sc.Mesh(str(box), **how)
    for mesh in (placed_mesh(shape, 3), drawn_mesh(shape)):
        assert mesh.bounds == pytest.approx(np.array([low, high], dtype=float), abs=1e-12)
        assert mesh.volume == pytest.approx(6 * shape.stretch**3), "not mirrored"


def test_gltf_has_y_up_unless_told_otherwise(tmp_path: Path) -> None:
    plotter = pyvista.Plotter(off_screen=True)
    plotter.add_mesh(pyvista.Box(bounds=(0, 1, 0, 2, 0, 3)).triangulate())
    plotter.export_gltf(tmp_path / "box.gltf", rotate_scene=False)
    plotter.close()
    shape = sc.Mesh(str(tmp_path / "box.gltf"))
    assert placed_mesh(shape, 3).bounds == pytest.approx(np.array([[0, -3, 0], [1, 0, 2]], dtype=float), abs=1e-6)
    assert placed_mesh(sc.Mesh(shape.path, up="z"), 3).bounds[1] == pytest.approx(BOX)


def test_points_and_finite_elements_take_the_same_words(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([[0.0, 0, 0], BOX]))
    points = placed_points(sc.Points(str(tmp_path / "p.npy"), units="mm", up="y", volume=1.0), 3)
    assert points.position[1] == pytest.approx([1e-3, -3e-3, 2e-3])
    grid = pyvista.ImageData(dimensions=(2, 2, 2), spacing=BOX).cast_to_unstructured_grid().triangulate()
    meshio.write(tmp_path / "m.msh", meshio.Mesh(grid.points, {"tetra": grid.cells_dict[10]}), file_format="gmsh22")
    domain = sc.Domain.meshed(str(tmp_path / "m.msh"), units="cm", up="y")
    assert domain.mesh is not None
    mesh = read_tagged(domain.mesh.path, domain.mesh.stretch, domain.mesh.axes)
    assert mesh.vertices.max(axis=0) == pytest.approx([0.01, 0, 0.02])
    assert mesh.vertices.min(axis=0) == pytest.approx([0, -0.03, 0])
    edges = mesh.vertices[mesh.cells[:, 1:]] - mesh.vertices[mesh.cells[:, :1]]
    assert np.linalg.det(edges).sum() / 6 == pytest.approx(6e-6)


def test_units_axes_and_groups_are_part_of_what_a_scene_means(box: Path) -> None:
    hashes = {hash_of(sc.Mesh(str(box), **how)) for how in ({}, {"units": "mm"}, {"up": "y"}, {"group": "rotor"})}
    assert len(hashes) == 4


def test_what_has_no_sense_is_refused(box: Path) -> None:
    with pytest.raises(ValidationError, match="should be 'm', 'dm', 'cm', 'mm'"):
        sc.Mesh(str(box), units="furlong")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"become metres, and the scene has units='lj'\. Give a scale="):
        scene_with(sc.Mesh(str(box), units="mm"), units="lj")


def hash_of(shape: sc.Mesh) -> str:
    return scene_with(shape).hash


def scene_with(shape: sc.Mesh, **more: Any) -> sc.Scene:
    body = sc.Body(shape=shape, material=sc.NeoHookean(youngs_modulus=1e5))
    domain = sc.Domain(size=(4.0, 4.0, 4.0), cells=(8, 8, 8))
    return sc.Scene(name="a", domain=domain, entities={"body": body}, time=sc.Time(end=1.0), **more)

"""Meshes of squares, boxes and beams with tagged sides, made on the spot."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import meshio
import numpy as np
import pytest

Maker = Callable[..., str]


def box(size: tuple[float, ...], cells: tuple[int, ...], seed: int = 0) -> meshio.Mesh:
    """A lattice cut into simplices, its inner points moved at random; tags x_lo, x_hi, ... as of a box."""
    dim, rng = len(size), np.random.default_rng(seed)
    axes = [np.arange(n + 1) / n for n in cells]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    inside = ((points > 1e-9) & (points < 1 - 1e-9)).all(axis=1)
    points[inside] += 0.25 * (rng.random((inside.sum(), dim)) - 0.5) / np.array(cells)
    points *= np.array(size)
    number = np.arange(len(points)).reshape([n + 1 for n in cells])
    offsets = np.stack(np.unravel_index(np.arange(2**dim), (2,) * dim), axis=1)
    windows = [tuple(slice(c, c + n) for c, n in zip(offset, cells, strict=True)) for offset in offsets]
    corners = [number[window].ravel() for window in windows]
    if dim == 2:
        cut = [(0, 2, 3), (0, 3, 1)]
        names = ("triangle", "line")
    else:  # six around the diagonal
        cut = [(0, 4, 6, 7), (0, 6, 2, 7), (0, 2, 3, 7), (0, 3, 1, 7), (0, 1, 5, 7), (0, 5, 4, 7)]
        names = ("tetra", "triangle")
    simplices = np.concatenate([np.stack([corners[c] for c in row], axis=1) for row in cut])
    faces = np.sort(np.concatenate([np.delete(simplices, k, axis=1) for k in range(dim + 1)]), axis=1)
    faces, count = np.unique(faces, axis=0, return_counts=True)
    faces = faces[count == 1]
    middle = points[faces].mean(axis=1) / np.array(size)
    tags, field_data = np.zeros(len(faces), int), {}
    for axis in range(dim):
        for end, name in enumerate(("lo", "hi")):
            code = 2 * axis + end + 1
            tags[np.abs(middle[:, axis] - end) < 1e-9] = code
            field_data[f"{'xyz'[axis]}_{name}"] = np.array([code, dim - 1])
    field_data["inside"] = np.array([99, dim])
    data = [tags, np.full(len(simplices), 99)]
    return meshio.Mesh(
        np.pad(points, ((0, 0), (0, 3 - dim))),
        [(names[1], faces), (names[0], simplices)],
        cell_data={"gmsh:physical": data, "gmsh:geometrical": data},
        field_data=field_data,
    )


@pytest.fixture
def mesh_file(tmp_path: Path) -> Maker:
    def make(size: tuple[float, ...], cells: tuple[int, ...], suffix: str = ".msh") -> str:
        path = tmp_path / f"{'x'.join(map(str, cells))}{suffix}"
        if suffix == ".msh":
            meshio.write(path, box(size, cells), file_format="gmsh22", binary=True)
        else:
            meshio.write(path, box(size, cells))
        return str(path)

    return make


@pytest.fixture(scope="session")
def mesh_scenes() -> ModuleType:
    """Scenes of every kind, by name."""
    path = Path(__file__).with_name("mesh_scenes.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

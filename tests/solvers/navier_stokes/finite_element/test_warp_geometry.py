"""A mesh is handed to warp.fem as it is."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.warp_geometry import geometry


@pytest.mark.parametrize(("case", "dim"), [("porous", 2), ("bent-in-space", 3)])
def test_warp_fem_gets_the_same_elements(
    mesh_file: Callable[..., str], mesh_scenes: ModuleType, case: str, dim: int
) -> None:
    scene = mesh_scenes.CASES[case](mesh_file((1.0,) * dim, (2,) * dim))
    space = compile_scene(scene, "cpu", "float64")[0].space
    theirs = geometry(space)
    assert theirs.cell_count() == len(space.cells)
    assert theirs.vertex_count() == len(space.vertices)
    assert theirs.boundary_side_count() == sum(len(facets.nodes) for facets in space.tags.values())
    np.testing.assert_array_equal(theirs.positions.numpy(), space.vertices.numpy())

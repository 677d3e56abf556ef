"""Make ring.msh: a ring of rectangular section, cut into tetrahedra, in the gmsh 2.2 format.

Run `python -m scenegrad.assets.meshes.make_ring [folder]`; it writes the same bytes every time. The axis is z, and the
middle lies at the origin.
"""

import sys
from itertools import permutations
from pathlib import Path

import meshio
import numpy as np

INNER, OUTER, HEIGHT = 0.3, 0.5, 0.2
AROUND, ACROSS, UP = 40, 3, 3  # cells along the angle, the radius and the axis
VOLUME = 0.5 * AROUND * np.sin(2 * np.pi / AROUND) * (OUTER**2 - INNER**2) * HEIGHT  # of the polygonal ring


def make(folder: Path) -> Path:
    """Cells of a cylindrical lattice, each cut into the six tetrahedra of Kuhn, which fit those of its neighbours."""
    angle, radius, z = np.meshgrid(
        2 * np.pi * np.arange(AROUND) / AROUND,
        np.linspace(INNER, OUTER, ACROSS + 1),
        np.linspace(-0.5 * HEIGHT, 0.5 * HEIGHT, UP + 1),
        indexing="ij",
    )
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1).reshape(-1, 3)
    cells = np.stack(np.meshgrid(np.arange(AROUND), np.arange(ACROSS), np.arange(UP), indexing="ij"), axis=-1)
    tetrahedra = []
    for order in permutations(range(3)):  # the path from the lowest corner to the highest, one axis after the other
        walk = np.concatenate([np.zeros((1, 3), dtype=int), np.cumsum(np.eye(3, dtype=int)[list(order)], axis=0)])
        corner = cells.reshape(-1, 1, 3) + walk
        number = ((corner[..., 0] % AROUND) * (ACROSS + 1) + corner[..., 1]) * (UP + 1) + corner[..., 2]
        edges = points[number[0, 1:]] - points[number[0, :1]]
        tetrahedra.append(number if np.linalg.det(edges) > 0 else number[:, [0, 1, 3, 2]])
    path = folder / "ring.msh"
    tag = [np.ones(len(tetrahedra) * len(tetrahedra[0]), dtype=int)]  # one body
    tags = {"gmsh:physical": tag, "gmsh:geometrical": tag}
    mesh = meshio.Mesh(points, [("tetra", np.concatenate(tetrahedra))], cell_data=tags)
    meshio.write(path, mesh, file_format="gmsh22", binary=True)
    return path


if __name__ == "__main__":
    print(make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))

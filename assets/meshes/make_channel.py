"""Makes channel.msh: triangles around a cylinder in a channel, with tagged sides.

The geometry is that of the benchmark of Schaefer and Turek [1996, Notes on Numerical Fluid Mechanics 52, 547-566]:
[0, 2.2] x [0, 0.41] m and a cylinder of radius 0.05 m at (0.2, 0.2) m. Points are moved by the forces of a truss until
the edges have the lengths that are asked for, small near the cylinder [Persson & Strang 2004, SIAM Review 46, 329-345].

    python -m scenegrad.assets.meshes.make_channel [folder]
"""

from __future__ import annotations

import sys
from pathlib import Path

import meshio
import numpy as np
from scipy.spatial import Delaunay

__all__ = ["channel_mesh"]

LENGTH, HEIGHT, CENTER, RADIUS = 2.2, 0.41, np.array([0.2, 0.2]), 0.05
AROUND = 128  # edges on the cylinder
GROWTH = 0.18  # of the length of edges with the distance from the cylinder
WIDEST = 0.05
TURNS = 400


def wanted(x: np.ndarray) -> np.ndarray:
    """Length of the edges [n]: fine around the cylinder, a little coarser behind it than before it."""
    near = 2 * np.pi * RADIUS / AROUND
    distance = np.maximum(np.linalg.norm(x - CENTER, axis=1) - RADIUS, 0.0)
    behind = np.where(x[:, 0] > CENTER[0], 0.75, 1.0)
    return np.minimum(near + GROWTH * behind * distance, WIDEST)


def rim() -> np.ndarray:
    """Points that stay: on the cylinder, a ring outside it, and on the four sides."""
    angle = 2 * np.pi * np.arange(AROUND) / AROUND
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # the polygon has the area of the disk: its corners lie a little outside the circle
    radius = RADIUS * np.sqrt(2 * np.pi / (AROUND * np.sin(2 * np.pi / AROUND)))
    points = [CENTER + radius * circle]
    corners = np.array([[0.0, 0.0], [LENGTH, 0.0], [LENGTH, HEIGHT], [0.0, HEIGHT]])
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        fine = a + np.linspace(0, 1, 2001)[:, None] * (b - a)
        steps = np.linalg.norm(b - a) / 2000 / wanted(0.5 * (fine[1:] + fine[:-1]))
        passed = np.concatenate([[0.0], np.cumsum(steps)])
        count = max(int(round(passed[-1])), 1)
        share = np.interp(np.arange(count) * passed[-1] / count, passed, np.linspace(0, 1, 2001))
        points.append(a + share[:, None] * (b - a))
    return np.concatenate(points)


def outside(x: np.ndarray) -> np.ndarray:
    """Distance to the nearest boundary, positive where there is no fluid [n]."""
    walls = np.minimum.reduce([x[:, 0], LENGTH - x[:, 0], x[:, 1], HEIGHT - x[:, 1]])
    return np.maximum(-walls, RADIUS - np.linalg.norm(x - CENTER, axis=1))


def inner_points(fixed: np.ndarray, seed: int = 0) -> np.ndarray:
    """As many as the wanted lengths need, drawn with their density, then relaxed."""
    rng = np.random.default_rng(seed)
    step = 0.35 * 2 * np.pi * RADIUS / AROUND
    x = np.stack(np.meshgrid(np.arange(0, LENGTH, step), np.arange(0, HEIGHT, step)), axis=-1).reshape(-1, 2)
    share = step**2 / (np.sqrt(3) / 2 * wanted(x) ** 2)
    x = x[(rng.random(len(x)) < share) & (outside(x) < -0.5 * wanted(x))]
    for _ in range(TURNS):
        points = np.concatenate([fixed, x])
        cells = triangles(points)
        edges = np.unique(np.sort(cells[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        along = points[edges[:, 0]] - points[edges[:, 1]]
        length = np.linalg.norm(along, axis=1)
        rest = wanted(points[edges].mean(axis=1))
        rest *= 1.15 * np.sqrt((length**2).sum() / (rest**2).sum())
        push = np.maximum(rest - length, 0.0)[:, None] * along / length[:, None]
        force = np.zeros_like(points)
        np.add.at(force, edges[:, 0], push)
        np.add.at(force, edges[:, 1], -push)
        x = x + 0.2 * force[len(fixed) :]
        x = x[outside(x) < -0.35 * wanted(x)]
    return x


def triangles(points: np.ndarray) -> np.ndarray:
    """Those of Delaunay's whose middle is in the fluid, counter-clockwise."""
    cells = Delaunay(points).simplices
    cells = cells[outside(points[cells].mean(axis=1)) < 0]
    a, b, c = points[cells].transpose(1, 0, 2)
    area = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    cells, area = cells[np.abs(area) > 1e-12], area[np.abs(area) > 1e-12]
    return np.where(area[:, None] < 0, cells[:, [0, 2, 1]], cells)


def channel_mesh() -> meshio.Mesh:
    fixed = rim()
    points = np.concatenate([fixed, inner_points(fixed)])
    cells = triangles(points)
    edges = np.sort(cells[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, count = np.unique(edges, axis=0, return_counts=True)
    edges = edges[count == 1]
    middle = points[edges].mean(axis=1)
    names = ("inlet", "outlet", "walls", "cylinder")
    tag = np.select(
        [middle[:, 0] < 1e-9, middle[:, 0] > LENGTH - 1e-9, np.linalg.norm(middle - CENTER, axis=1) < 0.06],
        [1, 2, 4],
        3,
    )
    return meshio.Mesh(
        np.pad(points, ((0, 0), (0, 1))),
        [("line", edges), ("triangle", cells)],
        cell_data={key: [tag, np.full(len(cells), 5)] for key in ("gmsh:physical", "gmsh:geometrical")},
        field_data={**{name: np.array([n, 1]) for n, name in enumerate(names, start=1)}, "fluid": np.array([5, 2])},
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    meshio.write(folder / "channel.msh", channel_mesh(), file_format="gmsh22", binary=True)

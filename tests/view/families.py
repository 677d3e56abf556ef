"""A small run of each family, as its solver writes it, with frames that need no solver.

`python tests/view/families.py` draws the pictures in `golden` anew, which those of the tests are held against. Look at
each of them before it is kept.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

from scenegrad.engine.solver import Atoms, Elements, Grid, Points

GOLDEN = Path(__file__).with_name("golden")
SIZE = (320, 240)

Writer = Callable[[ModuleType, Path], None]


def mesh_grid(*counts: int) -> list[np.ndarray]:
    """Middles of cells of the unit box, x first."""
    return list(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in counts], indexing="ij"))


def centred(cells: tuple[int, ...], size: tuple[float, ...], wrap: bool) -> Grid:
    spacing = tuple(edge / n for edge, n in zip(size, cells, strict=True))
    return Grid(cells, spacing, tuple(h / 2 for h in spacing), (wrap,) * len(cells))


def scene(name: str, size: tuple[float, ...], wrap: bool = False, **entities: Any) -> dict[str, Any]:
    return {"name": name, "units": "SI", "domain": {"size": list(size), "wrap": wrap}, "entities": entities}


def material_point_2d(samples: ModuleType, folder: Path) -> None:
    """A column of water to the left of two metres, faster to the right."""
    x, y = (part.ravel() for part in mesh_grid(20, 20))
    place = np.stack([0.02 + 0.8 * x, 0.02 + 0.6 * y * (1 - 0.5 * x)], axis=1)
    frame = {"position": place, "velocity": np.stack([2 * x, 0 * x], axis=1)}
    water = {"kind": "body", "shape": {"kind": "box"}, "material": {"kind": "weakly_compressible"}}
    units = {"position": "m", "velocity": "m/s"}
    body = {"body": torch.zeros(len(place), dtype=torch.int32)}
    samples.write(folder, "particles", Points(body), [frame], scene("dam", (2.0, 1.0), water=water), units=units)


def material_point_3d(samples: ModuleType, folder: Path) -> None:
    """Two cubes on a floor, of which the second is higher."""
    x, y, z = (part.ravel() for part in mesh_grid(6, 6, 6))
    cubes = [
        np.stack([0.2 + left + 0.2 * x, 0.4 + 0.2 * y, 0.1 + up + 0.2 * z], axis=1) for left, up in ((0, 0), (0.4, 0.1))
    ]
    place = np.concatenate(cubes)
    body = torch.arange(2, dtype=torch.int32).repeat_interleave(len(x))
    told = {"kind": "body", "shape": {"kind": "box"}, "material": {"kind": "neo_hookean"}}
    floor = {"kind": "wall", "normal": [0, 0, 1], "offset": 0.1}
    table = scene("cubes", (1.0, 1.0, 1.0), soft=told, stiff=told, floor=floor) | {"gravity": [0, 0, -9.81]}
    samples.write(folder, "particles", Points({"body": body}), [{"position": place}], table, units={"position": "m"})


def mass_spring(samples: ModuleType, folder: Path) -> None:
    """A sheet of masses that sags."""
    x, y = (part.ravel() for part in mesh_grid(10, 10))
    place = np.stack([0.2 + 0.6 * x, 0.2 + 0.6 * y, 0.6 - 0.3 * x**2], axis=1)
    frame = {"position": place, "velocity": np.stack([0 * x, 0 * x, -x], axis=1)}
    net = {"kind": "springs", "net": {"kind": "spring_lattice"}}
    table = scene("sheet", (1.0, 1.0, 1.0), sheet=net) | {"gravity": [0, 0, -9.81]}
    body = {"body": torch.zeros(len(place), dtype=torch.int32)}
    samples.write(folder, "particles", Points(body), [frame], table, units={"position": "m", "velocity": "m/s"})


def spectral_2d(samples: ModuleType, folder: Path) -> None:
    """Vortices, of which the upper ones are stronger and the left ones turn the other way."""
    x, y = mesh_grid(24, 24)
    frame = {"vorticity": np.sin(2 * np.pi * x) * np.sin(np.pi * y) * (0.4 + y)}
    table = scene("flow", (1.0, 1.0), True, fluid={"kind": "fluid"})
    samples.write(folder, "fields", centred((24, 24), (1.0, 1.0), True), [frame], table, units={"vorticity": "1/s"})


def tube_velocity(cells: int) -> np.ndarray:
    """Two tubes that turn against each other, along y [x, y, z, 3]."""
    x, _, z = mesh_grid(cells, cells, cells)
    speed = np.zeros((*x.shape, 3))
    for sign, middle in ((1, 0.3), (-1, 0.7)):
        a, b = x - middle, z - middle
        push = sign * np.exp(-(a**2 + b**2) / 0.01)
        speed += np.stack([b * push, 0 * push, -a * push], axis=-1)
    return speed


def spectral_3d(samples: ModuleType, folder: Path) -> None:
    table = scene("tubes", (1.0,) * 3, True, fluid={"kind": "fluid"})
    frame = {"velocity": tube_velocity(20)}
    samples.write(folder, "fields", centred((20,) * 3, (1.0,) * 3, True), [frame], table, units={"velocity": "m/s"})


def staggered(samples: ModuleType, folder: Path) -> None:
    """Past a ball, slow behind it; the wake bends up."""
    x, y = mesh_grid(48, 24)
    slow = np.exp(-(((y - 0.5 - 0.1 * np.maximum(x - 0.25, 0)) / 0.15) ** 2)) * (x > 0.25)
    frame = {"velocity": np.stack([1 - 0.8 * slow, 0.1 * slow], axis=-1)}
    ball = {"kind": "obstacle", "shape": {"kind": "sphere", "center": [0.5, 0.5], "radius": 0.12}}
    table = scene("wake", (2.0, 1.0), fluid={"kind": "fluid"}, ball=ball)
    samples.write(folder, "fields", centred((48, 24), (2.0, 1.0), False), [frame], table, units={"velocity": "m/s"})


def gas(samples: ModuleType, folder: Path) -> None:
    """A ring of dense gas off the middle."""
    x, y = mesh_grid(32, 32)
    frame = {"density": 1 + 3 * np.exp(-(((np.hypot(x - 0.4, y - 0.6) - 0.25) / 0.06) ** 2)), "pressure": 1 + x}
    units = {"density": "kg/m^3", "pressure": "Pa"}
    samples.write(
        folder,
        "fields",
        centred((32, 32), (1.0, 1.0), False),
        [frame],
        scene("blast", (1.0, 1.0), gas={"kind": "gas"}),
        units=units,
    )


def shallow_water(samples: ModuleType, folder: Path) -> None:
    """A dam with a gap, deep on the left."""
    x, y = mesh_grid(32, 32)
    frame = {"depth": np.where(x < 0.5, 1.0, 0.2 + 0.5 * np.exp(-(((y - 0.5) / 0.15) ** 2) - 8 * (x - 0.5)))}
    dam = {"kind": "obstacle", "shape": {"kind": "box", "center": [0.5, 0.85], "size": [0.05, 0.3]}}
    table = scene("breach", (1.0, 1.0), water={"kind": "shallow_water"}, dam=dam)
    samples.write(folder, "fields", centred((32, 32), (1.0, 1.0), False), [frame], table, units={"depth": "m"})


def mesh_flow(samples: ModuleType, folder: Path) -> None:
    """Triangles with nodes amid their edges, on a strip; the flow is fast in the middle."""
    nx, ny = 8, 4
    x, y = (
        part.ravel()
        for part in np.meshgrid(np.linspace(0, 2, 2 * nx + 1), np.linspace(0, 1, 2 * ny + 1), indexing="ij")
    )

    def node(i: int, j: int) -> int:
        return i * (2 * ny + 1) + j

    nodes = []
    for i in range(0, 2 * nx, 2):
        for j in range(0, 2 * ny, 2):
            a, b, c, d = (i, j), (i + 2, j), (i + 2, j + 2), (i, j + 2)
            for p, q, r in ((a, b, c), (a, c, d)):
                amid = [((s[0] + t[0]) // 2, (s[1] + t[1]) // 2) for s, t in ((p, q), (q, r), (p, r))]
                nodes.append([node(*p), node(*q), node(*r), node(*amid[0]), node(*amid[2]), node(*amid[1])])
    frame = {
        "position": np.stack([x, y], axis=1),
        "velocity": np.stack([4 * y * (1 - y) * (0.5 + 0.25 * x), 0 * x], axis=1),
    }
    layout = Elements(nodes=torch.tensor(nodes))
    table = {"name": "strip", "units": "SI", "domain": {"dimensions": 2}, "entities": {"fluid": {"kind": "fluid"}}}
    samples.write(folder, "fields", layout, [frame], table, units={"position": "m", "velocity": "m/s"})


def darcy(samples: ModuleType, folder: Path) -> None:
    x, y = mesh_grid(24, 24)
    frame = {"permeability": np.where(x > y, 12.0, 3.0), "pressure": x**2 * (1 - x) * y * (1 - y) ** 3}
    table = scene("darcy", (1.0, 1.0), medium={"kind": "darcy"})
    samples.write(folder, "fields", centred((24, 24), (1.0, 1.0), False), [frame], table, units={"pressure": "Pa"})


def atoms(samples: ModuleType, folder: Path) -> None:
    samples.write_atoms(folder, cells=3, frames=1)


def molecule(samples: ModuleType, folder: Path) -> None:
    """Water and methane by species finer than elements, in open space."""
    water = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    legs = 1.09 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    methane = np.concatenate([[[0.0, 0.0, 0.0]], legs]) + np.array([3.0, 0.3, 0.3])
    species = torch.tensor([0, 1, 1, 2, 3, 3, 3, 3])
    mass = torch.tensor([15.999, 1.008, 1.008, 12.011, 1.008, 1.008, 1.008, 1.008])
    layout = Atoms(species, mass, torch.full((1, 3), torch.inf), ("OW", "HW", "CT", "HC"))
    bonds = {"kind": "harmonic_bond", "groups": [[0, 1], [0, 2], [3, 4], [3, 5], [3, 6], [3, 7]]}
    entities = {name: {"kind": "atoms"} for name in ("OW", "HW", "CT", "HC")} | {"bonds": bonds}
    table = {"name": "molecule", "units": "real", "domain": {"dimensions": 3}, "entities": entities}
    samples.write(folder, "traj", layout, [{"position": np.concatenate([water, methane])}], table)


def gravity(samples: ModuleType, folder: Path) -> None:
    """A planet on a part of its way round the sun."""
    turns = np.linspace(0, 1.3 * np.pi, 12)
    frames = [{"position": np.array([[0.0, 0.0], [2 * np.cos(t), 1.2 * np.sin(t)]])} for t in turns]
    layout = Atoms(torch.tensor([0, 1]), torch.ones(2), torch.full((1, 2), torch.inf), ("sun", "planet"))
    entities = {name: {"kind": "atoms"} for name in ("sun", "planet")}
    table = {"name": "kepler", "units": "nbody", "domain": {"dimensions": 2}, "entities": entities}
    samples.write(folder, "traj", layout, frames, table)


FAMILIES: dict[str, Writer] = {
    one.__name__: one
    for one in (
        material_point_2d, material_point_3d, mass_spring, spectral_2d, spectral_3d, staggered, gas, shallow_water,
        mesh_flow, darcy, atoms, molecule, gravity,
    )
}  # fmt: skip


def draw_all() -> None:
    """The pictures in `golden`, in few colours to keep them small."""
    from scenegrad.view.pictures import draw_picture

    spec = importlib.util.spec_from_file_location("view_samples", Path(__file__).with_name("samples.py"))
    assert spec is not None
    assert spec.loader is not None
    samples = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = samples
    spec.loader.exec_module(samples)
    GOLDEN.mkdir(exist_ok=True)
    for name, write in FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            write(samples, Path(folder))
            draw_picture(folder, Path(folder, "p.png"), size=SIZE)
            with Image.open(Path(folder, "p.png")) as picture:
                few = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
            few.save(GOLDEN / f"{name}.png", optimize=True)
        print(name, (GOLDEN / f"{name}.png").stat().st_size, "bytes")


if __name__ == "__main__":
    draw_all()

"""Where atoms start: the sites of lattices, dealt among species, in float64 on the host."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.arrays import read_array
from scenegrad.scenes.atoms import (
    FCC,
    Atoms,
    Crystal,
    Diamond,
    Hexagonal,
    Lattice,
    PointFile,
    SimpleCubic,
    Sites,
    Square,
)
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.chains import chains

__all__ = ["box_of", "counts", "edges_of", "given_velocities", "lean_of", "place", "read_points"]


@dataclass(frozen=True)
class Cell:
    """A rectangular unit cell: edge lengths in spacings, and the atoms in it as fractions of the edges."""

    edges: tuple[float, ...]
    basis: tuple[tuple[float, ...], ...]


CELLS: dict[type[Lattice], Cell] = {
    FCC: Cell((1.0, 1.0, 1.0), ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))),
    Diamond: Cell(
        (1.0, 1.0, 1.0),
        (
            *((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5)),
            *((0.25, 0.25, 0.25), (0.75, 0.75, 0.25), (0.75, 0.25, 0.75), (0.25, 0.75, 0.75)),
        ),
    ),
    SimpleCubic: Cell((1.0, 1.0, 1.0), ((0.0, 0.0, 0.0),)),
    Square: Cell((1.0, 1.0), ((0.0, 0.0),)),
    Hexagonal: Cell((1.0, math.sqrt(3.0)), ((0.0, 0.0), (0.5, 0.5))),
}


def read_points(lattice: PointFile) -> np.ndarray:
    """Positions [atom, dim] of a .npy or .csv file."""
    path = Path(lattice.path)
    try:
        if path.suffix == ".npy":
            points = read_array(path)
        else:
            points = np.array(rows_of(path))
    except (FileError, OSError, ValueError) as error:
        raise SceneError(f"{path} holds no positions: {error}. It needs rows of x, y[, z], or a .npy array.") from error
    if points.ndim != 2 or points.shape[1] not in (2, 3) or points.dtype.kind not in "fiu":
        raise SceneError(f"{path} holds an array of shape {points.shape}; positions are finite numbers [atom, 2 or 3].")
    if not np.isfinite(points).all():
        atom = int(np.argwhere(~np.isfinite(points).all(axis=1))[0, 0])
        raise SceneError(f"{path} puts atom {atom}, counted from 0, at {points[atom].tolist()}; numbers are finite.")
    return np.asarray(points, dtype=np.float64)


def rows_of(path: Path) -> list[list[float]]:
    """Of a .csv file, with a line of names or without."""
    found: list[list[float]] = []
    for row, line in enumerate(path.read_text().splitlines(), start=1):
        words = [word.strip() for word in line.split(",")]
        if not line.strip() or line.startswith("#") or (not found and words[:2] == ["x", "y"]):
            continue
        try:
            found.append([float(word) for word in words])
        except ValueError:
            raise SceneError(f"{path}, line {row}: a number cannot be read in {line!r}.") from None
        if len(words) not in (2, 3) or len(words) != len(found[0]):
            raise SceneError(f"{path}, line {row}: {len(words)} numbers, where rows are x, y[, z] like the first.")
        if not np.isfinite(found[-1]).all():
            raise SceneError(f"{path}, line {row}: {line!r} is not finite.")
    return found


def sites(lattice: Lattice, box: np.ndarray) -> np.ndarray:
    """All sites of a lattice [site, dim]: of a crystal that fills the box, where it has no spacing of its own."""
    if isinstance(lattice, PointFile):
        return read_points(lattice)
    if isinstance(lattice, Sites):
        return np.array(lattice.positions, dtype=np.float64)
    assert isinstance(lattice, Crystal)
    cells = np.array(lattice.cells)  # type: ignore[attr-defined]
    corners = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 1, len(cells))
    cell = CELLS[type(lattice)]
    offset = np.zeros(len(cells)) if lattice.offset is None else np.array(lattice.offset)
    points = (corners + np.array(cell.basis)).reshape(-1, len(cells))
    if lattice.spacing is None:
        return (points + offset) * (box / cells)
    edges = lattice.spacing * np.array(cell.edges)
    points = (points - points.mean(axis=0)) * edges
    return points + offset * edges + np.where(np.isfinite(box), 0.5 * box, 0.0)


def site_count(lattice: Lattice) -> int:
    if isinstance(lattice, Chains):
        return lattice.count * lattice.length
    if not isinstance(lattice, Crystal):
        return len(sites(lattice, np.zeros(0)))
    return int(np.prod(lattice.cells)) * len(CELLS[type(lattice)].basis)  # type: ignore[attr-defined]


def groups(species: dict[str, Atoms]) -> list[list[str]]:
    """Names of the species that share the sites of one lattice."""
    found: dict[str, list[str]] = {}
    for name, atoms in species.items():
        found.setdefault(atoms.lattice.model_dump_json(), []).append(name)
    return list(found.values())


def counts(species: dict[str, Atoms]) -> dict[str, int]:
    """Number of atoms of each species; shares are rounded so that shares which add up to one leave no site empty."""
    number_of: dict[str, int] = {}
    for names in groups(species):
        total, taken, share = site_count(species[names[0]].lattice), 0, 0.0
        for name in names:
            share += species[name].share
            number_of[name] = round(share * total) - taken
            taken += number_of[name]
    return {name: number_of[name] for name in species}


def box_of(scene: Scene, species: dict[str, Atoms]) -> np.ndarray:
    """Edge lengths: of the domain, or such that cells of the lattice have the domain's density of atoms. An axis along
    which nothing repeats has an infinite one."""
    if scene.domain.dimensions is not None:
        return np.full(scene.domain.dimensions, np.inf)
    if scene.domain.size is not None:
        return np.where(scene.domain.wraps, np.array(scene.domain.size, dtype=np.float64), np.inf)
    assert scene.domain.density is not None
    lattice = next(iter(species.values())).lattice
    if isinstance(lattice, Chains):
        return np.full(scene.dim, (sum(counts(species).values()) / number(scene.domain.density)) ** (1.0 / scene.dim))
    shape = np.array(lattice.cells) * np.array(CELLS[type(lattice)].edges)  # type: ignore[attr-defined]
    volume = sum(counts(species).values()) / number(scene.domain.density)
    return shape * (volume / shape.prod()) ** (1.0 / len(shape))


def lean_of(scene: Scene) -> np.ndarray | None:
    """The tilt of a triclinic box in edges of the axis that it leans along, see `Box`; None for right angles."""
    if scene.domain.tilt is None:
        return None
    assert scene.domain.size is not None
    lx, ly = scene.domain.size[:2]
    return np.array(scene.domain.tilt) / np.array([lx, lx, ly])[: len(scene.domain.tilt)]


def edges_of(box: np.ndarray, lean: np.ndarray | None) -> np.ndarray:
    """Edge vectors of a finite box as rows."""
    rows = np.diag(box)
    for place, (row, column) in enumerate(((1, 0), (2, 0), (2, 1))[: 0 if lean is None else len(lean)]):
        rows[row, column] = lean[place] * box[column]  # type: ignore[index]
    return rows


def place(scene: Scene, species: dict[str, Atoms], box: np.ndarray) -> np.ndarray:
    """First positions [atom, dim], species after species."""
    number_of = counts(species)
    placed: dict[str, np.ndarray] = {}
    for index, names in enumerate(groups(species)):
        lattice = species[names[0]].lattice
        if isinstance(lattice, Chains):  # whose beads keep their order
            placed[names[0]] = chains(lattice, tuple(box.tolist()), (scene.seed, 3, index))
            continue
        points = sites(lattice, box)
        if sum(number_of[name] for name in names) < len(points) or len(names) > 1:
            rng = np.random.default_rng(np.random.SeedSequence(scene.seed, spawn_key=(1, index)))
            points = points[rng.permutation(len(points))]
        ends = np.cumsum([number_of[name] for name in names])
        for name, end in zip(names, ends, strict=True):
            placed[name] = points[end - number_of[name] : end]
    return np.concatenate([placed[name] for name in species])


def given_velocities(species: dict[str, Atoms], dim: int) -> np.ndarray:
    """Velocities that the scene writes out [atom, dim]; not a number for atoms whose velocities are to be drawn."""
    rows = []
    for name, count in counts(species).items():
        lattice = species[name].lattice
        given = lattice.velocities if isinstance(lattice, Sites) else None
        rows.append(np.full((count, dim), np.nan) if given is None else np.array(given, dtype=np.float64))
    return np.concatenate(rows)

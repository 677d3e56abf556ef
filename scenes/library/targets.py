"""Energy landscapes of the sampling literature, at the temperature 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, product
from typing import Literal

from scenegrad.scenes.atoms import Atoms, Langevin, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.outputs import Energy
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import DoubleWellPairs, LennardJonesPairs, Oscillator
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["dw4", "lj_cluster"]

Point = tuple[float, ...]


def dw4(temperature: Scalar = 1.0, end: float = 20.0, dt: float = 0.02, seed: int = 21) -> Scene:
    """DW4: four atoms in the plane, with two wells for the distance of every two.

    [Kohler, Klein & Noe 2020, Equivariant flows: exact likelihood generative learning for symmetric densities]
    """
    return Scene(
        name="dw4",
        units="lj",
        domain=Domain.unbounded(dim=2),
        entities={
            "atoms": Atoms(
                lattice=Sites(((-1.5, -1.5), (1.5, -1.5), (1.5, 1.5), (-1.5, 1.5))), temperature=temperature
            ),
            "pair": DoubleWellPairs(a=0.9, b=-4.0, c=0.0, d0=4.0),
        },
        dynamics=Langevin(temperature=temperature, friction=1.0),
        outputs={"energy": Energy(every=0.1)},
        time=Time(end=end, dt=dt),
        seed=seed,
    )


def lj_cluster(
    atoms: Literal[13, 38, 55] = 13,
    pairs: Literal["ordered", "unordered"] = "ordered",
    stiffness: Scalar = 1.0,
    temperature: Scalar = 1.0,
    end: float = 10.0,
    dt: float = 0.005,
    seed: int = 22,
) -> Scene:
    """LJ13, LJ38 or LJ55 about their centre of mass, which an oscillator holds them to.

    pairs: the published samples of LJ13 and LJ55 count every pair twice ("ordered"); physics counts it once. They start
    as the cluster of least energy: an icosahedron, a piece of a face-centred crystal, an icosahedron of two shells.
    [Klein, Kramer & Noe 2023, Equivariant flow matching]
    """
    if atoms not in CLUSTERS:
        raise SceneError(f"lj_cluster got {atoms} atoms; there are clusters of {', '.join(map(str, CLUSTERS))}.")
    return Scene(
        name="lj_cluster",
        units="lj",
        domain=Domain.unbounded(dim=3),
        entities={
            "atoms": Atoms(lattice=Sites(tuple(CLUSTERS[atoms]())), temperature=temperature),
            "pair": LennardJonesPairs(pairs=pairs),
            "oscillator": Oscillator(stiffness=stiffness),
        },
        dynamics=Langevin(temperature=temperature, friction=1.0),
        outputs={"energy": Energy(every=0.05)},
        time=Time(end=end, dt=dt),
        seed=seed,
    )


def icosahedron() -> list[Point]:
    """An atom and its twelve neighbours."""
    golden, edge = (1.0 + math.sqrt(5.0)) / 2.0, 0.5 * 1.014
    corners = [(0.0, one, two * golden) for one, two in product((-1.0, 1.0), repeat=2)]
    turned = [corner[turn:] + corner[:turn] for corner in corners for turn in range(3)]
    return [(0.0, 0.0, 0.0), *(tuple(edge * x for x in corner) for corner in turned)]


def two_shells() -> list[Point]:
    """The icosahedron within one of twice its size, which has atoms amid its edges too [Mackay 1962]."""
    inner = icosahedron()
    outer = [tuple(2.0 * x for x in point) for point in inner[1:]]
    shortest = min(math.dist(a, b) for a, b in combinations(outer, 2))
    edges = [(a, b) for a, b in combinations(outer, 2) if math.dist(a, b) < 1.1 * shortest]
    return [*inner, *outer, *(tuple(0.5 * (x + y) for x, y in zip(a, b, strict=True)) for a, b in edges)]


def truncated_octahedron() -> list[Point]:
    """38 sites of the face-centred lattice around a hole of it."""
    spacing = 1.0 / math.sqrt(2.0)
    around = product(range(-2, 3), repeat=3)
    return [tuple(spacing * x for x in site) for site in around if sum(site) % 2 and sum(x * x for x in site) <= 5]


CLUSTERS: dict[int, Callable[[], list[Point]]] = {13: icosahedron, 38: truncated_octahedron, 55: two_shells}

"""A small scene for every potential, each of its numbers a `Parameter`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch

from scenegrad.scenes.atoms import NVE, Atoms, Dynamics, Sites
from scenegrad.scenes.bonded import (
    FENE,
    Charges14,
    CosineAngle,
    HarmonicAngle,
    HarmonicBond,
    HarmonicDihedral,
    LennardJones14,
    PeriodicDihedral,
    RigidBond,
    ScaledPairs,
)
from scenegrad.scenes.coulomb import PME, ChargeMethod, Direct, Electrostatics, Ewald, ReactionField
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.gravity import Gravity
from scenegrad.scenes.many_body import LearnedPotential, StillingerWeber
from scenegrad.scenes.mixtures import MixedLennardJones
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.pair_potentials import WCA, BornMayerHuggins, Buckingham, LennardJones, Morse, SoftSphere, Yukawa
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solvents import GeneralizedBorn
from scenegrad.scenes.targets import (
    Confinement,
    DistanceBias,
    DoubleWellPairs,
    HarmonicWell,
    LennardJonesPairs,
    Oscillator,
)
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.md.many_body.learned import register_potential
from scenegrad.surrogates.potentials import RadialNetwork

__all__ = ["POTENTIALS", "crystal", "gravity", "rods", "springs"]

Named = tuple[str, Scene]
Number = Callable[[float], Any]  # Parameter, or float where nothing may learn
Shape = Literal["cube", "leaning", "plane"]
P = Parameter


def scene(domain: Domain, entities: Mapping[str, Entity], dynamics: Dynamics | None = None, dt: float = 0.002) -> Scene:
    return Scene(
        name="potential", units="lj", domain=domain, entities=dict(entities), dynamics=dynamics or NVE(),
        time=Time(end=1.0, dt=dt), seed=3,
    )  # fmt: skip


def sites(x: np.ndarray, v: np.ndarray) -> Sites:
    rows = [tuple(tuple(float(one) for one in row) for row in part) for part in (x, v)]
    return Sites(rows[0], velocities=rows[1])


def drawn(atoms: int, dim: int, seed: int, heat: float = 0.7) -> np.ndarray:
    return heat * np.random.default_rng(seed).standard_normal((atoms, dim))


SPACING = 1.1  # the nearest shells of the crystals are at 1.1, 1.56 and 1.91, of the plane at 1.1, 1.56 and 2.2
END = 1.8  # a switch would begin at 1.62


def crystal(shape: Shape, entities: Mapping[str, Entity], number: Number = P, **given: Any) -> Scene:
    """Two species on a shaken lattice, some of its 108 atoms (64 in a plane) whole boxes away. A box leans by whole
    cells of the crystal."""
    rng = np.random.default_rng(0)
    if shape == "plane":
        edges, x = np.full(2, 8 * SPACING), SPACING * grid(8, 2)
    else:
        cell = 2**0.5 * SPACING
        faces = 0.5 * cell * np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
        edges, x = np.full(3, 3 * cell), (cell * grid(3, 3)[:, None] + faces).reshape(-1, 3)
    matrix = np.diag(edges)
    if shape == "leaning":
        matrix[1, 0], matrix[2, 0], matrix[2, 1] = cell, -cell, cell
    x = x + 0.012 * rng.standard_normal(x.shape) + rng.integers(-1, 2, x.shape) @ matrix
    tilt = (matrix[1, 0], matrix[2, 0], matrix[2, 1]) if shape == "leaning" else None
    order, v = rng.permutation(len(x)), drawn(len(x), len(edges), 1)
    parts = {"A": (order[: len(x) // 3], 1.0), "B": (order[len(x) // 3 :], 1.6)}
    atoms = {name: Atoms(lattice=sites(x[own], v[own]), mass=number(m)) for name, (own, m) in parts.items()}
    return scene(Domain.periodic(tuple(edges.tolist()), tilt=tilt), {**atoms, **entities}, **given)


def grid(cells: int, dim: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(cells)] * dim, indexing="ij"), axis=-1).reshape(-1, dim)


PAIRS: dict[str, Callable[..., Entity]] = {
    "LennardJones": lambda n, end: LennardJones(epsilon=n(1.1), sigma=n(1.0), **end),
    "Morse": lambda n, end: Morse(depth=n(1.3), alpha=n(4.0), r0=n(1.05), **end),
    "Buckingham": lambda n, end: Buckingham(repulsion=n(3e3), decay=n(0.15), dispersion=n(2.0), **end),
    "BornMayerHuggins": lambda n, end: BornMayerHuggins(
        repulsion=n(2.0), size=n(1.0), decay=n(0.15), dispersion=n(0.05), quadrupole=n(0.02), **end
    ),
    "SoftSphere": lambda n, end: SoftSphere(epsilon=n(1.0), sigma=n(1.0), exponent=n(10.0), **end),
    "Yukawa": lambda n, end: Yukawa(strength=n(4.0), screening=n(1.5), **end),
}


def pairs() -> Iterator[Named]:
    """Of each kind, as it ends by default; and Lennard-Jones in other boxes and in a mixture."""
    for name, make in PAIRS.items():
        yield name, crystal("cube", {"pair": make(P, {"cutoff": END})})
    yield "WCA", crystal("cube", {"pair": WCA(epsilon=P(1.1), sigma=P(1.15), cutoff=1.45)})
    for shape in ("plane", "leaning"):
        pair = LennardJones(epsilon=P(1.1), sigma=P(1.0), cutoff=END, cut="switch")
        yield f"LennardJones, switch, {shape}", crystal(shape, {"pair": pair})
    species = {
        "AA": LennardJones(epsilon=P(1.0), sigma=P(1.0), cutoff=END, between=("A", "A")),
        "AB": LennardJones(epsilon=P(1.5), sigma=P(0.9), cutoff=END, between=("A", "B")),
        "BB": Morse(depth=P(0.5), alpha=P(5.0), r0=P(1.0), cutoff=END, between=("B", "B")),
    }
    yield "mixture", crystal("cube", species)


def other_cuts() -> Iterator[Named]:
    for name, make in PAIRS.items():
        yield f"{name}, switch", crystal("cube", {"pair": make(P, {"cutoff": END, "cut": "switch"})})
        yield f"{name}, plain", crystal("cube", {"pair": make(float, {"cutoff": END, "cut": "plain"})}, float)


BONDED: dict[str, tuple[int, Callable[..., Entity]]] = {  # atoms of a group
    "HarmonicBond": (2, lambda **of: HarmonicBond(stiffness=P(40.0), length=P(1.1), **of)),
    "FENE": (2, lambda **of: FENE(stiffness=P(30.0), extent=P(1.6), **of)),
    "HarmonicAngle": (3, lambda **of: HarmonicAngle(stiffness=P(12.0), angle=P(1.9), **of)),
    "CosineAngle": (3, lambda **of: CosineAngle(stiffness=P(3.0), **of)),
    "PeriodicDihedral": (4, lambda **of: PeriodicDihedral(stiffness=P(1.3), phase=P(0.4), multiplicity=3, **of)),
    "HarmonicDihedral": (4, lambda **of: HarmonicDihedral(stiffness=P(2.0), angle=P(2.2), **of)),
    "LennardJones14": (2, lambda **of: LennardJones14(epsilon=P(0.7), sigma=P(1.0), **of)),
    "Charges14": (2, lambda **of: Charges14(strength=P(1.4), **of)),
}


def rods(**given: Any) -> Scene:
    """Six chains of rigid bonds."""
    atoms = {"bead": Atoms(lattice=Chains(count=6, length=5), temperature=P(1.0), mass=P(1.3))}
    pair = LennardJones(epsilon=P(1.0), sigma=P(0.9), cutoff=2.2, cut="switch")
    return scene(Domain.periodic((4.6,) * 3), {**atoms, "pair": pair, "rods": RigidBond(of="bead")}, **given)


def bonded() -> Iterator[Named]:
    """A bent chain that lies across the sides of its box, folded back into it."""
    rng, edge = np.random.default_rng(4), 6.0
    turns = rng.standard_normal((9, 3))
    x = np.cumsum(turns / np.linalg.norm(turns, axis=1, keepdims=True), axis=0) + 5.5
    chain = Atoms(lattice=sites(x % edge, drawn(9, 3, 2)), mass=P(1.3))
    for name, (size, make) in BONDED.items():
        groups = tuple(tuple(range(first, first + size)) for first in range(9 - size + 1))
        yield name, scene(Domain.periodic((edge,) * 3), {"A": chain, "bond": make(groups=groups)})


def molecules() -> Iterator[Named]:
    """A chain in open space of two kinds of charged atoms: mixtures by rule, third neighbours in part, a solvent."""
    rng = np.random.default_rng(15)
    turns = np.array([0.9, 0.2, 0.1]) + 0.45 * rng.standard_normal((10, 3))
    x, v = np.cumsum(1.2 * turns / np.linalg.norm(turns, axis=1, keepdims=True), axis=0), drawn(10, 3, 16)
    atoms: dict[str, Entity] = {
        name: Atoms(lattice=sites(x[own], v[own]), mass=P(m), charge=P(q))
        for name, own, m, q in (("C", slice(0, 6), 1.5, 0.3), ("O", slice(6, 10), 1.0, -0.45))
    }
    mixed: dict[str, Entity] = {
        "mixed_C": MixedLennardJones(of=("C",), epsilon=P(1.0), sigma=P(1.0), cutoff=20.0),
        "mixed_O": MixedLennardJones(of=("O",), epsilon=P(0.6), sigma=P(0.8), cutoff=20.0),
    }
    charges: dict[str, Entity] = {"charges": Electrostatics(method=Direct())}
    born = GeneralizedBorn(
        radius={"C": 1.0, "O": 0.9}, screening={"C": 0.7, "O": 0.85}, surface_tension=0.05, probe=0.8, offset=0.05
    )
    space, thirds = Domain.unbounded(dim=3), tuple((n, n + 3) for n in range(7))
    kinds = {
        "rule_A": MixedLennardJones(of=("A",), epsilon=P(1.0), sigma=P(1.0), cutoff=END),
        "rule_B": MixedLennardJones(of=("B",), epsilon=P(0.6), sigma=P(0.9), cutoff=END),
    }
    yield "MixedLennardJones", crystal("cube", kinds)
    yield "ScaledPairs", scene(space, {**atoms, **mixed, **charges, "thirds": ScaledPairs(groups=thirds)})
    yield "GeneralizedBorn", scene(space, {**atoms, **charges, "water": born})


def springs(stiffness: float = 300.0, **given: Any) -> Scene:
    """Six chains of springs among each other: forces of two speeds."""
    beads = {"bead": Atoms(lattice=Chains(count=6, length=5), temperature=P(1.0), mass=P(1.3))}
    pair = LennardJones(epsilon=P(1.0), sigma=P(0.9), cutoff=2.2, cut="switch")
    bond = HarmonicBond(stiffness=P(stiffness), length=P(0.97), of="bead")
    return scene(Domain.periodic((4.6,) * 3), {**beads, "pair": pair, "bond": bond}, **given)


def ions(method: ChargeMethod, tilt: tuple[float, float, float] | None = None) -> Scene:
    """Shaken rock salt; no two edges of its box are alike."""
    x = grid(4, 3) * np.array([1.0, 1.1, 1.15])
    sign = grid(4, 3).sum(axis=1) % 2
    x = x + 0.03 * np.random.default_rng(5).standard_normal(x.shape)
    v = drawn(64, 3, 6)
    parts = {
        name: Atoms(lattice=sites(x[sign == s], v[sign == s]), mass=P(1.0 + s), charge=P(1.0 - 2.0 * s))
        for s, name in enumerate(("plus", "minus"))
    }
    return scene(Domain.periodic((4.0, 4.4, 4.6), tilt=tilt), {**parts, "charges": Electrostatics(method=method)})


def charges() -> Iterator[Named]:
    x, v = 2.0 * drawn(8, 3, 7), drawn(8, 3, 8)
    parts = {
        name: Atoms(lattice=sites(x[own], v[own]), mass=P(1.2), charge=P(q))
        for name, own, q in (("plus", slice(0, 4), 1.3), ("minus", slice(4, 8), -0.8))
    }
    yield "Direct", scene(Domain.unbounded(dim=3), {**parts, "charges": Electrostatics(method=Direct())})
    yield "ReactionField", ions(ReactionField(cutoff=1.74))
    yield "Ewald", ions(Ewald(tolerance=1e-9))
    yield "Ewald, leaning box", ions(Ewald(tolerance=1e-8), (1.0, -0.7, 1.3))
    yield "PME", ions(PME(tolerance=1e-6, order=8))
    yield "PME of odd order", ions(PME(tolerance=1e-5, order=5))


def many_body() -> Iterator[Named]:
    """Silicon in units of its own, and a network that knows distances."""
    cell = 5.431 / 2.0951
    faces = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    diamond = np.concatenate([faces, faces + 0.25])
    x = (cell * (grid(2, 3)[:, None] + diamond)).reshape(-1, 3)
    x = x + 0.08 * np.random.default_rng(9).standard_normal(x.shape)
    atoms = Atoms(lattice=sites(x, drawn(64, 3, 10, 0.3)), mass=P(1.0))
    law = StillingerWeber(
        epsilon=P(1.0), sigma=P(1.0), pair_strength=P(7.05), balance=P(0.602), stiffness=P(21.0), fall=P(1.2)
    )
    yield "StillingerWeber", scene(Domain.periodic((2 * cell,) * 3), {"Si": atoms, "law": law})
    torch.manual_seed(0)
    register_potential("radial network", RadialNetwork(END, first=0.8, species=2).double())
    yield "LearnedPotential", crystal("cube", {"law": LearnedPotential(law="radial network", cutoff=END)})


def gravity() -> Iterator[Named]:
    cases: tuple[tuple[Literal[2, 3], Any], ...] = ((3, P(0.3)), (2, P(0.2)), (3, 0.0))
    for dim, softening in cases:
        x, v = drawn(6, dim, 11, 1.5), drawn(6, dim, 12)
        parts = {
            name: Atoms(lattice=sites(x[own], v[own]), mass=P(m))
            for name, own, m in (("a", slice(0, 2), 0.7), ("b", slice(2, 6), 1.3))
        }
        pull = Gravity(constant=P(1.3), softening=softening)
        told = "softened" if softening else "bare"
        yield f"Gravity, {told}, {dim}D", scene(Domain.unbounded(dim=dim), {**parts, "pull": pull})


TARGETS: dict[str, Entity] = {
    "DoubleWellPairs": DoubleWellPairs(a=P(0.9), b=P(-4.0), c=P(0.1), d0=P(4.0)),
    "LennardJonesPairs, ordered": LennardJonesPairs(pairs="ordered", epsilon=P(0.8), rm=P(2.0)),
    "LennardJonesPairs, unordered": LennardJonesPairs(pairs="unordered", epsilon=P(0.8), rm=P(2.0)),
    "Oscillator": Oscillator(stiffness=P(0.6)),
    "HarmonicWell": HarmonicWell(stiffness=P(0.3), center=P((0.2, -0.1)), of="A"),
    "Confinement": Confinement(radius=P(1.8), stiffness=P(3.0)),
    "DistanceBias": DistanceBias(atoms=(0, 2), center=P(3.5), stiffness=P(2.0)),
}


def targets() -> Iterator[Named]:
    x = 2.2 * grid(2, 2) - 1.0 + drawn(4, 2, 13, 0.2)
    atoms = Atoms(lattice=sites(x, drawn(4, 2, 14)), mass=P(1.1))
    for name, target in TARGETS.items():
        yield name, scene(Domain.unbounded(dim=2), {"A": atoms, "target": target})


POTENTIALS: dict[str, Callable[[], Iterator[Named]]] = {
    "pairs": pairs,
    "other_cuts": other_cuts,
    "bonded": bonded,
    "molecules": molecules,
    "charges": charges,
    "many_body": many_body,
    "gravity": gravity,
    "targets": targets,
}

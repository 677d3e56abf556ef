"""Peptides, in Angstroms, femtoseconds and kilocalories a mole."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from scenegrad.scenes.atom_outputs import DihedralAngles
from scenegrad.scenes.atoms import Langevin
from scenegrad.scenes.bonded import HarmonicBond, RigidBond
from scenegrad.scenes.coulomb import Direct, Electrostatics
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.molecule_files import read_molecules
from scenegrad.scenes.outputs import Particles, Thermo
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, number

__all__ = ["alanine_dipeptide"]

ALANINE = Path(__file__).resolve().parents[2] / "assets" / "molecules" / "alanine_dipeptide.json"
TENSION = 2.25936 / 4.184 / 100.0  # of the surface of water, as models of solvents have it [kcal/mol/A^2]


def alanine_dipeptide(
    temperature: Scalar = 300.0, medium: Literal["vacuum", "water"] = "vacuum",
    hydrogens: Literal["free", "rigid"] = "free", friction: Scalar = 0.005, end: float = 10_000.0, dt: float = 1.0,
    every: float = 20.0, seed: int = 4,
) -> Scene:  # fmt: skip
    """ACE-ALA-NME, 22 atoms whose shape is told by two angles, phi and psi, in vacuum or in a dielectric like water.

    hydrogens: on springs or on rigid bonds, with which dt may be 1.25 fs. [Amber ff99SB, Hornak et al. 2006, Proteins
    65, 712; OBC II, Onufriev, Bashford & Case 2004, Proteins 55, 383]
    """
    found = read_molecules(ALANINE)
    parts: dict[str, Entity] = found.entities(temperature, cutoff=100.0, cut="switch")
    parts["charges"] = Electrostatics(method=Direct())
    if medium == "water":
        parts["water"] = found.solvent(surface_tension=TENSION)
    for name, part in parts.items():
        if hydrogens == "rigid" and isinstance(part, HarmonicBond) and "-H" in name:
            parts[name] = RigidBond(groups=part.groups, length=number(part.length))
    c, n, ca, c2, n2 = (
        found.atom(*one) for one in (("C", "ACE"), ("N", "ALA"), ("CA", "ALA"), ("C", "ALA"), ("N", "NME"))
    )
    return Scene(
        name="alanine_dipeptide",
        units="real",
        domain=found.domain(),
        entities=parts,
        dynamics=Langevin(temperature=temperature, friction=friction),
        outputs={
            "thermo": Thermo(every=every),
            "shape": DihedralAngles(groups={"phi": (c, n, ca, c2), "psi": (n, ca, c2, n2)}, every=every),
            "traj": Particles("position", every=5.0 * every),
        },
        time=Time(end=end, dt=dt),
        seed=seed,
    )

"""Makes assets/molecules/alanine_dipeptide.json, and assets/reference/md/alanine_dipeptide.json with what OpenMM finds.

    python benchmarks/peers/alanine_dipeptide.py        # needs OpenMM 8

The molecule is built from mean bond lengths and angles, gets its hydrogens and its numbers from Amber's force field
ff99SB [Hornak et al. 2006, Proteins 65, 712] and the radii of Onufriev, Bashford & Case (2004, Proteins 55, 383), as
OpenMM's files amber99sb.xml and amber99_obc.xml have them, and rests in a minimum of its energy.
"""

from __future__ import annotations

import io
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from openmm import app, unit

ASSETS = Path(__file__).resolve().parents[2] / "assets"
OLDER = {"H1": "HH31", "H2": "HH32", "H3": "HH33", "C": "CH3"}  # what templates call atoms of the ends
KCAL, ANGSTROM = 4.184, 0.1  # in kJ and nm, which OpenMM counts in
FIELD = ("amber99sb.xml", "amber99_obc.xml")
# atom, residue, number of it, then what it is built on: neighbour, length [A], second, angle, third, dihedral [degrees]
HEAVY = (
    ("CH3", "ACE", 1), ("C", "ACE", 1, 0, 1.52), ("N", "ALA", 2, 1, 1.34, 0, 116.6),
    ("O", "ACE", 1, 1, 1.23, 2, 123.0, 0, 180.0),
    ("CA", "ALA", 2, 2, 1.45, 1, 121.9, 0, 180.0), ("C", "ALA", 2, 4, 1.52, 2, 110.1, 1, -80.0),
    ("CB", "ALA", 2, 4, 1.53, 2, 109.7, 5, -122.0), ("N", "NME", 3, 5, 1.34, 4, 116.6, 2, 75.0),
    ("O", "ALA", 2, 5, 1.23, 4, 120.4, 7, 180.0), ("C", "NME", 3, 7, 1.45, 5, 121.9, 4, 180.0),
)  # fmt: skip


def placed() -> np.ndarray:
    """Heavy atoms [A]."""
    x: list[np.ndarray] = []
    for _, _, _, *on in HEAVY:
        if not on:
            x.append(np.zeros(3))
        elif len(on) == 2:
            x.append(x[on[0]] + np.array([on[1], 0.0, 0.0]))
        else:
            a, b = x[on[0]], x[on[2]]
            c = x[on[4]] if len(on) == 6 else b + np.array([0.0, 1.0, 0.0])
            bend, twist = math.radians(on[3]), math.radians(on[5]) if len(on) == 6 else 0.0
            along = (b - a) / np.linalg.norm(b - a)
            normal = np.cross(c - b, along)
            normal /= np.linalg.norm(normal)
            side = np.cross(normal, along)
            turned = math.cos(twist) * side - math.sin(twist) * normal
            x.append(a + on[1] * (math.cos(bend) * along - math.sin(bend) * turned))
    return np.array(x)


def pdb() -> str:
    atoms = sorted(zip(HEAVY, placed().tolist(), strict=True), key=lambda atom: atom[0][2])  # residue by residue
    rows = [
        f"ATOM  {n:>5} {f' {name}':<4} {residue} A{number:>4}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00{name[0]:>12}"
        for n, ((name, residue, number, *_), (x, y, z)) in enumerate(atoms, start=1)
    ]
    return "\n".join([*rows, "TER", "END", ""])


def built() -> tuple[app.Topology, openmm.System, app.ForceField, Any]:
    field, found = app.ForceField(*FIELD), app.PDBFile(io.StringIO(pdb()))
    random.seed(0)  # by which hydrogens are placed before they relax
    modeller = app.Modeller(found.topology, found.positions)
    modeller.addHydrogens(field, platform=openmm.Platform.getPlatformByName("Reference"))
    system = field.createSystem(modeller.topology, nonbondedMethod=app.NoCutoff, constraints=None, removeCMMotion=False)
    for force in system.getForces():
        if type(force).__name__ == "GBSAOBCForce":
            force.setSolventDielectric(78.5)
    return modeller.topology, system, field, modeller.positions


def context(system: openmm.System) -> openmm.Context:
    for number, force in enumerate(system.getForces()):
        force.setForceGroup(number)
    motion = openmm.LangevinMiddleIntegrator(300.0, 5.0, 0.0005)
    motion.setRandomNumberSeed(4)
    motion.setIntegrationForceGroups(in_vacuum(system))
    return openmm.Context(system, motion, openmm.Platform.getPlatformByName("Reference"))


def in_vacuum(system: openmm.System) -> int:
    """The bits of all forces but that of the solvent."""
    return sum(1 << n for n, force in enumerate(system.getForces()) if type(force).__name__ != "GBSAOBCForce")


def shortened(value: float) -> float:
    return float(f"{value:.12g}")


def tables(topology: app.Topology, system: openmm.System, field: app.ForceField, x: np.ndarray) -> dict[str, Any]:
    """The molecule in kcal/mol and Angstrom; potentials by what they are called, with their atoms."""
    forces = {type(force).__name__: force for force in system.getForces()}
    found = field.getMatchingTemplates(topology)
    of_template = [t.atoms[i] for t, r in zip(found, topology.residues(), strict=True) for i in matched(t, r)]
    classes = [field._atomTypes[atom.type].atomClass for atom in of_template]
    atoms = []
    for atom in topology.atoms():
        charge, sigma, epsilon = (v._value for v in forces["NonbondedForce"].getParticleParameters(atom.index))
        _, radius, screen = forces["GBSAOBCForce"].getParticleParameters(atom.index)
        atoms.append({
            "name": atom.name, "residue": atom.residue.name, "kind": classes[atom.index],
            "mass": shortened(system.getParticleMass(atom.index)._value), "charge": shortened(charge),
            "sigma": shortened(sigma / ANGSTROM), "epsilon": shortened(epsilon / KCAL),
            "radius": shortened(radius._value / ANGSTROM), "screening": shortened(screen),
            "position": [round(float(c), 6) for c in x[atom.index]],
        })  # fmt: skip

    groups: dict[str, dict[str, Any]] = {"bonds": {}, "angles": {}, "dihedrals": {}}

    def keep(table: str, ends: tuple[int, ...], **numbers: float) -> None:
        names = [classes[i] for i in ends]
        label = "-".join(min(names, names[::-1]) if table != "dihedrals" else names)
        if table == "dihedrals":
            label += f"-{numbers['multiplicity']}"
        rounded = {key: value if isinstance(value, int) else shortened(value) for key, value in numbers.items()}
        while label in groups[table] and {k: groups[table][label][k] for k in rounded} != rounded:
            label += "'"
        groups[table].setdefault(label, {**rounded, "atoms": []})["atoms"].append(list(ends))

    for i in range(forces["HarmonicBondForce"].getNumBonds()):
        a, b, length, k = forces["HarmonicBondForce"].getBondParameters(i)
        keep("bonds", (a, b), stiffness=k._value / KCAL * ANGSTROM**2, length=length._value / ANGSTROM)
    for i in range(forces["HarmonicAngleForce"].getNumAngles()):
        a, b, c, angle, k = forces["HarmonicAngleForce"].getAngleParameters(i)
        keep("angles", (a, b, c), stiffness=k._value / KCAL, angle=angle._value)
    for i in range(forces["PeriodicTorsionForce"].getNumTorsions()):
        a, b, c, d, times, phase, k = forces["PeriodicTorsionForce"].getTorsionParameters(i)
        if k._value != 0.0:
            keep("dihedrals", (a, b, c, d), stiffness=k._value / KCAL, phase=phase._value, multiplicity=int(times))
    return {"atoms": atoms, **groups, "third_neighbours": thirds(forces["NonbondedForce"])}


def matched(template: Any, residue: Any) -> list[int]:
    """Numbers of the atoms of a template, in the order of a residue."""
    names = [atom.name for atom in template.atoms]
    return [names.index(atom.name if atom.name in names else OLDER[atom.name]) for atom in residue.atoms()]


def thirds(force: openmm.NonbondedForce) -> dict[str, Any]:
    """Pairs that act in part, and in which part."""
    pairs, shares = [], set()
    for i in range(force.getNumExceptions()):
        a, b, product, _, epsilon = force.getExceptionParameters(i)
        if epsilon._value == 0.0 and product._value == 0.0:
            continue
        qa, _, ea = force.getParticleParameters(a)
        qb, _, eb = force.getParticleParameters(b)
        depth = epsilon._value / math.sqrt(ea._value * eb._value)
        shares.add((round(product._value / (qa._value * qb._value), 9), round(depth, 9)))
        pairs.append([a, b])
    ((charges, depth),) = shares
    return {"charges": charges, "pairs": depth, "atoms": pairs}


def reference(system: openmm.System, place: openmm.Context, positions: list[np.ndarray]) -> list[dict[str, Any]]:
    """Energies by force [kJ/mol], without and with the solvent, and forces [kJ/mol/nm], at positions [A]."""
    rows = []
    names = [type(force).__name__ for force in system.getForces()]
    for x in positions:
        place.setPositions(x * ANGSTROM)

        def seen(groups: int) -> tuple[float, list[list[float]]]:
            state = place.getState(getEnergy=True, getForces=True, groups=groups)
            return state.getPotentialEnergy()._value, state.getForces(asNumpy=True)._value.tolist()

        parts = {name: seen(1 << n)[0] for n, name in enumerate(names)}
        for what, part in (("LennardJones", 0), ("Coulomb", 1)):
            parts[what] = nonbonded_part(system, x, part)
        energy, force = seen(in_vacuum(system))
        whole, pulled = seen(-1)
        rows.append({
            "position": x.tolist(), "parts": parts, "energy": energy, "force": force,
            "energy_in_solvent": whole, "force_in_solvent": pulled,
        })  # fmt: skip
    return rows


def nonbonded_part(system: openmm.System, x: np.ndarray, part: int) -> float:
    """Of one of the two parts of the nonbonded force alone: 0 without charges, 1 with nothing but charges."""
    alone = openmm.System()
    (force,) = (openmm.XmlSerializer.clone(f) for f in system.getForces() if type(f).__name__ == "NonbondedForce")
    for i in range(system.getNumParticles()):
        alone.addParticle(1.0)
        q, sigma, epsilon = force.getParticleParameters(i)
        force.setParticleParameters(i, q * part, sigma, epsilon * (1 - part))
    for i in range(force.getNumExceptions()):
        a, b, q, sigma, epsilon = force.getExceptionParameters(i)
        force.setExceptionParameters(i, a, b, q * part, sigma, epsilon * (1 - part))
    alone.addForce(force)
    place = context(alone)
    place.setPositions(x * ANGSTROM)
    return place.getState(getEnergy=True).getPotentialEnergy()._value


def main() -> None:
    topology, system, field, start = built()
    place = context(system)
    place.setPositions(start)
    openmm.LocalEnergyMinimizer.minimize(place, 1e-3)
    rest = place.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    rest = np.round(rest - rest.mean(axis=0), 6)
    kinds = tables(topology, system, field, rest)
    head = {
        "title": "alanine dipeptide, ACE-ALA-NME",
        "source": "Amber ff99SB [Hornak et al. 2006, Proteins 65, 712]; radii and screening of OBC "
        "[Onufriev, Bashford & Case 2004, Proteins 55, 383]. Made by benchmarks/peers/alanine_dipeptide.py from "
        f"amber99sb.xml and amber99_obc.xml of OpenMM {openmm.version.short_version} (MIT; Amber's force fields are in "
        "the public domain)",
        "units": "real",
    }
    (ASSETS / "molecules" / "alanine_dipeptide.json").write_text(written({**head, **kinds}))

    place.setVelocitiesToTemperature(300.0, 4)
    positions = [rest]
    for _ in range(3):
        place.getIntegrator().step(4000)
        moved = place.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
        positions.append(np.round(moved - moved.mean(axis=0), 6))
    found = {
        "what": "energies and forces of alanine dipeptide (assets/molecules/alanine_dipeptide.json) in vacuum and in "
        "implicit solvent (GBSA by OBC II, solvent 78.5, solute 1, surface 2.25936 kJ/mol/nm2)",
        "source": f"OpenMM {openmm.version.short_version} (MIT), platform Reference, double precision",
        "command": "python benchmarks/peers/alanine_dipeptide.py",
        "units": {"position": "Angstrom", "energy": "kJ/mol", "force": "kJ/mol/nm"},
        "configurations": reference(system, place, positions),
    }
    (ASSETS / "reference" / "md" / "alanine_dipeptide.json").write_text(written(found))


def written(what: Any) -> str:
    """JSON with rows of numbers on one line each."""
    return folded(what, 0) + "\n"


def folded(what: Any, depth: int) -> str:
    flat = json.dumps(what)
    if len(flat) + depth <= 260 or not isinstance(what, dict | list):
        return flat
    inner = " " * (depth + 1)
    rows = (
        [f"{json.dumps(key)}: {folded(value, depth + 1)}" for key, value in what.items()]
        if isinstance(what, dict)
        else [folded(value, depth + 1) for value in what]
    )
    ends = "{}" if isinstance(what, dict) else "[]"
    return f"{ends[0]}\n" + ",\n".join(inner + row for row in rows) + f"\n{' ' * depth}{ends[1]}"


if __name__ == "__main__":
    main()

"""What molecular dynamics refuses, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.atoms import NVE, Atoms, Langevin, PairPotential, PointFile
from scenegrad.scenes.domain import Boundary, Periodic
from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.methods import MolecularDynamics
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter, number
from scenegrad.solvers.md.lattice import box_of, counts, groups, place, read_points
from scenegrad.solvers.md.observables.probes import output_trouble
from scenegrad.solvers.md.pairs.potentials import potential
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["atoms_of", "check_batch", "check_scene", "learnable", "pairs_of", "temperature_address"]

TOUCHING = 1e-6  # of a box edge: closer than this, two atoms stand on the same site


def atoms_of(scene: Scene) -> dict[str, Atoms]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}


def pairs_of(scene: Scene) -> dict[str, Any]:
    """Pair potentials by name: those that name two species, then the one for all others."""
    found = {name: part for name, part in scene.entities.items() if isinstance(part, PairPotential)}
    return dict(sorted(found.items(), key=lambda item: item[1].between is None))


def temperature_address(scene: Scene) -> str:
    """Where the temperature of the thermostat stands."""
    assert isinstance(scene.dynamics, Langevin)
    given = scene.dynamics.temperature
    return given if isinstance(given, str) else "dynamics.temperature"


def learnable(scene: Scene) -> list[str]:
    """Addresses of all that atoms can be differentiated by."""
    addresses = [f"{name}.{field}" for name in atoms_of(scene) for field in ("mass", "temperature")]
    addresses += [
        f"{name}.{field}" for name, pair in pairs_of(scene).items() for field in potential(pair.kind).parameters
    ]
    if isinstance(scene.dynamics, Langevin):
        addresses += [
            "dynamics.friction",
            *([] if isinstance(scene.dynamics.temperature, str) else ["dynamics.temperature"]),
        ]
    return addresses


def check_scene(scene: Scene, reasons: Reasons) -> None:
    species, pairs = atoms_of(scene), pairs_of(scene)
    for name, part in scene.entities.items():
        if name not in species and name not in pairs:
            reasons.add(name, f"is a {part.kind}; molecular dynamics knows atoms and pair potentials. Leave it out.")
    check_domain(scene, reasons)
    check_species(scene, species, reasons)
    check_pairs(species, pairs, reasons)
    check_dynamics(scene, species, reasons)
    if not reasons.lines:
        check_room(scene, species, pairs, reasons)
    check_parameters(scene, pairs, reasons)


def check_domain(scene: Scene, reasons: Reasons) -> None:
    domain = scene.domain
    wraps = domain.wrap if isinstance(domain.wrap, tuple) else (domain.wrap,)
    if not all(wraps):
        reasons.add("domain", "has sides; atoms live in a periodic box. Write Domain.periodic(...).")
    if domain.size is not None and domain.density is not None:
        reasons.add("domain", f"has size={domain.size} and a density; one follows from the other. Give one of them.")
    if scene.dim not in (2, 3):
        reasons.add("domain", f"has {scene.dim} dimensions; atoms move in 2 or 3.")
    if domain.cells is not None:
        reasons.add("domain.cells", "is for grids; atoms need none. Leave it out.")
    faces = [getattr(scene.boundary, name) for name in type(scene.boundary).model_fields]
    if scene.boundary != Boundary() and not all(face is None or isinstance(face, Periodic) for face in faces):
        reasons.add("boundary", "puts walls around atoms, which live in a periodic box. Leave it out.")
    if scene.gravity is not None:
        reasons.add("gravity", "would make atoms fall round the periodic box for ever. Leave it out.")


def check_species(scene: Scene, species: dict[str, Atoms], reasons: Reasons) -> None:
    for names in groups(species):
        share = sum(species[name].share for name in names)
        if share > 1.0 + 1e-9:
            reasons.add(
                f"{names[-1]}.share",
                f"{' + '.join(f'{species[name].share:g}' for name in names)} of the sites of one lattice go to "
                f"{', '.join(names)}; shares add up to at most 1. Write share={1.0 / len(names):.3g} or so for each.",
            )
    for name, atoms in species.items():
        if isinstance(atoms.lattice, PointFile):
            if scene.domain.size is None:
                reasons.add(
                    "domain.size",
                    f"is missing; the positions of {name} come from a file, and so the box has to be given.",
                )
            try:
                if (dim := read_points(atoms.lattice).shape[1]) != scene.dim:
                    reasons.add(f"{name}.lattice", f"holds positions of {dim} dimensions in a box of {scene.dim}.")
            except SceneError as error:
                reasons.add(f"{name}.lattice", str(error))
        if isinstance(atoms.temperature, Parameter) and number(atoms.temperature) == 0.0:
            reasons.add(
                f"{name}.temperature", "is a Parameter at 0, where velocities, of the root of it, have no derivative."
            )
    lattices = {atoms.lattice.model_dump_json() for atoms in species.values()}
    if scene.domain.size is None and len(lattices) > 1:
        reasons.add("domain.density", "does not tell the shape of a box that holds several lattices; give domain.size.")


def check_pairs(species: dict[str, Atoms], pairs: dict[str, Any], reasons: Reasons) -> None:
    if not pairs:
        reasons.add(
            "entities",
            f"hold no pair potential, so that {', '.join(species)} would not feel each other. Add LennardJones().",
        )
        return
    first_name, first = next(iter(pairs.items()))
    taken: dict[tuple[str, ...], str] = {}
    for name, pair in pairs.items():
        try:
            potential(pair.kind)
        except EngineError as error:
            reasons.add(name, str(error))
        if (pair.kind, pair.cut) != (first.kind, first.cut):
            reasons.add(
                name,
                f"is {pair.kind} with cut={pair.cut!r} and {first_name} is {first.kind} with cut={first.cut!r}; all "
                "pair potentials of a scene share both.",
            )
        unknown = [s for s in pair.between or () if s not in species]
        for given in unknown:
            reasons.add(
                f"{name}.between", f"names {given!r}; the atoms here are {', '.join(species)}.{nearest(given, species)}"
            )
        if unknown:
            continue
        acts_on = [tuple(sorted(pair.between))] if pair.between else [("every two others",)]
        for two in acts_on:
            if two in taken:
                reasons.add(
                    f"{name}.between", f"{' and '.join(two)} already belong to {taken[two]}; leave one of the two out."
                )
            taken.setdefault(two, name)
    if ("every two others",) not in taken and not any(
        s not in species for p in pairs.values() for s in p.between or ()
    ):
        missing = [two for two in combinations_with_replacement(sorted(species), 2) if two not in taken]
        for a, b in missing:
            reasons.add("entities", f"hold no potential for {a} with {b}; add LennardJones(between=({a!r}, {b!r})).")


def check_dynamics(scene: Scene, species: dict[str, Atoms], reasons: Reasons) -> None:
    dynamics = scene.dynamics
    if dynamics is not None and not isinstance(dynamics, NVE | Langevin):
        reasons.add("dynamics", f"{dynamics.kind} is not known here; there are NVE() and Langevin(...).")
    if isinstance(dynamics, Langevin) and isinstance(dynamics.temperature, str):
        known = [f"{name}.temperature" for name in species]
        if dynamics.temperature not in known:
            reasons.add(
                "dynamics.temperature",
                f"refers to {dynamics.temperature!r}; it can be a number or one of {', '.join(known)}."
                f"{nearest(dynamics.temperature, known)}",
            )
        elif number(scene.at(dynamics.temperature)) <= 0.0:
            reasons.add(
                dynamics.temperature,
                "is 0, and the thermostat is to hold it: a temperature of a thermostat is positive.",
            )
    if scene.time.tolerance is not None:
        reasons.add("time.tolerance", "needs an error estimate, and velocity Verlet has none. Give dt or cfl.")


def check_room(scene: Scene, species: dict[str, Atoms], pairs: dict[str, Any], reasons: Reasons) -> None:
    """What depends on the box: cutoffs, outputs, atoms on top of each other."""
    number_of = counts(species)
    for name, count in number_of.items():
        if count < 1:
            reasons.add(f"{name}.share", f"{species[name].share:g} of the sites make no atom at all.")
    if (total := sum(number_of.values())) < 2:
        reasons.add("entities", f"hold {total} atom; there is nothing to move with fewer than two.")
        return
    box = box_of(scene, species)
    shortest = float(box.min())
    for name, pair in pairs.items():
        if pair.cutoff > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.cutoff",
                f"{pair.cutoff:g} is beyond half of the shortest edge of the box, {0.5 * shortest:.6g}, where an atom "
                "would feel two images of the same neighbour. Take more cells of the lattice, or cutoff <= "
                f"{0.5 * shortest:.4g}.",
            )
    for name, output in scene.outputs.items():
        if (trouble := output_trouble(output, shortest)) is not None:
            reasons.add(f"outputs.{name}", trouble)
    points = np.mod(place(scene, species, box), box)
    points = np.where(points >= box, 0.0, points)
    close = cKDTree(points, boxsize=box).query_pairs(TOUCHING * shortest, output_type="ndarray")
    if len(close):
        reasons.add(
            "entities",
            f"put {len(close)} pairs of atoms on the same place; give each species sites of its own, or a share.",
        )


def check_parameters(scene: Scene, pairs: dict[str, Any], reasons: Reasons) -> None:
    try:
        allowed = learnable(scene)
    except EngineError:
        return  # an unknown potential has been told already
    for address in scene.parameters():
        if address not in allowed:
            reasons.add(
                address, f"no gradient reaches it. Write a plain number; Parameters here can be {', '.join(allowed)}."
            )
    jumping = [name for name, pair in pairs.items() if pair.cut == "plain"]
    if jumping and scene.parameters():
        reasons.add(
            f"{jumping[0]}.cut",
            "'plain' makes energy and force jump, which no derivative sees, and the gradients of "
            f"{', '.join(scene.parameters())} would be wrong. Take 'force-shift' or 'switch', or plain numbers.",
        )


def check_batch(scenes: Sequence[Scene], reasons: Reasons) -> None:
    """Members of a batch share everything but numbers, the density and the seed."""

    def shape(scene: Scene) -> dict[str, object]:
        found: dict[str, object] = {"entities": tuple(scene.entities)}
        for name, part in atoms_of(scene).items():
            found |= {f"{name}.lattice": part.lattice, f"{name}.share": part.share}
        for name, pair in pairs_of(scene).items():
            found |= {f"{name}.kind": pair.kind, f"{name}.cut": pair.cut, f"{name}.between": pair.between}
        found["dynamics"] = type(scene.dynamics).__name__
        if isinstance(scene.dynamics, Langevin) and isinstance(scene.dynamics.temperature, str):
            found["dynamics.temperature"] = scene.dynamics.temperature
        skin = scene.method.skin if isinstance(scene.method, MolecularDynamics) else None
        return found | {"time": scene.time, "outputs": scene.outputs, "units": scene.units, "method.skin": skin}

    reasons.compare([shape(scene) for scene in scenes])

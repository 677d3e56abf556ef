"""What molecular dynamics refuses, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.active import ActiveBrownian, EntropyProduction
from scenegrad.scenes.atom_outputs import VelocityCorrelation
from scenegrad.scenes.atoms import Atoms, Crystal, Lattice, PointFile, Sites
from scenegrad.scenes.coulomb import Electrostatics
from scenegrad.scenes.domain import Boundary, Domain, Periodic
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.methods import MolecularDynamics
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.outputs import RDF
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import Brownian
from scenegrad.scenes.values import Parameter, number
from scenegrad.solvers.md.closeness import named
from scenegrad.solvers.md.known import INTERACTIONS, MOVEMENTS, movement_of
from scenegrad.solvers.md.lattice import box_of, counts, edges_of, groups, lean_of, place, read_points
from scenegrad.solvers.md.observables.probes import output_trouble
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["atoms_of", "check_batch", "check_scene", "learnable"]

TOUCHING = 1e-6  # of a box edge: closer than this, two atoms stand on the same site


def atoms_of(scene: Scene) -> dict[str, Atoms]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}


def learnable(scene: Scene) -> list[str]:
    """Addresses of all that atoms can be differentiated by."""
    addresses = [f"{name}.{field}" for name in atoms_of(scene) for field in ("mass", "temperature")]
    for one in INTERACTIONS:
        addresses += one.learnable(scene)
    movement = movement_of(scene)
    return addresses + (movement.learnable(scene) if movement is not None else [])


def check_scene(scene: Scene, reasons: Reasons) -> None:
    species = atoms_of(scene)
    forces = {name for one in INTERACTIONS for name in one.entities(scene)}
    for name, part in scene.entities.items():
        if name not in species and name not in forces:
            reasons.add(name, f"is a {part.kind}; molecular dynamics knows atoms and pair potentials. Leave it out.")
    check_domain(scene, reasons)
    check_species(scene, species, reasons)
    check_interactions(scene, species, reasons)
    check_dynamics(scene, reasons)
    if not reasons.lines:
        check_room(scene, species, reasons)
    check_parameters(scene, reasons)


def check_domain(scene: Scene, reasons: Reasons) -> None:
    domain = scene.domain
    if domain.size is not None and domain.density is not None:
        reasons.add("domain", f"has size={domain.size} and a density; one follows from the other. Give one of them.")
    if scene.dim not in (2, 3):
        reasons.add("domain", f"has {scene.dim} dimensions; atoms move in 2 or 3.")
    if domain.cells is not None:
        reasons.add("domain.cells", "is for grids; atoms need none. Leave it out.")
    wraps = domain.wrap if isinstance(domain.wrap, tuple) else (domain.wrap,)
    if domain.dimensions is None and not any(wraps):
        reasons.add(
            "domain",
            "has sides. Atoms live in a box that repeats itself, along all axes as Domain.periodic(...) or along some, "
            "or in open space, Domain.unbounded(dim=3).",
        )
    elif domain.density is not None and not all(wraps):
        reasons.add("domain.density", "is that of a box which repeats itself. Write Domain.periodic(density=...).")
    faces = [getattr(scene.boundary, name) for name in type(scene.boundary).model_fields]
    if scene.boundary != Boundary() and not all(face is None or isinstance(face, Periodic) for face in faces):
        reasons.add("boundary", "puts walls around atoms, which pass through sides or come back. Leave it out.")
    if scene.gravity is not None:
        reasons.add("gravity", "would make atoms fall for ever. Leave it out.")


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
        if isinstance(atoms.lattice, Chains) and ([name] not in groups(species) or atoms.share < 1.0):
            reasons.add(
                f"{name}.lattice", "holds chains, whose beads are not dealt among species: give it to one, whole."
            )
        if isinstance(atoms.lattice, Chains) and not periodic(scene.domain):
            reasons.add(f"{name}.lattice", "holds chains, which start in a box that repeats itself along every axis.")
        if isinstance(atoms.lattice, Chains) and scene.domain.tilt is not None:
            reasons.add(f"{name}.lattice", "holds chains, which start in a box with right angles; leave the tilt out.")
        if isinstance(atoms.lattice, Crystal) and atoms.lattice.spacing is None and not periodic(scene.domain):
            reasons.add(
                f"{name}.lattice.spacing",
                "is missing; without a box that repeats itself along every axis it has to be given.",
            )
        if isinstance(atoms.lattice, Sites) and len(atoms.lattice.positions[0]) != scene.dim:
            reasons.add(f"{name}.lattice", f"holds positions of {len(atoms.lattice.positions[0])} dimensions.")
        if isinstance(atoms.lattice, PointFile):
            if scene.domain.size is None and scene.domain.dimensions is None:
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
    filling = next(iter(species.values())).lattice
    fills = isinstance(filling, Chains) or (isinstance(filling, Crystal) and filling.spacing is None)
    if scene.domain.density is not None and not fills:
        reasons.add("domain.density", "does not tell the shape of a box that no lattice fills; give domain.size.")
    if scene.domain.density is not None and len(lattices) > 1:
        reasons.add("domain.density", "does not tell the shape of a box that holds several lattices; give domain.size.")


def periodic(domain: Domain) -> bool:
    """Along every axis."""
    return all(domain.wrap) if isinstance(domain.wrap, tuple) else domain.wrap


def check_interactions(scene: Scene, species: dict[str, Atoms], reasons: Reasons) -> None:
    served = [one for one in INTERACTIONS if one.entities(scene)]
    if not served:
        reasons.add(
            "entities",
            f"hold no pair potential, so that {', '.join(species)} would not feel each other. Add LennardJones().",
        )
    for one in served:
        one.check(scene, reasons)
        if scene.domain.tilt is not None and not one.tilts:
            names = ", ".join(one.entities(scene))
            reasons.add("domain.tilt", f"makes a triclinic box, which {names} cannot serve. Leave the tilt out.")
    charged = [name for name, atoms in species.items() if isinstance(atoms.charge, Parameter) or number(atoms.charge)]
    if charged and not any(isinstance(part, Electrostatics) for part in scene.entities.values()):
        reasons.add(
            f"{charged[0]}.charge",
            "is felt by nothing. Add Electrostatics(), which lets charges act on each other, or leave the charge out.",
        )


def check_dynamics(scene: Scene, reasons: Reasons) -> None:
    movement = movement_of(scene)
    if movement is None:
        kinds = [f"{kind.__name__}(...)" for one in MOVEMENTS for kind in one.serves]
        reasons.add("dynamics", f"{scene.at('dynamics').kind} is not known here; there are {', '.join(kinds)}.")
    else:
        movement.check(scene, reasons)
    if scene.time.tolerance is not None:
        reasons.add("time.tolerance", "needs an error estimate, and velocity Verlet has none. Give dt or cfl.")


def check_room(scene: Scene, species: dict[str, Atoms], reasons: Reasons) -> None:
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
    for name, output in scene.outputs.items():
        if isinstance(output, EntropyProduction) and not isinstance(scene.dynamics, ActiveBrownian):
            reasons.add(f"outputs.{name}", "is that of active particles; give the scene dynamics ActiveBrownian(...).")
        if isinstance(output, VelocityCorrelation) and isinstance(scene.dynamics, ActiveBrownian | Brownian):
            reasons.add(
                f"outputs.{name}",
                f"is of velocities, which {type(scene.dynamics).__name__} does not follow. Take MSD(...), which tells "
                "the same, or dynamics with inertia.",
            )
    for one in INTERACTIONS:
        one.room(scene, shortest, reasons)
    for name, output in scene.outputs.items():
        if isinstance(output, RDF) and not periodic(scene.domain):
            reasons.add(
                f"outputs.{name}",
                "compares with the density of a box that repeats itself along every axis. Leave it out, or write "
                "Domain.periodic(...).",
            )
        if (trouble := output_trouble(output, shortest, tuple(species))) is not None:
            reasons.add(f"outputs.{name}", trouble)
    wide = np.where(np.isfinite(box), box, 0.0)  # as a tree of points has it: no images along that axis
    points = place(scene, species, box)
    points = np.where(wide > 0.0, np.mod(points, np.where(wide > 0.0, wide, 1.0)), points)
    points = np.where((wide > 0.0) & (points >= wide), 0.0, points)
    size = shortest if np.isfinite(shortest) else float(np.ptp(points, axis=0).max())
    if (lean := lean_of(scene)) is not None:
        turns = np.linalg.inv(edges_of(box, lean))
        points, wide = (place(scene, species, box) @ turns % 1.0) % 1.0 * shortest, np.full(len(box), shortest)
    close = cKDTree(points, boxsize=wide).query_pairs(TOUCHING * size, output_type="ndarray")
    if len(close):
        first, second = (named(int(atom), tuple(number_of), tuple(number_of.values())) for atom in sorted(close[0]))
        reasons.add(
            "entities",
            f"put {len(close)} pairs of atoms on the same place, such as {first} and {second}; give each species sites "
            "of its own, or a share.",
        )


def check_parameters(scene: Scene, reasons: Reasons) -> None:
    try:
        allowed = learnable(scene)
    except EngineError:
        return  # an unknown potential has been told already
    for address in scene.parameters():
        if address not in allowed:
            reasons.add(
                address, f"no gradient reaches it. Write a plain number; Parameters here can be {', '.join(allowed)}."
            )


def check_batch(scenes: Sequence[Scene], reasons: Reasons) -> None:
    """Members of a batch share everything but numbers, such as positions and velocities, the density and the seed."""
    sound = not reasons.lines  # files of positions can be read

    def shape(scene: Scene) -> dict[str, object]:
        found: dict[str, object] = {"entities": tuple(scene.entities)}
        for name, part in atoms_of(scene).items():
            found |= {f"{name}.lattice": form(part.lattice) if sound else part.lattice, f"{name}.share": part.share}
        if sound:
            found["atoms"] = counts(atoms_of(scene))
        found["domain"] = (scene.domain.wrap, scene.domain.dimensions, scene.domain.tilt is None)
        for one in INTERACTIONS:
            found |= one.alike(scene)
        found["dynamics"] = type(scene.dynamics).__name__
        movement = movement_of(scene)
        found |= movement.alike(scene) if movement is not None else {}
        skin = scene.method.skin if isinstance(scene.method, MolecularDynamics) else None
        return found | {"time": scene.time, "outputs": scene.outputs, "units": scene.units, "method.skin": skin}

    reasons.compare([shape(scene) for scene in scenes])


def form(lattice: Lattice) -> object:
    """What lattices of a batch share: of positions that are written out, how many there are."""
    if isinstance(lattice, Sites):
        moving = "with velocities" if lattice.velocities is not None else "without velocities"
        return f"{len(lattice.positions)} sites {moving}"
    if isinstance(lattice, PointFile):
        return f"{len(read_points(lattice))} points of a file"
    return lattice

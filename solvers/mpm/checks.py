"""What the material point method refuses, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.domain import AXES, Boundary, Periodic
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.learned import Learned
from scenegrad.scenes.methods import APIC, Apart, Implicit, MaterialPoint, Sparse
from scenegrad.scenes.outputs import CenterOfMass, Gaussians, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Body, Wall
from scenegrad.scenes.sources import Points, Splats
from scenegrad.solvers.mpm.colliders.checks import check_obstacle, check_obstacles
from scenegrad.solvers.mpm.filling import parts_of
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.probes import QUANTITIES, SERVED_OUTPUTS
from scenegrad.solvers.mpm.walls import SERVED, side, side_address, walls_of
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["check_bodies", "check_scene", "check_structure"]


def names_of(kinds: Sequence[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def check_scene(scene: Scene, reasons: Reasons) -> None:
    """Everything that can be said before bodies are filled."""
    check_domain(scene, reasons)
    check_entities(scene, reasons)
    check_sides(scene, reasons)
    check_outputs(scene, reasons)
    check_integrator(scene, reasons)
    check_contact(scene, reasons)
    check_refinement(scene, reasons)
    if scene.dynamics is not None:
        reasons.add("dynamics", f"{scene.dynamics.kind} is for atoms; leave it out.")


def check_domain(scene: Scene, reasons: Reasons) -> None:
    domain = scene.domain
    if domain.dx is not None:
        if scene.boundary != Boundary():
            reasons.add("boundary", "is for the sides of a box, and this domain has none; leave it out.")
        return
    if domain.size is None:
        reasons.add(
            "domain.size",
            "is missing; give the edge lengths, such as size=(1, 1), or take Domain.unbounded(dx=0.1, dim=2).",
        )
        return
    if len(domain.size) not in (2, 3):
        reasons.add("domain", f"has {len(domain.size)} dimension; 2 and 3 are possible.")
    size = np.array(domain.size)
    if domain.cells is None:
        cells = np.maximum(np.rint(64 * size / size.max()), 4).astype(int)
        reasons.add("domain.cells", f"is missing; such as cells={tuple(map(int, cells))}.")
        return
    widths = size / np.array(domain.cells)
    if np.ptp(widths) > 1e-6 * widths.min():
        dx = widths.min()
        cells = np.maximum(np.rint(size / dx), 1).astype(int)
        fitting = "" if np.allclose(cells * dx, size, rtol=1e-6) else f" and size={tuple(float(x) for x in cells * dx)}"
        reasons.add(
            "domain.cells",
            f"{domain.cells} makes cells of {' x '.join(f'{w:.4g}' for w in widths)}; they must be as wide along every "
            f"axis. Take cells={tuple(map(int, cells))}{fitting}.",
        )


def check_integrator(scene: Scene, reasons: Reasons) -> None:
    implicit = isinstance(scene.method, MaterialPoint) and isinstance(scene.method.integrator, Implicit)
    if scene.time.tolerance is not None and not implicit:
        reasons.add(
            "time.tolerance",
            "needs an error estimate, which the explicit integrator has not; take cfl=0.4, a dt, or "
            "method=MaterialPoint(integrator=Implicit()).",
        )
    if implicit and scene.method.refine is not None:  # type: ignore[union-attr]
        reasons.add("method.refine", "needs the explicit integrator; leave it out, or take Explicit().")
    for name, entity in scene.entities.items():
        if implicit and isinstance(entity, Collider | RigidBody):
            reasons.add(name, f"{entity.kind} needs the explicit integrator; the implicit one knows Body and Wall.")
        if implicit and isinstance(entity, Body) and isinstance(entity.material, Learned):
            reasons.add(f"{name}.material", "learned needs the explicit integrator: its stress is that of the old F.")


def check_refinement(scene: Scene, reasons: Reasons) -> None:
    """Of a region with finer cells."""
    method = scene.method
    if not isinstance(method, MaterialPoint) or method.refine is None:
        return
    finer, dim = method.refine, scene.dim
    bodies = [name for name, entity in scene.entities.items() if isinstance(entity, Body)]
    if isinstance(finer.around, str):
        if finer.around not in bodies:
            reasons.add("method.refine.around", f"{finer.around!r} is no body.{nearest(finer.around, bodies)}")
    elif len(finer.around) != dim:
        reasons.add("method.refine.around", f"has {len(finer.around)} entries in {dim} dimensions.")
    if len(finer.size) != dim:
        reasons.add("method.refine.size", f"has {len(finer.size)} entries in {dim} dimensions.")
    if not isinstance(method.transfer, APIC):
        reasons.add("method.transfer", "must be APIC() where cells are refined.")
    if isinstance(method.integrator, Implicit):
        reasons.add("method.integrator", "must be Explicit() where cells are refined.")
    if isinstance(method.contact, Apart):
        reasons.add("method.contact", "must be Together() where cells are refined.")
    if rigid := [name for name, entity in scene.entities.items() if isinstance(entity, Collider | RigidBody)]:
        reasons.add(
            "method.refine", f"is not possible with colliders and rigid bodies ({', '.join(rigid)}); take Walls."
        )


def check_contact(scene: Scene, reasons: Reasons) -> None:
    """Of bodies with grids of their own."""
    method = scene.method
    if not isinstance(method, MaterialPoint) or not isinstance(method.contact, Apart):
        return
    bodies = [name for name, entity in scene.entities.items() if isinstance(entity, Body)]
    named = [name for group in method.contact.groups for name in group]
    for name in dict.fromkeys(named):
        if name not in bodies:
            reasons.add("method.contact.groups", f"{name!r} is no body.{nearest(name, bodies)}")
        elif named.count(name) > 1:
            reasons.add("method.contact.groups", f"names {name} {named.count(name)} times; once is enough.")
    if isinstance(method.integrator, Implicit):
        reasons.add("method.contact", "apart needs the explicit integrator; take Explicit(), or Together().")


def check_entities(scene: Scene, reasons: Reasons) -> None:
    for name, entity in scene.entities.items():
        if isinstance(entity, Wall):
            if not isinstance(entity.contact, SERVED):
                reasons.add(f"{name}.contact", f"{entity.contact.kind} is not possible here; take {names_of(SERVED)}.")
        elif isinstance(entity, Collider | RigidBody):
            check_obstacle(scene, name, entity, reasons)
        elif isinstance(entity, Body):
            if type(entity.material) not in LAWS:
                reasons.add(
                    f"{name}.material", f"{entity.material.kind} has no law here; there are {names_of(list(LAWS))}."
                )
        else:
            reasons.add(name, f"{entity.kind} is not served by this method; it knows Body, Wall, Collider, RigidBody.")


def check_sides(scene: Scene, reasons: Reasons) -> None:
    if scene.domain.size is None:
        return
    for axis in range(len(scene.domain.size)):
        ends = {end: side(scene, axis, end) for end in ("lo", "hi")}
        periodic = [end for end, condition in ends.items() if isinstance(condition, Periodic)]
        if len(periodic) == 1:
            reasons.add(f"boundary.{AXES[axis]}", f"is periodic at {periodic[0]} only; both sides are, or none.")
        if periodic and isinstance(scene.method, MaterialPoint) and isinstance(scene.method.grid, Sparse):
            reasons.add("method.grid", f"sparse is not possible where {AXES[axis]} is periodic; leave it out.")
        if periodic and scene.domain.cells is not None and scene.domain.cells[axis] < 4:
            reasons.add("domain.cells", f"needs at least 4 along the periodic axis {AXES[axis]}.")
        for end, condition in ends.items():
            if not isinstance(condition, (*SERVED, Periodic)):
                address = side_address(scene, axis, end) or "boundary"
                reasons.add(address, f"{condition.kind} is not possible here; take {names_of((*SERVED, Periodic))}.")


def check_outputs(scene: Scene, reasons: Reasons) -> None:
    bodies = [name for name, entity in scene.entities.items() if isinstance(entity, Body)]
    for name, output in scene.outputs.items():
        address = f"outputs.{name}"
        if not isinstance(output, SERVED_OUTPUTS):
            reasons.add(address, f"{output.kind} cannot be measured here; there are {names_of(SERVED_OUTPUTS)}.")
        elif isinstance(output, Particles):
            for quantity in output.quantities:
                if quantity not in QUANTITIES:
                    reasons.add(
                        address,
                        f"{quantity!r} is not known of particles.{nearest(quantity, QUANTITIES)} "
                        f"Known: {', '.join(QUANTITIES)}.",
                    )
        elif isinstance(output, RigidPose):
            check_pose(scene, address, output, reasons)
        elif isinstance(output, CenterOfMass | Gaussians) and output.entity not in bodies:
            reasons.add(
                address, f"{output.entity!r} is no body.{nearest(output.entity, bodies)} Bodies: {', '.join(bodies)}."
            )
        elif isinstance(output, Gaussians) and not isinstance(shape := scene.at(f"{output.entity}.shape"), Splats):
            reasons.add(
                address,
                f"follows the Gaussians of a body, but the shape of {output.entity} is a {shape.kind}; fill it with "
                f"Splats, as they are.",
            )


def check_pose(scene: Scene, address: str, output: RigidPose, reasons: Reasons) -> None:
    moving = [
        name
        for name, entity in scene.entities.items()
        if isinstance(entity, RigidBody) or (isinstance(entity, Collider) and entity.motion is not None)
    ]
    if output.entity not in moving:
        reasons.add(
            address,
            f"{output.entity!r} is no rigid body, nor a collider that moves.{nearest(output.entity, moving)} There are "
            f"{', '.join(moving) or 'none'}.",
        )


def check_structure(scenes: Sequence[Scene], reasons: Reasons) -> None:
    """Members of a batch differ in numbers alone."""
    first = dict(skeleton(scenes[0]))
    for index, scene in enumerate(scenes[1:], 1):
        other = dict(skeleton(scene))
        for address in dict.fromkeys([*first, *other]):
            if first.get(address) != other.get(address):
                reasons.add(
                    address,
                    f"is {other.get(address, 'absent')} in member {index} and {first.get(address, 'absent')} in member "
                    f"0; members of a batch may differ in numbers of entities, boundary and gravity only.",
                )


def skeleton(scene: Scene) -> Iterator[tuple[str, Any]]:
    """(address, value) of everything that members of a batch have in common."""
    table = scene.model_dump(mode="json", exclude={"name", "seed", "schema_version"})
    table = {**table.pop("entities"), **table}
    fixed = ("domain", "time", "outputs", "method")

    def walk(part: Any, address: str) -> Iterator[tuple[str, Any]]:
        entries = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
        if isinstance(part, Mapping | list):
            for name, below in entries:
                yield from walk(below, f"{address}.{name}" if address else str(name))
        elif address.partition(".")[0] in fixed or not isinstance(part, float):
            yield address, part
        else:
            yield address, "a number"

    return walk(table, "")


def check_bodies(
    scene: Scene, bodies: Mapping[str, tuple[np.ndarray, np.ndarray]], grid: Grid, reasons: Reasons
) -> None:
    """Where the particles of each body are."""
    walls, size = walls_of(scene), grid.dx * np.array(grid.cells)
    for name, (places, volumes) in bodies.items():
        shape = scene.entities[name].shape  # type: ignore[attr-defined]
        low, high = bounds_of(shape, grid.dim)
        if not len(places) or (high - low < grid.dx * (1 - 1e-9)).any():
            reasons.add(
                f"{name}.shape",
                f"measures {' x '.join(f'{w:.4g}' for w in high - low)} and has {len(places)} particles; a body is "
                f"at least one cell wide, {grid.dx:.4g}. Enlarge it, or take more cells.",
            )
            continue
        widest = volumes.max() ** (1 / grid.dim)
        if widest > grid.dx * (1 + 1e-9) and any(isinstance(part, Points) for part in parts_of(shape)):
            reasons.add(
                f"{name}.shape",
                f"has points that stand for cubes {widest:.4g} wide, more than a cell, {grid.dx:.4g}; such particles "
                f"do not feel each other. Take more points, or fewer cells.",
            )
        endless = np.array(grid.wraps) | grid.unbounded
        beyond = np.where(endless, 0.0, np.maximum(-places, places - size))
        if beyond.max() > 0:
            particle, axis = np.unravel_index(beyond.argmax(), beyond.shape)
            end = "lo" if places[particle, axis] < 0 else "hi"
            reasons.add(
                f"{name}.shape",
                f"reaches {beyond.max():.4g} beyond {AXES[axis]}_{end}, with particle {particle} at "
                f"{at(places[particle])}; bodies start within the domain, {' x '.join(f'0..{x:.4g}' for x in size)}. "
                f"Move it, shrink it, or enlarge the domain.",
            )
        radius = 0.5 * volumes ** (1 / grid.dim)
        for wall, (normal, offset, _, _) in walls.items():
            depths = offset + radius - places @ normal
            if wall in scene.entities and depths.max() > 0.5 * grid.dx:
                reasons.add(
                    f"{name}.shape",
                    f"starts {depths.max():.4g} deep in the wall {wall}, with particle {depths.argmax()} at "
                    f"{at(places[depths.argmax()])}; move it by as much along the wall's normal.",
                )
    check_overlaps(scene, bodies, grid, reasons)
    check_obstacles(scene, bodies, grid, reasons)


def at(place: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in place) + ")"


def check_overlaps(
    scene: Scene, bodies: Mapping[str, tuple[np.ndarray, np.ndarray]], grid: Grid, reasons: Reasons
) -> None:
    names = list(bodies)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            whose, shape = one, scene.entities[other].shape  # type: ignore[attr-defined]
            if isinstance(shape, Points | Splats):  # a cloud has no inside that others could be deep in
                whose, shape = other, scene.entities[one].shape  # type: ignore[attr-defined]
            places = bodies[whose][0]
            if not len(places):
                continue
            inside = np.flatnonzero(distance_to(shape, places) < -0.5 * grid.dx)
            if len(inside):
                reasons.add(
                    f"{one}.shape",
                    f"overlaps {other}: {len(inside)} of the {len(places)} particles of {whose} lie in "
                    f"{other if whose == one else one}, first particle {inside[0]} at {at(places[inside[0]])}. Move "
                    f"one of them, or cut it out with shape - other.",
                )

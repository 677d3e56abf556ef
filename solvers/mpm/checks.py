"""What the material point method refuses, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.domain import AXES, Boundary, Periodic, Slip, Stick
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.methods import Implicit, MaterialPoint, Sparse
from scenegrad.scenes.outputs import CenterOfMass, Force, Gaussians, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Body, Wall
from scenegrad.scenes.sources import Splats
from scenegrad.solvers.mpm.colliders.checks import check_obstacle
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.method_checks import check_method
from scenegrad.solvers.mpm.probes import QUANTITIES, SERVED_OUTPUTS
from scenegrad.solvers.mpm.walls import SERVED, side, side_address, walls_of
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["check_scene", "check_structure"]


def names_of(kinds: Sequence[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def check_scene(scene: Scene, reasons: Reasons) -> None:
    """Everything that can be said before bodies are filled."""
    check_domain(scene, reasons)
    check_entities(scene, reasons)
    check_sides(scene, reasons)
    check_outputs(scene, reasons)
    check_method(scene, reasons)
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
        cells = scene.domain.cells[axis] if scene.domain.cells is not None else 0
        sparse = isinstance(scene.method, MaterialPoint) and isinstance(scene.method.grid, Sparse)
        if periodic and sparse and cells % 4:
            reasons.add(
                "domain.cells",
                f"has {cells} along the periodic axis {AXES[axis]}, where a sparse grid is made of blocks of 4; take "
                f"{4 * max(1, round(cells / 4))} of them, or Dense().",
            )
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
        elif isinstance(output, Force):
            check_force(scene, address, output, reasons)
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


def check_force(scene: Scene, address: str, output: Force, reasons: Reasons) -> None:
    rigid = [name for name, entity in scene.entities.items() if isinstance(entity, Collider | RigidBody)]
    known = [*rigid, *walls_of(scene)]
    if output.on not in known:
        reasons.add(
            address,
            f"{output.on!r} is no collider, rigid body, wall or side of the box.{nearest(output.on, known)} There are "
            f"{', '.join(known) or 'none'}.",
        )
    elif isinstance(scene.method, MaterialPoint) and isinstance(scene.method.integrator, Implicit):
        entity = scene.entities.get(output.on)
        touch = entity.contact if isinstance(entity, Collider | RigidBody) else walls_of(scene)[output.on][2]
        if isinstance(touch, Stick | Slip):
            reasons.add(address, f"force on what holds matter ({touch.kind}) needs the explicit integrator.")


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

"""What the material point method refuses of the ways to set it up, and why."""

from __future__ import annotations

from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.domain import Slip, Stick
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.learned import Learned
from scenegrad.scenes.methods import Apart, Implicit, MaterialPoint
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Body
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["check_method"]

LEAST_BLEND = 2  # fine cells; steps of the longest dt were seen to diverge with one, and not with one and a half


def check_method(scene: Scene, reasons: Reasons) -> None:
    """Integrator, finer cells and grids for each body: which of them go together, and with what."""
    check_integrator(scene, reasons)
    check_contact(scene, reasons)
    check_refinement(scene, reasons)


def check_integrator(scene: Scene, reasons: Reasons) -> None:
    implicit = isinstance(scene.method, MaterialPoint) and isinstance(scene.method.integrator, Implicit)
    if scene.time.tolerance is not None and not implicit:
        reasons.add(
            "time.tolerance",
            "needs an error estimate, which the explicit integrator has not; take cfl=0.4, a dt, or "
            "method=MaterialPoint(integrator=Implicit()).",
        )
    for name, entity in scene.entities.items():
        if implicit and isinstance(entity, RigidBody) and isinstance(entity.contact, Stick | Slip):
            reasons.add(
                f"{name}.contact",
                f"{entity.contact.kind} of a rigid body needs the explicit integrator; take Coulomb(0.5) or the like.",
            )
        if implicit and isinstance(entity, Body) and isinstance(entity.material, Learned):
            reasons.add(f"{name}.material", "learned needs the explicit integrator: its stress is that of the old F.")


def check_refinement(scene: Scene, reasons: Reasons) -> None:
    """Of a region with finer cells."""
    method = scene.method
    if not isinstance(method, MaterialPoint) or method.refine is None:
        return
    finer, dim = method.refine, scene.dim
    moving = [name for name, entity in scene.entities.items() if moves(entity)]
    if isinstance(finer.around, str):
        if isinstance(scene.entities.get(finer.around), Collider) and finer.around not in moving:
            reasons.add("method.refine.around", f"{finer.around!r} stands; give its place, such as (0.5, 0.5).")
        elif finer.around not in moving:
            reasons.add("method.refine.around", f"{finer.around!r} is no body.{nearest(finer.around, moving)}")
    elif len(finer.around) != dim:
        reasons.add("method.refine.around", f"has {len(finer.around)} entries in {dim} dimensions.")
    if len(finer.size) != dim:
        reasons.add("method.refine.size", f"has {len(finer.size)} entries in {dim} dimensions.")
    dx = cell_of(scene)
    if dx is not None and finer.blend is not None and finer.blend < LEAST_BLEND * dx / finer.factor * (1 - 1e-9):
        reasons.add(
            "method.refine.blend",
            f"is {finer.blend:.4g}, less than {LEAST_BLEND} fine cells, {LEAST_BLEND * dx / finer.factor:.4g}: some "
            f"nodes would be too light for the step. Take {2 * dx:.4g}, two coarse cells, or leave it out.",
        )
    if isinstance(method.integrator, Implicit):
        reasons.add(
            "method.refine",
            "needs the explicit integrator: an implicit step seeks the balance of forces at the nodes of one grid, and "
            "here there are two. Leave it out, or take Explicit().",
        )


def cell_of(scene: Scene) -> float | None:
    """dx, where the domain says it."""
    domain = scene.domain
    if domain.dx is not None or domain.size is None or domain.cells is None:
        return domain.dx
    return domain.size[0] / domain.cells[0]


def moves(entity: object) -> bool:
    """Whether a region may follow it."""
    return isinstance(entity, Body | RigidBody) or (isinstance(entity, Collider) and entity.motion is not None)


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

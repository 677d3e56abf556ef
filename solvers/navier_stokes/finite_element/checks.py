"""What keeps a scene from being run on a mesh."""

from __future__ import annotations

from collections.abc import Iterator

from scenegrad.engine.geometry.tagged import TaggedMesh
from scenegrad.scenes.domain import AXES, SideCondition, Slip, Stick
from scenegrad.scenes.elastic import LinearElastic, Traction
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.forcings import UniformForcing
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.methods import FiniteElement
from scenegrad.scenes.outputs import Energy, Fields, Force, Momentum, Output
from scenegrad.scenes.porous import Darcy
from scenegrad.scenes.quantities import Flux, Profile, Through
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.values import RandomField, number, vector

__all__ = ["entity_of", "is_steady", "structure", "troubles"]

SIDES: dict[type[Entity], tuple[type[SideCondition], ...]] = {
    Fluid: (NoSlip, Slip, Inflow, Outflow),
    Darcy: (Outflow, Inflow, NoSlip, Slip),
    Tracer: (NoSlip, Slip),
    LinearElastic: (Stick, Slip, Traction),
}
FIELDS: dict[type[Entity], tuple[str, ...]] = {
    Fluid: ("velocity", "pressure", "vorticity"),
    Darcy: ("pressure",),
    Tracer: (),  # and its own name
    LinearElastic: ("displacement",),
}


def entity_of(scene: Scene) -> tuple[str, Entity]:
    """The one that fills the mesh."""
    return next((name, part) for name, part in scene.entities.items() if isinstance(part, tuple(SIDES)))


def is_steady(scene: Scene) -> bool:
    part = entity_of(scene)[1]
    if isinstance(part, Darcy | LinearElastic):
        return True
    return isinstance(scene.method, FiniteElement) and scene.method.time == "steady"


def troubles(scene: Scene, mesh: TaggedMesh) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    filling = {name: part for name, part in scene.entities.items() if isinstance(part, tuple(SIDES))}
    known = "a fluid, a porous medium (Darcy), a tracer that diffuses, or a linear elastic solid"
    for name, part in scene.entities.items():
        if name not in filling:
            yield name, f"is a {part.kind}; finite elements know {known}. Leave it out"
    if len(filling) != 1:
        yield "entities", f"hold {', '.join(filling) or 'nothing'} to fill the mesh; exactly one does: {known}"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; write 'SI'"
    if scene.dynamics is not None:
        yield "dynamics", f"{scene.dynamics.kind} moves atoms; leave it out"
    if scene.time.tolerance is not None:
        yield "time.tolerance", "needs an error estimate, which BDF2 has not; give a dt, or leave it out"
    if scene.time.cfl is not None:
        yield "time.cfl", "is a share of a stability bound, which these implicit steps have not; give a dt"
    yield from tag_troubles(scene, mesh)
    if len(filling) != 1:
        return
    name, part = entity_of(scene)
    yield from entity_troubles(name, part, scene)
    for tag, given in scene.boundary.tags.items():
        if tag in mesh.facets:
            yield from condition_troubles(f"boundary.tags.{tag}", given, name, part, mesh.dim)
    if scene.boundary.default is not None:
        yield from condition_troubles("boundary.default", scene.boundary.default, name, part, mesh.dim)
    for key, output in scene.outputs.items():
        if (why_not := output_trouble(output, name, part, scene, mesh)) is not None:
            yield f"outputs.{key}", why_not


def tag_troubles(scene: Scene, mesh: TaggedMesh) -> Iterator[tuple[str, str]]:
    boundary, there = scene.boundary, ", ".join(mesh.tags) or "none"
    for tag in boundary.tags:
        if tag not in mesh.tags:
            yield f"boundary.tags.{tag}", f"the mesh has no tag {tag!r}; there are: {there}.{nearest(tag, mesh.tags)}"
    for face in (*AXES, *(f"{axis}_{end}" for axis in AXES for end in ("lo", "hi"))):
        if getattr(boundary, face) is not None:
            yield f"boundary.{face}", f"is a side of a box; a mesh has tags: {there}. Write Boundary(tags={{...}})"
    if boundary.default is None:
        missing = [tag for tag in mesh.tags if tag not in boundary.tags]
        if missing:
            yield "boundary.tags", f"leave out {', '.join(missing)}; name them, or give a default= for the rest"
        if "" in mesh.facets:
            yield (
                "boundary.default",
                f"is missing: {len(mesh.facets[''])} facets of the boundary have no tag (those that have: {there})",
            )


def entity_troubles(name: str, part: Entity, scene: Scene) -> Iterator[tuple[str, str]]:
    match part:
        case Fluid():
            if part.vorticity is not None:
                yield f"{name}.vorticity", "needs a grid; start from a velocity (one vector), or from rest"
            if isinstance(part.velocity, InitialField | RandomField):
                yield (
                    f"{name}.velocity",
                    "needs a grid; give one vector, or start from rest",
                )
            if part.forcing is not None and not isinstance(part.forcing, UniformForcing):
                yield f"{name}.forcing", f"{part.forcing.kind} needs a box; there is uniform"
            elif isinstance(part.forcing, UniformForcing) and len(vector(part.forcing.acceleration)) != scene.dim:
                yield f"{name}.forcing.acceleration", f"needs {scene.dim} entries, one for each dimension"
            if part.turbulence is not None:
                yield f"{name}.turbulence", f"{part.turbulence.kind} is not known on a mesh; leave it out"
            if number(part.viscosity) <= 0.0:
                yield f"{name}.viscosity", "is 0; a flow between walls on a mesh needs one above"
        case Darcy():
            for field in ("permeability", "source"):
                value = getattr(part, field)
                if isinstance(value, InitialField | RandomField):
                    yield (
                        f"{name}.{field}",
                        f"is {type(value).__name__}, which needs a box; give a number here, and a value for each "
                        f"element in the initial state",
                    )
            if number(part.reaction) < 0.0:
                yield f"{name}.reaction", "is negative; waves of one frequency are solved on grids, by Elliptic()"
        case Tracer():
            if isinstance(part.initial, InitialField | RandomField):
                yield f"{name}.initial", f"{type(part.initial).__name__} needs a box; give a number"
            if part.buoyancy is not None or part.carried_by is not None:
                yield f"{name}", "a tracer on a mesh diffuses alone; leave buoyancy and carried_by out"
            if number(part.diffusivity) <= 0.0:
                yield f"{name}.diffusivity", "is 0, so that nothing happens; give one above"
        case LinearElastic():
            if not 0.0 <= number(part.poisson_ratio) < 0.4999:
                yield f"{name}.poisson_ratio", f"is {number(part.poisson_ratio):g}; 0 to 0.4999 is possible here"
    if scene.gravity is not None and not isinstance(part, LinearElastic):
        yield "gravity", "acts on elastic solids alone here; for a fluid of one density it only changes the pressure"


def condition_troubles(
    address: str, given: SideCondition, name: str, part: Entity, dim: int
) -> Iterator[tuple[str, str]]:
    allowed = next(kinds for family, kinds in SIDES.items() if isinstance(part, family))
    if not isinstance(given, allowed):
        names = ", ".join(kind.model_fields["kind"].default for kind in allowed)
        yield address, f"is {given.kind}; {name}, a {part.kind}, has {names}"
        return
    velocity = getattr(given, "velocity", None)
    if isinstance(velocity, tuple) and len(velocity) != dim:
        yield f"{address}.velocity", f"has {len(velocity)} entries on a mesh of {dim} dimensions"
    if isinstance(given, Traction) and given.force is not None and len(vector(given.force)) != dim:
        yield f"{address}.force", f"has {len(vector(given.force))} entries on a mesh of {dim} dimensions"
    if isinstance(part, Darcy) and isinstance(given, Inflow) and isinstance(velocity, tuple | Profile):
        yield f"{address}.velocity", "is a number or a signal here: the speed at which fluid comes in"
    for tracer, value in getattr(given, "carried", {}).items():
        if not isinstance(part, Tracer) or tracer != name:
            yield f"{address}.carried.{tracer}", f"there is no tracer {tracer!r} on this mesh; there is {name}"
        inner = value.value if isinstance(value, Through) else value
        if isinstance(inner, Profile | Flux):
            yield f"{address}.carried.{tracer}", "is a number, a signal, or Through(...) of one"


def output_trouble(output: Output, name: str, part: Entity, scene: Scene, mesh: TaggedMesh) -> str | None:
    match output:
        case Fields():
            known = [*next(f for family, f in FIELDS.items() if isinstance(part, family))]
            known = [k for k in known if mesh.dim == 2 or k != "vorticity"] or [name]
            unknown = [q for q in output.quantities if q not in known]
            hint = nearest(unknown[0], known) if unknown else ""
            return f"there is no field {unknown[0]!r}; known: {', '.join(known)}.{hint}" if unknown else None
        case Force() if isinstance(part, Fluid):
            on = output.on.removeprefix("boundary.tags.")
            if not output.on.startswith("boundary.tags.") or on not in mesh.tags:
                there = ", ".join(f"boundary.tags.{tag}" for tag in mesh.tags)
                return f"on={output.on!r} is no tag of the mesh; there are: {there}.{nearest(on, mesh.tags)}"
            return None
        case Energy():
            return None
        case Momentum() if isinstance(part, Fluid):
            return None
    return "finite elements give fields and energy, and of a flow force and momentum"


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers."""
    kinds: dict[str, object] = {name: part.kind for name, part in scene.entities.items()}
    for tag, given in [*scene.boundary.tags.items(), ("", scene.boundary.default)]:
        if given is not None:
            inner = {field: type(value) for field, value in given if hasattr(value, "kind")}
            kinds[f"boundary.tags.{tag}" if tag else "boundary.default"] = (given.kind, str(inner))
    common = ("domain", "time", "outputs", "method", "units")
    return {**kinds, **{field: getattr(scene, field) for field in common}}

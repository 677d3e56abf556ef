"""What keeps a scene from being run on a mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scenegrad.engine.geometry.tagged import TaggedMesh
from scenegrad.scenes.domain import AXES, SideCondition, Slip, Stick
from scenegrad.scenes.elastic import LinearElastic, Traction
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import closest, nearest
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.forcings import UniformForcing
from scenegrad.scenes.initial_fields import FieldFile, InitialField
from scenegrad.scenes.methods import FiniteElement
from scenegrad.scenes.outputs import Diagnostics, Energy, Exchange, Fields, Force, Momentum, Output
from scenegrad.scenes.porous import Darcy
from scenegrad.scenes.quantities import Flux, Profile, Through
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.values import RandomField, number, vector
from scenegrad.solvers.navier_stokes.fields.checks import Role, kinds_for
from scenegrad.solvers.shared.structure import structure_of

__all__ = ["carried", "entity_of", "is_steady", "structure", "troubles"]

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


def filling(scene: Scene) -> dict[str, Entity]:
    """What fills the mesh; tracers that something carries are no rivals of it."""
    found = {name: part for name, part in scene.entities.items() if isinstance(part, tuple(SIDES))}
    others = {name: part for name, part in found.items() if not isinstance(part, Tracer)}
    return others or found


def entity_of(scene: Scene) -> tuple[str, Entity]:
    """The one that fills the mesh."""
    return next(iter(filling(scene).items()))


def carried(scene: Scene) -> dict[str, Tracer]:
    """What the fluid carries."""
    if not isinstance(entity_of(scene)[1], Fluid):
        return {}
    return {name: part for name, part in scene.entities.items() if isinstance(part, Tracer)}


def is_steady(scene: Scene) -> bool:
    part = entity_of(scene)[1]
    if isinstance(part, Darcy | LinearElastic):
        return True
    return isinstance(scene.method, FiniteElement) and scene.method.time == "steady"


def troubles(scene: Scene, mesh: TaggedMesh) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    fill = filling(scene)
    known = "a fluid and what it carries, a porous medium (Darcy), a tracer that diffuses, or a linear elastic solid"
    with_tracers = (Tracer,) if any(isinstance(part, Fluid) for part in fill.values()) else ()
    for name, part in scene.entities.items():
        if name not in fill and not isinstance(part, with_tracers):
            yield name, f"is a {part.kind}; finite elements know {known}. Leave it out"
    if len(fill) != 1:
        yield "entities", f"hold {', '.join(fill) or 'nothing'} to fill the mesh; exactly one does: {known}"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; write 'SI'"
    if scene.dynamics is not None:
        yield "dynamics", f"{scene.dynamics.kind} moves atoms; leave it out"
    if scene.time.tolerance is not None:
        yield "time.tolerance", "needs an error estimate, which BDF2 has not; give a dt, or leave it out"
    if scene.time.cfl is not None:
        yield "time.cfl", "is a share of a stability bound, which these implicit steps have not; give a dt"
    yield from tag_troubles(scene, mesh)
    if len(fill) != 1:
        return
    name, part = entity_of(scene)
    tracers = [*carried(scene)] or ([name] if isinstance(part, Tracer) else [])
    yield from entity_troubles(name, part, scene)
    for key, tracer in carried(scene).items():
        yield from tracer_troubles(key, tracer, scene, name)
    for tag, given in scene.boundary.tags.items():
        if tag in mesh.facets:
            yield from condition_troubles(f"boundary.tags.{tag}", given, name, part, tracers, mesh.dim)
    if scene.boundary.default is not None:
        yield from condition_troubles("boundary.default", scene.boundary.default, name, part, tracers, mesh.dim)
    for key, output in scene.outputs.items():
        if (why_not := output_trouble(output, part, tracers, mesh)) is not None:
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
            if (trouble := start_trouble(part.velocity, "flow")) is not None:
                yield f"{name}.velocity", f"{trouble}; give one vector, or start from rest"
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
            yield from tracer_troubles(name, part, scene, None)
        case LinearElastic():
            if not 0.0 <= number(part.poisson_ratio) < 0.4999:
                yield f"{name}.poisson_ratio", f"is {number(part.poisson_ratio):g}; 0 to 0.4999 is possible here"
    if scene.gravity is not None and not isinstance(part, LinearElastic):
        yield "gravity", "acts on elastic solids alone here; for a fluid of one density it only changes the pressure"


def start_trouble(told: object, role: Role) -> str | None:
    """Why nodes anywhere cannot start from a field of this kind; None where they can."""
    if isinstance(told, FieldFile):
        return "holds samples of a grid"
    if isinstance(told, InitialField | RandomField) and not isinstance(told, kinds_for(role)):
        return f"is a {getattr(told, 'kind', 'field')}, which is no {role}"
    return None


def tracer_troubles(name: str, part: Tracer, scene: Scene, fluid: str | None) -> Iterator[tuple[str, str]]:
    """fluid: what carries it; None where it diffuses alone."""
    if (trouble := start_trouble(part.initial, "value")) is not None:
        yield f"{name}.initial", f"{trouble}; give a number"
    if fluid is None:
        if part.buoyancy is not None or part.carried_by is not None:
            yield (
                f"{name}",
                "there is no fluid to be carried by or to lift; leave buoyancy and carried_by out, or add one",
            )
        if number(part.diffusivity) <= 0.0:
            yield f"{name}.diffusivity", "is 0, so that nothing happens; give one above"
        return
    if part.carried_by not in (None, fluid):
        yield f"{name}.carried_by", f"is {part.carried_by!r}; the fluid is {fluid!r}"
    if is_steady(scene):
        if number(part.diffusivity) <= 0.0:
            yield (
                f"{name}.diffusivity",
                "is 0; what does not spread has no steady state. Give one above, or march in time",
            )
        sides = [*scene.boundary.tags.values(), scene.boundary.default]
        values = [getattr(side, "carried", {}).get(name, 0.0 if isinstance(side, Inflow) else None) for side in sides]
        if all(value is None or isinstance(value, Through) for value in values):
            yield (
                name,
                f"has no value on any side, so no steady state; let a tag be NoSlip({name}=0.0), or march in time",
            )


def condition_troubles(
    address: str, given: SideCondition, name: str, part: Entity, tracers: Sequence[str], dim: int
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
        if tracer not in tracers:
            there = ", ".join(tracers) or "none"
            yield (
                f"{address}.carried.{tracer}",
                f"there is no tracer {tracer!r} on this mesh; there is: {there}.{nearest(tracer, tracers)}",
            )
        if isinstance(value.value, Profile) if isinstance(value, Through) else isinstance(value, Flux):
            yield (
                f"{address}.carried.{tracer}",
                "is a number, a signal, a profile, or Through(...) of a number or signal",
            )


def output_trouble(output: Output, part: Entity, tracers: Sequence[str], mesh: TaggedMesh) -> str | None:
    match output:
        case Fields():
            known = [*next(f for family, f in FIELDS.items() if isinstance(part, family)), *tracers]
            known = [k for k in known if mesh.dim == 2 or k != "vorticity"]
            unknown = [q for q in output.quantities if q not in known]
            hint = nearest(unknown[0], known) if unknown else ""
            return f"there is no field {unknown[0]!r}; known: {', '.join(known)}.{hint}" if unknown else None
        case Force() if isinstance(part, Fluid):
            return tag_trouble("on", output.on, mesh)
        case Exchange() if isinstance(part, Fluid):
            if output.of not in tracers:
                there = ", ".join(tracers) or "none"
                return f"there is no tracer {output.of!r}; there is: {there}.{nearest(output.of, tracers)}"
            return tag_trouble("through", output.through, mesh)
        case Energy():
            return None
        case Diagnostics() | Momentum() if isinstance(part, Fluid):
            return None
    return "finite elements give fields and energy, and of a flow diagnostics, force, momentum and exchange"


def tag_trouble(field: str, given: str, mesh: TaggedMesh) -> str | None:
    tag = given.removeprefix("boundary.tags.")
    if given.startswith("boundary.tags.") and tag in mesh.tags:
        return None
    known = {tag: f"boundary.tags.{tag}" for tag in mesh.tags}
    meant = closest(tag, known)
    hint = "" if meant is None else f" Did you mean {known[meant]!r}?"
    return f"{field}={given!r} is no tag of the mesh; there are: {', '.join(known.values())}.{hint}"


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers."""
    found: dict[str, object] = {name: structure_of(part) for name, part in scene.entities.items()}
    for tag, given in scene.boundary.tags.items():
        found[f"boundary.tags.{tag}"] = structure_of(given)
    found |= {"boundary.default": structure_of(scene.boundary.default), "gravity": structure_of(scene.gravity)}
    return found | {field: getattr(scene, field) for field in ("domain", "time", "outputs", "method", "units")}

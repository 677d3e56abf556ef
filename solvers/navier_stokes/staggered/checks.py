"""What keeps a scene from being run on a staggered grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scenegrad.scenes.fluids import Fluid, Obstacle, Smagorinsky, Tracer
from scenegrad.scenes.methods import Staggered
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import vector
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble
from scenegrad.solvers.navier_stokes.fields.start import is_number, is_vector
from scenegrad.solvers.navier_stokes.staggered.forcing import forcing_trouble
from scenegrad.solvers.navier_stokes.staggered.initial import show
from scenegrad.solvers.navier_stokes.staggered.obstacles.placing import obstacle_troubles
from scenegrad.solvers.navier_stokes.staggered.probes import output_trouble
from scenegrad.solvers.navier_stokes.staggered.walls import kinds_of, side_troubles, structure_of

__all__ = ["structure", "troubles"]

FEWEST_CELLS = 4


def troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    box = list(box_troubles(scene))
    yield from box
    fluids = {name: part for name, part in scene.entities.items() if isinstance(part, Fluid)}
    tracers = [name for name, part in scene.entities.items() if isinstance(part, Tracer)]
    bodies = [name for name, part in scene.entities.items() if isinstance(part, Obstacle)]
    for name, part in scene.entities.items():
        if not isinstance(part, Fluid | Tracer | Obstacle):
            yield name, f"is a {part.kind}; a staggered grid holds a fluid, tracers and obstacles. Leave it out"
    if len(fluids) != 1:
        yield "entities", f"hold {len(fluids)} fluids ({', '.join(fluids) or 'none'}); the box is filled by exactly one"
    if scene.gravity is not None:
        yield (
            "gravity",
            "only changes the pressure of a fluid of one density; leave it out, and give a Tracer a buoyancy where "
            "lighter fluid shall rise",
        )
    if scene.dynamics is not None:
        yield "dynamics", f"{scene.dynamics.kind} moves atoms; leave it out"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; a fluid has 'SI'"
    for key, output in scene.outputs.items():
        if (trouble := output_trouble(output, tracers, bodies, scene.dim)) is not None:
            yield f"outputs.{key}", trouble
    if box:
        return
    yield from side_troubles(scene, tracers)
    for name, fluid in fluids.items():
        yield from fluid_troubles(name, fluid, scene)
    for name in tracers:
        yield from tracer_troubles(name, scene, list(fluids))
    yield from obstacle_troubles(scene, tracers)
    yield from method_troubles(scene, tracers)


def box_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    domain = scene.domain
    if domain.dim not in (2, 3):
        yield "domain.size", f"has {domain.dim} dimensions; a staggered grid has 2 or 3"
    if domain.size is None:
        yield "domain.size", "is missing; give the edge lengths"
    if domain.cells is None:
        yield "domain.cells", "is missing; give numbers such as (64, 64)"
    elif min(domain.cells) < FEWEST_CELLS:
        yield "domain.cells", f"{domain.cells} is too coarse; at least {FEWEST_CELLS} along each edge"


def fluid_troubles(name: str, fluid: Fluid, scene: Scene) -> Iterator[tuple[str, str]]:
    cells, size = scene.domain.cells, scene.domain.size
    assert cells is not None
    assert size is not None
    if fluid.vorticity is not None:
        if scene.dim != 2:
            yield f"{name}.vorticity", "starts a flow in two dimensions; give a velocity"
        elif (trouble := start_trouble(fluid.vorticity, cells, size, "vorticity")) is not None:
            yield f"{name}.vorticity", trouble
        if fluid.velocity is not None and not is_vector(fluid.velocity):
            yield f"{name}.velocity", "beside a vorticity it is the mean of the flow: one vector"
    elif fluid.velocity is not None and not is_vector(fluid.velocity):
        if (trouble := start_trouble(fluid.velocity, cells, size, "flow", scene.dim, highest=show)) is not None:
            yield f"{name}.velocity", trouble
    if fluid.forcing is not None and (trouble := forcing_trouble(fluid.forcing, scene.dim)) is not None:
        yield f"{name}.forcing", trouble
    if fluid.turbulence is not None and not isinstance(fluid.turbulence, Smagorinsky):
        yield f"{name}.turbulence", f"{fluid.turbulence.kind} is not known here; there is smagorinsky"


def tracer_troubles(name: str, scene: Scene, fluids: Sequence[str]) -> Iterator[tuple[str, str]]:
    tracer = scene.entities[name]
    assert isinstance(tracer, Tracer)
    cells, size = scene.domain.cells, scene.domain.size
    assert cells is not None
    assert size is not None
    if tracer.carried_by is not None and tracer.carried_by not in fluids:
        yield f"{name}.carried_by", f"there is no fluid {tracer.carried_by!r}; there are: {', '.join(fluids) or 'none'}"
    if tracer.buoyancy is not None and len(vector(tracer.buoyancy)) != scene.dim:
        yield f"{name}.buoyancy", f"has {len(vector(tracer.buoyancy))} entries in a scene of {scene.dim} dimensions"
    start = tracer.initial
    if not is_number(start) and (trouble := start_trouble(start, cells, size, highest=show)) is not None:
        yield f"{name}.initial", trouble


def method_troubles(scene: Scene, tracers: Sequence[str]) -> Iterator[tuple[str, str]]:
    method = scene.method if isinstance(scene.method, Staggered) else Staggered()
    if scene.time.tolerance is not None and method.integrator == "ab2":
        yield (
            "time.tolerance",
            "needs an error estimate, and ab2 has none; write integrator='rk3' or 'dp5', or leave it out",
        )
    if method.advection == "maccormack" and method.integrator not in (None, "ab2"):
        yield "method.integrator", "maccormack follows the flow for a whole step; leave the integrator out"
    if method.viscosity == "implicit":
        for name, part in scene.entities.items():
            if isinstance(part, Obstacle) and (free := [t for t in tracers if t not in part.carried]):
                yield (
                    name,
                    f"lets nothing of {', '.join(free)} pass, which an implicit diffusion cannot keep to; give a value "
                    f"there, or take viscosity='explicit'",
                )
    if method.viscosity == "implicit" and method.integrator not in (None, "ab2"):
        yield "method.integrator", "an implicit viscosity goes with ab2; leave the integrator out"
    if scene.time.tolerance is not None and (method.advection == "maccormack" or method.viscosity == "implicit"):
        yield "time.tolerance", "needs an explicit method, rk3 or dp5; leave maccormack and the implicit viscosity out"


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers and random fields."""
    kinds: dict[str, object] = {}
    for name, part in scene.entities.items():
        kinds[name] = part.kind
        for field in ("forcing", "vorticity", "velocity", "turbulence", "initial", "shape", "motion", "buoyancy"):
            inner = getattr(part, field, None)
            kinds[f"{name}.{field}"] = getattr(inner, "kind", None) or (inner is not None and kinds_of(inner))
    common = ("domain", "time", "outputs", "method", "units")
    return {**kinds, **structure_of(scene), **{field: getattr(scene, field) for field in common}}

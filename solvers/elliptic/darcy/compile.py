"""From a scene with a porous medium to a solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.domain import Periodic
from scenegrad.scenes.initial_fields import FieldFile, InitialField
from scenegrad.scenes.methods import Elliptic
from scenegrad.scenes.porous import Darcy, LogNormalField, TwoPhases
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import RandomField, number
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Fast
from scenegrad.solvers.elliptic.darcy.fields import field_trouble, random_field, samples
from scenegrad.solvers.elliptic.darcy.probes import output_trouble, probe
from scenegrad.solvers.elliptic.darcy.sides import ENDS, axes_of, condition, side_troubles, sides_of
from scenegrad.solvers.elliptic.darcy.solver import DarcySolver
from scenegrad.solvers.elliptic.darcy.state import DarcyState
from scenegrad.solvers.elliptic.iteration import Iteration
from scenegrad.solvers.elliptic.learned.recycling import Recycling
from scenegrad.solvers.elliptic.multigrid import Multigrid
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.memory import keep_memory
from scenegrad.solvers.shared.reasons import refuse_unfit

__all__ = ["compile_darcy"]

FEWEST_CELLS = 4
BECAUSE = (
    "a porous medium can be differentiated by its permeability, source and reaction, where they are numbers; by the "
    "values above and below of two phases, the median of a log-normal field, the pressures and speeds of its sides; "
    "and by its initial state, which holds permeability and source of every cell."
)


def compile_darcy(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[DarcySolver, DarcyState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers and random fields only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    refuse_unfit(scenes, troubles, structure)
    keep_memory()
    scene = scenes[0]
    axes, name = axes_of(scene), medium_of(scene)
    asked = scene.method if isinstance(scene.method, Elliptic) else Elliptic()
    elliptic = EllipticSolver(axes, iteration(asked, axes, device, dtype), asked.tolerance)
    values = params(scenes, learnable(scene), device, dtype, BECAUSE)
    every = Fixed(scene.time.end)
    unplanned: Program[DarcyState] = Program(scene.time.end, every)
    solver = DarcySolver(elliptic, sides_of(scene), f"{name}.reaction", unplanned)
    initial = start(scenes, name, device, dtype)
    probes = [probe(key, output, scene.time.warmup, solver) for key, output in scene.outputs.items()]
    return replace(solver, program=program(scenes, probes, every, initial)), initial(values), values


def iteration(asked: Elliptic, axes: tuple[Axis, ...], device: str, dtype: torch.dtype) -> Iteration:
    if asked.krylov == "recycled_gmres":
        return Recycling()
    if asked.krylov == "gmres":
        return Recycling(kept=0, ordered=False)
    return ConjugateGradient(Multigrid() if asked.preconditioner == "multigrid" else Fast.on(axes, device, dtype))


def medium_of(scene: Scene) -> str:
    return next(name for name, part in scene.entities.items() if isinstance(part, Darcy))


def learnable(scene: Scene) -> list[str]:
    name = medium_of(scene)
    found = [f"{name}.reaction"]
    permeability, source = scene.at(f"{name}.permeability"), scene.at(f"{name}.source")
    match permeability:
        case TwoPhases():
            found += [f"{name}.permeability.above", f"{name}.permeability.below"]
        case LogNormalField():
            found += [f"{name}.permeability.median"]
        case FieldFile():
            pass
        case _:
            found += [f"{name}.permeability"]
    if not isinstance(source, RandomField | InitialField):
        found.append(f"{name}.source")
    return [*found, *dict.fromkeys(sides_of(scene).addresses.values())]


def start(scenes: Sequence[Scene], name: str, device: str, dtype: torch.dtype) -> Callable[[Params], DarcyState]:
    """Permeability and source; the pressure is zero."""
    cells, size = scenes[0].domain.cells, scenes[0].domain.size
    assert cells is not None
    assert size is not None
    flat = torch.ones(len(scenes), *cells, device=device, dtype=dtype)
    around = tuple(axis.periodic for axis in axes_of(scenes[0]))

    def stacked(fields: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(fields)).to(device, dtype)

    media = [scene.at(f"{name}.permeability") for scene in scenes]
    sources = [scene.at(f"{name}.source") for scene in scenes]
    numbered = not isinstance(media[0], InitialField), not isinstance(sources[0], InitialField | RandomField)
    if isinstance(media[0], TwoPhases | LogNormalField):
        shape = stacked([random_field(one.of, cells, size, around) for one in media])
    elif not numbered[0]:
        shape = stacked([samples(one, cells, size, around) for one in media])
    fixed = None if numbered[1] else stacked([samples(one, cells, size, around) for one in sources])

    def each(values: Params, address: str) -> Tensor:
        return values[address].view(-1, *[1] * len(cells))

    def initial(values: Params) -> DarcyState:
        if numbered[0]:
            permeability = each(values, f"{name}.permeability") * flat
        elif isinstance(media[0], TwoPhases):
            above, below = (each(values, f"{name}.permeability.{which}") for which in ("above", "below"))
            permeability = torch.where(shape > 0, above, below)
        elif isinstance(media[0], LogNormalField):
            permeability = each(values, f"{name}.permeability.median") * shape.exp()
        else:
            permeability = shape
        source = each(values, f"{name}.source") * flat if fixed is None else fixed
        return DarcyState(permeability, source, torch.zeros_like(flat))

    return initial


# ---- what cannot be run


def troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    domain = scene.domain
    for field, example in (("size", "edge lengths"), ("cells", "numbers such as (64, 64)")):
        if getattr(domain, field) is None:
            yield f"domain.{field}", f"is missing; give {example}"
    if domain.cells is not None and min(domain.cells) < FEWEST_CELLS:
        yield "domain.cells", f"{domain.cells} is too coarse; at least {FEWEST_CELLS} along each edge"
    media = {name: part for name, part in scene.entities.items() if isinstance(part, Darcy)}
    for name, part in scene.entities.items():
        if name not in media:
            yield name, f"is a {part.kind}; a porous medium fills the box alone. Leave it out"
    if len(media) != 1:
        yield "entities", f"hold {len(media)} porous media ({', '.join(media) or 'none'}); exactly one fills the box"
    for name, part in media.items():
        yield from field_troubles(name, part, scene)
    for given, address, why in (
        (scene.gravity, "gravity", "only adds a hydrostatic pressure"),
        (scene.dynamics, "dynamics", "moves atoms"),
        (scene.time.cfl, "time.cfl", "has no meaning, nothing changes in time"),
        (scene.time.tolerance, "time.tolerance", "has no meaning, nothing changes in time; Elliptic has a tolerance"),
    ):
        if given is not None:
            yield address, f"{why}; leave it out"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; a porous medium has 'SI'"
    for key, output in scene.outputs.items():
        if (trouble := output_trouble(output)) is not None:
            yield f"outputs.{key}", trouble
    if domain.dim is not None and domain.size is not None:
        yield from side_troubles(scene)
        if isinstance(scene.method, Elliptic) and scene.method.preconditioner == "multigrid" and domain.cells:
            for axis, cells in enumerate(domain.cells):
                if isinstance(condition(scene, axis, "lo")[1], Periodic) and cells % 2:
                    yield "domain.cells", f"{domain.cells}: multigrid needs an even number along periodic edges"


def field_troubles(name: str, part: Darcy, scene: Scene) -> Iterator[tuple[str, str]]:
    permeability, source = part.permeability, part.source
    if isinstance(permeability, InitialField) and not isinstance(permeability, TwoPhases | LogNormalField | FieldFile):
        yield (
            f"{name}.permeability",
            f"is {permeability.kind}; it is a number, two_phases, log_normal_field or field_file",
        )
    if isinstance(source, InitialField) and not isinstance(source, FieldFile):
        yield f"{name}.source", f"is {source.kind}; it is a number, a gaussian_field, a matern_field or a field_file"
    asked = scene.method if isinstance(scene.method, Elliptic) else Elliptic()
    if number(part.reaction) < 0 and asked.krylov == "conjugate_gradients":
        yield (
            f"{name}.reaction",
            f"is {number(part.reaction):g}, and conjugate gradients need an equation that is definite; write "
            "method=Elliptic(krylov='recycled_gmres')",
        )
    for field, value in (("permeability", permeability), ("source", source)):
        if isinstance(value, FieldFile):
            trouble = field_trouble(value, scene.domain.cells, positive=field == "permeability")
            if trouble is not None:
                yield f"{name}.{field}", trouble


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers and random fields."""
    kinds: dict[str, object] = {}
    for name, part in scene.entities.items():
        kinds[name] = part.kind
        for field in ("permeability", "source"):
            value = getattr(part, field, None)
            kinds[f"{name}.{field}"] = type(value) if isinstance(value, InitialField | RandomField) else "number"
    for axis in range(scene.dim):
        for end in ENDS:
            address, given = condition(scene, axis, end)
            kinds[f"boundary.{axis}.{end}"] = address, None if given is None else given.kind
    common = ("domain", "time", "outputs", "method", "units")
    return {**kinds, **{field: getattr(scene, field) for field in common}}

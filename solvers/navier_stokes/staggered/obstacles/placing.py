"""From the obstacles of a scene to bodies on the grid, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.geometry.turning import rotation
from scenegrad.engine.state import Params
from scenegrad.scenes.domain import AXES
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, Outflow
from scenegrad.scenes.signals import Signal, Sine
from scenegrad.scenes.values import Parameter, number, vector
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Body, Obstacles
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import Images, Motion
from scenegrad.solvers.navier_stokes.staggered.obstacles.passage import Passage
from scenegrad.solvers.navier_stokes.staggered.obstacles.shapes import distance_of, learnable_shape
from scenegrad.solvers.navier_stokes.staggered.walls import condition
from scenegrad.solvers.shared import signals
from scenegrad.solvers.shared.regions import bounds_of, middle_of, outside
from scenegrad.solvers.shared.seams import cut_off, is_cut, on_side

__all__ = ["learnable_obstacles", "obstacle_troubles", "obstacles_of", "top_speeds"]


def of_scene(scene: Scene) -> dict[str, Obstacle]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, Obstacle)}


def obstacles_of(scenes: Sequence[Scene], grid: Grid, tracers: Sequence[str]) -> Obstacles | None:
    bodies = []
    for name, part in of_scene(scenes[0]).items():
        address = f"{name}.shape"
        shapes = [scene.at(address) for scene in scenes]
        carried = {tracers.index(tracer): f"{name}.carried.{tracer}" for tracer in part.carried}
        bodies.append(
            Body(
                name,
                distance_of(address, shapes, grid),
                motion_of(name, [scene.entities[name] for scene in scenes], grid),
                tuple(learnable_shape(address, part.shape)),
                carried,
            )
        )
    return Obstacles(grid, tuple(bodies), len(tracers)) if bodies else None


def motion_of(name: str, members: Sequence[Any], grid: Grid) -> Motion:
    """members: the same obstacle in each scene of the batch; where it stands and how it is turned are its own."""
    motion = members[0].motion
    centers = torch.tensor(np.stack([pivot(part, grid.dim) for part in members], axis=1), device=grid.device)
    first = None
    if any(part.rotation is not None for part in members):
        first = torch.tensor(np.stack([turned(part, grid.dim) for part in members]), device=grid.device)
    velocity = () if motion is None or motion.velocity is None else motion.velocity
    spin = () if motion is None or motion.angular_velocity is None else motion.angular_velocity
    spins = spin if isinstance(spin, tuple) else (spin,)
    follows = followed(name, members, grid)
    turns = first is not None or bool(spins)
    images = images_of(members, list(centers), turns, grid)
    return Motion(f"{name}.motion", velocity, spins, list(centers), first, grid.dim, follows, images)


def images_of(members: Sequence[Any], centers: Sequence[Tensor], turns: bool, grid: Grid) -> list[Images]:
    """turns: whether the bodies may be as long along an axis as they are across."""
    corners = [bounds_of(part.shape, grid.dim) for part in members]
    extents = np.stack([high - low for low, high in corners])
    if turns:
        extents = np.linalg.norm(extents, axis=1, keepdims=True).repeat(grid.dim, axis=1)
    middles = torch.from_numpy(np.stack([middle_of(part.shape, grid.dim) for part in members])).to(grid.device)
    recurs = torch.from_numpy((extents <= np.array(grid.size)).astype(np.float64)).to(grid.device)
    return [Images(middles[:, axis] - center, recurs[:, axis]) for axis, center in enumerate(centers)]


def followed(name: str, members: Sequence[Any], grid: Grid) -> tuple[str, list[Tensor]] | None:
    """The place of the shape, where its middle is what the body turns about."""
    address = f"{name}.shape.center"
    own = any(part.motion is not None and part.motion.center is not None for part in members)
    if own or address not in learnable_shape(f"{name}.shape", members[0].shape):
        return None
    began = torch.tensor(np.stack([vector(part.shape.center) for part in members], axis=1), device=grid.device)
    return address, list(began)


def pivot(part: Obstacle, dim: int) -> np.ndarray:
    """About which a body turns, and its torque is told [dim]."""
    if part.motion is not None and part.motion.center is not None:
        return vector(part.motion.center)
    return middle_of(part.shape, dim)


def turned(part: Obstacle, dim: int) -> np.ndarray:
    """How a body is turned at the start [dim, dim]."""
    told = 0.0 if part.rotation is None else part.rotation
    degrees = told if isinstance(told, tuple) else (0.0, 0.0, told)
    return rotation(degrees)[:dim, :dim]


def learnable_obstacles(scene: Scene) -> list[str]:
    found = []
    for name, part in of_scene(scene).items():
        found += learnable_shape(f"{name}.shape", part.shape)
        found += [f"{name}.carried.{tracer}" for tracer in part.carried]
        grid = Grid((1,) * scene.dim, (1.0,) * scene.dim, (False,) * scene.dim, "cpu", torch.float64)
        found += motion_of(name, [part], grid).names()
    return found


def top_speeds(obstacles: Obstacles, params: Params) -> list[Tensor]:
    """Largest speed of any body along each axis, turning about itself included, float64 [dim][batch]."""
    each: list[list[Tensor]] = [[] for _ in range(obstacles.grid.dim)]
    for body in obstacles.bodies:
        turning = [signals.peak(params, *part).abs() for part in body.motion.parts("spin")]
        hinge = torch.stack([one.middle for one in body.motion.images]).norm(dim=0)  # from the middle of the body
        reach = hinge + 0.5 * math.hypot(*obstacles.grid.size)  # no body is larger than the box
        around = reduce(torch.add, turning) * reach if turning else None
        for axis, column in enumerate(each):
            if body.motion.velocity:
                speed = signals.peak(params, *body.motion.parts("velocity")[axis]).abs()
                column.append(speed if around is None else speed + around)
            elif around is not None:
                column.append(around)
    return [reduce(torch.maximum, column) for column in each] if all(each) else []


# ---- what cannot be run


def obstacle_troubles(scene: Scene, tracers: Sequence[str]) -> Iterator[tuple[str, str]]:
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    cell = [length / n for length, n in zip(scene.domain.size, scene.domain.cells, strict=True)]
    passages: dict[str, Passage] = {}
    for name, part in of_scene(scene).items():
        for tracer, value in part.carried.items():
            where = f"{name}.carried.{tracer}"
            if tracer not in tracers:
                there = ", ".join(tracers) or "none"
                yield where, f"there is no tracer {tracer!r}.{nearest(tracer, tracers)} There are: {there}"
            elif not isinstance(value, int | float | Parameter):
                yield where, "the surface of an obstacle has one steady value; give a number"
        wrong = list(motion_troubles(name, part, scene))
        yield from wrong
        if not wrong:
            grid = Grid((1,) * scene.dim, (1.0,) * scene.dim, (False,) * scene.dim, "cpu", torch.float64)
            passages[name] = Passage(part, motion_of(name, [part], grid), scene)
            yield from passage_troubles(name, passages[name], scene, cell)
    yield from seam_troubles(passages, scene, cell)


def seam_troubles(passages: dict[str, Passage], scene: Scene, cell: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Of bodies at rest together, and of each that moves."""
    resting = [name for name, passage in passages.items() if not passage.motion.moves]
    groups = [*([resting] if resting else []), *([name] for name in passages if name not in resting)]
    for axis, names in product(np.flatnonzero(scene.domain.wraps).tolist(), groups):
        for time, moment in passages[names[0]]:
            ends = [[distances_on(passages[n], moment, axis, side, scene, cell) for n in names] for side in (0, 1)]
            lower, upper = (reduce(np.minimum, each) for each in ends)
            if is_cut(lower, upper, cell[axis]):
                worst = names[int(np.argmin([min(lo.min(), hi.min()) for lo, hi in zip(*ends, strict=True)]))]
                when = f" at t = {time:.3g} s" if time > 0.0 else ""
                length = cell[axis] * scene.domain.cells[axis] if scene.domain.cells is not None else 0.0
                yield f"{worst}.{'motion' if time > 0.0 else 'shape'}", cut_off(axis, length, when)
                break


def passage_troubles(name: str, passage: Passage, scene: Scene, cell: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Where the body stands and moves as long as the run takes."""
    size = scene.domain.size
    assert size is not None
    if passage.outside(size):
        yield f"{name}.shape", outside(passage.bounds(0), size, passage.motion.moves)
        return
    for axis, side in product(range(scene.dim), (0, 1)):
        place, given = f"{AXES[axis]}_{('lo', 'hi')[side]}", condition(scene, axis, side)[1]
        if not isinstance(given, Inflow | Outflow):
            continue
        for time, moment in passage:
            near = distances_on(passage, moment, axis, side, scene, cell)
            when = f" at t = {time:.3g} s" if time > 0.0 else ""
            mend = ", turn it elsewhere or end the run before" if time > 0.0 else ""
            if isinstance(given, Inflow) and (near < 2 * cell[axis]).any():
                yield (
                    f"{name}.{'motion' if time > 0.0 else 'shape'}",
                    f"covers part of the inflow at {place}{when}, where fluid would come from the solid; keep two "
                    f"cells ({2 * cell[axis]:.3g} m) away from it{mend}",
                )
                break
            if isinstance(given, Outflow) and (near < 0.0).all():
                yield (
                    f"{name}.{'motion' if time > 0.0 else 'shape'}",
                    f"closes the outflow at {place}{when}, and nothing could leave; let a part be open{mend}",
                )
                break


def distances_on(
    passage: Passage, moment: int, axis: int, side: int, scene: Scene, cell: Sequence[float]
) -> np.ndarray:
    """Of the middles of the faces on a side from a body; infinite where the body is more than two cells away from all
    of them."""
    assert scene.domain.size is not None
    assert scene.domain.cells is not None
    lo, hi = passage.bounds(moment)
    if lo[axis] > 2 * cell[axis] if side == 0 else hi[axis] < scene.domain.size[axis] - 2 * cell[axis]:
        return np.array([math.inf])
    points = on_side(scene.domain.size, scene.domain.cells, axis, side)
    return passage.distance(points, moment)


def motion_troubles(name: str, part: Obstacle, scene: Scene) -> Iterator[tuple[str, str]]:
    motion = part.motion
    if motion is None:
        return
    if motion.velocity is not None and len(motion.velocity) != scene.dim:
        yield f"{name}.motion.velocity", f"has {len(motion.velocity)} entries in a scene of {scene.dim} dimensions"
    spin: Any = motion.angular_velocity
    if scene.dim == 3 and isinstance(spin, tuple):
        turning = [entry for entry in spin if isinstance(entry, Signal) or number(entry) != 0.0]
        if len(turning) > 1 and any(isinstance(entry, Signal) for entry in turning):
            yield f"{name}.motion.angular_velocity", "a signal turns a body about one of the axes; let the others be 0"
    for entry in (*(motion.velocity or ()), *(spin if isinstance(spin, tuple) else (spin,))):
        if isinstance(entry, Sine) and number(entry.frequency) == 0.0:
            yield f"{name}.motion", "has a sine of frequency 0; give the number instead"

"""What a gas or shallow water starts from, as a differentiable function of the numbers of the scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.arrays import read_array
from scenegrad.engine.state import Params
from scenegrad.scenes.gases import IsentropicVortex
from scenegrad.scenes.initial_fields import FieldFile
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import vector
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start, is_vector
from scenegrad.solvers.navier_stokes.finite_volume.distances import Distance
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.obstacles import Obstacles
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState

__all__ = ["start", "start_trouble"]

SCALARS = {"gas": ("density", "pressure"), "shallow_water": ("depth",)}


def start(
    scenes: Sequence[Scene],
    name: str,
    law: Law,
    grid: Grid,
    device: str,
    dtype: torch.dtype,
    obstacles: Obstacles | None,
    causes: int = 0,
) -> Callable[[Params], FlowState]:
    """Conserved quantities at the middles of the cells; a cell that the edge of a patch crosses has a share of both.
    causes: how many let something in of which is kept count."""
    entity: Any = scenes[0].entities[name]
    velocity = Start.of(scenes, f"{name}.velocity")
    cells = GridPlaces(grid.cells, grid.size, (0.5,) * grid.dim, (False,) * grid.dim, own=0.5)
    points = grid.middles().view(-1, grid.dim).to(device)
    patches = [Distance(scenes, f"{name}.patches.{i}.shape", points) for i in range(len(entity.patches))]
    files = [read(getattr(scene.entities[name], "start", None), grid, law.fields(grid.dim)) for scene in scenes]
    fixed = None if files[0] is None else torch.from_numpy(np.stack([f for f in files if f is not None])).to(device)

    def initial(params: Params) -> FlowState:
        constant = params[f"{name}.{law.constant}"].double()
        batch, count = len(constant), len(points)
        if fixed is not None:
            w = fixed
        else:
            w = torch.zeros(batch, law.fields(grid.dim), count, dtype=torch.float64, device=device)
            w = overlaid(w, params, name, law)
            if not (velocity.told[0] is None or is_vector(velocity.told[0])):
                flow = [u.flatten(1).to(w) for u in velocity.flow(params, [cells] * grid.dim)]
                w = torch.cat([w[:, :1], torch.stack(flow, dim=1), w[:, 1 + grid.dim :]], dim=1)
        if isinstance(getattr(entity, "start", None), IsentropicVortex):
            w = vortex(w, points, grid, params, f"{name}.start", entity.start, constant)
        u = law.conserved(w, constant)
        for number, distance in enumerate(patches):
            inside = (0.5 - distance(params) / min(grid.spacing)).clamp(0.0, 1.0)[:, None]
            within = law.conserved(
                overlaid(law.primitive(u, constant), params, f"{name}.patches.{number}", law), constant
            )
            u = torch.lerp(u, within, inside)
        if obstacles is not None:  # what is inside an obstacle stands still
            w = law.primitive(u, constant)
            free = obstacles.free(obstacles.open(params))[:, None]
            dim = grid.dim
            u = law.conserved(torch.cat([w[:, :1], free * w[:, 1 : 1 + dim], w[:, 1 + dim :]], dim=1), constant)
        nothing = torch.zeros(batch, causes, law.fields(grid.dim), dtype=torch.float64, device=device)
        return FlowState(u.view(batch, -1, *grid.cells).to(dtype), nothing if causes else None)

    return initial


def overlaid(w: Tensor, params: Params, address: str, law: Law) -> Tensor:
    """Primitive variables, those that params name at an address in the place of what was there."""
    fields = list(w.unbind(1))
    dim = len(fields) - law.extra
    for scalar, place in zip(law.positive, (0, dim + 1), strict=False):
        if (value := params.get(f"{address}.{scalar}")) is not None:
            fields[place] = value.double()[:, None].expand_as(fields[place])
    if (velocity := params.get(f"{address}.velocity")) is not None:
        for axis in range(dim):
            fields[1 + axis] = velocity[:, axis].double()[:, None].expand_as(fields[1 + axis])
    return torch.stack(fields, dim=1)


def vortex(
    w: Tensor, points: Tensor, grid: Grid, params: Params, address: str, told: IsentropicVortex, gamma: Tensor
) -> Tensor:
    """Added to a uniform gas: du = strength / (2 pi) exp((1 - r^2) / 2) (-y, x) sqrt(p / rho), r in units of the
    radius, at constant entropy [Yee, Sandham, Djomehri 1999, J. Comput. Phys. 150, 199-238]."""
    strength, radius = (params[f"{address}.{n}"].double()[:, None] for n in ("strength", "radius"))
    center = torch.tensor(0.5 * np.array(grid.size)).to(points)[None]
    if told.center is not None:
        center = params[f"{address}.center"].double()
    offset = (points[None, :, :2] - center[:, None, :2]) / radius[..., None]
    r2 = offset.square().sum(-1)
    rho, p, k = w[:, 0], w[:, -1], gamma[:, None]
    swirl = strength / (2 * math.pi) * torch.exp(0.5 * (1.0 - r2))
    warmth = 1.0 - 0.5 * (k - 1.0) / k * swirl.square()  # p / rho over that far away
    shrunk = torch.where(warmth > 0, warmth, torch.nan) ** (1.0 / (k - 1.0))
    thermal = (p / rho).sqrt()
    u, v = w[:, 1] - swirl * offset[..., 1] * thermal, w[:, 2] + swirl * offset[..., 0] * thermal
    return torch.cat([torch.stack([rho * shrunk, u, v], dim=1), w[:, 3:-1], (p * shrunk * warmth)[:, None]], dim=1)


def read(told: object, grid: Grid, fields: int) -> np.ndarray | None:
    """Primitive variables of a file [field, cell]."""
    if not isinstance(told, FieldFile):
        return None
    return read_array(told.path).astype(np.float64).reshape(fields, -1)


def start_trouble(told: object, scene: Scene, law: Law) -> str | None:
    """Why a flow cannot start from this field; None where it can."""
    if told is None:
        return None
    if isinstance(told, IsentropicVortex):
        if scene.dim == 1:
            return "turns in a plane; it needs two dimensions or three"
        if told.center is not None and len(vector(told.center)) != scene.dim:
            return f"has its center at {told.center}; the scene has {scene.dim} dimensions"
        return None
    if not isinstance(told, FieldFile):
        return f"is {getattr(told, 'kind', told)}; give an isentropic_vortex or a field_file of primitive variables"
    if Path(told.path).suffix != ".npy":
        return "is not a .npy file; save the primitive variables [field, *cells] with numpy.save"
    wanted = (law.fields(scene.dim), *(scene.domain.cells or ()))
    try:
        values = read_array(told.path)
    except (FileError, OSError, ValueError) as error:
        return f"cannot be read: {error}"
    if values.shape != wanted:
        return f"holds {values.shape}; {' '.join(law.positive)} and velocity on these cells are {wanted}"
    return None if np.isfinite(values).all() else "holds values that are not finite"

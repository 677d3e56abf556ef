"""The energy that contact with obstacles stores, as a differentiable function of state and params."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.mpm.colliders.contact import COULOMB, SEPARATE
from scenegrad.solvers.mpm.colliders.obstacles import Obstacle
from scenegrad.solvers.mpm.colliders.shapes import BALL, BOX, CAPSULE, CYLINDER, SAMPLED
from scenegrad.solvers.mpm.contact import STIFFNESS, radius_of
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.state import ParticleState

__all__ = ["obstacle_energy"]


def obstacle_energy(state: ParticleState, stiffness: Tensor, params: Params, matter: Matter, grid: Grid) -> Tensor:
    """sum k/2 max(0, r - phi)^2 over the particles and obstacles that touch, and over the points of rigid bodies in
    something else [J], [batch]. stiffness: M of each particle [Pa], [batch, particle].

    Walls and sides that matter can leave are left out for particles: see `contact_energy`."""
    obstacles = matter.obstacles
    none = torch.zeros(len(state.position), dtype=torch.float64)
    tables = obstacles.tables(params, none, matter.gravity)
    poses = torch.cat([state.rigid.double(), tables.still], dim=1)
    walls = {face.name for face in matter.faces}
    place = torch.nn.functional.pad(state.position.double(), (0, 3 - grid.dim))
    radius, k = radius_of(matter.volume, grid.dim), STIFFNESS / grid.dx**2 * matter.volume * stiffness
    period = place.new_tensor([n * grid.dx * w for n, w in zip(grid.cells, grid.wraps, strict=True)] + [0.0] * 3)[:3]
    found = torch.zeros_like(place[:, 0, 0])
    for c, obstacle in enumerate(obstacles.all):

        def depths(at: Tensor, reach: Tensor, c: int = c, obstacle: Obstacle = obstacle) -> Tensor:
            arm = at - poses[:, c, None, :3]
            arm = arm - torch.where(period > 0, period * (arm / period.clamp(min=1e-30)).round(), 0.0)
            local = turned(poses[:, c, None, 3:7], arm, back=True) - tables.shape[:, c, None, 2:5]
            return (reach - distance(obstacle, matter, c, tables.shape[:, c, None, 5:], local)).clamp(min=0.0)

        if obstacle.touch in (SEPARATE, COULOMB) and obstacle.name not in walls:
            found = found + 0.5 * (k * depths(place, radius).square()).sum(1)
        for a in range(obstacles.bodies):
            if a != c and obstacles.points is not None:
                own = obstacles.points[:, torch.tensor([owner == a for owner in obstacles.owner])].double()
                share = 0.5 if c < obstacles.bodies else 1.0
                at = poses[:, a, None, :3] + turned(poses[:, a, None, 3:7], own[..., :3])
                found = found + 0.5 * share * (own[..., 4] * depths(at, own[..., 3]).square()).sum(1)
    return found


def turned(q: Tensor, v: Tensor, back: bool = False) -> Tensor:
    """q v q^-1, or q^-1 v q, [..., 3]"""
    q = torch.nn.functional.normalize(q, dim=-1)
    axis, w = torch.broadcast_to(-q[..., :3] if back else q[..., :3], v.shape), q[..., 3:]
    return v + 2 * torch.linalg.cross(axis, torch.linalg.cross(axis, v) + w * v)


def distance(obstacle: Obstacle, matter: Matter, place: int, numbers: Tensor, y: Tensor) -> Tensor:
    """phi of places y [batch, place, 3] in the frame of an obstacle's shape; numbers [batch, 1, 5], see `distance` of
    the kernels."""
    norm = torch.linalg.vector_norm
    match obstacle.kind:
        case k if k == BALL:
            return norm(y, dim=-1) - numbers[..., 0]
        case k if k == BOX:
            q = y.abs() - numbers[..., :3]
            return norm(q.clamp(min=0.0), dim=-1) + q.amax(-1).clamp(max=0.0)
        case k if k == CAPSULE:
            half = numbers[..., :3]
            share = ((y * half).sum(-1, keepdim=True) / half.square().sum(-1, keepdim=True)).clamp(-1.0, 1.0)
            return norm(y - share * half, dim=-1) - numbers[..., 3]
        case k if k == CYLINDER:
            along = (y * numbers[..., :3]).sum(-1)
            across = norm(y - along[..., None] * numbers[..., :3], dim=-1)
            q = torch.stack([across - numbers[..., 3], along.abs() - numbers[..., 4]], dim=-1)
            return norm(q.clamp(min=0.0), dim=-1) + q.amax(-1).clamp(max=0.0)
        case k if k == SAMPLED:
            return spline(matter, place, numbers, y)
    return (y * numbers[..., :3]).sum(-1)


def spline(matter: Matter, place: int, numbers: Tensor, y: Tensor) -> Tensor:
    """sum_m c_m B(y/h - m); 1 m where the samples end."""
    obstacles = matter.obstacles
    assert obstacles.samples is not None
    begin, *counts = obstacles.samples_at[place]
    count = torch.tensor(counts, device=y.device)
    s = (y - numbers[..., :3]) / numbers[..., 3:4]
    flat = count == 1
    first = torch.where(flat, 0, s.detach().floor().long() - 1)
    inside = (flat | ((first >= 0) & (first + 4 <= count))).all(-1)
    first = torch.where(flat, 0, first.clamp(min=0).minimum((count - 4).clamp(min=0)))
    total = torch.zeros_like(s[..., 0])
    for i in range(4):
        for j in range(4):
            for k in range(1 if counts[2] == 1 else 4):
                node = first + torch.tensor([i, j, k], device=y.device)
                number = begin + (node[..., 0] * counts[1] + node[..., 1]) * counts[2] + node[..., 2]
                weight = torch.where(flat, 1.0, cubic(s - node)).prod(-1)
                total = total + weight * obstacles.samples.double().gather(1, number)
    return torch.where(inside, total, 1.0)


def cubic(s: Tensor) -> Tensor:
    """B(s), the cubic B-spline."""
    a = s.abs()
    near = 2 / 3 - a.square() + 0.5 * a**3
    return torch.where(a < 1, near, (2 - a).clamp(min=0.0) ** 3 / 6)

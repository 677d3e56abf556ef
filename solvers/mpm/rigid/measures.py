"""What rigid bodies add to the momentum and energy of a scene, as differentiable functions of state and params."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.mpm.colliders.energy import obstacle_energy
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.measures import by_particle
from scenegrad.solvers.mpm.rigid.clinging import mass_matrix
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables

__all__ = ["with_bodies", "with_contact"]


def with_bodies(measured: dict[str, Tensor], state: ParticleState, params: Params, matter: Matter) -> dict[str, Tensor]:
    """Momenta or energies of the particles with those of the rigid bodies added under the same names.

    P = m V, L = I w + m X x V about the origin, T = (V.P + w.I w) / 2, U = -m g.X; each [batch] or [batch, dim].
    """
    bodies = [(i, o.mass) for i, o in enumerate(matter.obstacles.all) if o.mass is not None]
    if not bodies:
        return measured
    found = dict(measured)
    pull = params.get("gravity", matter.gravity).double()
    for place, body in bodies:
        row, pose = body.row(params), state.rigid[:, place].double()
        position, twist = pose[:, :3], pose[:, 7:]
        carried = (mass_matrix(pose, row) @ twist[:, :, None])[..., 0]
        kinetic = 0.5 * (twist * carried).sum(1)
        lift = -row[:, 0] * (pull * position[:, : matter.dim]).sum(1)
        angular = carried[:, 3:] + torch.linalg.cross(position, carried[:, :3])
        own = {
            "momentum": carried[:, : matter.dim], "angular_momentum": angular[:, 2] if matter.dim == 2 else angular,
            "kinetic": kinetic, "gravitational": lift, "potential": lift, "total": kinetic + lift,
        }  # fmt: skip
        for name in found.keys() & own.keys():
            found[name] = found[name] + own[name].to(found[name])
    return found


def with_contact(
    measured: dict[str, Tensor], state: ParticleState, tables: Tables, params: Params, matter: Matter, grid: Grid
) -> dict[str, Tensor]:
    """Energies with that of the contact with colliders and rigid bodies added."""
    if not matter.obstacles.all:
        return measured
    stiffness = by_particle(tables.row, matter)[..., 1]
    own = obstacle_energy(state, stiffness, params, matter, matter.finest(grid))
    return {n: e + own.to(e) if n in ("contact", "potential", "total") else e for n, e in measured.items()}

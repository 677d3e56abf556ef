"""The passes of one step, with the constants and scratch grids that they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.contact import contact
from scenegrad.solvers.mpm.grid import Grid, holds
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.nodes import node_velocities
from scenegrad.solvers.mpm.numbers import numbers
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables
from scenegrad.solvers.mpm.transfer import grid_to_particles, particles_to_grid

__all__ = ["Workspace"]

PLACE = ("inv_dx", "pad", "wrap", "count", "dt")
TO_GRID = (*PLACE, "slot", "kind", "volume", "row", "gravity", "x", "v", "C", "F")
AT_WALLS = (*PLACE, "slot", "volume", "row", "normal", "face", "x")
AT_NODES = ("lightest", "hold", "holds", "momentum", "friction")
TO_PARTICLES = (*PLACE, "kind", "x", "F", "velocity")
AFTER = ("x after", "v after", "C after", "F after", "lost")
NODES = ("momentum", "friction", "velocity")


class Workspace:
    """Everything that is launched in a step. Arrays by name: x, v, C, F of the particles, the same "after" the step,
    momentum, friction (bearing) and velocity of the nodes, and row, gravity, face: see Tables.
    """

    def __init__(self, grid: Grid, matter: Matter):
        wp.init()
        self.batch, self.particles = matter.volume.shape
        self.nodes, self.dim, self.walls = grid.nodes, grid.dim, len(matter.faces)
        self.device, self.dtype = matter.volume.device, matter.volume.dtype
        n = self.n = numbers(grid.dim, self.dtype)
        self.types = {
            "x": n.vec, "v": n.vec, "C": n.mat, "F": n.mat, "row": n.row, "gravity": n.vec, "face": n.face,
            "momentum": n.packed, "friction": n.vec, "velocity": n.vec,
        }  # fmt: skip
        self.grids = {"momentum": self.zeros(grid.nodes, grid.dim + 1), "velocity": self.zeros(grid.nodes, grid.dim)}
        self.grids["friction"] = self.zeros(grid.nodes, grid.dim) if self.walls else self.nowhere()
        self.lost = torch.zeros(self.batch, dtype=torch.int32, device=self.device)
        hold, table = holds(grid, matter.clinging)
        self.fixed = {
            "inv_dx": n.real(1.0 / grid.dx), "pad": n.ivec(*grid.pad), "wrap": n.ivec(*map(int, grid.wraps)),
            "count": n.ivec(*grid.count), "kind": wp.from_torch(matter.kind), "volume": wp.from_torch(matter.volume),
            "normal": wp.from_torch(matter.normals, dtype=n.vec), "lost": wp.from_torch(self.lost),
            "hold": wp.from_torch(torch.from_numpy(hold).to(self.device)),
            "holds": wp.from_torch(torch.from_numpy(table).to(self.device, self.dtype), dtype=n.mat),
            **self.views(self.grids),
        }  # fmt: skip
        self.each_body, self.each_particle = (
            matter.body,
            torch.arange(self.particles, dtype=torch.int32, device=self.device),
        )
        particles, nodes, device = (self.batch, self.particles), (self.batch, grid.nodes), str(self.device)
        self.to_grid = Pass(particles_to_grid(n, matter.laws), particles, device, TO_GRID, ("momentum",))
        self.at_walls = Pass(contact(n), particles, device, AT_WALLS, ("momentum", "friction"))
        self.at_nodes = Pass(node_velocities(n), nodes, device, AT_NODES, ("velocity",))
        self.to_particles = Pass(grid_to_particles(n, matter.laws), particles, device, TO_PARTICLES, AFTER)

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)

    def nowhere(self) -> Tensor:
        """A field of zeros on all nodes in the room of one."""
        return torch.zeros((1, 1, self.dim), dtype=self.dtype, device=self.device).expand(self.batch, self.nodes, -1)

    def views(self, named: dict[str, Tensor], mark: str = "") -> dict[str, Any]:
        """Warp's views of tensors, without a copy."""
        return {
            name + mark: wp.from_torch(tensor.detach(), dtype=self.types[name], requires_grad=False)
            for name, tensor in named.items()
        }

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Launches go to torch's current stream."""
        if self.device.type != "cuda":
            yield
            return
        with wp.ScopedStream(wp.stream_from_torch(torch.cuda.current_stream(self.device))):
            yield

    def arrays(
        self, state: ParticleState, tables: Tables, slot: Tensor, dt: Tensor, lightest: Tensor
    ) -> dict[str, Any]:
        """All that the passes read. slot: which entry of the tables serves each particle."""
        return {
            **self.fixed,
            **self.views(by_letter(state)),
            **self.views({"row": tables.row, "gravity": tables.gravity, "face": tables.face}),
            "dt": wp.from_torch(dt.to(self.device, self.dtype)),
            "slot": wp.from_torch(slot),
            "lightest": wp.from_torch(lightest.to(self.dtype)),
        }

    def solve_grid(self, arrays: dict[str, Any]) -> None:
        """Node velocities after the step."""
        self.grids["momentum"].zero_()
        self.to_grid.run(arrays)
        if self.walls:
            self.grids["friction"].zero_()
            self.at_walls.run(arrays)
        self.at_nodes.run(arrays)

    def carry(self, arrays: dict[str, Any]) -> ParticleState:
        """Particles after the step, moved by the node velocities."""
        after = self.particle_fields()
        self.to_particles.run({**arrays, **self.views(after, " after")})
        return ParticleState(*after.values())

    def transpose(
        self, arrays: dict[str, Any], cotangent: dict[str, Tensor], learnt: tuple[str, ...]
    ) -> dict[str, Tensor]:
        """Cotangents of x, v, C, F and of the tables named in `learnt`, by particle, from those of x, v, C, F after.

        The node velocities must be those that `solve_grid` left."""
        rows = {"row": (5,), "gravity": (self.dim,), "face": (self.walls, 2)}
        bars = {name: room.zero_() for name, room in self.particle_fields().items()}
        bars |= {name: self.zeros(self.particles, *rows[name]) for name in learnt}
        nodes = {name: torch.zeros_like(grid) for name, grid in self.grids.items() if name != "friction" or self.walls}
        seen = {name: cotangent.get(name, torch.zeros_like(bars[name])).contiguous() for name in "xvCF"}
        found = self.views(bars) | self.views(nodes)
        self.to_particles.run_transposed({**arrays, **self.views(seen, " after")}, found | self.views(seen, " after"))
        self.at_nodes.run_transposed(arrays, found)
        if self.walls:
            self.at_walls.run_transposed(arrays, found)
        self.to_grid.run_transposed(arrays, found)
        return bars

    def particle_fields(self) -> dict[str, Tensor]:
        """Room for x, v, C and F."""
        v, m = (self.batch, self.particles, self.dim), (self.batch, self.particles, self.dim, self.dim)
        return {
            name: torch.empty(shape, dtype=self.dtype, device=self.device)
            for name, shape in zip("xvCF", (v, v, m, m), strict=True)
        }


def by_letter(state: ParticleState) -> dict[str, Tensor]:
    return {
        "x": state.position.contiguous(),
        "v": state.velocity.contiguous(),
        "C": state.affine.contiguous(),
        "F": state.deformation.contiguous(),
    }

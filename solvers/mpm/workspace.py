"""The passes of one step, with the constants and scratch grids that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.contact import contact, radius_of
from scenegrad.solvers.mpm.grid import Grid, holds
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.nodes import node_velocities
from scenegrad.solvers.mpm.numbers import numbers
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables
from scenegrad.solvers.mpm.transfer import grid_to_particles, particles_to_grid

__all__ = ["NAMES", "Workspace"]

PLACE = ("lattice", "dt")
TO_GRID = (*PLACE, "slot", "kind", "volume", "row", "gravity", "x", "v", "C", "F", "h")
AT_WALLS = (*PLACE, "slot", "volume", "radius", "row", "face", "sides", "low", "high", "x")
AT_NODES = ("lightest", "hold", "holds", "momentum", "friction")
TO_PARTICLES = (*PLACE, "slot", "kind", "row", "x", "F", "h", "velocity")
AFTER = ("x after", "v after", "C after", "F after", "h after", "lost")
NAMES = {
    "position": "x",
    "velocity": "v",
    "affine": "C",
    "deformation": "F",
    "history": "h",
}  # of a state's fields in the passes


class Workspace:
    """Everything that is launched in a step. Arrays by name: x, v, C, F, h of the particles, the same "after" the step;
    momentum, friction (what it can bear) and velocity of the nodes; row, gravity, face: see Tables.
    """

    def __init__(self, grid: Grid, matter: Matter):
        wp.init()
        self.grid, self.matter, self.walls = grid, matter, len(matter.faces)
        self.batch, self.particles = matter.volume.shape
        self.device, self.dtype = matter.volume.device, matter.volume.dtype
        n = self.n = numbers(grid.dim, self.dtype, matter.width, matter.memory, any(grid.wraps))
        self.types = {
            "x": n.vec, "v": n.vec, "C": n.mat, "F": n.mat, "h": n.history, "row": n.row, "gravity": n.vec,
            "face": n.face, "momentum": n.packed, "friction": n.vec, "velocity": n.vec,
        }  # fmt: skip
        self.each_body = matter.body
        self.each_particle = torch.arange(self.particles, dtype=torch.int32, device=self.device)
        self.lost = torch.zeros(self.batch, dtype=torch.int32, device=self.device)
        self.nodes = self.node_fields()
        if not self.walls:  # zeros everywhere, in the room of one node
            self.nodes["friction"] = self.zeros(1, grid.dim)[:1].expand(self.batch, grid.nodes, -1)
        self.fixed = self.constants() | self.views(self.nodes)
        device = str(self.device)
        self.to_grid = Pass(particles_to_grid(n, matter.laws), "particles", device, TO_GRID, ("momentum",))
        self.at_walls = Pass(contact(n), "particles", device, AT_WALLS, ("momentum", "friction"))
        self.at_nodes = Pass(node_velocities(n), "nodes", device, AT_NODES, ("velocity",))
        self.to_particles = Pass(grid_to_particles(n, matter.laws), "particles", device, TO_PARTICLES, AFTER)

    def constants(self) -> dict[str, Any]:
        """Arguments of the passes that never change."""
        n, grid, matter = self.n, self.grid, self.matter
        hold, table = holds(grid, matter.clinging)
        low, high = matter.free_box([cells * grid.dx for cells in grid.cells])
        return {
            "particles": (self.batch, self.particles),
            "nodes": (self.batch, grid.nodes),
            "lattice": self.lattice(),
            "kind": wp.from_torch(matter.kind),
            "volume": wp.from_torch(matter.volume),
            "radius": wp.from_torch(radius_of(matter.volume, grid.dim)),
            "sides": sum(face.side is not None for face in matter.faces),
            "low": n.vec(*low),
            "high": n.vec(*high),
            "hold": wp.from_torch(torch.from_numpy(hold).to(self.device)),
            "holds": wp.from_torch(torch.from_numpy(table).to(self.device, self.dtype), dtype=n.mat),
            "lost": wp.from_torch(self.lost),
            **dict.fromkeys(("h", "h after")),  # None where nothing is remembered; else replaced by the state's own
        }

    def lattice(self, offset: int = 0) -> Any:
        """The grid as kernels know it; offset: number of its first node in the flat arrays of nodes."""
        found, grid = self.n.lattice(), self.grid
        found.inv_dx, found.offset = 1.0 / grid.dx, offset
        found.pad, found.count = self.n.ivec(*grid.pad), self.n.ivec(*grid.count)
        found.wrap = self.n.ivec(*map(int, grid.wraps))
        return found

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)

    def node_fields(self) -> dict[str, Tensor]:
        """Room for what the nodes have; friction only where there are walls."""
        widths = {"momentum": self.grid.dim + 1, "velocity": self.grid.dim}
        widths |= {"friction": self.grid.dim} if self.walls else {}
        return {name: self.zeros(self.grid.nodes, width) for name, width in widths.items()}

    def particle_fields(self) -> dict[str, Tensor]:
        """Room for x, v, C, F and h."""
        v, m = (self.batch, self.particles, self.grid.dim), (self.batch, self.particles, self.grid.dim, self.grid.dim)
        shapes = {"x": v, "v": v, "C": m, "F": m, "h": (*v[:2], self.n.memory)}
        return {name: torch.empty(s, dtype=self.dtype, device=self.device) for name, s in shapes.items()}

    @cached_property
    def node_bars(self) -> dict[str, Tensor]:
        """Room for the cotangents of the nodes."""
        return self.node_fields()

    def views(self, named: Mapping[str, Tensor], mark: str = "") -> dict[str, Any]:
        """Warp's views of tensors, without a copy."""
        return {
            name + mark: wp.from_torch(tensor, dtype=self.types[name], requires_grad=False, return_ctype=True)
            for name, tensor in named.items()
            if tensor.numel()
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
        fields = {NAMES[name]: field.detach().contiguous() for name, field in vars(state).items()}
        return {
            **self.fixed,
            **self.views(fields | vars(tables)),
            "dt": wp.from_torch(dt.to(self.device, self.dtype)),
            "slot": wp.from_torch(slot),
            "lightest": wp.from_torch(lightest),
        }

    def solve_grid(self, arrays: Mapping[str, Any]) -> None:
        """Node velocities after the step."""
        self.nodes["momentum"].zero_()
        self.to_grid.run(arrays)
        if self.walls:
            self.nodes["friction"].zero_()
            self.at_walls.run(arrays)
        self.at_nodes.run(arrays)

    def carry(self, arrays: Mapping[str, Any]) -> ParticleState:
        """Particles after the step, moved by the node velocities."""
        after = self.particle_fields()
        self.to_particles.run({**arrays, **self.views(after, " after")})
        return ParticleState(**{name: after[letter] for name, letter in NAMES.items()})

    def transpose(
        self, arrays: Mapping[str, Any], cotangent: Mapping[str, Tensor], learnt: tuple[str, ...]
    ) -> dict[str, Tensor]:
        """Cotangents of x, v, C, F, h and of the tables named in `learnt`, by particle, from those of the state after.

        The node velocities must be those that `solve_grid` left. A transposed pass does not write its outputs, so the
        cotangents of the state after may stand in their place."""
        widths = {"row": (self.matter.width,), "gravity": (self.grid.dim,), "face": (self.walls, self.grid.dim + 2)}
        bars = {name: room.zero_() for name, room in self.particle_fields().items()}
        bars |= {name: self.zeros(self.particles, *widths[name]) for name in learnt}
        after = {name: (cotangent[name] if name in cotangent else torch.zeros_like(bars[name])) for name in "xvCFh"}
        ends = self.views({name: bar.contiguous() for name, bar in after.items()}, " after")
        found = (
            {"lattice": self.n.lattice()}
            | self.views(bars)
            | self.views({name: bar.zero_() for name, bar in self.node_bars.items()})
            | ends
        )
        self.to_particles.run_transposed({**arrays, **ends}, found)
        self.at_nodes.run_transposed(arrays, found)
        if self.walls:
            self.at_walls.run_transposed(arrays, found)
        self.to_grid.run_transposed(arrays, found)
        return bars

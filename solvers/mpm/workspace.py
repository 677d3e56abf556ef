"""The passes of one step, with the constants and scratch grids that they share.

A further process joins by a Pass in `solves`, a field of the nodes in `widths` (one that passes add to also in
`summed`), and its constants in `constants`, or in `lay` where they depend on which nodes are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from math import prod
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.scenes.methods import Implicit, Integrator
from scenegrad.solvers.mpm.colliders.obstacles import ObstacleTables
from scenegrad.solvers.mpm.colliders.passes import ColliderPasses
from scenegrad.solvers.mpm.contact import STIFFNESS, radius_of
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.grid.layout import Layout, layout_of
from scenegrad.solvers.mpm.held_nodes import HeldNodes
from scenegrad.solvers.mpm.implicit.backward_euler import BackwardEuler
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.mirrors import mirrors
from scenegrad.solvers.mpm.numbers import numbers
from scenegrad.solvers.mpm.passes import Process
from scenegrad.solvers.mpm.rigid.numbers import FELT, POSE
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.step_passes import StepPasses
from scenegrad.solvers.mpm.tables import Tables
from scenegrad.solvers.mpm.threads import Threads

__all__ = ["NAMES", "Workspace"]

UNUSED = ("own", "node share", "h", "h after", "momentum before", "velocity before")
# Of the fields of a state in the passes.
NAMES = {
    "position": "x", "velocity": "v", "affine": "C", "deformation": "F", "history": "h", "rigid": "rigid",
    "felt": "felt",
}  # fmt: skip


class Workspace:
    """Everything that is launched in a step. Arrays by name: x, v, C, F, h of the particles, the same "after" the step;
    momentum, friction (what it can bear) and velocity of the nodes; row, gravity, face: see Tables.
    """

    layout: Layout  # the nodes that are kept at present
    nodes: dict[str, Tensor]  # what they have, by name [batch, node, width]
    at_nodes: dict[str, Any]  # what the passes must know of them

    def __init__(self, grid: Grid, matter: Matter, integrator: Integrator | None = None):
        wp.init()
        self.grid, self.matter = grid, matter
        self.walls = 0 if matter.obstacles.all else len(matter.faces)  # among obstacles, walls are some of them
        self.batch, self.particles = matter.volume.shape
        self.fields = matter.meeting.fields if matter.meeting else 1
        self.device, self.dtype = matter.volume.device, matter.volume.dtype
        n = self.n = numbers(
            grid.dim, self.dtype, matter.width, matter.memory, any(grid.wraps), grid.scheme, grid.sparse, self.fields,
            matter.refinement is not None, alone=self.batch == 1,
        )  # fmt: skip
        self.types = {
            "x": n.vec, "v": n.vec, "C": n.mat, "F": n.mat, "h": n.history, "row": n.row, "gravity": n.vec,
            "face": n.face, "momentum": n.packed, "friction": n.vec, "velocity": n.vec, "momentum before": n.vec,
            "velocity before": n.vec,
        }  # fmt: skip
        self.each_body = matter.body
        self.each_particle = torch.arange(self.particles, dtype=torch.int32, device=self.device)
        self.lost = torch.zeros(self.batch, dtype=torch.int32, device=self.device)
        self.widths = {"momentum": grid.dim + 1, "velocity": grid.dim} | ({"friction": grid.dim} if self.walls else {})
        self.summed: tuple[str, ...] = ("momentum", "friction") if self.walls else ("momentum",)
        flip = grid.scheme.flip is not None
        if flip:
            self.widths |= {"momentum before": grid.dim, "velocity before": grid.dim}
            self.summed += ("momentum before",)
        own = StepPasses.of(n, matter.laws, str(self.device), Threads(self), flip=flip, walls=bool(self.walls))
        self.arrived, self.to_particles, self.seek_lost = own.arrive, own.to_particles, own.seek_lost
        found = ((),) * self.batch if isinstance(integrator, Implicit) else mirrors(matter.clinging, grid)
        held = self.held = HeldNodes(n, matter, self.fields, found)
        arrive = own.together()
        if matter.meeting:
            self.types |= {"momentum apart": n.packed, "surface": n.packed, "rub": n.real}
            self.widths |= {"momentum apart": grid.dim + 1, "surface": grid.dim + 1}
            self.summed = (*self.summed, "momentum apart", "surface")
            arrive = own.apart(n)
        folded = held.folded("momentum", *(["friction"] if self.walls else []))
        self.solves: tuple[Process, ...] = (*arrive, *folded, own.at_nodes, *held.reflected("velocity"))
        self.colliders: ColliderPasses | None = None
        if matter.obstacles.all:
            meet = self.colliders = ColliderPasses(n, grid, matter.obstacles, matter.volume)
            self.types |= meet.types
            self.widths |= meet.widths
            self.summed = (*self.summed, *meet.summed)
            self.solves = (*meet.before, *arrive, *held.mirrored(meet), *meet.after)
        self.implicit: BackwardEuler | None = None
        if isinstance(integrator, Implicit):
            self.implicit = BackwardEuler(self, integrator, (own.arrive, *own.before), own.walls)
            self.solves = (self.implicit,)
        self.carries = (self.to_particles, *(self.colliders.carry if self.colliders else ()))
        # A device that holds all nodes is not asked who is lost, the host would have to wait; lost velocities are NaN.
        self.seeks = grid.sparse or self.device.type == "cpu"
        self.rooms: dict[str, Tensor] = {}
        self.nodes, self.at_nodes = {}, {}
        self.fixed = self.constants()

    def constants(self) -> dict[str, Any]:
        """Arguments of the passes that never change."""
        n, grid, matter = self.n, self.grid, self.matter
        low, high = matter.free_box([cells * grid.dx for cells in grid.cells])
        return {
            "particles": (self.batch, self.particles),
            "kind": wp.from_torch(matter.kind),
            "volume": wp.from_torch(matter.volume),
            "radius": wp.from_torch(radius_of(matter.volume, grid.dim)),
            "firmness": n.real(STIFFNESS / matter.finest(grid).dx ** 2),
            "sides": sum(face.side is not None for face in matter.faces),
            "low": n.vec(*low),
            "high": n.vec(*high),
            "lost": wp.from_torch(self.lost),
            "flip": n.real(grid.scheme.flip or 0.0),
            **dict.fromkeys(UNUSED),  # where nothing is remembered, nor known from before the forces; else replaced
        }

    def lay(self, state: ParticleState) -> None:
        """Keep the nodes that the particles need."""
        layout = self.layout = layout_of(self.grid, state.position)
        self.nodes = {name: self.room(name, width) for name, width in self.widths.items()}
        views = self.views(self.nodes)
        if not self.walls:  # zeros everywhere, in the room of one node
            none = self.zeros(1, self.grid.dim).expand(self.batch, self.node_count, -1)
            views |= self.views({"friction": none})
        self.at_nodes = views | {
            "nodes": (self.batch, self.node_count),
            "lattice": self.lattice_of(layout),
            **self.held.arrays(layout),
        }

    @property
    def node_count(self) -> int:
        """Of all grids together."""
        return self.layout.nodes * self.fields

    def lattice_of(self, layout: Layout) -> Any:
        lattice = layout.lattice(self.n)
        if self.matter.meeting:
            lattice.nodes, lattice.field = layout.nodes, wp.from_torch(self.matter.meeting.field)
        return lattice

    def cover(self, state: ParticleState) -> None:
        """See to it that all particles have their nodes, if they can."""
        if self.at_nodes and self.seeks:
            places = {"x": state.position.detach().contiguous()}
            self.seek_lost.run({**self.fixed, **self.at_nodes, **self.views(places)})
        if not self.at_nodes or self.lose():
            self.lay(state)

    def lose(self) -> bool:
        """Whether the nodes of a particle were missing; forgets it."""
        if not self.seeks or not bool(self.lost.any()):
            return False
        self.lost.zero_()
        return True

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)

    def count_of(self, name: str) -> int:
        """Nodes of a field."""
        return self.node_count

    def made_on_the_way(self) -> Mapping[str, Any]:
        """Cotangents of what else lies between the passes."""
        return {}

    def room(self, name: str, width: int) -> Tensor:
        """Room for a field of the nodes, which grows as more of them are kept [batch, node, width]."""
        shape = (self.batch, self.count_of(name), width)
        if name not in self.rooms or self.rooms[name].numel() < prod(shape):
            self.rooms[name] = torch.zeros(prod(shape), dtype=self.dtype, device=self.device)
        return self.rooms[name][: prod(shape)].view(shape)

    def particle_fields(self) -> dict[str, Tensor]:
        """Room for the fields of a state: x, v, C, F, h, rigid and felt."""
        v, m = (self.batch, self.particles, self.grid.dim), (self.batch, self.particles, self.grid.dim, self.grid.dim)
        shapes = {"x": v, "v": v, "C": m, "F": m, "h": (*v[:2], self.n.memory)}
        shapes["rigid"] = (self.batch, len(self.matter.obstacles.moving), POSE)
        shapes["felt"] = (self.batch, len(self.matter.obstacles.watched), FELT)
        return {name: torch.empty(s, dtype=self.dtype, device=self.device) for name, s in shapes.items()}

    def views(self, named: Mapping[str, Tensor], mark: str = "") -> dict[str, Any]:
        """Warp's views of tensors, without a copy."""
        return {
            name + mark: wp.from_torch(tensor, dtype=self.types[name], requires_grad=False, return_ctype=True)
            for name, tensor in named.items()
            if tensor.numel()
        }

    def stream(self) -> AbstractContextManager[None]:
        """Launches go to torch's current stream."""
        return on_torch_stream(self.device)

    def arrays(
        self,
        state: ParticleState,
        tables: Tables,
        slot: Tensor,
        dt: Tensor,
        lightest: Tensor,
        obstacles: ObstacleTables | None,
        rub: Tensor | None = None,
    ) -> dict[str, Any]:
        """All that the passes read. slot: which entry of the tables serves each particle; rub: Coulomb's coefficient of
        bodies with grids of their own [batch]."""
        fields = {NAMES[name]: field.detach().contiguous() for name, field in vars(state).items()}
        return {
            **self.fixed,
            **self.at_nodes,
            **self.views(fields | vars(tables)),
            "dt": wp.from_torch(dt.to(self.device, self.dtype)),
            "slot": wp.from_torch(slot),
            "lightest": wp.from_torch(lightest),
            **(self.views({"rub": rub}) if rub is not None else {}),
            **(self.colliders.arrays(state.rigid, state.felt, obstacles) if self.colliders and obstacles else {}),
        }

    def step(
        self,
        state: ParticleState,
        tables: Tables,
        slot: Tensor,
        dt: Tensor,
        lightest: Tensor,
        obstacles: ObstacleTables | None,
        rub: Tensor | None,
    ) -> ParticleState:
        """The state after the step. It is done again where particles have left the nodes that were kept for them."""
        if not self.at_nodes:
            self.lay(state)
        arrays = self.arrays(state, tables, slot, dt, lightest, obstacles, rub)
        self.solve_grid(arrays)
        after = self.carry(arrays)
        if not self.lose():
            return after
        self.lay(state)
        arrays |= self.at_nodes
        self.solve_grid(arrays)
        return self.carry(arrays)

    def solve_grid(self, arrays: Mapping[str, Any]) -> None:
        """Node velocities after the step."""
        for name in self.summed:
            self.nodes[name].zero_()
        for each in self.solves:
            each.run(arrays)

    def carry(self, arrays: Mapping[str, Any]) -> ParticleState:
        """Particles after the step, moved by the node velocities, and rigid things, moved by their own."""
        after = self.particle_fields()
        arrays = {**arrays, **self.views(after, " after")}
        for each in self.carries:
            each.run(arrays)
        return ParticleState(**{name: after[letter] for name, letter in NAMES.items()})

    def transpose(
        self, arrays: Mapping[str, Any], cotangent: Mapping[str, Tensor], learnt: tuple[str, ...]
    ) -> dict[str, Tensor]:
        """Cotangents of x, v, C, F, h, rigid, felt, of the tables named in `learnt`, by particle, and of those of the
        obstacles, from those of the state after.

        The node velocities must be those that `solve_grid` left. A transposed pass does not write its outputs, so the
        cotangents of the state after may stand in their place."""
        widths = {
            "row": (self.matter.width,),
            "gravity": (self.grid.dim,),
            "face": (len(self.matter.faces), self.grid.dim + 2),
        }
        rub = {"rub": self.zeros()} if self.matter.meeting else {}
        bars = {name: room.zero_() for name, room in self.particle_fields().items()}
        bars |= rub | {name: self.zeros(self.particles, *widths[name]) for name in learnt}
        after = {
            name: (cotangent[name] if name in cotangent else torch.zeros_like(bars[name])) for name in NAMES.values()
        }
        ends = self.views({name: bar.contiguous() for name, bar in after.items()}, " after")
        nodes = {name: self.room(f"{name} bar", width).zero_() for name, width in self.widths.items()}
        found = {"lattice": self.n.lattice(), **self.made_on_the_way()}
        found |= self.views(bars) | self.views(nodes) | ends
        if self.colliders:
            own = self.colliders.bars()
            bars |= own
            found |= self.colliders.views(own)
        for each in self.carries:
            each.run_transposed({**arrays, **ends}, found)
        for each in reversed(self.solves):
            each.run_transposed(arrays, found)
        return bars

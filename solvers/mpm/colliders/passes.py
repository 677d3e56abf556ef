"""The passes of one step that colliders and rigid bodies need, and the arrays that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.colliders.cling import cling, weigh
from scenegrad.solvers.mpm.colliders.contact import SLIP, STICK, press, pressing, react
from scenegrad.solvers.mpm.colliders.felt import feel
from scenegrad.solvers.mpm.colliders.held import push_of_held, push_of_images
from scenegrad.solvers.mpm.colliders.nodes import sliding_nodes
from scenegrad.solvers.mpm.colliders.obstacles import Obstacles, ObstacleTables
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.mpm.rigid.clinging import JoinNodes
from scenegrad.solvers.mpm.rigid.contact import POINT, bump, grip
from scenegrad.solvers.mpm.rigid.frames import HINGED
from scenegrad.solvers.mpm.rigid.motion import advance, kick
from scenegrad.solvers.mpm.rigid.numbers import INERTIA, POSE, SHAPE, rigid_numbers

__all__ = ["ColliderPasses"]

SHAPES = ("period", "touch", "heed", "shape kind", "samples at", "samples", "shape", "now")
PARTICLES = ("lattice", "corners", "dt", "slot", "volume", "radius", "row", "firmness", "own", *SHAPES)
POINTS = ("meets", "shape kind", "samples at", "samples", "owner", "point", "shape")
HELD = (
    "lattice", "lightest", "hold", "holds", "holding", "held share", "held shares", "now", "momentum", "bearing",
    "traction",
)  # fmt: skip
IMAGES = ("lattice", "behind", "front", "sign", "holding", "image share", "now")
FELT_BY = ("dt", "watched", "watched still", "kept", "now", "push", "grip", "felt")

Launched = Pass | JoinNodes


@dataclass(frozen=True)
class Clear:
    """Sets what passes add to back to zero."""

    fields: tuple[Tensor, ...]

    def run(self, arrays: Mapping[str, Any]) -> None:
        for field in self.fields:
            field.zero_()

    def run_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        """What was there before does not matter."""


class ColliderPasses:
    """`before` the particles reach the grid, `meet` there, `after` the nodes are solved, `carry` with the particles.

    Arrays by name: rigid (poses of the state), now (poses during the step, of all obstacles); bearing, drag and
    traction of the nodes; push, load and grip of the bodies; heed: whose push is counted, felt: what was counted of
    those that are watched; shape, inertia, led, still, pull, kept: see ObstacleTables."""

    def __init__(self, n: Numbers, grid: Grid, obstacles: Obstacles, like: Tensor):
        self.obstacles, self.like, self.batch = obstacles, like, like.shape[0]
        r, device = rigid_numbers(n), str(like.device)
        self.types = {
            "rigid": r.pose, "now": r.pose, "shape": r.shape, "inertia": r.inertia, "led": r.twist, "still": r.pose,
            "pull": n.vec, "bearing": n.packed, "drag": n.vec, "traction": n.vec, "push": r.twist, "grip": r.twist,
            "load": n.real, "pressed": n.real, "sliding": n.vec, "clung": r.twist, "carried": r.twist,
            "weight": wp.types.matrix((6, 6), n.real), "felt": r.felt, "kept": n.real,
        }  # fmt: skip
        self.widths = {"bearing": grid.dim + 1, "drag": grid.dim, "traction": grid.dim}  # of the nodes
        self.summed = ("bearing", "drag")
        self.clings = any(o.touch in (SLIP, STICK) for o in obstacles.all)
        if self.clings:
            self.widths["sliding"] = grid.dim
        self.count, self.moves, self.bodies = len(obstacles.all), len(obstacles.moving), obstacles.bodies
        self.seen: dict[str, tuple[Tensor, Any]] = {}  # tables of the last step, and kernels' views of them
        self.scratch = self.fields()
        self.fixed = self.constants(n, grid) | self.views(self.scratch)
        before = ("dt", "motion", "pull", "inertia", "led", "still", "rigid")
        at_nodes = ("lightest", "image", "hold", "holds", "momentum", "bearing", "drag")
        pushes, after = ("momentum", "bearing", "drag", "push"), ("dt", "motion", "inertia", "now", "push", "grip")
        clear = Clear(tuple(field for name, field in self.scratch.items() if name != "now"))
        self.before = (clear, Pass(kick(n), "obstacles", device, before, ("now",)))
        slid, held = "sliding" if self.clings else "velocity", ("lattice", "lightest", "image", "period", "touch")
        clinging = (
            Pass(weigh(n), "nodes", device, (*held, *SHAPES[2:], "momentum", slid), ("weight", "carried")),
            JoinNodes(obstacles, self.scratch),
            Pass(cling(n), "nodes", device, (*held, *SHAPES[3:], "clung", "momentum", slid), ("velocity",)),
        )
        self.meet: tuple[Launched, ...] = (
            Pass(press(n), "particles", device, (*PARTICLES, "outer", "low", "high", "x"), pushes),
            Pass(sliding_nodes(n), "nodes", device, at_nodes, (slid, "traction")),
            *(clinging if self.clings else ()),
        )
        rub = ("dt", "period", "motion", "heed")
        between = (
            Pass(bump(n), "points", device, ("dt", "period", "heed", *POINTS, "now"), ("push", "load")),
            Pass(grip(n), "points", device, (*rub, *POINTS, "inertia", "now", "push", "load"), ("grip",)),
        )
        rubbed = Pass(react(n), "particles", device, (*PARTICLES, "x", "traction"), ("push",))
        holding = (
            Pass(push_of_held(n), "nodes", device, HELD, ("push",)),
            Pass(
                push_of_images(n), "images", device, (*IMAGES, "momentum", "bearing", "traction", "velocity"), ("push",)
            ),
        )
        self.after = (
            *(holding if obstacles.holding else ()),
            *((rubbed,) if any(obstacles.heeded) else ()),
            *(between if self.bodies else ()),
        )
        moved = Pass(advance(n), "moving", device, after, ("rigid after",))
        counted = Pass(feel(n), "watches", device, FELT_BY, ("felt after",))
        self.carry = (*((moved,) if self.moves else ()), *((counted,) if obstacles.watched else ()))
        touched = ("lattice", "slot", "volume", "radius", "row", "firmness", *SHAPES, "x")
        self.pressing = Pass(pressing(n), "particles", device, touched, ("pressed",))

    def constants(self, n: Numbers, grid: Grid) -> dict[str, Any]:
        """Arguments that never change."""
        obstacles, r, like = self.obstacles, rigid_numbers(n), self.like

        def whole(values: Sequence[int | tuple[int, ...]]) -> Tensor:
            return torch.tensor(values, dtype=torch.int32, device=like.device)

        meets = torch.zeros(self.count, self.count, dtype=like.dtype)
        meets[: self.bodies] = 1.0
        meets[: self.bodies, : self.bodies] = 0.5  # each of two bodies has points that meet the other
        meets.fill_diagonal_(0.0)
        period = [cells * grid.dx * wrap for cells, wrap in zip(grid.cells, grid.wraps, strict=True)]
        fixed = {
            "obstacles": (self.batch, self.count),
            "moving": (self.batch, self.moves),
            "corners": n.support**n.dim,
            "period": r.vec(*period, *[0.0] * (3 - len(period))),
            "touch": wp.from_torch(whole([o.touch for o in obstacles.all])),
            "motion": wp.from_torch(whole([o.motion for o in obstacles.all])),
            "heed": wp.from_torch(whole([int(heeded) for heeded in obstacles.heeded])),
            "shape kind": wp.from_torch(whole([o.kind for o in obstacles.all])),
            "samples at": wp.from_torch(whole([*obstacles.samples_at]), dtype=r.ivec4),
            "samples": wp.from_torch(obstacles.samples),
            "meets": wp.from_torch(meets.to(like.device)),
            "outer": obstacles.sides,
        }
        if obstacles.watched:
            fixed["holding"] = wp.from_torch(whole([*obstacles.holding.values()]))
            fixed["watches"] = (self.batch, len(obstacles.watched))
            fixed["watched"] = wp.from_torch(whole([watch.obstacle for watch in obstacles.watched]))
            fixed["watched still"] = wp.from_torch(whole([int(watch.still) for watch in obstacles.watched]))
        if obstacles.points is not None:
            fixed["points"] = (self.batch, obstacles.points.shape[1])
            fixed["owner"] = wp.from_torch(whole([*obstacles.owner]))
            fixed["point"] = wp.from_torch(obstacles.points, dtype=wp.types.vector(POINT, n.real))
        return fixed

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros((self.batch, *shape), dtype=self.like.dtype, device=self.like.device)

    def fields(self) -> dict[str, Tensor]:
        """Room for what is made of the obstacles on the way."""
        return {
            "now": self.zeros(self.count, POSE), "push": self.zeros(self.count, 6), "grip": self.zeros(self.count, 6),
            "load": self.zeros(self.count), "clung": self.zeros(self.count, 6), "carried": self.zeros(self.count, 6),
            "weight": self.zeros(self.count, 6, 6),
        }  # fmt: skip

    def views(self, named: Mapping[str, Tensor]) -> dict[str, Any]:
        """Warp's views of tensors; of those that are empty, arrays of no length."""
        return {
            name: wp.from_torch(tensor, dtype=self.types[name], requires_grad=False)
            if tensor.numel()
            else wp.zeros(tensor.shape[:2], dtype=self.types[name], device=str(self.like.device))
            for name, tensor in named.items()
        }

    def arrays(self, rigid: Tensor, felt: Tensor, tables: ObstacleTables) -> dict[str, Any]:
        """What the passes read; the tables in the precision of the particles. Those seen in the last step are ready."""
        for name, table in vars(tables).items():
            if name not in self.seen or self.seen[name][0] is not table:
                ready = table.detach().to(self.like.device, self.like.dtype).contiguous()
                self.seen[name] = (table, self.views({name: ready})[name])
        known = {name: view for name, (_, view) in self.seen.items()}
        state = {"rigid": rigid.detach().contiguous(), "felt": felt.detach().contiguous()}
        return self.fixed | known | self.views(state)

    def bars(self) -> dict[str, Tensor]:
        """Room for cotangents of what is made on the way, and of the tables."""
        return self.fields() | {
            "shape": self.zeros(self.count, SHAPE), "inertia": self.zeros(self.moves, INERTIA),
            "led": self.zeros(self.moves, 6), "still": self.zeros(self.count - self.moves, POSE),
            "pull": self.zeros(self.obstacles.dim),
        }  # fmt: skip

    def frequencies(self, arrays: Mapping[str, Any], tables: ObstacleTables) -> dict[str, Tensor]:
        """sqrt(K (1/m + r^2/I)) of each rigid body, by name, on the particles that it touches, or will soon, and on
        half of the points of its surface [rad/s], [batch]; sqrt(K r^2/I) about its hinge, where it has one."""
        pressed = self.zeros(self.count)
        for each in self.before:
            each.run(arrays)
        self.pressing.run({**arrays, **self.views({"pressed": pressed})})
        stiffness = pressed[:, : self.bodies].double()
        points, owner = self.obstacles.points, torch.tensor(self.obstacles.owner, device=pressed.device)
        assert points is not None
        stiffness = stiffness.index_add(1, owner, 0.5 * points[..., 4].double())
        gives = []
        for place, obstacle in enumerate(self.obstacles.all[: self.bodies]):
            row, reach = tables.inertia[:, place], tables.shape[:, place, 1]
            least, arm = row[:, 1:4].amin(1), (self.scratch["now"][:, place, :3] - row[:, 7:10]).norm(dim=1)
            if obstacle.motion == HINGED:
                across = torch.linalg.cross(self.scratch["now"][:, place, :3] - row[:, 7:10], row[:, 10:13]).norm(dim=1)
                gives.append((reach + arm) ** 2 / (least + row[:, 0] * across**2))
            else:
                gives.append(1 / row[:, 0] + reach**2 / least)
        return {o.name: (stiffness[:, i] * gives[i]).sqrt() for i, o in enumerate(self.obstacles.all[: self.bodies])}

"""The passes of a step on two grids; see refined/refinement.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.colliders.passes import Clear
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.grid.layout import Layout, layout_of
from scenegrad.solvers.mpm.held_nodes import OF_WALLS
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.passes import Pass, Process
from scenegrad.solvers.mpm.refined.region import drift, follow, middle, node_shares, shares
from scenegrad.solvers.mpm.refined.transfer import advance, arrive, gather
from scenegrad.solvers.mpm.rigid.motion import advance as advance_rigid
from scenegrad.solvers.mpm.rigid.numbers import POSE
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["RefinedWorkspace"]

ARRIVE = (
    "lattice", "dt", "slot", "kind", "volume", "row", "gravity", "own", "lean", "x", "v", "C", "F", "h",
)  # fmt: skip
GATHER = ("lattice", "own", "lean", "x", "velocity", "velocity before")
GATHERED = ("gathered v", "gathered B", "gathered L", "gathered before")
REGION = ("half", "blend", "image period")
ADVANCE = (
    "fine dx", "coarse dx", *REGION, "dt", "slot", "kind", "row", "center", "drift", "x", "F", "h", "gathered v",
    "gathered B", "gathered L", "flip", "v", "gathered before",
)  # fmt: skip
AFTER = ("x after", "v after", "C after", "F after", "h after")


class RefinedWorkspace(Workspace):
    """Arrays by name, besides those of one grid: all of the nodes once more, " fine"; own and own fine, the share of
    each particle that either grid carries; center of the fine region, drift by which it moves in the step; what
    particles gathered from both grids."""

    fine: Layout  # nodes of the fine grid that are kept at present

    def __init__(self, grid: Grid, matter: Matter):
        super().__init__(grid, matter)
        n, device, found = self.n, str(self.device), matter.refinement
        assert found is not None
        self.refinement = found
        if matter.meeting:
            self.types["node share"], self.widths["node share"] = n.real, 1
        of_grid = (*self.widths, "friction", "lattice", "nodes", "own", "lean", "outer share", "inner share", *OF_WALLS)
        self.twin = {name: f"{name} fine" for name in of_grid}
        self.types |= {"own": n.real, "own fine": n.real, "lean": n.vec, "lean fine": n.vec, "center": n.vec}
        self.types |= {"gathered v": n.vec, "gathered B": n.mat, "gathered L": n.mat, "gathered before": n.vec}
        self.types |= {"drift": n.vec}
        if self.colliders:
            self.types["rigid next"] = self.types["rigid"]
        self.types |= {self.twin[name]: self.types[name] for name in (*self.widths, "friction")}
        self.widths |= {self.twin[name]: width for name, width in self.widths.items()}
        self.summed += tuple(self.twin[name] for name in self.summed)
        self.between = self.on_the_way()
        into = self.arrived
        arrived = Pass(arrive(n, matter.laws), "particles", device, ARRIVE, into.outputs, into.threads)
        apart = {"momentum": "momentum apart"} if matter.meeting else {}
        seen = Pass(gather(n), "particles", device, GATHER, (*GATHERED, "lost"), into.threads)
        solved: list[Process] = [
            arrived.renamed(apart) if isinstance(each, Pass) and each.kernel is into.kernel else each
            for each in self.solves
        ]
        self.solves = (
            Clear(tuple(self.between[name] for name in ("center", "drift", *GATHERED))),
            *self.placed(),
            Pass(shares(n), "particles", device, (*REGION, "x", "center"), ("own fine", "own", "lean fine", "lean")),
            *self.on_both(*self.filled(), *solved, seen),
            *self.moved(),
        )
        self.carries = (Pass(advance(n, matter.laws), "particles", device, ADVANCE, AFTER), *self.carries[1:])
        self.fixed |= {
            "members": self.batch,
            "fine dx": n.real(found.fine.dx),
            "coarse dx": n.real(grid.dx),
            "half": n.vec(*found.half),
            "blend": n.real(found.blend),
            "image period": n.vec(*found.period),
            "fixed": n.vec(*found.fixed),
            "share of place": wp.from_torch(found.weight.to(self.device, self.dtype)),
            "followed": found.follows,
            "outer share": n.real(1.0),
            "inner share": n.real(0.0),
            "outer share fine": n.real(0.0),
            "inner share fine": n.real(1.0),
            "plus": n.real(1.0),
            "minus": n.real(-1.0),
            **self.views(self.between),
        }

    def on_both(self, *passes: Process) -> list[Process]:
        """What knows of a grid is done on the coarse one, then on the fine one; all else once."""
        found: list[Process] = []
        for each in passes:
            found.append(each)
            if isinstance(each, Pass) and self.twin.keys() & {each.over, *each.inputs, *each.outputs}:
                found.append(each.renamed(self.twin))
        return found

    def placed(self) -> list[Process]:
        """Where the region is."""
        n, device = self.n, str(self.device)
        found: list[Process] = [Pass(middle(n), "particles", device, ("fixed", "share of place", "x"), ("center",))]
        if self.refinement.follows is not None:
            found.append(Pass(follow(n), "members", device, ("followed", "plus", "rigid"), ("center",)))
        return found

    def filled(self) -> list[Process]:
        """Which share of a full cell each grid has at its nodes, where bodies have grids of their own."""
        about = ("lattice", *REGION, "outer share", "inner share", "center")
        found = Pass(node_shares(self.n), "nodes", str(self.device), about, ("node share",))
        return [found] if self.matter.meeting else []

    def moved(self) -> list[Process]:
        """By how much it moves in the step."""
        n, device = self.n, str(self.device)
        if self.refinement.follows is None:
            return [Pass(drift(n), "particles", device, ("share of place", "dt", "gathered v"), ("drift",))]
        rigid = ("dt", "motion", "inertia", "now", "push", "grip")
        return [
            Pass(advance_rigid(n), "moving", device, rigid, ("rigid next",)),
            Pass(follow(n), "members", device, ("followed", "plus", "rigid next"), ("drift",)),
            Pass(follow(n), "members", device, ("followed", "minus", "rigid"), ("drift",)),
        ]

    def on_the_way(self) -> dict[str, Tensor]:
        """Room for what is made between the passes, or for its cotangents."""
        d, p = self.grid.dim, self.particles
        shapes: dict[str, tuple[int, ...]] = {
            "center": (d,),
            "drift": (d,),
            "own": (p,),
            "own fine": (p,),
            "lean": (p, d),
            "lean fine": (p, d),
            "gathered v": (p, d),
            "gathered B": (p, d, d),
            "gathered L": (p, d, d),
            "gathered before": (p, d),
        }
        if self.refinement.follows is not None:
            shapes["rigid next"] = (len(self.matter.obstacles.moving), POSE)
        return {name: self.zeros(*shape) for name, shape in shapes.items()}

    def count_of(self, name: str) -> int:
        if " fine" in name:
            return self.fine.nodes * self.fields
        return super().count_of(name)

    @torch.no_grad()
    def lay(self, state: ParticleState) -> None:
        fine = self.fine = layout_of(self.refinement.fine, self.refinement.near(state))
        super().lay(state)
        if not self.walls:
            none = self.zeros(1, self.grid.dim).expand(self.batch, fine.nodes * self.fields, -1)
            self.at_nodes |= self.views({self.twin["friction"]: none})
        self.at_nodes |= {
            self.twin["nodes"]: (self.batch, fine.nodes * self.fields),
            self.twin["lattice"]: self.lattice_of(fine),
            **{self.twin[name]: what for name, what in self.held.arrays(fine).items()},
        }

    def cover(self, state: ParticleState) -> None:
        if self.seeks or not self.at_nodes:
            self.lay(state)

    def made_on_the_way(self) -> Mapping[str, Any]:
        return {self.twin["lattice"]: self.n.lattice()} | self.views(self.on_the_way())

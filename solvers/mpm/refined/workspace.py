"""The passes of a step on two grids; see refined/refinement.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.colliders.passes import Clear
from scenegrad.solvers.mpm.contact import contact
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.grid.layout import Layout, layout_of
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.nodes import node_velocities
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.mpm.refined.transfer import advance, arrive, drift, gather, middle, shares
from scenegrad.solvers.mpm.workspace import AT_NODES, AT_WALLS, Workspace

__all__ = ["RefinedWorkspace"]

STATE = ("x", "v", "C", "F", "h")
ARRIVE = ("lattice", "dt", "slot", "kind", "volume", "row", "gravity", "own", "inverse spread", *STATE)
REGION = ("fine dx", "coarse dx", "half", "blend")
ADVANCE = (
    *REGION, "dt", "slot", "kind", "row", "inverse spread", "center", "drift", "x", "F", "h",
    "gathered v", "gathered B",
)  # fmt: skip
NODES = ("momentum", "friction", "velocity")
FINE = {name: f"{name} fine" for name in ("lattice", "nodes", "hold", "holds", "own", *NODES)}


class RefinedWorkspace(Workspace):
    """Arrays by name, besides those of one grid: all of the nodes once more, " fine"; own and own fine, the share of
    each particle that either grid carries; center of the fine region; what particles gathered from both grids."""

    fine: Layout  # nodes of the fine grid that are kept at present

    def __init__(self, grid: Grid, matter: Matter):
        super().__init__(grid, matter)
        n, device, found = self.n, str(self.device), matter.refinement
        assert found is not None
        self.refinement = found
        self.types |= {"own": n.real, "own fine": n.real, "inverse spread": n.real, "center": n.vec, "drift": n.vec}
        self.types |= {"gathered v": n.vec, "gathered B": n.mat}
        self.types |= {FINE[name]: self.types[name] for name in NODES}
        self.widths |= {FINE[name]: width for name, width in self.widths.items()}
        self.summed += tuple(FINE[name] for name in self.summed)
        self.between = self.on_the_way()
        pulled = Pass(arrive(n, matter.laws), "particles", device, ARRIVE, ("momentum",))
        walls = Pass(contact(n, shared=True), "particles", device, AT_WALLS, ("momentum", "friction"))
        nodes = Pass(node_velocities(n), "nodes", device, AT_NODES, ("velocity",))
        seen = Pass(
            gather(n), "particles", device, ("lattice", "own", "x", "velocity"), ("gathered v", "gathered B", "lost")
        )
        reach = [pulled, *([walls] if self.walls else []), nodes]
        self.solves = (
            Clear(tuple(self.between[name] for name in ("center", "drift", "gathered v", "gathered B"))),
            Pass(middle(n), "particles", device, ("fixed", "weight", "x"), ("center",)),
            Pass(shares(n), "particles", device, (*REGION, "x", "center"), ("own fine", "own", "inverse spread")),
            *reach,
            *(each.renamed(FINE) for each in reach),
            seen,
            seen.renamed(FINE),
            Pass(drift(n), "particles", device, ("weight", "dt", "gathered v"), ("drift",)),
        )
        after = ("x after", "v after", "C after", "F after", "h after")
        self.carries = (Pass(advance(n, matter.laws), "particles", device, ADVANCE, after),)
        self.fixed |= {
            "fine dx": n.real(found.fine.dx),
            "coarse dx": n.real(grid.dx),
            "half": n.vec(*found.half),
            "blend": n.real(found.blend),
            "fixed": n.vec(*found.fixed),
            "weight": wp.from_torch(found.weight.to(self.device, self.dtype)),
            **self.views(self.between),
        }

    def on_the_way(self) -> dict[str, Tensor]:
        """Room for what is made between the passes, or for its cotangents."""
        d, p = self.grid.dim, self.particles
        shapes = {
            "center": (d,),
            "drift": (d,),
            "own": (p,),
            "own fine": (p,),
            "inverse spread": (p,),
            "gathered v": (p, d),
        }
        return {name: self.zeros(*shape) for name, shape in shapes.items()} | {"gathered B": self.zeros(p, d, d)}

    def count_of(self, name: str) -> int:
        return self.fine.nodes if name.removesuffix(" bar").endswith(" fine") else super().count_of(name)

    def lay(self, position: Tensor) -> None:
        fine = self.fine = layout_of(self.refinement.fine, self.refinement.near(position.detach()))
        super().lay(position)
        hold, table = fine.holds(self.matter.clinging)
        if not self.walls:
            none = self.zeros(1, self.grid.dim).expand(self.batch, fine.nodes, -1)
            self.at_nodes |= self.views({FINE["friction"]: none})
        self.at_nodes |= {
            FINE["nodes"]: (self.batch, fine.nodes),
            FINE["lattice"]: fine.lattice(self.n),
            FINE["hold"]: wp.from_torch(hold.to(self.device)),
            FINE["holds"]: wp.from_torch(table.to(self.device, self.dtype), dtype=self.n.mat),
        }

    def cover(self, position: Tensor) -> None:
        self.lay(position)

    def made_on_the_way(self) -> Mapping[str, Any]:
        return {FINE["lattice"]: self.n.lattice()} | self.views(self.on_the_way())

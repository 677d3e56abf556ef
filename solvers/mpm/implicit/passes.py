"""What an implicit step launches, and room for what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.implicit.forces import (
    bearing_of_walls,
    press_of_walls,
    stress_of_particles,
    weight_of_particles,
)
from scenegrad.solvers.mpm.implicit.gauge import GaugePasses
from scenegrad.solvers.mpm.implicit.motion import forces_at_nodes, motion_of_particles, stiffness_product
from scenegrad.solvers.mpm.implicit.nodes import (
    balance_of_nodes,
    blocks_of_nodes,
    friction_shares,
    friction_taken,
    held_product,
)
from scenegrad.solvers.mpm.implicit.obstacles import clinging, press_of_obstacles, pushes_of_particles
from scenegrad.solvers.mpm.passes import Pass, Process
from scenegrad.solvers.mpm.rigid.motion import advance

if TYPE_CHECKING:
    from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["Passes"]

HELD = ("lightest", "hold", "holds", "momentum")
STRESS = ("dt", "slot", "kind", "volume", "row", "F", "h", "rate")
WEIGHT = ("slot", "volume", "row", "gravity")
PRESS = ("lattice", "dt", "slot", "volume", "radius", "row")
SIDES = ("sides", "low", "high", "x", "speed")
SHAPES = ("period", "touch", "shape kind", "samples at", "samples", "shape")
FORCES = ("lattice", "x", "thrust", "stress")
AT_NODES = ("creep", "bearing", "drag", "velocity", "cling")


class Passes:
    """speed, rate (C), stress (A), thrust (q), yield = -dq/dv and tangent = dA/dC of the particles; force, balance,
    block and add (K d) of the nodes; bearing and drag, see `press` of colliders/contact.py; cling and tow (G, g), see
    `clinging`; then: poses of the obstacles at the end of the step.

    arrive: brings matter to the nodes; bear: says what friction there can bear, before the balance is sought; answer:
    what rigid bodies feel, when it is found.
    """

    def __init__(self, work: Workspace, arrive: Sequence[Pass], walls: Sequence[Pass]):
        self.work, self.arrive = work, arrive
        n, device, dim, meet = work.n, str(work.device), work.grid.dim, work.colliders
        self.motion = Pass(motion_of_particles(n), "particles", device, ("lattice", "x", "velocity"), ("speed", "rate"))
        self.stress = Pass(stress_of_particles(n, work.matter.laws), "particles", device, STRESS, ("stress",))
        self.weight = Pass(weight_of_particles(n), "particles", device, WEIGHT, ("thrust", "stiff"))
        self.forces = Pass(forces_at_nodes(n), "particles", device, FORCES, ("force",))
        balance = (*HELD, *AT_NODES, "tow", "dt", "force")
        self.balance = Pass(balance_of_nodes(n), "nodes", device, balance, ("balance",))
        self.blocks = Pass(
            blocks_of_nodes(n), "nodes", device, ("lightest", "momentum", *AT_NODES, "share"), ("block",)
        )
        self.shares = Pass(friction_shares(n), "nodes", device, (*AT_NODES[:-1], "before"), ("share",))
        self.stiffness = Pass(
            stiffness_product(n), "particles", device, ("lattice", "x", "tangent", "yield", "d"), ("add",)
        )
        self.product = Pass(held_product(n), "nodes", device, (*HELD, "matrix", "d", "dt", "add"), ("product",))
        self.gauge = GaugePasses(work)
        self.place: Pass | None = None
        self.press: Pass | None = None
        self.cling: Pass | None = None
        self.bear: tuple[Pass, ...] = ()
        self.answer: tuple[Process, ...] = ()
        if meet is not None:
            led = ("dt", "motion", "inertia", "now", "push", "grip")
            self.place = Pass(advance(n), "obstacles", device, led, ("then",))
            pressed = (*PRESS, *SHAPES, "then", "outer", *SIDES[1:])
            self.press = Pass(press_of_obstacles(n), "particles", device, pressed, ("thrust",))
            self.bear = tuple(each for each in meet.meet[:1] if isinstance(each, Pass))
            held = ("lattice", "lightest", "dt", *SHAPES, "now", "momentum", "resists")
            if any(meet.obstacles.heeded):
                felt = (*PRESS, *SHAPES, "heed", "now", "then", "x", "speed")
                push = Pass(pushes_of_particles(n), "particles", device, felt, ("push",))
                taken = Pass(friction_taken(n), "nodes", device, AT_NODES[:-1], ("traction",))
                self.answer = (self.motion, push, taken, *meet.after)
            if meet.clings:
                self.cling = Pass(clinging(n), "nodes", device, held, ("cling", "tow"))
        elif walls:
            self.press = Pass(press_of_walls(n), "particles", device, (*PRESS, "face", *SIDES), ("thrust",))
            bearing = Pass(bearing_of_walls(n), "nodes", device, ("friction",), ("bearing",))
            # Threads would add what they find to the momentum of matter, which is not that of walls here.
            self.bear = (*(replace(each, threads=None) for each in walls), bearing)
        vectors = (
            "speed", "thrust", "stiff", "force", "balance", "velocity", "d", "add", "product", "drag", "tow", "resists",
            "share", "before",
        )  # fmt: skip
        matrices = ("rate", "stress", "yield", "tangent", "block", "matrix", "cling")
        self.types = dict.fromkeys(vectors, n.vec) | dict.fromkeys(matrices, n.mat)
        self.types |= dict.fromkeys(("momentum", "bearing"), n.packed)
        self.types |= {"then": meet.types["now"], "push": meet.types["push"]} if meet else {}
        particles: dict[str, tuple[int, ...]] = dict.fromkeys(("speed", "thrust", "stiff", "weight"), (dim,))
        particles |= dict.fromkeys(("rate", "stress", "yield", "seed"), (dim, dim)) | {"tangent": (dim**2, dim, dim)}
        self.of_particles = {name: work.zeros(work.particles, *shape) for name, shape in particles.items()}

    def of_nodes(self) -> dict[str, Tensor]:
        """As many as there are now; zeros that nothing changes share the room of one node."""
        dim, work = self.work.grid.dim, self.work
        own = ["force", "balance", "velocity", "d", "add", "product", "block", "share", "before"]
        own += ["cling", "tow", "resists"] if self.cling else []
        own += ["bearing"] if self.bear and work.colliders is None else []
        shared = [] if self.cling else ["cling", "tow"]
        shared += [] if work.colliders else ["drag"] if self.bear else ["drag", "bearing"]
        shapes: dict[str, tuple[int, ...]] = {"block": (dim, dim), "cling": (dim, dim), "bearing": (dim + 1,)}
        found = {}
        for name in own:
            shape = shapes.get(name, (dim,))
            room = work.room(f"implicit {name}", shape[0] * (dim if len(shape) == 2 else 1))
            found[name] = room.view(*room.shape[:2], *shape)
        for name in shared:
            shape = shapes.get(name, (dim,))
            found[name] = work.zeros(1, *shape).expand(work.batch, work.node_count, *shape)
        return found

    def views(self, **named: Tensor) -> dict[str, Any]:
        """Warp's views of tensors, without a copy."""
        return {
            name: wp.from_torch(tensor, dtype=self.types[name], requires_grad=False, return_ctype=True)
            for name, tensor in named.items()
        }

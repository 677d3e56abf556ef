"""The equations of an implicit step: the balance of momentum at the nodes as a function of their velocities.

Where the forces come of an energy, the root is its minimum, and dr/dv is symmetric. The size of an imbalance is that of
the error of the velocities which it stands for, as the gauge sees it: (sum m v^2)^1/2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.scenes.methods import Implicit
from scenegrad.solvers.mpm.implicit.forces import press_of_walls, stress_of_particles, weight_of_particles
from scenegrad.solvers.mpm.implicit.gauge import Gauge, GaugePasses
from scenegrad.solvers.mpm.implicit.motion import forces_at_nodes, motion_of_particles, stiffness_product
from scenegrad.solvers.mpm.implicit.nodes import balance_of_nodes, blocks_of_nodes, held_product
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.shared.krylov import dot
from scenegrad.solvers.shared.newton import Linear, solve_linear

if TYPE_CHECKING:
    from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["Balance", "Passes"]

HELD = ("lightest", "hold", "holds")
STRESS = ("dt", "slot", "kind", "volume", "row", "F", "h", "rate")
WEIGHT = ("slot", "volume", "row", "gravity")
PRESS = ("lattice", "dt", "slot", "volume", "radius", "row", "face", "sides", "low", "high", "x", "speed")
FORCES = ("lattice", "x", "push", "stress")
BALANCE = (*HELD, "creep", "dt", "momentum", "friction", "force", "velocity")
BLOCKS = ("lightest", "creep", "sharp", "momentum", "friction", "velocity")
STIFFNESS = ("lattice", "x", "tangent", "yield", "d")
PRODUCT = (*HELD, "momentum", "matrix", "d", "dt", "add")

EXACT = {torch.float32: 1e-5, torch.float64: 1e-12}  # relative residual that a transposed step may leave
EVEN = {torch.float32: 1e-3, torch.float64: 1e-8}  # relative difference by rounding of a matrix and its transpose

ROUNDING = 4.0  # how far above the error that rounding makes an error is no longer asked to fall


class Passes:
    """What is launched, and room for what it makes: speed, rate (C), stress (A), push (q) and yield of the particles,
    with tangent = dA/dC; force, balance, block and add (K d) of the nodes."""

    def __init__(self, work: Workspace, arrive: Sequence[Pass], walls: Sequence[Pass]):
        self.work, self.arrive, self.walls = work, arrive, walls
        n, device, dim = work.n, str(work.device), work.grid.dim
        self.motion = Pass(motion_of_particles(n), "particles", device, ("lattice", "x", "velocity"), ("speed", "rate"))
        self.stress = Pass(stress_of_particles(n, work.matter.laws), "particles", device, STRESS, ("stress",))
        self.weight = Pass(weight_of_particles(n), "particles", device, WEIGHT, ("push", "stiff"))
        self.press = Pass(press_of_walls(n), "particles", device, PRESS, ("push", "yield"))
        self.forces = Pass(forces_at_nodes(n), "particles", device, FORCES, ("force",))
        self.balance = Pass(balance_of_nodes(n), "nodes", device, BALANCE, ("balance",))
        self.blocks = Pass(blocks_of_nodes(n), "nodes", device, BLOCKS, ("block",))
        self.stiffness = Pass(stiffness_product(n), "particles", device, STIFFNESS, ("add",))
        self.product = Pass(held_product(n), "nodes", device, PRODUCT, ("product",))
        self.gauge = GaugePasses(work)
        vectors = ("speed", "push", "stiff", "force", "balance", "velocity", "d", "add", "product", "friction")
        matrices = ("rate", "stress", "yield", "tangent", "block", "matrix")
        self.types = dict.fromkeys(vectors, n.vec) | dict.fromkeys(matrices, n.mat) | {"momentum": n.packed}
        particles: dict[str, tuple[int, ...]] = dict.fromkeys(("speed", "push", "stiff", "weight"), (dim,))
        particles |= dict.fromkeys(("rate", "stress", "yield", "seed"), (dim, dim)) | {"tangent": (dim**2, dim, dim)}
        self.of_particles = {name: work.zeros(work.particles, *shape) for name, shape in particles.items()}

    def of_nodes(self) -> dict[str, Tensor]:
        """As many as there are now."""
        dim = self.work.grid.dim
        widths: dict[str, tuple[int, ...]] = dict.fromkeys(
            ("force", "balance", "velocity", "d", "add", "product"), (dim,)
        )
        widths |= {"block": (dim, dim)}
        rooms = {name: self.work.room(f"implicit {name}", dim ** len(shape)) for name, shape in widths.items()}
        return {name: room.view(*room.shape[:2], *widths[name]) for name, room in rooms.items()}

    def views(self, **named: Tensor) -> dict[str, Any]:
        """Warp's views of tensors, without a copy."""
        return {
            name: wp.from_torch(tensor, dtype=self.types[name], requires_grad=False, return_ctype=True)
            for name, tensor in named.items()
        }


class Balance:
    """r(v) = m v - p - dt f(v) + friction [kg m/s], without the directions in which a node is held."""

    def __init__(self, passes: Passes, arrays: Mapping[str, Any], settings: Implicit):
        self.passes, self.work, self.settings = passes, passes.work, settings
        self.dt: Tensor = wp.to_torch(arrays["dt"])
        self.lightest: Tensor = wp.to_torch(arrays["lightest"])
        self.rest = torch.zeros_like(self.dt)
        self.room = passes.of_particles | passes.of_nodes()
        shared = {name: tensor for name, tensor in self.room.items() if name in passes.types}
        creep = passes.work.n.real(settings.creep)
        self.arrays = {**arrays, **passes.views(**shared), "creep": creep}
        self.still = self.arrays | {"dt": wp.from_torch(self.rest)}
        self.stiffness = passes.stiffness.recorded(self.arrays)
        self.product = passes.product.recorded(self.arrays | passes.views(matrix=self.room["block"]))
        # The momentum of which walls made a part is not needed: they press at the end of the step.
        self.spare = passes.views(momentum=passes.work.room("implicit momentum", passes.work.grid.dim + 1))

    def begin(self) -> Tensor:
        """Brings matter to the nodes; returns the velocities with which it comes there."""
        work, room, passes = self.work, self.room, self.passes
        for each in passes.arrive:
            each.run(self.still)
        for each in passes.walls:
            each.run(self.arrays | self.spare)
        momentum = work.nodes["momentum"]
        filled = momentum[..., -1:] > self.lightest[:, None, None]
        self.mass = torch.where(filled, momentum[..., -1:], 0.0)
        start = torch.where(filled, momentum[..., :-1] / momentum[..., -1:], 0.0)
        passes.weight.run(self.arrays)
        room["weight"].copy_(room["push"])
        self.linear(torch.zeros_like(start))
        self.gauge = Gauge(passes.gauge, self.arrays, filled, self.mass)
        self.floor = self.size(self.precondition(self.rounding()))
        fall = torch.where(filled, self.impulse(room["weight"]) / momentum[..., -1:], 0.0)
        self.scale = torch.maximum(self.size(fall), self.size(start))
        return self.free(start)

    def rounding(self) -> Tensor:
        """Impulses on the nodes by stresses that are off by what eps of strain makes, here up, there down."""
        room, eps = self.room, torch.finfo(self.work.dtype).eps
        count = torch.arange(self.work.particles, device=self.dt.device)
        sign = 1.0 - 2.0 * ((count * 2654435761 >> 13) & 1)
        noise = eps * room["stiff"][..., 0] * sign.to(self.work.dtype)
        room["stress"].zero_().diagonal(dim1=2, dim2=3).add_(noise[..., None])
        room["force"].zero_()
        self.passes.forces.run(self.arrays | self.passes.views(push=torch.zeros_like(room["push"])))
        return self.free(room["force"] * self.dt[:, None, None])

    def impulse(self, push: Tensor) -> Tensor:
        """What forces on the particles make of the momentum of the nodes in a step."""
        self.room["stress"].zero_()
        self.room["force"].zero_()
        self.passes.forces.run(self.arrays | self.passes.views(push=push))
        return self.room["force"] * self.dt[:, None, None]

    def size(self, d: Tensor) -> Tensor:
        """(sum m d^2)^1/2 [batch]"""
        return dot(d * self.mass, d).sqrt()

    def mean(self, d: Tensor) -> Tensor:
        """(sum m d^2 / sum m)^1/2 [batch]"""
        return self.size(d) / self.size(torch.ones_like(d[..., :1])).clamp(min=1e-300)

    def goal(self, v: Tensor) -> Tensor:
        """The tolerance, relative to velocity and weight; rounding, of strains above all, allows no less."""
        scale, eps = torch.maximum(self.scale, self.size(v)), torch.finfo(self.work.dtype).eps
        return torch.maximum(self.settings.tolerance * scale, ROUNDING * (self.floor + eps * scale))

    def respond(self, v: Tensor) -> None:
        """Motion of the particles, and what they and the walls answer with."""
        self.room["velocity"].copy_(v)
        self.passes.motion.run(self.arrays)
        self.passes.stress.run(self.arrays)
        self.room["push"].copy_(self.room["weight"])
        self.room["yield"].zero_()
        if self.passes.walls:
            self.passes.press.run(self.arrays)

    def residual(self, x: Tensor) -> Tensor:
        self.respond(x)
        self.room["force"].zero_()
        self.passes.forces.run(self.arrays)
        self.passes.balance.run(self.arrays)
        return self.room["balance"].clone()

    def linear(self, x: Tensor, cautious: Tensor | None = None) -> Linear:
        self.respond(x)
        sharp = torch.ones_like(self.dt) if cautious is None else (~cautious).to(self.dt)
        self.passes.blocks.run(self.arrays | {"sharp": wp.from_torch(sharp)})
        seed, tangent = self.room["seed"], self.room["tangent"].zero_()
        entries = seed.view(*seed.shape[:2], -1)
        for k in range(entries.shape[2]):
            entries.zero_()[..., k] = 1.0
            bars = self.passes.views(stress=seed, rate=tangent[:, :, k])
            self.passes.stress.run_transposed(self.arrays, bars)
        square = tangent.view(*tangent.shape[:3], -1)
        apart = (square - square.mT).abs().amax((1, 2, 3))
        symmetric = apart <= EVEN[self.work.dtype] * square.abs().amax((1, 2, 3))
        return Linear(self.apply, symmetric)

    def apply(self, d: Tensor) -> Tensor:
        self.room["d"].copy_(d)
        self.room["add"].zero_()
        self.stiffness.launch()
        self.product.launch()
        return self.room["product"].clone()

    def precondition(self, r: Tensor) -> Tensor:
        return self.gauge(r)

    def transpose(self, v: Tensor, bar: Tensor, found: Mapping[str, Any]) -> None:
        """Cotangents of everything that the balance at v depends on, from that of v."""
        passes, linear = self.passes, self.linear(v)
        tangent = self.room["tangent"].view(*self.room["tangent"].shape[:3], -1)
        tangent.copy_(tangent.mT.clone())
        b = self.free(bar)
        goal = EXACT[self.work.dtype] * self.size(self.precondition(b))
        everyone = torch.ones_like(linear.symmetric)
        solved = solve_linear(linear, b, goal, self.settings.krylov, self, everyone)
        self.refuse_unsolved(solved.residual, goal)
        bars = {name: torch.zeros_like(self.room[name]) for name in ("force", "push", "stress", "speed", "rate")}
        found = {**found, **passes.views(**bars, balance=-solved.x)}
        passes.balance.run_transposed(self.arrays, found | {"velocity": None})
        passes.forces.run_transposed(self.arrays, found)
        if passes.walls:
            passes.press.run_transposed(self.arrays, found)
        passes.weight.run_transposed(self.arrays, found)
        passes.stress.run_transposed(self.arrays, found)
        passes.motion.run_transposed(self.arrays, found | {"velocity": None})
        for each in passes.walls:
            each.run_transposed(self.arrays | self.spare, found | {"momentum": None})
        for each in reversed(passes.arrive):
            each.run_transposed(self.still, found)

    def free(self, r: Tensor) -> Tensor:
        """Without what walls forbid, and without empty nodes."""
        one = torch.eye(self.work.grid.dim, dtype=r.dtype, device=r.device).expand(*r.shape, -1)
        views = self.passes.views(matrix=one, d=r.contiguous())
        self.room["add"].zero_()
        self.passes.product.run(self.arrays | views)
        return self.room["product"].clone()

    def refuse_unsolved(self, residual: Tensor, goal: Tensor) -> None:
        lost = ~(residual <= 1e3 * goal)
        if bool(lost.any()):
            member = int(torch.nonzero(lost)[0])
            raise Diverged(
                f"The transposed implicit step of member {member} was not solved: a residual of "
                f"{float(residual[member]):.3g} is left, {float(goal[member]):.3g} was asked for. Take a smaller dt "
                f"or Implicit(krylov={2 * self.settings.krylov}).",
                tuple(int(i) for i in torch.nonzero(lost).flatten()),
            )

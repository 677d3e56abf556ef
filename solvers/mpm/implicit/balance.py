"""The equations of an implicit step: the balance of momentum at the nodes as a function of their velocities.

Where the forces come of an energy, the root is its minimum, and dr/dv is symmetric. The size of an imbalance is that of
the error of the velocities which it stands for, as the gauge sees it: (sum m v^2)^1/2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.scenes.methods import Implicit
from scenegrad.solvers.mpm.implicit.gauge import Gauge
from scenegrad.solvers.mpm.implicit.passes import Passes
from scenegrad.solvers.mpm.rigid.numbers import POSE
from scenegrad.solvers.shared.krylov import dot
from scenegrad.solvers.shared.newton import Linear, solve_linear

__all__ = ["Balance"]

EXACT = {torch.float32: 1e-5, torch.float64: 1e-12}  # relative residual that a transposed step may leave
EVEN = {torch.float32: 1e-3, torch.float64: 1e-8}  # relative difference by rounding of a matrix and its transpose

ROUNDING = 4.0  # how far above the error that rounding makes an error is no longer asked to fall


class Balance:
    """r(v) = m v - p - dt f(v) + friction + what obstacles hold [kg m/s], without the directions in which walls hold a
    node; see `balance_of_nodes`."""

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
        # What walls and obstacles do to momenta at first is not needed: they press at the end of the step.
        self.spare = passes.views(momentum=self.work.room("implicit momentum", self.work.grid.dim + 1))
        if passes.place:
            count = arrays["obstacles"][1]
            self.then = self.work.zeros(count, POSE)
            self.none, self.unused = self.work.zeros(count, 6), self.work.zeros(count, 6)
            self.arrays |= passes.views(then=self.then)
            self.spare |= passes.views(push=self.unused)
            free = passes.views(push=self.none)["push"]
            self.unpushed = self.arrays | {"push": free, "grip": free}
        self.stiffness = passes.stiffness.recorded(self.arrays)
        self.product = passes.product.recorded(self.arrays | passes.views(matrix=self.room["block"]))

    def begin(self) -> Tensor:
        """Brings matter to the nodes; returns the velocities with which it comes there."""
        work, room, passes = self.work, self.room, self.passes
        for each in passes.arrive:
            each.run(self.still)
        for each in passes.bear:
            each.run(self.arrays | self.spare)
        if passes.place:
            passes.place.run(self.unpushed)
        momentum = work.nodes["momentum"]
        filled = momentum[..., -1:] > self.lightest[:, None, None]
        self.mass = torch.where(filled, momentum[..., -1:], 0.0)
        start = torch.where(filled, momentum[..., :-1] / momentum[..., -1:], 0.0)
        passes.weight.run(self.arrays)
        room["weight"].copy_(room["thrust"])
        if passes.cling:
            self.collect(room["stiff"], room["resists"])
            passes.cling.run(self.arrays)
        for name in ("share", "before"):
            room[name].zero_()
        self.tangent(torch.zeros_like(start))
        self.gauge = Gauge(passes.gauge, self.arrays, filled, self.mass)
        self.floor = self.size(self.precondition(self.rounding(start)))
        fall = torch.where(
            filled, self.dt[:, None, None] * self.collect(room["weight"], room["force"]) / momentum[..., -1:], 0.0
        )
        self.scale = torch.maximum(self.size(fall), self.size(start))
        start = self.free(start)
        room["before"].copy_(start)
        return start

    def rounding(self, start: Tensor) -> Tensor:
        """Impulses on the nodes by stresses that are off by what eps of strain makes, here up, there down, and by
        velocities of held nodes that are off by eps."""
        room, eps = self.room, torch.finfo(self.work.dtype).eps
        count = torch.arange(self.work.particles, device=self.dt.device)
        sign = 1.0 - 2.0 * ((count * 2654435761 >> 13) & 1)
        noise = eps * room["stiff"][..., 0] * sign.to(self.work.dtype)
        room["stress"].zero_().diagonal(dim1=2, dim2=3).add_(noise[..., None])
        room["force"].zero_()
        self.passes.forces.run(self.arrays | self.passes.views(thrust=torch.zeros_like(room["thrust"])))
        firm = room["cling"].diagonal(dim1=2, dim2=3).sum(-1, keepdim=True)
        held = firm * start.norm(dim=-1, keepdim=True) + room["tow"].norm(dim=-1, keepdim=True)
        return self.free(room["force"] * self.dt[:, None, None] + eps * held)

    def collect(self, thrust: Tensor, at_nodes: Tensor) -> Tensor:
        """Forces on the particles as forces on the nodes."""
        self.room["stress"].zero_()
        views = self.passes.views(thrust=thrust, force=at_nodes.zero_())
        self.passes.forces.run(self.arrays | views)
        return at_nodes

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
        self.room["thrust"].copy_(self.room["weight"])
        if self.passes.press:
            self.passes.press.run(self.arrays)

    def residual(self, x: Tensor) -> Tensor:
        self.respond(x)
        self.room["force"].zero_()
        self.passes.forces.run(self.arrays)
        self.passes.balance.run(self.arrays)
        return self.room["balance"].clone()

    def linear(self, x: Tensor) -> Linear:
        """On the way to the root: friction takes part as `friction_shares` says."""
        if self.passes.bear:
            self.room["velocity"].copy_(x)
            self.passes.shares.run(self.arrays)
            self.room["before"].copy_(x)
        return self.tangent(x)

    def exact(self, x: Tensor) -> Linear:
        """At the root."""
        if self.passes.bear:
            for name in ("velocity", "before"):
                self.room[name].copy_(x)
            self.passes.shares.run(self.arrays)
        return self.tangent(x)

    def tangent(self, x: Tensor) -> Linear:
        self.respond(x)
        self.passes.blocks.run(self.arrays)
        seed, tangent = self.room["seed"], self.room["tangent"].zero_()
        entries = seed.view(*seed.shape[:2], -1)
        for k in range(entries.shape[2]):
            entries.zero_()[..., k] = 1.0
            bars = self.passes.views(stress=seed, rate=tangent[:, :, k])
            self.passes.stress.run_transposed(self.arrays, bars)
        if self.passes.press:
            self.seed_yield()
        square = tangent.view(*tangent.shape[:3], -1)
        apart = (square - square.mT).abs().amax((1, 2, 3))
        symmetric = apart <= EVEN[self.work.dtype] * square.abs().amax((1, 2, 3))
        return Linear(self.apply, symmetric)

    def seed_yield(self) -> None:
        """yield = -dq/dv, row by row."""
        gives = self.room["yield"].zero_()
        for k in range(gives.shape[2]):
            seed = torch.zeros_like(self.room["thrust"])
            seed[..., k] = -1.0
            assert self.passes.press
            bars = self.passes.views(thrust=seed, speed=gives[:, :, k])
            self.passes.press.run_transposed(self.arrays, bars | {"lattice": self.work.n.lattice()})

    def apply(self, d: Tensor) -> Tensor:
        self.room["d"].copy_(d)
        self.room["add"].zero_()
        self.stiffness.launch()
        self.product.launch()
        return self.room["product"].clone()

    def answer(self, v: Tensor) -> None:
        """What rigid bodies feel of the motion found."""
        self.room["velocity"].copy_(v)
        for each in self.passes.answer:
            each.run(self.arrays)

    def precondition(self, r: Tensor) -> Tensor:
        return self.gauge(r)

    def transpose(self, v: Tensor, bar: Tensor, found: Mapping[str, Any]) -> None:
        """Cotangents of everything that the balance at v depends on, from that of v and of what came of it."""
        passes = self.passes
        bars = {"then": torch.zeros_like(self.then)} if passes.place else {}
        bars |= {"bearing": torch.zeros_like(self.room["bearing"])} if "bearing" in self.room else {}
        bars["speed"] = torch.zeros_like(self.room["speed"])
        found = {**found, **passes.views(**bars)}
        self.room["velocity"].copy_(v)
        for each in reversed(passes.answer):
            each.run_transposed(self.arrays, found)
        linear = self.exact(v)
        tangent = self.room["tangent"].view(*self.room["tangent"].shape[:3], -1)
        tangent.copy_(tangent.mT.clone())
        b = self.free(bar)
        goal = EXACT[self.work.dtype] * self.size(self.precondition(b))
        everyone = torch.ones_like(linear.symmetric)
        solved = solve_linear(linear, b, goal, self.settings.krylov, self, everyone)
        self.refuse_unsolved(solved.residual, goal)
        made = ["force", "thrust", "stress", "speed", "rate"] + (["cling", "tow", "resists"] if passes.cling else [])
        bars |= {name: torch.zeros_like(self.room[name]) for name in made}
        found |= passes.views(**{name: bars[name] for name in made}, balance=-solved.x)
        passes.balance.run_transposed(self.arrays, found | {"velocity": None})
        passes.forces.run_transposed(self.arrays, found)
        if passes.press:
            passes.press.run_transposed(self.arrays, found)
        if passes.cling:
            passes.cling.run_transposed(self.arrays, found)
            stiff = torch.zeros_like(self.room["stiff"])
            found |= passes.views(stiff=stiff)
            still = torch.zeros_like(self.room["stress"])
            views = passes.views(thrust=self.room["stiff"], force=self.room["resists"], stress=still)
            ends = {"thrust": found["stiff"], "force": found["resists"], "stress": None}
            passes.forces.run_transposed(self.arrays | views, found | ends)
        passes.weight.run_transposed(self.arrays, found)
        passes.stress.run_transposed(self.arrays, found)
        passes.motion.run_transposed(self.arrays, found | {"velocity": None})
        if passes.place:
            passes.place.run_transposed(self.unpushed, found | {"push": None, "grip": None})
        for each in reversed(passes.bear):
            each.run_transposed(self.arrays | self.spare, found | {"momentum": None, "push": None})
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

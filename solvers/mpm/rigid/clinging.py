"""How rigid bodies move together with the nodes that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.colliders.contact import SLIP, STICK
from scenegrad.solvers.mpm.colliders.obstacles import Obstacles
from scenegrad.solvers.mpm.rigid.frames import HINGED

__all__ = ["JoinNodes"]


@dataclass(frozen=True)
class JoinNodes:
    """(M + A) twist' = M twist + b for each body to which matter clings; its push grows by M (twist' - twist).

    A, b: mass and momentum of the nodes that it holds, see `weigh`. Body and nodes change velocity together, so that no
    momentum is lost and a light body in heavy matter does not overshoot. On a hinge the equation holds along its turn.
    What moves as it is told, or stands, is pushed by b - A twist.
    """

    obstacles: Obstacles
    scratch: Mapping[str, Tensor]  # now, weight, carried, clung, push

    def run(self, arrays: Mapping[str, Any]) -> None:
        given = self.given(arrays)
        twists, impulses = self.joined(*given)
        self.scratch["clung"].copy_(self.scratch["now"][..., 7:])
        for place, twist, impulse in zip(self.places, twists, impulses, strict=True):
            self.scratch["clung"][:, place] = twist
            self.scratch["push"][:, place] += impulse

    def run_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        bar = {name: wp.to_torch(bars[name]) for name in ("now", "inertia", "weight", "carried", "clung", "push")}
        bar["now"][..., 7:] += bar["clung"]  # of those that are not joined with nodes
        if not self.places:
            return
        bar["now"][:, self.places, 7:] -= bar["clung"][:, self.places]
        given = [tensor.detach().requires_grad_() for tensor in self.given(arrays)]
        with torch.enable_grad():
            twists, impulses = self.joined(*given)
        ends = [bar["clung"][:, p] for p in self.places] + [bar["push"][:, p] for p in self.places]
        found = torch.autograd.grad([*twists, *impulses], given, ends, allow_unused=True)
        for name, change in zip(("now", "inertia", "weight", "carried"), found, strict=True):
            if change is not None:
                bar[name] += change

    @property
    def places(self) -> list[int]:
        """Numbers of those heeded to which matter clings."""
        heeded = self.obstacles.heeded
        return [i for i, o in enumerate(self.obstacles.all) if heeded[i] and o.touch in (SLIP, STICK)]

    def given(self, arrays: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inertia = wp.to_torch(arrays["inertia"])
        return self.scratch["now"], inertia, self.scratch["weight"], self.scratch["carried"]

    def joined(
        self, now: Tensor, inertia: Tensor, weight: Tensor, carried: Tensor
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Twist and impulse of each body [batch, 6]."""
        twists, impulses = [], []
        for place in self.places:
            pose = now[:, place]
            if self.obstacles.all[place].mass is None:
                twists.append(pose[:, 7:])
                impulses.append(carried[:, place] - (weight[:, place] @ pose[:, 7:, None])[..., 0])
                continue
            row = inertia[:, place]
            mass, before = mass_matrix(pose, row), pose[:, 7:]
            whole = mass + weight[:, place]
            momentum = (mass @ before[:, :, None])[..., 0] + carried[:, place]
            if self.obstacles.all[place].motion == HINGED:
                axis = row[:, 10:13]
                way = torch.cat([torch.linalg.cross(axis, pose[:, :3] - row[:, 7:10]), axis], dim=1)
                along = torch.einsum("bi,bij,bj->b", way, whole, way)
                after = ((way * momentum).sum(1) / along)[:, None] * way
            else:
                after = torch.linalg.solve(whole, momentum)
            twists.append(after)
            impulses.append((mass @ (after - before)[:, :, None])[..., 0])
        return twists, impulses


def mass_matrix(pose: Tensor, row: Tensor) -> Tensor:
    """diag(m 1, R I R') [batch, 6, 6]"""
    x, y, z, w = torch.nn.functional.normalize(pose[:, 3:7], dim=1).unbind(1)
    turn = torch.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
            2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
            2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
        ],
        dim=1,
    ).view(-1, 3, 3)  # fmt: skip
    own = row[:, [1, 4, 6, 4, 2, 5, 6, 5, 3]].view(-1, 3, 3)
    none = torch.zeros_like(own)
    linear = row[:, 0, None, None] * torch.eye(3, dtype=row.dtype, device=row.device)
    return torch.cat([torch.cat([linear, none], 2), torch.cat([none, turn @ own @ turn.mT], 2)], 1)

"""How walls hold the nodes, and which nodes are images of others: arrays for the passes, and the passes of mirrors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import warp as wp
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.solvers.mpm.colliders.held import shares_of_held, shares_of_images
from scenegrad.solvers.mpm.colliders.passes import ColliderPasses
from scenegrad.solvers.mpm.folding import fold, reflect
from scenegrad.solvers.mpm.grid.grid import Clinging
from scenegrad.solvers.mpm.grid.layout import Layout
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.mirrors import Images, images
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.passes import Pass, Process

__all__ = ["OF_WALLS", "HeldNodes"]

MIRRORS = ("behind", "front", "sign")
OF_WALLS = ("hold", "holds", "images", "image", *MIRRORS, "held share", "held shares", "image share")  # see `arrays`
MASSIVE = ("momentum", "bearing")


@dataclass(frozen=True)
class HeldNodes:
    """mirrors: of each member, the walls that are some. fields: how many grids there are in one."""

    n: Numbers
    matter: Matter
    fields: int
    mirrors: tuple[tuple[Clinging, ...], ...]

    @property
    def device(self) -> torch.device:
        return self.matter.volume.device

    def arrays(self, layout: Layout) -> dict[str, Any]:
        """What the passes know of walls at the nodes that are kept."""
        found = images(layout, self.mirrors)
        hold, table = found.held(*layout.holds(self.matter.clinging))
        members, count = found.behind.shape
        image = torch.zeros(members, layout.nodes, dtype=torch.uint8)
        for member in range(members):
            image[member, torch.from_numpy(found.of(member))] = 1
        return {
            "hold": wp.from_torch(hold.to(self.device).repeat(1, self.fields)),
            "holds": wp.from_torch(self.known(table), dtype=self.n.mat),
            "images": (members, count * self.fields),
            "behind": self.numbers(found.behind, layout),
            "front": self.numbers(found.front, layout),
            "sign": wp.from_torch(self.known(self.on_every_grid(found.sign, 1.0)), dtype=self.n.vec),
            "image": wp.from_torch(image.to(self.device).repeat(1, self.fields)),
            **self.shares(layout, found),
        }

    def shares(self, layout: Layout, found: Images) -> dict[str, Any]:
        """What part walls have in holding nodes, if somebody wants to know the forces on them."""
        names, n = [*self.matter.obstacles.holding], self.n
        if not names:
            return {}
        rows, table = shares_of_held(layout, self.matter.clinging, names)
        for member, row in enumerate(rows):
            row[found.of(member)] = 0
        parts = self.on_every_grid(shares_of_images(found, layout, self.mirrors, names), 0.0)
        return {
            "held share": wp.from_torch(torch.from_numpy(rows).to(self.device, torch.int32).repeat(1, self.fields)),
            "held shares": wp.from_torch(self.known(table), dtype=n.mat),
            "image share": wp.from_torch(self.known(parts), dtype=n.vec),
        }

    def known(self, values: NDArray[Any] | Tensor) -> Tensor:
        """In the precision of the particles."""
        return torch.as_tensor(values).to(self.device, self.matter.volume.dtype).contiguous()

    def on_every_grid(self, values: NDArray[Any], last: float) -> NDArray[Any]:
        """Of images [member, image, ...], for each of the grids, and a last one so that there is any."""
        end = np.full_like(values, last, shape=(values.shape[0], 1, *values.shape[2:]))
        return np.concatenate([*[values] * self.fields, end], axis=1)

    def numbers(self, nodes: NDArray[np.int64], layout: Layout) -> wp.array:
        """Of nodes [member, image] on each of the grids; -1 stays what it is."""
        each = [np.where(nodes < 0, -1, nodes + field * layout.nodes) for field in range(self.fields)]
        end = np.full_like(nodes, -1, shape=(len(nodes), 1))
        return wp.from_torch(torch.from_numpy(np.concatenate([*each, end], axis=1)).to(self.device, torch.int32))

    def folded(self, *names: str) -> list[Pass]:
        """What is behind mirrors joins its images, where there are mirrors."""
        return [
            Pass(fold(self.n, name in MASSIVE), "images", str(self.device), MIRRORS, (name,))
            for name in names
            if any(self.mirrors)
        ]

    def reflected(self, *names: str) -> list[Pass]:
        """What is behind mirrors has what its images have, where there are mirrors."""
        return [
            Pass(reflect(self.n), "images", str(self.device), MIRRORS, (name,)) for name in names if any(self.mirrors)
        ]

    def mirrored(self, meet: ColliderPasses) -> list[Process]:
        """What colliders do at the nodes, and mirrors before and after that."""
        press, *others = meet.meet
        return [press, *self.folded("momentum", "bearing", "drag"), *others, *self.reflected("velocity", "traction")]

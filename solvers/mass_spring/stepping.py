"""What is launched in a step and in its transpose."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.mass_spring.moving import gather_back, move, move_back
from scenegrad.solvers.mass_spring.pulling import pull, pull_back
from scenegrad.solvers.mass_spring.truss import Constants, Truss
from scenegrad.solvers.mass_spring.types import types_of

__all__ = ["Stepper"]

OF_SPRINGS = ("stiffness", "damping", "length")
OF_MASSES = ("mass", "drag", "gravity", "wall")
OF_WALLS = ("offset", "friction")


class Stepper:
    """Kernels of one truss. No two threads write to one place, so that results do not depend on their order."""

    def __init__(self, truss: Truss):
        wp.init()
        self.truss = truss
        self.batch, self.masses = truss.free.shape
        self.springs, self.dim = len(truss.pairs), truss.gravity.shape[1]
        self.device, self.dtype = truss.free.device, truss.free.dtype
        self.types = types_of(self.dim, self.dtype)
        start, entry = incidence(truss.pairs.cpu(), self.masses)
        self.net = [self.array(table.to(self.device)) for table in (start, entry)]
        self.pairs = self.array(truss.pairs.to(torch.int32).contiguous())
        self.free, self.normals = self.array(truss.free.contiguous()), self.vectors(truss.normals.contiguous())
        walls, vectors = len(truss.faces), (self.masses, self.dim)
        self.force = self.vectors(self.empty(self.springs, self.dim))
        # Cotangents that are read within a step and then forgotten.
        self.pull_bars = {name: self.empty(self.springs) for name in (*OF_SPRINGS, "contraction")}
        self.bars = {name: self.empty(self.masses) for name in ("mass", "drag")}
        self.bars |= {"gravity": self.empty(*vectors), "wall": self.empty(self.masses)}
        self.bars |= {name: self.empty(self.masses, walls) for name in OF_WALLS}
        self.force_bar = self.vectors(self.empty(*vectors))
        self.ends = [self.vectors(self.empty(self.springs, self.dim)) for _ in range(2)]  # of d and of v_j - v_i
        self.written = [self.vectors(v) if n == "gravity" else self.array(v) for n, v in self.bars.items()]
        self.pulls = [self.array(value) for value in self.pull_bars.values()]

    def array(self, value: Tensor) -> Any:
        return wp.from_torch(value)

    def vectors(self, value: Tensor) -> Any:
        return wp.from_torch(value, dtype=self.types.vec)

    def empty(self, *shape: int) -> Tensor:
        return torch.empty((self.batch, *shape), dtype=self.dtype, device=self.device)

    def stream(self) -> AbstractContextManager[None]:
        """Launches go to torch's current stream."""
        return on_torch_stream(self.device)

    def known(self, constants: Constants) -> dict[str, Any]:
        """Constants as kernels see them."""
        made = {name: value.detach().contiguous() for name, value in vars(constants).items()}
        return {name: self.vectors(v) if name == "gravity" else self.array(v) for name, v in made.items()}

    def launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        wp.launch(kernel, dim=(self.batch, count), inputs=list(arrays), device=self.net[0].device)

    def pulled(self, known: dict[str, Any], contraction: Tensor, x: Any, v: Any) -> list[Any]:
        """Forces of the springs; returns what their kernel read."""
        read = [self.pairs, *(known[name] for name in OF_SPRINGS), self.array(contraction.contiguous()), x, v]
        self.launch(pull(self.types), self.springs, *read, self.force)
        return read

    def moves(self, known: dict[str, Any], dt: Tensor, x: Any, v: Any) -> list[Any]:
        """What the kernel of the motion reads."""
        walls = [self.normals, *(known[name] for name in OF_WALLS)]
        return [
            self.array(dt), *self.net, self.free, *(known[name] for name in OF_MASSES), *walls, self.force, x, v
        ]  # fmt: skip

    def step(
        self, known: dict[str, Any], contraction: Tensor, dt: Tensor, position: Tensor, velocity: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Position and velocity after dt [batch]."""
        x, v = self.vectors(position.detach().contiguous()), self.vectors(velocity.detach().contiguous())
        after = self.empty(self.masses, self.dim), self.empty(self.masses, self.dim)
        with self.stream():
            self.pulled(known, contraction, x, v)
            self.launch(
                move(self.types), self.masses, *self.moves(known, dt, x, v), *(self.vectors(made) for made in after)
            )
        return after

    def transposed(
        self,
        known: dict[str, Any],
        contraction: Tensor,
        dt: Tensor,
        position: Tensor,
        velocity: Tensor,
        bars: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor, Constants]:
        """Cotangents of position, velocity, contraction and constants from `bars`, those of position and velocity.

        The last two are overwritten by the next call.
        """
        x, v = self.vectors(position.detach().contiguous()), self.vectors(velocity.detach().contiguous())
        before = self.empty(self.masses, self.dim), self.empty(self.masses, self.dim)
        found = [self.vectors(value) for value in before]
        with self.stream():
            read = self.pulled(known, contraction, x, v)
            after = [self.vectors(bar.contiguous()) for bar in bars]
            moved = [*self.moves(known, dt, x, v), *after]
            self.launch(move_back(self.types), self.masses, *moved, *self.written, self.force_bar, *found)
            self.launch(pull_back(self.types), self.springs, *read, self.force_bar, *self.pulls, *self.ends)
            self.launch(gather_back(self.types), self.masses, *self.net, *self.ends, *found)
        shared = {name: self.bars[name].sum(1) for name in ("gravity", *OF_WALLS)}
        numbers = {name: self.pull_bars[name] for name in OF_SPRINGS}
        return *before, self.pull_bars["contraction"], Constants(**{**self.bars, **shared, **numbers})


def incidence(pairs: Tensor, masses: int) -> tuple[Tensor, Tensor]:
    """The springs at each mass: entries start[m] to start[m + 1] are 2 spring + end, end 0 for its first mass."""
    ends = pairs.reshape(-1)  # entry 2 s + end
    order = torch.argsort(ends, stable=True)
    start = torch.zeros(masses + 1, dtype=torch.int64)
    start[1:] = torch.bincount(ends, minlength=masses).cumsum(0)
    return start.to(torch.int32), order.to(torch.int32)

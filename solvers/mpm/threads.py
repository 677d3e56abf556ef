"""One pass over the particles on several threads of a CPU, the same to the last bit for as many threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.shared.jobs import at_once

if TYPE_CHECKING:
    from scenegrad.solvers.mpm.passes import Pass
    from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["Threads"]

LEAST = 8192  # particles of a thread: for fewer, handing over takes longer than it saves

# Arrays of the particles, by the axis along which these stand. Tables of constants are read by slot and stay whole.
SHARED = (  # where cells are refined
    "own", "own fine", "lean", "lean fine", "gathered v", "gathered B", "gathered L", "gathered before",
)  # fmt: skip
AXIS = (
    {"kind": 0, "slot": 0, "volume": 1, "radius": 1}
    | dict.fromkeys(SHARED, 1)
    | {name + mark: 1 for name in ("x", "v", "C", "F", "h") for mark in ("", " after")}
)
LATTICE = {"home": 1, "field": 0}  # those of a lattice


class Threads:
    """Each thread takes a run of particles, and a grid of its own for what it adds to the nodes; the grids are summed
    in the order of the threads. There are as many as torch.get_num_threads() says, less where particles are few."""

    def __init__(self, work: Workspace):
        self.work = work
        self.lost: list[Tensor] = []

    @property
    def count(self) -> int:
        if self.work.device.type != "cpu":
            return 1
        return max(1, min(torch.get_num_threads(), self.work.particles // LEAST))

    def run(self, each: Pass, arrays: Mapping[str, Any]) -> None:
        work, names = self.work, (*each.inputs, *each.outputs)
        summed = [name for name in each.outputs if name in work.summed]
        rooms = {name: self.rooms(name) for name in summed}
        jobs = []
        for thread, (begin, end) in enumerate(self.parts()):
            own = self.cut(arrays, names, begin, end)
            mine = {name: room[thread - 1] for name, room in rooms.items()} if thread else {}
            own |= work.views(mine)
            if thread and "lost" in names:
                own["lost"] = wp.from_torch(self.losses(thread))
            jobs.append(partial(each.launch, own))
        at_once(jobs, each.kernel)
        for name in summed:
            for room in rooms[name]:
                work.nodes[name].add_(room)
        if "lost" in names:
            self.gather_lost()

    def run_transposed(self, each: Pass, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        work, names = self.work, (*each.inputs, *each.outputs)
        summed = [name for name in each.inputs if name in work.widths and name in bars]
        rooms = {name: self.rooms(name) for name in summed}
        jobs = []
        for thread, (begin, end) in enumerate(self.parts()):
            own, theirs = self.cut(arrays, names, begin, end), self.cut(bars, names, begin, end, whole=("lattice",))
            mine = {name: room[thread - 1] for name, room in rooms.items()} if thread else {}
            jobs.append(partial(each.launch_transposed, own, theirs | work.views(mine)))
        at_once(jobs, (each.kernel, "transposed"))
        for name in summed:
            bar = work.room(f"{name} bar", work.widths[name])
            for room in rooms[name]:
                bar.add_(room)

    def parts(self) -> list[tuple[int, int]]:
        """First and last particle of each thread."""
        ends = [self.work.particles * thread // self.count for thread in range(self.count + 1)]
        return [*pairwise(ends)]

    def rooms(self, name: str) -> list[Tensor]:
        """Empty grids of all threads but the first, which adds to the grid of all."""
        return [self.work.room(f"{name} of thread {t}", self.work.widths[name]).zero_() for t in range(1, self.count)]

    def losses(self, thread: int) -> Tensor:
        while len(self.lost) < thread:
            self.lost.append(torch.zeros_like(self.work.lost))
        return self.lost[thread - 1]

    def gather_lost(self) -> None:
        """Threads count particles from their own first one."""
        for (begin, _), lost in zip(self.parts()[1:], self.lost, strict=False):
            if bool(lost.any()):
                self.work.lost.copy_(torch.where(lost > 0, lost + begin, self.work.lost))
                lost.zero_()

    def cut(
        self, arrays: Mapping[str, Any], names: Sequence[str], begin: int, end: int, whole: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The arrays of a pass for some of the particles."""
        found = {name: arrays[name] for name in names if name in arrays}
        for name in found.keys() & AXIS.keys():
            found[name] = part(found[name], AXIS[name], begin, end)
        if "lattice" in found and "lattice" not in whole:
            found["lattice"] = self.lattice(found["lattice"], begin, end)
        return found | {"particles": (self.work.batch, end - begin)}

    def lattice(self, lattice: Any, begin: int, end: int) -> Any:
        named = {name: getattr(lattice, name) for name in self.work.n.lattice.vars}
        mine = {
            name: value[:, begin:end] if LATTICE[name] else value[begin:end]
            for name, value in named.items()
            if name in LATTICE and value is not None and value.size
        }
        if not mine:
            return lattice
        found = self.work.n.lattice()
        for name, value in (named | mine).items():
            setattr(found, name, value)
        return found


def part(array: Any, axis: int, begin: int, end: int) -> Any:
    """Some entries along an axis, without a copy."""
    if array is None:
        return None
    whole = array if hasattr(array, "data") and hasattr(array, "flags") else array.__ctype__()
    found = type(whole).from_buffer_copy(whole)
    found.data += begin * found.strides[axis]
    found.shape[axis] = end - begin
    return found

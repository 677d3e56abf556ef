# mypy: disable-error-code="empty-body, valid-type"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""Loops over neighbours that a CPU takes many at a time.

A compiler makes wide instructions of a loop whose iterations do not depend on each other and touch memory in a plain
way. So a kernel takes a stretch of a row at a time: first what each neighbour contributes goes into a local array, then
these are added up one after another, in the order of the row. The sum is the same, to the last bit, as without the
first loop, and does not depend on which neighbours beyond the cutoff stand in the row. On a GPU a stretch is one
neighbour, which is the plain loop.

In the first loop, vectors are read and written by component: a function that takes or returns one of single precision
hands over two of its components in one register, which no loop of wide instructions can be made of.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["WIDE", "Stretch", "readers", "spans", "store", "stretch"]

# As wide as the processor can; compilers hold back for old ones that then lowered their clock.
WIDE = {"cpu_compiler_flags": FUSED["cpu_compiler_flags"] + " -mprefer-vector-width=512"}

SPAN = 256  # atoms
LINE = 64  # bytes of the widest instruction, and of a line of memory


@dataclass(frozen=True)
class Stretch:
    """most: neighbours taken at a time. step: their number is rounded up to a multiple of this, which rows have room
    for; what the surplus contributes is not used."""

    most: int
    step: int

    def type(self, real: Any, parts: int) -> Any:
        """A local array of so many numbers for each of them."""
        return wp.types.vector(parts * self.most, real)


def stretch(dtype: torch.dtype, wide: bool) -> Stretch:
    return Stretch(64, LINE // dtype.itemsize) if wide else Stretch(1, 1)


@wp.func_native("row.data[at] = number;")
def store(row: wp.array[wp.int32], at: int, number: int):
    """Another index at a place of a row without gaps."""


@cache
def readers(dim: int, dtype: torch.dtype) -> Any:
    """entry(row, at), part(x, at, axis), take(x, at, axis, number) and put(x, at, axis, number): an index, a component
    of a vector, less of one, and another one; of arrays without gaps."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.func_native("return row.data[at];")
    def entry(row: wp.array[wp.int32], at: int) -> int: ...

    @wp.func_native("return x.data[at].c[axis];")
    def part(x: wp.array[vec], at: int, axis: int) -> real: ...

    @wp.func_native("x.data[at].c[axis] -= number;")
    def take(x: wp.array[vec], at: int, axis: int, number: real): ...

    @wp.func_native("x.data[at].c[axis] = number;")
    def put(x: wp.array[vec], at: int, axis: int, number: real): ...

    return entry, part, take, put


def spans(batch: int, atoms: int, device: str) -> tuple[int, tuple[int, int]]:
    """How many atoms a thread has, where it loops over them itself, and the shape of such a launch. (A thread of a CPU
    costs as much as a few atoms, and a loop can be wide.)"""
    span = SPAN if device == "cpu" else 1
    return span, (batch, -(-atoms // span))

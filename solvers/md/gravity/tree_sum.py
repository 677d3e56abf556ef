"""The field of many bodies, found by a tree to a tolerance that is looked at.

The expansion of a cell is taken where the first power that it leaves out is small against the pull there [after
Springel 2005, Mon. Not. R. Astron. Soc. 364, 1105, and Dehnen 2014, Comput. Astrophys. Cosmol. 1, 1]. What comes out is
compared with the sum over all bodies at a sample of them: where it is off by more than the tolerance, all is found anew
with a sharper limit. Nothing is kept from one time to the next. In float64, whatever the precision of the bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.gravity.expansion import powers
from scenegrad.solvers.md.gravity.moments import gather
from scenegrad.solvers.md.gravity.tree import grow
from scenegrad.solvers.md.gravity.walk import exact, felt, strength, walk
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.shared.jobs import at_once

__all__ = ["TreeSum"]

ORDERS = ((3e-4, 5), (3e-6, 6), (0.0, 8))  # the fastest for tolerances above these
FEW = 0.05  # of the sum of all pulls: where they cancel to less, errors are held against this
SAMPLE, MOST = 400, 1  # bodies that are looked at; how many of them may be off by more
ALIKE = 4.0  # tolerances, for what the size of a leaf alone leaves out, which is alike for many cells
SHARPER = 0.1  # of all limits, for products: second derivatives are less well expanded
ATTEMPTS = 5
LEAST = 64  # leaves for a thread


class TreeSum:
    """Sums over bodies x [body, dim] with masses [body], both float64 and at rest; softening e.

    tolerance: of the pull on a body, relative, for 99 bodies of 100. leaf: cells of no more bodies are not divided.
    """

    def __init__(self, x: Tensor, mass: Tensor, softening: float, tolerance: float, leaf: int):
        self.bodies, self.dim = x.shape
        self.device, self.soft2, self.tolerance = str(x.device), softening**2, tolerance
        self.cells = grow(x, leaf)
        self.order = self.cells.order.long()
        self.x, self.mass = x[self.order], mass[self.order]
        self.leaves = self.cells.leaves
        self.powers = powers(self.dim, next(order for above, order in ORDERS if tolerance > above), self.device)
        self.columns = self.x.T.contiguous()

    def field(self) -> tuple[Tensor, Tensor]:
        """Gradient [body, dim] and value [body] of sum_j m_j / s. What is left of the sum of m grad, which is zero
        where action is reaction, is taken off in proportion to the sizes of gradients."""
        chosen = torch.linspace(0, self.bodies - 1, min(SAMPLE, self.bodies), device=self.device).int()
        known = torch.empty(len(chosen), self.dim, dtype=torch.float64, device=self.device)
        vec = numbers(self.dim, torch.float64).vec
        inputs = [self.soft2, view(self.mass, wp.float64), view(self.x, vec), view(chosen, wp.int32), view(known, vec)]
        launch(exact(self.dim), (len(chosen),), inputs, self.device)
        sharpness, described = 1.0, self.described(None)
        for _ in range(ATTEMPTS):
            found = self.summed(described, sharpness, None)
            slope = self.balanced(found[: self.dim].T)
            off = (slope[chosen.long()] - known).norm(dim=1) / known.norm(dim=1).clamp(min=1e-300)
            worst = float(off.sort().values[-1 - min(MOST, len(off) - 1)])
            if worst <= self.tolerance:
                break
            sharpness *= min(0.5 * self.tolerance / worst, 0.5)
        else:
            raise EngineError(
                f"After {ATTEMPTS} attempts a tree of {self.bodies} bodies is still off by {worst:.2g} of the pull on "
                f"a body, where tolerance={self.tolerance:.2g} is asked for. Ask for more than that, or leave the tree "
                "out: every pair is summed then."
            )
        return self.unsorted(slope), self.unsorted(found[self.dim])

    def balanced(self, slope: Tensor) -> Tensor:
        for _ in range(2):  # the second for what rounding leaves
            size = slope.norm(dim=1, keepdim=True)
            share = size / (self.mass @ size).clamp(min=1e-300)
            slope = slope - share * (self.mass @ slope)
        return slope

    def product(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Of L = sum_i m_i w_i . grad P(x_i): its derivatives by x_i over m_i [body, dim], and by m_i [body]."""
        w = w[self.order].contiguous()
        found = self.summed(self.described(w), SHARPER, w.T.contiguous())
        return self.unsorted(found[: self.dim].T), self.unsorted(found[self.dim])

    def unsorted(self, values: Tensor) -> Tensor:
        back = torch.empty_like(values, memory_format=torch.contiguous_format)
        back[self.order] = values
        return back

    def described(self, w: Tensor | None) -> list[Tensor]:
        """mass, centre, radius, reach and moments of all cells."""
        p, count, fields = self.powers, len(self.cells.first), 1 if w is None else 2
        widths = ((), (self.dim,), (), (), (fields, p.count))
        made = [torch.empty(count, *width, dtype=torch.float64, device=self.device) for width in widths]
        vec, real, whole = numbers(self.dim, torch.float64).vec, wp.float64, wp.int32
        inputs = [
            *(p.order, view(self.mass, real), view(self.x, vec), view(self.x if w is None else w, vec)),
            *(view(self.cells.first, whole), view(self.cells.last, whole)),
            *(view(p.step, whole), view(p.share, real), view(p.less, whole)),
            *(view(one, kind) for one, kind in zip(made, (real, vec, real, real, real), strict=True)),
        ]
        launch(gather(self.dim, p.count, fields), (count,), inputs, self.device)
        return made

    def summed(self, described: list[Tensor], sharpness: float, w: Tensor | None) -> Tensor:
        """Gradients and values, or products, of bodies in Morton's order [dim + 1, body]."""
        p, cells, leaves, fields = self.powers, self.cells, len(self.leaves), 1 if w is None else 2
        vec, real, whole = numbers(self.dim, torch.float64).vec, wp.float64, wp.int32
        mass, center, radius, reach, moment = described
        local = torch.zeros(leaves, fields, p.count, dtype=torch.float64, device=self.device)
        limit = torch.empty(leaves, dtype=torch.float64, device=self.device)
        found = torch.zeros(self.dim + 1, self.bodies, dtype=torch.float64, device=self.device)
        group, first, last, down, past = (
            view(table, whole) for table in (self.leaves, cells.first, cells.last, cells.down, cells.past)
        )
        columns, along = view(self.columns, real), view(self.columns if w is None else w, real)
        about = [view(mass, real), view(center, vec)]
        self.shared(
            strength(self.dim),
            [
                *(FEW, self.soft2, group, first, last, down, past, view(self.x, vec)),
                *(*about, view(radius, real), view(limit, real)),
            ],
        )
        limit *= sharpness * self.tolerance
        self.shared(
            walk(self.dim, p.count, fields),
            [
                *(p.order, ALIKE * sharpness * self.tolerance, self.soft2, view(limit, real), self.bodies),
                *(view(self.mass, real), columns, along),
                *(group, first, last, down, past, *about, view(center, real), view(radius, real), view(reach, real)),
                *(view(moment, real), view(p.before, whole), view(p.factor, real), view(p.sums, whole)),
                *(view(p.upto, whole), view(local, real), view(found, real)),
            ],
        )
        self.shared(
            felt(self.dim, p.count, fields),
            [
                *(columns, along, group, first, last, view(center, vec), view(p.step, whole), view(p.share, real)),
                *(view(p.more, whole), view(local, real), view(found, real)),
            ],
        )
        return found

    def shared(self, kernel: wp.Kernel, inputs: Sequence[Any]) -> None:
        """A launch over leaves, in shares for the threads of a CPU; each writes for its own bodies alone."""
        leaves = len(self.leaves)
        shares = max(min(torch.get_num_threads(), leaves // LEAST), 1) if self.device == "cpu" else 1
        ends = [leaves * share // shares for share in range(shares + 1)]
        jobs = [partial(launch, kernel, (b - a,), [a, *inputs], self.device) for a, b in pairwise(ends)]
        at_once(jobs, kernel)

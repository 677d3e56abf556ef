"""Gravity by a tree as a term of the force field."""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.gravity.tree import grow
from scenegrad.solvers.md.gravity.walk import walk
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.system import PerAtom

__all__ = ["TreeTerm"]


class TreeTerm:
    """U = -G sum_{i<j} m_i m_j / sqrt(r^2 + e^2) up to what the moments of far cells leave out; see `Term`.

    The force of this sum jumps where a body begins to take another cell as a whole, so that it is no gradient of its
    energy, and derivatives of it are refused. Momentum is kept up to the same error.
    """

    def __init__(self, name: str, masses: PerAtom, dim: int, dtype: torch.dtype, angle: float, leaf: int):
        self.name, self.constant, self.softening = name, f"{name}.constant", f"{name}.softening"
        self.masses, self.angle, self.leaf, self.numbers = masses, angle, leaf, numbers(dim, dtype)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.constant, self.softening, *self.masses.addresses)

    def pulled(self, x: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        """Acceleration [batch, atom, dim] and potential [batch, atom] of every body."""
        a, phi, mass = torch.empty_like(x), torch.empty_like(x[..., 0]), self.masses(params)
        n, dtype, device = self.numbers, x.dtype, str(x.device)
        constant, softening = params[self.constant].detach(), params[self.softening].detach()
        head = [view(constant.contiguous(), n.real), view(softening.contiguous(), n.real), n.real(self.angle)]
        for member in range(len(x)):
            cells = grow(x[member].double(), mass[member].double(), self.leaf)
            order = cells.order.long()
            numbers_of = [mass[member][order], x[member][order]]
            tables = [getattr(cells, name) for name in ("order", "first", "last", "down", "past")]
            sums = [getattr(cells, name).to(dtype).contiguous() for name in ("mass", "center", "moment", "radius")]
            types = [n.real, n.vec, n.mat, n.real]
            inputs = [*head, member, view(numbers_of[0], n.real), view(numbers_of[1], n.vec)]
            inputs += [view(table, wp.int32) for table in tables]
            inputs += [view(one, kind) for one, kind in zip(sums, types, strict=True)]
            outputs = [view(a[member], n.vec), view(phi[member], n.real)]
            launch(walk(n.dim, dtype), (x.shape[1],), [*inputs, *outputs], device)
        return a, phi

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        force.add_(self.masses(params)[..., None] * self.pulled(x, params)[0])

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        """W = sum_i F_i y_i, with y from the mean of all positions; of forces between pairs that is sum_{i<j} f r."""
        (a, phi), mass = self.pulled(x, params), self.masses(params).double()
        force = mass[..., None] * a.double()
        virial = torch.einsum("bia,bic->bac", force, (x - x.mean(dim=1, keepdim=True)).double())
        return torch.cat([0.5 * (mass * phi.double()).sum(dim=1, keepdim=True), virial.flatten(1)], dim=1)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = 2 G (m_i + m_j) / s^3 at most, of bodies that stand side by side in Morton's order: the closest
        pairs are among them or nearly so; and of a body passing through the softest core where there is one."""
        square = torch.empty(len(x), dtype=torch.float64, device=x.device)
        constant, softening = params[self.constant].detach().double(), params[self.softening].detach().double()
        for member in range(len(x)):
            place, m = x[member].double(), mass[member].double()
            order = grow(place, m, self.leaf).order.long()
            place, m, closest = place[order], m[order], square.new_zeros(())
            for ahead in range(1, min(self.leaf, len(m) - 1) + 1):
                s = ((place[ahead:] - place[:-ahead]).square().sum(dim=1) + softening[member] ** 2).sqrt()
                closest = torch.maximum(closest, ((m[ahead:] + m[:-ahead]) / s**3).max())
            square[member] = 2.0 * constant[member] * closest
        return square

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        raise self.refusal()

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        raise self.refusal()

    def refusal(self) -> EngineError:
        return EngineError(
            f"{self.name}.tree: the force of a tree jumps where a body begins to take another cell as a whole, and has "
            f"no derivative. Leave the tree out, Gravity(), for gradients."
        )

"""Gravity by a tree as a term of the force field."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.gravity.tree import grow
from scenegrad.solvers.md.gravity.tree_sum import TreeSum
from scenegrad.solvers.md.system import PerAtom

__all__ = ["TreeTerm"]


class TreeTerm:
    """U = -G sum_{i<j} m_i m_j / sqrt(r^2 + e^2), with forces to a relative tolerance; see `Term`.

    Forces jump, by less than that, where a leaf begins to take another cell as a whole. Derivatives are those of the
    sum over all pairs, found by the same tree; there is none by the softening. Momentum is kept to rounding.
    """

    def __init__(self, name: str, masses: PerAtom, tolerance: float, leaf: int):
        self.constant, self.softening = f"{name}.constant", f"{name}.softening"
        self.masses, self.tolerance, self.leaf = masses, tolerance, leaf

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.constant, self.softening, *self.masses.addresses)

    def trees(self, x: Tensor, params: Params) -> list[TreeSum]:
        """One for each member of the batch."""
        mass, softening = self.masses(params).double(), params[self.softening].detach().double().tolist()
        x = x.detach().double()
        return [TreeSum(x[b], mass[b], softening[b], self.tolerance, self.leaf) for b in range(len(x))]

    def pulled(self, x: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        """Force on [batch, atom, dim] and potential energy of [batch, atom] every body, in float64."""
        slopes, values = zip(*(tree.field() for tree in self.trees(x, params)), strict=True)
        weight = params[self.constant].detach().double()[:, None] * self.masses(params).double()
        return weight[..., None] * torch.stack(slopes), -weight * torch.stack(values)

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        force.add_(self.pulled(x, params)[0].to(force))

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        """Of L = sum_i F_i . w_i = G sum_i m_i w_i . grad P(x_i), and so dL/dm_i too has a pair of each body twice."""
        products, by_mass = zip(
            *(tree.product(one.double()) for tree, one in zip(self.trees(x, params), w, strict=True)), strict=True
        )
        constant, mass = params[self.constant].detach().double(), self.masses(params).double()
        x_bar.add_(((constant[:, None] * mass)[..., None] * torch.stack(products)).to(x_bar))
        return self.bars(torch.stack(by_mass), params)

    def bars(self, c: Tensor, params: Params) -> dict[str, Tensor]:
        """From c_i = (dL/dm_i) / G [batch, atom], of L in which every pair has m_i m_j G."""
        constant, mass = params[self.constant], self.masses(params)
        found = {}
        if constant.requires_grad:
            found[self.constant] = 0.5 * (mass * c).sum(dim=1).to(constant)
        if self.masses.learning(params):
            found |= self.masses.parts((constant.detach()[:, None] * c).to(mass), params)
        return found

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        """W = sum_i F_i y_i, with y from the mean of all positions; of forces between pairs that is sum_{i<j} f r."""
        force, energy = self.pulled(x, params)
        virial = torch.einsum("bia,bic->bac", force, centred(x))
        return torch.cat([0.5 * energy.sum(dim=1, keepdim=True), virial.flatten(1)], dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        """Of L = u U + w : W = u U + sum_i F_i . (w y_i), of which y moves with the positions too."""
        u, w = bar[:, 0].double(), bar[:, 1:].view(-1, box.dim, box.dim).double()
        force, energy = self.pulled(x, params)
        bent = torch.einsum("bac,bic->bia", w, centred(x))
        found = self.add_product(x, box, params, bent, x_bar)
        x_bar.add_((torch.einsum("bac,bia->bic", w, force) - u[:, None, None] * force).to(x_bar))
        constant, mass = params[self.constant].detach().double(), self.masses(params).double()
        also = self.bars(u[:, None] * energy / (constant[:, None] * mass), params)
        return {address: found[address] + also[address] for address in found}

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = 2 G (m_i + m_j) / s^3 at most, of bodies that stand side by side in Morton's order: the closest
        pairs are among them or nearly so; and of a body passing through the softest core where there is one."""
        square = torch.empty(len(x), dtype=torch.float64, device=x.device)
        constant, softening = params[self.constant].detach().double(), params[self.softening].detach().double()
        for member in range(len(x)):
            place, m = x[member].double(), mass[member].double()
            order = grow(place, self.leaf).order.long()
            place, m, closest = place[order], m[order], square.new_zeros(())
            for ahead in range(1, min(self.leaf, len(m) - 1) + 1):
                s = ((place[ahead:] - place[:-ahead]).square().sum(dim=1) + softening[member] ** 2).sqrt()
                closest = torch.maximum(closest, ((m[ahead:] + m[:-ahead]) / s**3).max())
            square[member] = 2.0 * constant[member] * closest
        return square


def centred(x: Tensor) -> Tensor:
    return (x - x.mean(dim=1, keepdim=True)).double()

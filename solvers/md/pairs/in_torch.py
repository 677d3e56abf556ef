"""Pair potentials once more, as energies in torch over all pairs: what the kernels are compared with.

Slow, O(N^2), and without derivatives by hand, so that it has no mistake in common with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.pairs.cuts import SWITCH_WIDTH
from scenegrad.solvers.md.pairs.term import PairTerm

__all__ = ["ENERGIES", "pair_energy"]

Law = Callable[[Tensor, Sequence[Tensor]], Tensor]  # u(r, p)


def lennard_jones(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (epsilon, sigma)"""
    return 4.0 * p[0] * ((p[1] / r) ** 12 - (p[1] / r) ** 6)


def wca(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (epsilon, sigma)"""
    return torch.where(r < 2.0 ** (1.0 / 6.0) * p[1], lennard_jones(r, p) + p[0], 0.0)


def morse(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (depth, alpha, r0)"""
    return p[0] * ((1.0 - torch.exp(-p[1] * (r - p[2]))) ** 2 - 1.0)


def buckingham(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (repulsion, decay, dispersion)"""
    return p[0] * torch.exp(-r / p[1]) - p[2] / r**6


def born_mayer_huggins(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (repulsion, size, decay, dispersion, quadrupole)"""
    return p[0] * torch.exp((p[1] - r) / p[2]) - p[3] / r**6 - p[4] / r**8


def soft_sphere(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (epsilon, sigma, n)"""
    return p[0] * (p[1] / r) ** p[2]


def yukawa(r: Tensor, p: Sequence[Tensor]) -> Tensor:
    """p = (strength, screening)"""
    return p[0] * torch.exp(-p[1] * r) / r


ENERGIES: dict[str, Law] = {
    "lennard_jones": lennard_jones,
    "wca": wca,
    "morse": morse,
    "buckingham": buckingham,
    "born_mayer_huggins": born_mayer_huggins,
    "soft_sphere": soft_sphere,
    "yukawa": yukawa,
}


def pair_energy(term: PairTerm, x: Tensor, box: Box, params: Params) -> Tensor:
    """U [batch] of a term, as autograd knows it, for positions [batch, atom, dim]."""
    i, j = pairs(term)
    kind = term.species.long()
    row = term.table.pair_of[kind[i], kind[j]].long()
    i, j, row = i[row >= 0], j[row >= 0], row[row >= 0]
    r = box.nearest(x[:, i] - x[:, j]).square().sum(dim=2).sqrt()
    cutoff = term.table.cutoff.to(x)[:, row]
    inside = r < cutoff
    p = term.theta.differentiable(params)[:, row].unbind(dim=2)
    u = ended(ENERGIES[term.table.kind], term.table.cut, torch.where(inside, r, cutoff), p, cutoff)
    return torch.where(inside, u, 0.0).sum(dim=1)


def pairs(term: PairTerm) -> tuple[Tensor, Tensor]:
    """All of them but those that are excluded."""
    i, j = torch.triu_indices(term.atoms, term.atoms, 1, device=term.species.device).unbind()
    left_out = (term.neighbours.excluded[i] == j[:, None]).any(dim=1)
    return i[~left_out], j[~left_out]


def ended(law: Law, cut: str, r: Tensor, p: Sequence[Tensor], cutoff: Tensor) -> Tensor:
    """u(r), in the way that it ends at the cutoff."""
    if cut == "force-shift":
        with torch.enable_grad():
            edge = cutoff.detach().clone().requires_grad_()
            value = law(edge, p)
            (slope,) = torch.autograd.grad(value.sum(), edge, create_graph=True)
        return law(r, p) - law(cutoff, p) - (r - cutoff) * slope
    if cut == "switch":
        width = SWITCH_WIDTH * cutoff
        x = ((r - cutoff + width) / width).clamp(0.0, 1.0)
        return law(r, p) * (1.0 - x**3 * (10.0 - 15.0 * x + 6.0 * x**2))
    return law(r, p)

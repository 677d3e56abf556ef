"""Pairs of atoms whose charges do not see each other, or only in part, such as those that a bond joins."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.speeds import Speed
from scenegrad.solvers.md.torch_term import TorchTerm, nearest

__all__ = ["corrections", "pairs_of_table"]


def corrections(charges: Charges, pairs: Tensor, kept: Tensor, alpha: Tensor | None = None) -> TorchTerm:
    """U = sum over `pairs` of q_i q_j (kept - counted) / r, so that each pair feels `kept` / r and nothing else.

    pairs: int [pair, 2], each once; kept: how much of each stays [pair], 0 of one that is excluded. counted: 1, what a
    sum over all pairs has; or erf(alpha r), what waves have, where lists of neighbours leave the pairs out. alpha:
    float64 [batch]. r is that of the nearest images.
    """
    first, second = pairs.long().unbind(dim=1)

    def energy(x: Tensor, matrix: Tensor, params: Params) -> Tensor:
        q = charges.differentiable(params)
        r = nearest(x[:, first] - x[:, second], matrix).square().sum(-1).sqrt()
        counted = torch.ones_like(r) if alpha is None else torch.erf(alpha.to(r)[:, None] * r)
        return (q[:, first] * q[:, second] * (kept.to(r) - counted) / r).sum(dim=1)

    return TorchTerm(energy, charges.addresses, Speed.PAIRS if alpha is None else Speed.WAVES)


def pairs_of_table(excluded: Tensor) -> Tensor:
    """Pairs, each once [pair, 2], of a table [atom, most] whose row i names the partners of atom i, and then -1."""
    first, place = (excluded >= 0).nonzero(as_tuple=True)
    second = excluded[first, place].long()
    return torch.stack([first, second], dim=1)[first < second]

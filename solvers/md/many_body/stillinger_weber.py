"""The potential of Stillinger & Weber, by moments of what an atom sees: no loop over pairs of neighbours.

With unit vectors e_j to the neighbours of an atom and h_j = exp(gamma sigma/(r_j - a sigma)), its angles have

    sum_{j<k} h_j h_k (e_j.e_k + 1/3)^2 = 1/2 (T:T + 2/3 P.P + H^2/9 - 16/9 sum_j h_j^2),

T = sum_j h_j e_j e_j^T, P = sum_j h_j e_j, H = sum_j h_j: the square is written out, and j = k taken back.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.many_body.surroundings import Seen

__all__ = ["PARAMETERS", "refuse_growth", "stillinger_weber"]

PARAMETERS = ("epsilon", "sigma", "pair_strength", "balance", "stiffness", "fall")
END = 0.002  # sigma before the end, where exp(-1/END) is nothing


def stillinger_weber(name: str, reach: Tensor, cutoff: Tensor, among: Tensor) -> Callable[[Seen, Params], Tensor]:
    """Energy of each atom [batch, atom]. reach, cutoff: a, and how far neighbours are listed [batch]; among: of which
    atoms [atom], bool."""

    def local(seen: Seen, params: Params) -> Tensor:
        given = [params[f"{name}.{parameter}"][:, None, None] for parameter in PARAMETERS]
        epsilon, sigma, strength, balance, stiffness, fall = given
        end = reach.to(sigma)[:, None, None] * sigma
        refuse_growth(name, end[:, 0, 0], cutoff)
        r = seen.apart.square().sum(-1).sqrt()
        inside = (r < end - END * sigma) & seen.there & among[:, None] & among[seen.who]
        r = torch.where(inside, r, sigma)
        gap = r - end
        pair = strength * (balance * (sigma / r) ** 4 - 1.0) * torch.exp(sigma / gap)
        h = torch.where(inside, torch.exp(fall * sigma / gap), 0.0)
        e = torch.where(inside[..., None], seen.apart, 0.0) / r[..., None]
        leaning = h[..., None] * e
        tensor = leaning.transpose(2, 3) @ e
        angles = (
            tensor.square().sum((2, 3))
            + 2.0 / 3.0 * leaning.sum(2).square().sum(-1)
            + h.sum(2).square() / 9.0
            - 16.0 / 9.0 * h.square().sum(2)
        )
        pairs = torch.where(inside, pair, 0.0).sum(2)
        return 0.5 * epsilon[..., 0] * (pairs + stiffness[..., 0] * angles)

    return local


def refuse_growth(name: str, end: Tensor, cutoff: Tensor) -> None:
    """end: a sigma [batch]."""
    if bool((end > cutoff.to(end) * (1.0 + 1e-6)).any()):
        raise EngineError(
            f"{name} ends at {float(end.detach().max()):.4g}, beyond its list of neighbours, made for the "
            "sigma of the scene and 5 % more. Compile the scene with the larger sigma, or take more cells."
        )

"""Whether a cluster is solid or liquid: how much distances between its atoms change while one watches."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["lindemann"]


def lindemann(positions: Tensor) -> Tensor:
    """delta = 2/(N (N - 1)) sum_{i<j} sqrt(<r_ij^2> - <r_ij>^2) / <r_ij> [...], of positions [frame, ..., atom, dim].

    About 0.1 where a cluster melts, and beyond 0.2 in a liquid. Atoms are told from each other, so that frames are of
    one trajectory; the longer that is, the more of its atoms have traded places. Distances are those in open space.
    [Berry, Beck, Davis & Jellinek 1988, Adv. Chem. Phys. 70B, 75; after Lindemann 1910]
    """
    first, second = torch.triu_indices(positions.shape[-2], positions.shape[-2], offset=1, device=positions.device)
    total = squares = torch.zeros((), dtype=torch.float64, device=positions.device)
    for x in positions.double():  # all distances of one frame at a time
        r = (x[..., first, :] - x[..., second, :]).norm(dim=-1)
        total, squares = total + r, squares + r * r
    mean = total / len(positions)
    return ((squares / len(positions) - mean**2).clamp(min=0.0).sqrt() / mean).mean(dim=-1)

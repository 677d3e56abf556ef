"""How far two sets of samples are apart, seen from many sides."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["sliced_wasserstein"]


def sliced_wasserstein(a: Tensor, b: Tensor, order: float = 1.0, directions: int = 256, seed: int = 0) -> float:
    """Mean over random unit vectors of W_order between the projections of a and b [sample, ...], to the power
    1 / order after the mean: W of one dimension, exact by sorting [Bonneel et al. 2015, J. Math. Imaging Vis. 51].

    In units of the samples. Of finite sets it is never zero: compare with the distance between two sets of one
    distribution of the same size.
    """
    if a.shape != b.shape:
        raise EngineError(
            f"Samples of one number and shape are compared; there are {list(a.shape)} and {list(b.shape)}."
        )
    flat_a, flat_b = a.flatten(1).double(), b.flatten(1).double()
    sides = torch.randn(flat_a.shape[1], directions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    sides = (sides / sides.norm(dim=0)).to(flat_a)
    apart = ((flat_a @ sides).sort(dim=0).values - (flat_b @ sides).sort(dim=0).values).abs()
    return float(apart.pow(order).mean() ** (1.0 / order))

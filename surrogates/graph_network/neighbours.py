"""Which particles see each other."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

__all__ = ["neighbours"]


def neighbours(position: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Senders and receivers [edge] of all pairs within the radius [m], each pair both ways; particles of other members
    of the batch are never among them. position: [batch, particle, dim], numbered through."""
    _, particles, _ = position.shape
    columns = []
    for member, places in enumerate(position.detach().cpu().numpy()):
        pairs = cKDTree(places).query_pairs(radius, output_type="ndarray").astype(np.int64)
        columns.append(np.concatenate([pairs, pairs[:, ::-1]]) + member * particles)
    edges = torch.from_numpy(np.concatenate(columns)).to(position.device)
    return edges[:, 0], edges[:, 1]

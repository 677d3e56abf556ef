"""How molecules are twisted."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.md.box import Box

__all__ = ["dihedral_angles"]


def dihedral_angles(x: Tensor, box: Box, groups: Tensor) -> Tensor:
    """Of the atoms of each group about the middle two [batch, group], in radians: 0 where the ends are on one side,
    positive clockwise (IUPAC). groups: [group, 4]; atoms follow each other by nearest images."""
    a, b, c, d = (x[:, groups[:, end]] for end in range(4))
    f, g, h = (box.nearest(one) for one in (a - b, b - c, d - c))
    one, other = torch.linalg.cross(f, g), torch.linalg.cross(h, g)
    sine = (torch.linalg.cross(other, one) * g).sum(-1) / g.norm(dim=-1)
    return torch.atan2(sine, (one * other).sum(-1))

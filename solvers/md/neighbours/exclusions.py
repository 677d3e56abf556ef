"""Pairs of atoms that lists of neighbours leave out."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["mutual"]


def mutual(excluded: Tensor, atoms: int) -> Tensor:
    """A table of exclusions, in which every pair stands twice."""
    table = excluded.to(torch.int32).contiguous()
    first, place = (table >= 0).nonzero(as_tuple=True)
    second = table[first, place].long()
    if table.shape[0] != atoms or bool((second >= atoms).any()):
        raise EngineError(f"Exclusions of {table.shape[0]} atoms, up to atom {int(table.max())}, for {atoms} atoms.")
    one_sided = ~torch.isin(first * atoms + second, second * atoms + first)
    if bool(one_sided.any()):
        i, j = int(first[one_sided][0]), int(second[one_sided][0])
        raise EngineError(f"Atom {i} excludes atom {j}, and not the other way round; name each in the other's row.")
    return table

"""Groups that are told by a number on each element."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUMBERS", "ZERO_IS_NONE", "by_number"]

NUMBERS = (
    "gmsh:physical", "medit:ref", "nastran:ref", "su2:tag", "boundary", "tag", "tags", "marker", "markers", "region",
    "regions", "cell_tags", "CellEntityIds", "material", "MaterialID",
)  # fmt: skip
ZERO_IS_NONE = ("gmsh:physical", "cell_tags")
MOST = 10_000  # kinds of number; more are no names of groups


def by_number(fields: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.bool_]]:
    """Which elements bear which number."""
    name = next((name for name in NUMBERS if name in fields), "")
    column = fields.get(name)
    if column is None or column.ndim != 1 or not np.issubdtype(column.dtype, np.number):
        return {}
    whole = column.astype(np.int64)
    if not np.array_equal(whole, column):
        return {}
    kinds = np.unique(whole)
    return (
        {str(kind): whole == kind for kind in kinds.tolist() if kind or name not in ZERO_IS_NONE}
        if len(kinds) <= MOST
        else {}
    )

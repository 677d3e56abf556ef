"""Expansions of 1/s in powers of coordinates, s^2 = |d|^2 + e^2: which powers there are, and how they follow.

With D_k the derivative of 1/s by the powers k = (k_x, k_y, k_z), |k| their sum and c_k = D_k / k! [Duan & Krasny 2001,
J. Comput. Chem. 22, 184],

    |k| s^2 c_k = -(2|k| - 1) sum_i d_i c_(k - e_i) - (|k| - 1) sum_i c_(k - 2 e_i),

with softening too. What bodies at y about the centre of a cell do at z about that of another, d apart, is

    sum_j m_j / s(d + z - y_j) = sum_n L_n z^n / n!,    L_n = sum_k M_k D_(n+k),    M_k = sum_j m_j (-y_j)^k / k!,

cut at |n| + |k| <= order, so that what two cells do to each other is opposite and equal.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

__all__ = ["Powers", "powers"]


@dataclass(frozen=True)
class Powers:
    """All powers of up to an order, by their sum. Where there is none, an index is 0 and its factor too.

    before [power, 2 dim]: k - e_i and k - 2 e_i, with their factors in D_k = (sum_i factor_i d_i D_(k - e_i)
    + sum_i factor_(dim + i) D_(k - 2 e_i)) / s^2; sums [power, power]: n + k; upto [power]: how many k there are for
    |n| + |k| <= order; step [power, 2]: an axis and the power without one of it, with share = 1 / k_axis;
    less, more [power, dim]: k - e_i and k + e_i, -1 where there is none.
    """

    order: int
    count: int
    before: Tensor
    factor: Tensor
    sums: Tensor
    upto: Tensor
    step: Tensor
    share: Tensor
    less: Tensor
    more: Tensor


@cache
def powers(dim: int, order: int, device: str) -> Powers:
    every = itertools.product(range(order + 1), repeat=dim)
    rows = sorted((k for k in every if sum(k) <= order), key=lambda k: (sum(k), k))
    at = {k: n for n, k in enumerate(rows)}
    count, total = len(rows), np.array([sum(k) for k in rows])

    def moved(k: tuple[int, ...], axis: int, by: int) -> int:
        return at.get((*k[:axis], k[axis] + by, *k[axis + 1 :]), -1)

    less, twice, more = (
        np.array([[moved(k, a, by) for a in range(dim)] for k in rows], dtype=np.int32) for by in (-1, -2, 1)
    )
    k, size = np.array(rows), np.maximum(total, 1)[:, None]
    factor = np.concatenate([-(2 * size - 1) / size * k, -(size - 1) / size * k * (k - 1)], axis=1).astype(np.float64)
    sums = np.zeros((count, count), dtype=np.int32)
    for n, m in itertools.product(range(count), repeat=2):
        if total[n] + total[m] <= order:
            sums[n, m] = at[tuple(a + b for a, b in zip(rows[n], rows[m], strict=True))]
    axis = (k > 0).argmax(axis=1)
    step = np.stack([axis, np.maximum(less[np.arange(count), axis], 0)], axis=1).astype(np.int32)
    share = 1.0 / np.maximum(k[np.arange(count), axis], 1)
    upto = np.array([(total <= order - n).sum() for n in total], dtype=np.int32)
    before = np.maximum(np.concatenate([less, twice], axis=1), 0).astype(np.int32)
    tables = (torch.from_numpy(table).to(device) for table in (before, factor, sums, upto, step, share, less, more))
    return Powers(order, count, *tables)

"""The Fourier neural operator with factorised weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.fno import FNO, SpectralConv, mixed
from scenegrad.surrogates.operators.grids import Surroundings
from scenegrad.surrogates.operators.local_kernels import Local
from scenegrad.surrogates.operators.operator import Said

__all__ = ["TFNO"]


class TuckerConv(SpectralConv):
    """A spectral convolution whose weights are a core, multiplied along every axis by a factor [Tucker 1966].

    share: of the size of each axis that the core has, so that in two dimensions it holds about share^4 of the numbers.
    Real and imaginary parts have a core each and the factors in common.
    """

    def __init__(self, width: int, modes: Sequence[int], share: float):
        nn.Module.__init__(self)
        self.modes = tuple(modes)
        rows = [*(2 * m for m in self.modes[:-1]), self.modes[-1], width, width]
        ranks = [max(1, round(share * n)) for n in rows]
        # Each number of the product has the variance of a dense weight: the ranks' product times that of the parts.
        self.core = nn.Parameter(torch.randn(2, *ranks) / (math.sqrt(2.0) * width * math.sqrt(math.prod(ranks))))
        self.factors = nn.ParameterList(torch.randn(n, rank) for n, rank in zip(rows, ranks, strict=True))

    def matrices(self) -> Tensor:
        return self.expanded(len(self.factors))

    def mix(self, spectrum: Tensor, kept: Sequence[int]) -> Tensor:
        # In the few channels of the core: its factors for channels act before and behind.
        *modes, enter, leave = self.factors
        return mixed(spectrum @ enter, self.expanded(len(modes)), kept) @ leave.t()

    def expanded(self, axes: int) -> Tensor:
        """The core multiplied along so many axes by their factors."""
        weight: Tensor = self.core
        for axis, factor in zip(range(1, axes + 1), self.factors, strict=False):
            weight = torch.tensordot(factor, weight, dims=([1], [axis])).movedim(0, axis)
        return weight


class TFNO(FNO):
    """Tensorised FNO [Kossaifi et al. 2023, arXiv:2310.00120]: Tucker factors in place of dense spectral weights, which
    makes it smaller and harder to overfit. rank: share of each axis that is kept, 0 to 1; the rest as for FNO."""

    kind = "tfno"
    rank: float

    def __init__(
        self,
        modes: Sequence[int],
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        rank: float = 0.5,
        depth: int = 4,
        surroundings: Surroundings | None = None,
        local: Local | None = None,
        **said: Unpack[Said],
    ):
        if not 0.0 < rank <= 1.0:
            raise EngineError(f"TFNO got rank={rank}; it is the share of each axis that is kept, such as 0.5.")
        object.__setattr__(self, "rank", rank)  # the blocks that FNO makes ask for it, before there is a module
        super().__init__(modes, width, fields, parameters, depth=depth, surroundings=surroundings, local=local, **said)

    def spectral(self) -> SpectralConv:
        return TuckerConv(self.width, self.modes, self.rank)

"""The Fourier neural operator that sees time as one more axis."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.fno import Block, Pointwise, SpectralConv
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.operators.waves import low_waves

__all__ = ["SpaceTimeFNO"]


class SpaceTimeFNO(Operator):
    """From functions of space to their whole course in time at once [Li et al. 2021, arXiv:2010.08895, FNO-3D].

    modes: wavenumbers kept along each axis of space and, the last, of time. Every output has as many components as
    there are frames, evenly spaced. margin: of zeros beyond the last frame, as a fraction of all; time is no circle.
    """

    kind = "space_time_fno"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        modes: Sequence[int],
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        depth: int = 4,
        margin: float = 0.2,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.modes, self.width, self.depth, self.margin = tuple(modes), width, depth, margin
        self.surroundings = surroundings or Torus()
        courses = {self.names.size(name) for name in self.names.outputs}
        if not 2 <= len(self.modes) <= 3 or min(*self.modes, width, depth) < 1 or not margin >= 0.0:
            raise EngineError(
                f"SpaceTimeFNO got modes={self.modes}, width={width}, depth={depth}, margin={margin}; it takes a "
                f"positive number of modes for each of one or two axes of space and for time, and a margin not below 0."
            )
        if len(courses) != 1 or courses == {1}:
            raise EngineError(
                f"SpaceTimeFNO gives {', '.join(self.names.outputs)} with {sorted(courses)} components; these are the "
                f"frames, several and the same number of each: components={{'future': 40}}."
            )
        self.frames = courses.pop()
        self.lift = Pointwise(self.channels_in + self.surroundings.channels(len(self.modes) - 1), width)
        self.clock = nn.Parameter(torch.randn(width))
        self.blocks = nn.ModuleList(Block(width, SpectralConv(width, self.modes), self.constants) for _ in range(depth))
        self.project = Pointwise(width, len(self.names.outputs))

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        grid, beyond = u.shape[2:], round(self.margin * self.frames)
        v = self.surroundings.extend(self.lift(with_places(u, self.surroundings)))[..., None]
        time = torch.arange(self.frames, device=u.device, dtype=u.dtype) / self.frames
        v = v + self.clock.view(-1, *[1] * (v.ndim - 2)) * time
        v = functional.pad(v, (0, beyond)).movedim(1, -1).contiguous()
        waves = low_waves(v, self.modes)
        for block in self.blocks:
            v = block(v, constants, waves)
        v = self.surroundings.cut(v.movedim(-1, 1), grid)[..., : self.frames]
        return self.project(v).movedim(-1, 2).flatten(1, 2)

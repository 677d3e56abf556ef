"""Which fields and numbers a network speaks of, and how fields become channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Names"]


@dataclass(frozen=True)
class Names:
    """fields go in, outputs come out, parameters condition. components: of those that are vectors, how many."""

    fields: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: tuple[str, ...]
    components: Mapping[str, int]

    @property
    def carries_forward(self) -> bool:
        """Whether every output is also a field, so that the network can be applied to what it gave."""
        return set(self.outputs) <= set(self.fields)

    def width(self, names: Sequence[str]) -> int:
        return sum(self.components.get(name, 1) for name in names)

    def pack(self, values: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
        """Scalars [batch, *grid] and vectors [batch, *grid, component] as channels [batch, channel, *grid]."""
        missing = [name for name in names if name not in values]
        if missing:
            raise EngineError(
                f"The network needs {', '.join(missing)}; it was given {', '.join(values) or 'nothing'}. "
                f"Its fields are {', '.join(names)}."
            )
        return torch.cat(
            [values[n].movedim(-1, 1) if n in self.components else values[n].unsqueeze(1) for n in names], dim=1
        )

    def unpack(self, channels: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Undoes `pack`."""
        parts = torch.split(channels, [self.components.get(name, 1) for name in names], dim=1)
        return {
            name: part.movedim(1, -1) if name in self.components else part.squeeze(1)
            for name, part in zip(names, parts, strict=True)
        }

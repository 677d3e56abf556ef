"""Which fields and numbers a network speaks of, and how fields become channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Names", "earlier", "geometry"]


def earlier(name: str, steps: int) -> str:
    """What a field is called `steps` steps before now: "u", "u[-1]", "u[-2]" ..."""
    return f"{name}[-{steps}]" if steps else name


@dataclass(frozen=True)
class Names:
    """fields go in, outputs come out, parameters condition. components: of those that are vectors, how many.

    Fields that are not among the outputs stand still: coefficients, geometry, positions. history: how many frames of
    the others go in, the newest included.
    """

    fields: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    components: Mapping[str, int] = field(default_factory=dict)
    history: int = 1

    def __post_init__(self) -> None:
        if self.history < 1:
            raise EngineError(f"history={self.history}: a network sees one frame or more.")

    @property
    def carries_forward(self) -> bool:
        """Whether every output is also a field, so that the network can be applied to what it gave."""
        return set(self.outputs) <= set(self.fields)

    @property
    def recalled(self) -> tuple[str, ...]:
        """The fields of which earlier frames go in."""
        return tuple(name for name in self.fields if name in self.outputs) if self.history > 1 else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that goes in: the earlier frames from the oldest on, then the fields as they are now."""
        past = (earlier(name, steps) for steps in range(self.history - 1, 0, -1) for name in self.recalled)
        return (*past, *self.fields)

    @property
    def previous(self) -> tuple[str, ...]:
        """The outputs as they were a step ago."""
        return tuple(earlier(name, 1) for name in self.outputs)

    def follow(self, state: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What goes into the next step, if `state` went into this one: what was newest is now one step old."""
        aged = {
            earlier(name, steps): state[earlier(name, steps - 1)]
            for name in self.recalled
            for steps in range(1, self.history)
        }
        return {**state, **aged, **outputs}

    def size(self, name: str) -> int:
        """Channels of a field, whichever frame of it."""
        return self.components.get(name.partition("[")[0], 1)

    def is_vector(self, name: str) -> bool:
        return name.partition("[")[0] in self.components

    def width(self, names: Sequence[str]) -> int:
        return sum(map(self.size, names))

    def pack(self, values: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
        """Scalars [batch, *grid] and vectors [batch, *grid, component] as channels [batch, channel, *grid]."""
        missing = [name for name in names if name not in values]
        if missing:
            raise EngineError(
                f"The network needs {', '.join(missing)}; it was given {', '.join(values) or 'nothing'}. "
                f"Its fields are {', '.join(names)}."
            )
        parts = [values[n].movedim(-1, 1) if self.is_vector(n) else values[n].unsqueeze(1) for n in names]
        for name, part in zip(names, parts, strict=True):
            if part.shape[1] != self.size(name):
                raise EngineError(
                    f"The network takes {name} to have {self.size(name)} components [batch, *grid, component]; it was "
                    f"given {tuple(values[name].shape)}. Give the field that it was trained on, or build another "
                    f"network with components={{{name!r}: {part.shape[1]}}}."
                )
        return torch.cat(parts, dim=1)

    def unpack(self, channels: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Undoes `pack`."""
        if channels.shape[1] != self.width(names):
            raise EngineError(
                f"The network gave {channels.shape[1]} channels; {', '.join(names)} take {self.width(names)}. Build "
                f"its last layer with channels_out of them."
            )
        parts = torch.split(channels, [self.size(name) for name in names], dim=1)
        return {
            name: part.movedim(1, -1) if self.is_vector(name) else part.squeeze(1)
            for name, part in zip(names, parts, strict=True)
        }

    def spread(self, of_fields: Tensor) -> Tensor:
        """Numbers for the channels of the fields, repeated for the channels of all inputs."""
        if not self.inputs:
            return of_fields
        places = torch.split(torch.arange(len(of_fields)), [self.size(name) for name in self.fields])
        of = dict(zip(self.fields, places, strict=True))
        return of_fields[torch.cat([of[name.partition("[")[0]] for name in self.inputs])]


def geometry(given: Mapping[str, Tensor], names: Names, dim: int, like: Tensor) -> dict[str, Tensor]:
    """Fields on a grid of `dim` axes that stand still, [*grid] for all members or [batch, *grid]: one for each member
    of `like` [batch, ...], in its precision."""

    def spread(name: str, value: Tensor) -> Tensor:
        single = value.ndim == dim + int(names.is_vector(name))
        return (value[None].expand(len(like), *value.shape) if single else value).to(like)

    return {name: spread(name, value) for name, value in given.items()}

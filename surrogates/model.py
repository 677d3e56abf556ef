"""What training, evaluation and use ask of a model, whatever is inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.scales import Scales

if TYPE_CHECKING:
    from scenegrad.surrogates.training.targets import Target

__all__ = ["Dressed", "Model"]


class Dressed(Protocol):
    """A model with the scales of its data: an nn.Module from fields to fields in physical units."""

    dt: float  # the step it was trained on [time]
    grid: tuple[int, ...]  # points along each axis of its training data

    @property
    def names(self) -> Names: ...

    @property
    def scales(self) -> Scales: ...

    @property
    def objective(self) -> Target | None: ...  # what it is trained by unless said otherwise; None is OneStep()

    def __call__(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The outputs after a step. params and dt: [batch]. geometry: fields that stand still, where the state has them
        not."""
        ...

    def config(self) -> dict[str, Any]: ...

    # of nn.Module
    def parameters(self) -> Iterator[nn.Parameter]: ...
    def modules(self) -> Iterator[nn.Module]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> Any: ...
    def train(self, mode: bool = True) -> Any: ...
    def eval(self) -> Any: ...


class Model(Protocol):
    """A network that has not seen data yet: an nn.Module that can be made again from its `config`."""

    @property
    def names(self) -> Names: ...

    def config(self) -> dict[str, Any]: ...

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...

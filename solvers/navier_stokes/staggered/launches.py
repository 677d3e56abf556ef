"""Launches over rows of samples, prepared once: a step makes few and short ones, and to prepare one takes longer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.slabs import shared, slabs

__all__ = ["Launches", "on_stream", "view"]


class Launches:
    """Of kernels whose arrays come last, the one that is written after all others."""

    def __init__(self, device: str):
        self.device = device
        self.known: dict[Hashable, Any] = {}

    def rows(
        self,
        kernel: Any,
        rows: int,
        width: int,
        numbers: Callable[[], Sequence[Any]],
        arrays: Sequence[Any],
        key: Hashable,
    ) -> None:
        """[rows, lanes] threads with `width` samples each, whole rows on a CPU and single samples on a GPU; the numbers
        of the first row and of the samples of a thread go before all others. key: what the numbers depend on."""
        each, lanes = (width, 1) if self.device == "cpu" else (1, width)

        def some(first: int, end: int) -> None:
            shape = (end - first, lanes)
            self(kernel, shape, lambda: (first, each, *numbers()), arrays, (kernel, shape, first, key))

        shared(some, rows, slabs((rows, width, 1), self.device), apart=False, what=kernel)

    def __call__(
        self,
        kernel: Any,
        shape: tuple[int, ...],
        numbers: Callable[[], Sequence[Any]],
        arrays: Sequence[Any],
        key: Hashable,
    ) -> None:
        known = self.known.get(key)
        if known is None:
            given = numbers()
            inputs, outputs = [*given, *arrays[:-1]], [arrays[-1]]
            command = wp.launch(kernel, shape, inputs, outputs, device=self.device, record_cmd=True)
            known = self.known[key] = (command, len(given))
        command, start = known
        for n, array in enumerate(arrays, start):
            command.set_param_at_index_from_ctype(n, array)
        command.launch()


def view(tensor: Tensor) -> Any:
    return wp.from_torch(tensor.detach(), requires_grad=False, return_ctype=True)


@contextmanager
def on_stream(device: str) -> Iterator[None]:
    """Launches go to torch's current stream."""
    place = torch.device(device)
    if place.type != "cuda":
        yield
        return
    with wp.ScopedStream(wp.stream_from_torch(torch.cuda.current_stream(place))):
        yield

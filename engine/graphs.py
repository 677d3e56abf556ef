"""Recorders: how work of a device is written down once, to be done again without the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import warp_stream

__all__ = ["Again", "Graphs", "Made", "NotRecorded", "Recorded", "Recorder"]

Made = dict[tuple[str, str], Tensor]
Work = Callable[[], Made]
Recorded = tuple[Made, Callable[[], None]]


class NotRecorded(Exception):
    """Something in the work cannot be captured."""


class Recorder(Protocol):
    def record(self, work: Work) -> Recorded:
        """What the work makes, and how to do it again: into the same tensors, from what its places then hold."""
        ...


class Again:
    """Does the work once more. For a CPU, where a step replayed can be compared with a step taken."""

    def record(self, work: Work) -> Recorded:
        made = {name: value.clone() for name, value in work().items()}

        def replay() -> None:
            for name, value in work().items():
                made[name].copy_(value)

        return made, replay


class Graphs:
    """CUDA graphs of one device. They share their memory: a graph holds nothing that another one needs."""

    def __init__(self, device: torch.device):
        self.stream, self.pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()

    def record(self, work: Work) -> Recorded:
        """The work is done once before, which loads kernels and makes what stays: nothing of that can be captured."""
        now, graph = torch.cuda.current_stream(self.stream.device), torch.cuda.CUDAGraph()
        self.stream.wait_stream(now)
        with torch.cuda.stream(self.stream):
            work()
            stream = warp_stream(self.stream.device)
            now.wait_stream(self.stream)
            try:
                with (
                    wp.ScopedStream(stream, sync_enter=False),
                    torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"),
                    wp.ScopedCapture(stream=stream, external=True, force_module_load=False) as kept,
                ):
                    made = work()
            except RuntimeError as trouble:
                raise NotRecorded(str(trouble)) from trouble

        def replay(modules: Any = kept.graph) -> None:  # Warp must not unload them
            graph.replay()

        return made, replay

"""Warp's launches on torch's streams, so that neither waits for the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
import warp as wp

__all__ = ["on_torch_stream", "warp_stream"]


def warp_stream(device: torch.device | str) -> wp.Stream:
    """torch's current stream on a GPU, as Warp knows it."""
    current = torch.cuda.current_stream(device)
    return known(str(current.device), current.cuda_stream)


@cache
def known(device: str, handle: int) -> wp.Stream:
    """One for each stream, for ever: when an object that stands for a stream goes, Warp forgets the stream, and with it
    that a graph is being captured there. torch's streams are few and stay."""
    return wp.Stream(device, cuda_stream=handle)


@contextmanager
def on_torch_stream(device: torch.device) -> Iterator[None]:
    """Launches go to torch's current stream. They wait for nothing on Warp's own: all memory is torch's, and a stream
    that is being captured must not wait for one that is not."""
    if device.type != "cuda":
        yield
        return
    with wp.ScopedStream(warp_stream(device), sync_enter=False):
        yield

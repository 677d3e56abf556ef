"""Draws that are the same whenever they are made again: on the way back of a gradient, and in another run."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["drawn_by"]


@contextmanager
def drawn_by(seed: int, place: int) -> Iterator[None]:
    """Within it, what torch draws on the CPU is a function of these two numbers; what others draw later is as if
    nothing had been drawn."""
    generator = torch.default_generator
    before = generator.get_state()
    digest = hashlib.blake2b(struct.pack("<qq", seed, place), digest_size=8).digest()
    generator.manual_seed(int.from_bytes(digest, "little") >> 1)
    try:
        yield
    finally:
        generator.set_state(before)

"""The gradient of one batch: in parts, by several processes, in low precision, as it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.processes import Processes
from scenegrad.surrogates.training.shares import shares_of
from scenegrad.surrogates.training.targets import Target

__all__ = ["PRECISIONS", "Gradient"]

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Lesson(nn.Module):
    """The loss as a module, so that whoever watches over calls of modules sees all of it, whatever a target does."""

    def __init__(self, model: Dressed, loss: Loss, precision: torch.dtype, device: str):
        super().__init__()
        assert isinstance(model, nn.Module)
        self.model, self.loss, self.precision = model, loss, precision
        self.device_type = torch.device(device).type

    def forward(self, target: Target, window: Window, random: torch.Generator) -> Tensor:
        # No cache: a weight cast where no gradient is taken, as before a pushforward, would be kept without one.
        low = self.precision != torch.float32
        with torch.autocast(self.device_type, self.precision if low else None, enabled=low, cache_enabled=False):
            return target(self.model, window, self.loss, random)


class Gradient:
    """Computes it, and adds it to the weights' own."""

    def __init__(self, model: Dressed, loss: Loss, precision: str, parts: int, processes: Processes):
        self.processes, self.parts = processes, parts
        self.lesson = processes.ready(Lesson(model, loss, PRECISIONS[precision], processes.device))
        self.scaler = torch.amp.GradScaler(torch.device(processes.device).type, enabled=precision == "float16")

    def add(self, samples: Samples, batch: Sequence[int], target: Target, random: torch.Generator) -> Tensor:
        """This process's part of the mean loss over the batch; the parts of all of them add up to it."""
        processes, begun = self.processes, random.get_state()
        shares = shares_of(len(batch), processes.rank, processes.size, self.parts)
        sum_: Tensor | None = None
        for place, share in enumerate(shares, start=1):
            window = samples.window("train", share.of(batch)).to(processes.device)
            random.set_state(begun)  # each part takes its share of the same draws
            with processes.adding(last=place == len(shares)):
                with share.drawing():
                    value = self.lesson(target, window, random) * share.weight
                self.scaler.scale(value * processes.size).backward()  # processes average their gradients
            sum_ = value.detach() if sum_ is None else sum_ + value.detach()
        assert sum_ is not None
        return sum_

"""Whether gradients grow without end: beyond a few Lyapunov times they tell of chaos, and no longer of averages."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

__all__ = ["Growth"]

EVERY = 64  # steps between two looks at what was seen: a device is not made to wait for each of them
MUCH = 8.0  # e-folds of a cotangent, a factor of 3000, of which
LATELY = 2.5  # lie in the last half of the time: a power of it grows less


class Growth:
    """Watches the cotangent of the positions on its way back, and warns once in the life of a solver."""

    def __init__(self) -> None:
        self.warned = False
        self.times: list[float] = []
        self.sizes: list[Tensor] = []

    def see(self, time: Tensor, bar: Tensor | None) -> None:
        """time [batch]: of the step that is transposed. bar [batch, ...]: the cotangent after it."""
        if self.warned or bar is None:
            return
        now = float(time[0])
        if self.times and now >= self.times[-1]:
            self.times, self.sizes = [], []  # another way back
        self.times.append(now)
        self.sizes.append(bar.detach().flatten(1).norm(dim=1, dtype=torch.float64))
        if len(self.times) % EVERY == 0:
            self.look()

    def look(self) -> None:
        size = torch.stack(self.sizes).log().cpu()
        begin = int(torch.isfinite(size).all(dim=1).float().argmax())  # before it nothing had a cotangent
        middle = (begin + len(size)) // 2
        grown, lately = size[-1] - size[begin], size[-1] - size[middle]
        chaotic = torch.isfinite(grown) & (grown > MUCH) & (lately > LATELY)
        if not bool(chaotic.any()):
            return
        self.warned = True
        fold = float(((self.times[middle] - self.times[-1]) / lately)[chaotic].min())
        span = self.times[begin] - self.times[-1]
        warnings.warn(
            f"Gradients grow e-fold every {fold:.3g} of time on the way back, by a factor of "
            f"{math.exp(min(float(grown[chaotic].max()), 700.0)):.2g} in {span:.3g}: neighbouring trajectories part at "
            f"this rate. Beyond a few times {fold:.3g} they say nothing of averages; roll out for less, or reweight.",
            stacklevel=2,
        )

"""A check by how far a state lies from the training data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params, tensors

__all__ = ["Unfamiliar", "octaves"]


def octaves(state: Any) -> Tensor:
    """What a state looks like: of each floating field the mean, and the logarithm of its power in octaves of the
    wavenumber [batch, feature]. Axes of fewer than 4 points, such as components, count as parts of one field."""
    found = []
    for value in tensors(state).values():
        if not value.is_floating_point():
            continue
        axes = [axis for axis in range(1, value.ndim) if value.shape[axis] >= 4]
        found.append(value.mean(dim=tuple(range(1, value.ndim)))[:, None].double())
        if not axes:
            continue
        power = torch.fft.fftn(value.double(), dim=axes, norm="forward").abs().square()
        waves = [torch.fft.fftfreq(value.shape[axis], 1.0 / value.shape[axis]) for axis in axes]
        shape = [value.shape[axis] if axis in axes else 1 for axis in range(1, value.ndim)]
        radius = torch.stack(torch.meshgrid(*waves, indexing="ij")).square().sum(dim=0).sqrt().reshape(shape)
        count = max(1, int(torch.tensor(max(float(radius.max()), 1.0)).log2()))
        shell = radius.clamp(min=1.0).log2().long().clamp(max=count - 1).to(value.device)
        for octave in range(count):
            held = (power * ((shell == octave) & (radius.to(value.device) > 0.0))).flatten(1).sum(dim=1)
            found.append((held + 1e-30).log()[:, None])
    return torch.cat(found, dim=1)


@dataclass(frozen=True)
class Unfamiliar:
    """How far a state lies from those of the training data: Mahalanobis' distance of its features, over the root of the
    number of directions in which those vary, so that 1 is usual. It judges where a step begins, not the step.

    mean [feature] and whitening [feature, feature], whose product with a difference has the covariance 1 / directions.
    """

    mean: Tensor
    whitening: Tensor
    features: Callable[[Any], Tensor] = octaves

    @staticmethod
    def of(states: Iterable[Any], features: Callable[[Any], Tensor] = octaves, floor: float = 1e-4) -> Unfamiliar:
        """Fitted to batches of states of the training part. floor: of variances, relative to their mean, so that
        features which hardly vary there do not decide alone."""
        known = torch.cat([features(state) for state in states])
        mean = known.mean(dim=0)
        values, vectors = torch.linalg.eigh((known - mean).T @ (known - mean) / max(len(known) - 1, 1))
        least = floor * float(values.mean()) + 1e-30
        scale = (values.clamp(min=least) * max(int((values > least).sum()), 1)).rsqrt()
        return Unfamiliar(mean, scale[:, None] * vectors.T, features)

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        away = self.features(before) - self.mean.to(next(iter(tensors(before).values())).device)
        return (away @ self.whitening.to(away).T).norm(dim=1)

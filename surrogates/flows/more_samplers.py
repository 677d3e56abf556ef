"""Samplers that know more of a flow than its velocity, or choose their own steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.paths import Path
from scenegrad.surrogates.flows.samplers import evenly

__all__ = ["Adaptive", "DPMSolver", "Jumps", "Noisy"]


@dataclass(frozen=True)
class Adaptive:
    """Dormand & Prince's pair of orders 5 and 4, each member with steps of its own, so that a draw does not depend on
    its companions.

    The steps keep |error| / (tolerance (1 + |x|)), the root mean square over a member, at or below one [Hairer, Norsett
    & Wanner 1993, section II.4].
    """

    tolerance: float = 1e-4
    most: int = 1000  # steps tried, beyond which the flow is refused as too stiff

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        s = torch.zeros(len(x), dtype=x.dtype, device=x.device)
        ds = torch.full_like(s, 0.05)
        slope = field.velocity(x, s)
        for _ in range(self.most):
            if bool((s >= 1.0).all()):
                return x
            ds = torch.minimum(ds, 1.0 - s)
            after, last, error = self.trial(field, x, s, ds, slope)
            size = 1.0 + torch.maximum(x.abs(), after.abs())
            wrong = (error / (self.tolerance * size)).flatten(1).square().mean(1).sqrt()
            taken = (wrong <= 1.0) & (s < 1.0)
            wide = taken.view(-1, *[1] * (x.ndim - 1))
            x, slope = torch.where(wide, after, x), torch.where(wide, last, slope)
            s = torch.where(taken, torch.where(ds >= 1.0 - s, torch.ones_like(s), s + ds), s)
            ds = ds * (0.9 * wrong.clamp(min=1e-10) ** -0.2).clamp(0.2, 5.0)
            ds = ds.clamp(min=1e-6)
        raise EngineError(
            f"{self.most} steps were not enough to follow the flow within {self.tolerance:g}: it is very steep. Take a "
            f"looser tolerance, or a sampler of fixed steps."
        )

    def trial(self, field: Field, x: Tensor, s: Tensor, ds: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The state after a step, its slope there, and the difference of the two orders."""
        wide = ds.view(-1, *[1] * (x.ndim - 1))
        slopes = [slope]
        for node, row in zip(NODES, ROWS, strict=True):
            at = x + wide * sum(weight * k for weight, k in zip(row, slopes, strict=True))
            slopes.append(field.velocity(at, s + node * ds))
        error = wide * sum(weight * k for weight, k in zip(DIFFERENCE, slopes, strict=True))
        return at, slopes[-1], torch.as_tensor(error)  # the last stage is the step of order 5


NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
ROWS = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DIFFERENCE = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


@dataclass(frozen=True)
class Noisy:
    """dx = (v + e^2/2 score) ds + e dW by Euler and Maruyama: the same distribution at every s, on rough ways.

    level: e^2 = 2 level a(s): noise that dies out with that of the path [Ma et al. 2024, arXiv:2401.08740]. It forgets
    errors made early on. The last step is without noise. Draws from torch's own generator.
    """

    steps: int = 64
    level: float = 1.0

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        times = evenly(self.steps)
        for begin, end in pairwise(times):
            s = torch.full((len(x),), begin, dtype=x.dtype, device=x.device)
            a = field.path(s).a.view(-1, *[1] * (x.ndim - 1))
            ds, last = end - begin, end == times[-1]
            strength = self.level * a
            drift = field.velocity(x, s) + strength * field.score(x, s)
            x = x + ds * drift
            if not last:
                noise = torch.randn(x.shape, dtype=x.dtype).to(x)
                x = x + (2.0 * strength * ds).sqrt() * (field.kept(noise) if field.kept else noise)
        return x


@dataclass(frozen=True)
class DPMSolver:
    """DPM-Solver++(2M) [Lu et al. 2022, arXiv:2211.01095, algorithm 2]: exact for the linear part of the flow, second
    order in h, the step of log(b / a), for the expected data D = E[x1 | x]; one evaluation a step.

        x' = (a' / a) x - b' (exp(-h) - 1) ((1 + 1/(2 r)) D - 1/(2 r) D_before),   r = h_before / h

    The steps are equal in log(b / a), from s = `margin` to 1 - margin: at the ends it is infinite. The last evaluation
    gives the expected data there.
    """

    steps: int = 16
    margin: float = 1e-3

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        before: tuple[Tensor, Tensor] | None = None  # expected data and h of the step before
        times = self.times(field.path)
        for begin, end in pairwise(times):
            s, r = (torch.full((len(x),), t, dtype=x.dtype, device=x.device) for t in (begin, end))
            here, there, data = field.path(s), field.path(r), field.end(x, s)
            h = (log_ratio(field.path, r) - log_ratio(field.path, s)).view(-1, *[1] * (x.ndim - 1))
            ratio = 1.0 if before is None else before[1] / h
            mixed = data if before is None else (1.0 + 0.5 / ratio) * data - 0.5 / ratio * before[0]
            x = (there.a / here.a).view_as(h) * x - there.b.view_as(h) * torch.expm1(-h) * mixed
            before = (data, h)
        return field.end(x, torch.full((len(x),), times[-1], dtype=x.dtype, device=x.device))

    def times(self, path: Path) -> list[float]:
        """At which log(b / a) has grown evenly, found by bisection."""
        first, last = (log_ratio(path, torch.tensor([s])).double() for s in (self.margin, 1.0 - self.margin))
        wanted = first + (last - first) * torch.linspace(0.0, 1.0, self.steps, dtype=torch.float64)
        low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
        for _ in range(60):
            middle = 0.5 * (low + high)
            short = log_ratio(path, middle) < wanted
            low, high = torch.where(short, middle, low), torch.where(short, high, middle)
        return [float(s) for s in 0.5 * (low + high)]


def log_ratio(path: Path, s: Tensor) -> Tensor:
    c = path(s)
    return torch.log(c.b / c.a)


@dataclass(frozen=True)
class Jumps:
    """Steps of a flow that has learnt where it leads: as few as one."""

    steps: int = 1

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        if field.jump is None:
            raise EngineError(
                "Jumps(...) needs a flow that has learnt to jump: objective=MeanFlow(), LagrangianMap(), EulerianMap() "
                "or ProgressiveMap()."
            )
        for begin, end in pairwise(evenly(self.steps)):
            s, r = (torch.full((len(x),), t, dtype=x.dtype, device=x.device) for t in (begin, end))
            x = field.jump(x, s, r)
        return x

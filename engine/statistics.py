"""Error bars of means of correlated series, and how long a series remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.jackknife import Estimate

__all__ = ["Blocked", "autocorrelation_time", "blocking"]

WINDOW = 5.0  # autocorrelation times that the sum of correlations is cut off at


@dataclass(frozen=True)
class Blocked:
    """Means of series and their standard errors [...]; the series were [frame, ...].

    inefficiency: how many frames are worth an independent one. level: pairs were joined this often before the blocks
    were independent. errors: by level [level, ...], and their own standard errors, `doubts`. converged: false where the
    series is too short for its memory, and the error bar is too small.
    """

    mean: Tensor
    error: Tensor
    inefficiency: Tensor
    level: Tensor
    errors: Tensor
    doubts: Tensor
    converged: Tensor

    def __str__(self) -> str:
        """As tables have it, -6.0806(36): the error in units of the last digits."""
        return str(Estimate(self.mean.cpu().numpy()[()], self.error.cpu().numpy()[()]))


def blocking(series: ArrayLike | Tensor) -> Blocked:
    """Standard error of the mean of a correlated series [frame, ...], by joining neighbours pair by pair. It may be a
    quantity of a run, such as run["thermo"].pressure.

    At level l the blocks are B = 2^l frames long and s_l^2 = var / (n_l (n_l - 1)) of their n_l means; the error rises
    with l until blocks are independent [Flyvbjerg & Petersen 1989, J. Chem. Phys. 91, 461]. The level is the first with
    B^3 > 2 N (s_l / s_0)^4 [Lee et al. 2011, Phys. Rev. E 83, 066706].
    """
    series = series if isinstance(series, Tensor) else torch.from_numpy(np.array(series, dtype=np.float64))
    if series.ndim < 1 or len(series) < 4:
        raise EngineError(
            f"blocking got a series of shape {tuple(series.shape)}; it takes 4 frames or more, [frame, ...]."
        )
    x, frames = series.detach().double(), len(series)
    mean, errors, doubts = x.mean(dim=0), [], []
    while len(x) >= 2:
        n = len(x)
        errors.append(x.std(dim=0) / n**0.5)
        doubts.append(errors[-1] / (2.0 * (n - 1)) ** 0.5)
        even = 2 * (n // 2)
        x = 0.5 * (x[:even:2] + x[1:even:2])
    table = torch.stack(errors)
    length = (2.0 ** torch.arange(len(table), dtype=torch.float64, device=table.device)).view(-1, *[1] * (x.ndim - 1))
    growth = torch.where(table[0] > 0.0, table / table[0].clamp(min=1e-300), 1.0)
    enough = length**3 > 2.0 * frames * growth**4
    level = torch.where(enough.any(dim=0), enough.int().argmax(dim=0), len(table) - 1)
    error = table.gather(0, level[None])[0]
    inefficiency = growth.gather(0, level[None])[0].square().clamp(min=1.0)
    return Blocked(mean, error, inefficiency, level, table, torch.stack(doubts), enough.any(dim=0))


def autocorrelation_time(series: Tensor) -> Tensor:
    """tau = 1/2 + sum_{t=1}^{M} rho(t) in frames [...], of a series [frame, ...]; 1/2 where nothing is remembered.

    rho: the normalised autocorrelation about the mean, by Fourier transform. M: the first lag beyond 5 tau(M) [Sokal
    1997, Monte Carlo methods in statistical mechanics]. A mean over N frames has the variance var * 2 tau / N.
    """
    if series.ndim < 1 or len(series) < 4:
        raise EngineError(
            f"autocorrelation_time got a series of shape {tuple(series.shape)}; it takes 4 frames or more."
        )
    x = series.detach().double()
    frames = len(x)
    x = x - x.mean(dim=0)
    spectrum = torch.fft.rfft(x, n=2 * frames, dim=0).abs().square()
    lags = torch.fft.irfft(spectrum, n=2 * frames, dim=0)[:frames]
    still = lags[0] <= 0.0
    rho = torch.where(still, torch.zeros_like(lags), lags / lags[0].clamp(min=1e-300))
    tau = rho.cumsum(dim=0) - torch.where(still, -0.5, 0.5)
    lag = torch.arange(frames, dtype=torch.float64, device=x.device).view(-1, *[1] * (x.ndim - 1))
    enough = lag >= WINDOW * tau
    last = torch.where(enough.any(dim=0), enough.int().argmax(dim=0), frames - 1)
    return tau.gather(0, last[None])[0].clamp(min=0.5)

"""A Schroedinger bridge whose potential is a mixture of Gaussians: its drift and its ends are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.starts import STARTS, FromPresent, Start, white
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Next
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.losses import Loss

__all__ = ["BridgeLikelihood", "LightBridge", "LightBridgeStepper", "MixturePotential"]


class MixturePotential(nn.Module):
    """The process nearest to Brownian motion of variance `epsilon` a unit of time among those that lead from the starts
    to the data, dx = g ds + sqrt(epsilon) dW, s from 0 to 1 [Korotin, Gushchin & Burnaev 2024, Light Schroedinger
    bridge, ICLR, arXiv:2310.01174].

    Its ends are drawn as pi(y | x) ~ exp(x . y / epsilon) v(y) with v = sum_k w_k N(y | r_k, epsilon S_k), S_k
    diagonal: a mixture of Gaussians, of means r_k + S_k x. Then g = epsilon grad log E[exp(|y|^2 / 2 epsilon) v(y)]
    over the Brownian y ahead, with D_k = S_k s + 1 - s:

        g(x, s) = sum_k share_k(x, s) (S_k x + r_k - x) / D_k,
        log share_k = log w_k - sum [log D_k - (S_k x^2 + 2 x r_k - x^2 - s r_k^2) / (epsilon D_k)] / 2 + constant.

    size: numbers of one member. The means begin at random, the widths as 0.4 of those of the Brownian motion.
    """

    def __init__(self, size: int, parts: int, epsilon: float):
        super().__init__()
        self.epsilon = epsilon
        self.log_weights = nn.Parameter(torch.zeros(parts))
        self.means = nn.Parameter(0.5 * torch.randn(parts, size))
        self.log_widths = nn.Parameter(torch.full((parts, size), -1.0))

    def log_shares(self, x: Tensor, s: Tensor) -> Tensor:
        """Of each part of the ends, where the process is at x [batch, size] at s [batch]; not normalised."""
        wide, r, x = self.log_widths.exp(), self.means, x[:, None]
        s = s.view(-1, 1, 1)
        spread = wide * s + 1.0 - s
        square = (wide - 1.0) * x.square() + 2.0 * x * r - s * r.square()
        return self.log_weights - 0.5 * (spread.log() - square / (self.epsilon * spread)).sum(dim=2)

    def drift(self, x: Tensor, s: Tensor) -> Tensor:
        """g(x, s) of x [batch, size]."""
        wide, time = self.log_widths.exp(), s.view(-1, 1, 1)
        each = ((wide - 1.0) * x[:, None] + self.means) / (wide * time + 1.0 - time)
        return (self.log_shares(x, s).softmax(dim=1)[:, :, None] * each).sum(dim=1)

    def ends(self, x: Tensor, noise: Tensor, even: Tensor) -> Tensor:
        """Draws of pi(y | x). noise: white, like x [batch, size]; even: uniform in [0, 1) [batch]."""
        shares = self.log_shares(x, torch.zeros_like(x[:, 0])).softmax(dim=1)
        part = torch.searchsorted(shares.cumsum(dim=1).contiguous(), even[:, None]).squeeze(1)
        part = part.clamp(max=shares.shape[1] - 1)
        wide = self.log_widths.exp()[part]
        return self.means[part] + wide * x + (self.epsilon * wide).sqrt() * noise

    def loss(self, x0: Tensor, x1: Tensor) -> Tensor:
        """E log c(x0) - E log v(x1), c the norm of pi(. | x0): the Kullback-Leibler divergence of the bridge from this
        process, less a constant."""
        shares = self.log_shares(x0, torch.zeros_like(x0[:, 0]))
        log_c = shares.logsumexp(dim=1) + 0.5 * x0.square().sum(1) / self.epsilon
        wide = self.epsilon * self.log_widths.exp()
        apart = (x1[:, None] - self.means).square() / wide + wide.log() + math.log(2.0 * math.pi)
        log_v = (self.log_weights - 0.5 * apart.sum(dim=2)).logsumexp(dim=1)
        return log_c.mean() - log_v.mean()


@dataclass(frozen=True)
class BridgeLikelihood:
    """`MixturePotential.loss` on starts and ends of a batch, which need not belong together."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        x1 = model.scales.write(window.targets[0], window.inputs)
        x0 = model.begin(white(x1.shape, random, x1), window.inputs)
        return model.bridge.potential.loss(x0.flatten(1), x1.flatten(1)) / x1[0].numel()


class LightBridge(nn.Module):
    """A light Schroedinger bridge from `start` to the outputs, as a model that is trained like any other.

    outputs, components: what it draws, as for operators. size: of one member, all channels and cells. parts: of the
    mixture. epsilon: variance of the Brownian motion, in units of the scaled data. start: FromPresent() leads from
    fields as they are to fields as they are next, and pairs need not belong together; FromNoise() draws from noise.
    """

    kind = "light_bridge"

    def __init__(
        self,
        outputs: Sequence[str],
        size: int,
        *,
        parts: int = 32,
        epsilon: float = 0.1,
        start: Start | None = None,
        components: Mapping[str, int] | None = None,
    ):
        super().__init__()
        if size < 1 or parts < 1 or not epsilon > 0.0:
            raise EngineError(
                f"LightBridge got size={size}, parts={parts}, epsilon={epsilon}; all are positive, such as 64, 32, 0.1."
            )
        self.start, self.size, self.parts, self.epsilon = start or FromPresent(), size, parts, epsilon
        fields = tuple(outputs) if isinstance(self.start, FromPresent) else ()
        self.names = Names(fields, tuple(outputs), (), dict(components or {}))
        self.potential = MixturePotential(size, parts, epsilon)

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> LightBridgeStepper:
        found = self.names.width(self.names.outputs) * math.prod(grid)
        if found != self.size:
            raise EngineError(f"LightBridge was made for {self.size} numbers a member, and the data have {found}.")
        return LightBridgeStepper(self, statistics, dt, grid)

    def config(self) -> dict[str, Any]:
        own = {"outputs": list(self.names.outputs), "components": dict(self.names.components)}
        sizes = {"size": self.size, "parts": self.parts, "epsilon": self.epsilon}
        return {"kind": self.kind, **own, **sizes, "start": spell(self.start)}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> LightBridge:
        table = {name: value for name, value in config.items() if name != "kind"}
        allowed = ("outputs", "size", "parts", "epsilon", "start", "components")
        if strangers := [name for name in table if name not in allowed]:
            raise EngineError(f"A light bridge got {', '.join(strangers)}; it takes {', '.join(allowed)}.")
        if "start" in table:
            table["start"] = choose(table["start"], STARTS, "start")
        return cls(**table)


class LightBridgeStepper(nn.Module):
    """A trained bridge: fields in physical units to a draw of where the process ends."""

    objective = BridgeLikelihood()

    def __init__(self, bridge: LightBridge, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.bridge, self.names, self.dt, self.grid = bridge, bridge.names, dt, tuple(grid)
        self.scales = Scales(bridge.names, Next(), dt, statistics)

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
        noise: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """One draw of the outputs. noise: white, of the start; torch's own generator draws the rest."""
        state, like = {**(geometry or {}), **state}, self.scales.output_mean
        shape = (len(dt), len(like), *self.grid)
        x0 = self.begin(noise if noise is not None else torch.randn(shape, dtype=like.dtype).to(like), state)
        fresh = torch.randn(len(dt), self.bridge.size, dtype=like.dtype).to(like)
        even = torch.rand(len(dt), dtype=like.dtype).to(like)
        ends = self.bridge.potential.ends(x0.flatten(1), fresh, even)
        return self.scales.read(ends.view(shape), state)

    def begin(self, noise: Tensor, state: Mapping[str, Tensor]) -> Tensor:
        return self.bridge.start(noise, state, self.scales)

    def config(self) -> dict[str, Any]:
        return {"network": self.bridge.config(), "dt": self.dt, "grid": list(self.grid)}

"""How probable a flow thinks what it is shown."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.more_samplers import normal_log_density

__all__ = ["log_likelihood"]


def log_likelihood(
    field: Field, x: Tensor, *, steps: int = 64, probes: int = 0, random: torch.Generator | None = None
) -> Tensor:
    """log p(x1 = x) [batch] of a flow from white noise: log p(x0) - integral of div v along the way, by RK4 backwards
    [Chen et al. 2018, arXiv:1806.07366].

    probes: 0 takes the divergence exactly, one transposed derivative for each number of a member; otherwise it is the
    mean over so many random signs [Hutchinson 1990; Grathwohl et al. 2019], drawn once for the whole way. The density
    is that of the channels of order one; divide by the scales of the outputs for one per physical unit.
    """
    flat = x[0].numel()
    signs = None
    if probes:
        drawn = torch.randint(0, 2, (probes, *x.shape), generator=random).to(x) * 2.0 - 1.0
        signs = drawn

    def slope(at: Tensor, s: float) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            at = at.detach().requires_grad_()
            v = field.velocity(at, torch.full((len(at),), s, dtype=at.dtype, device=at.device))
            divergence = torch.zeros(len(at), dtype=at.dtype, device=at.device)
            for n in range(probes or flat):
                if signs is None:
                    w = torch.zeros_like(v).flatten(1)
                    w[:, n] = 1.0
                    w = w.view_as(v)
                else:
                    w = signs[n]
                (bar,) = torch.autograd.grad(v, at, w, retain_graph=True)
                divergence = divergence + (bar * w).flatten(1).sum(1) / (probes or 1)
        return v.detach(), divergence.detach()

    total, ds = torch.zeros(len(x), dtype=x.dtype, device=x.device), -1.0 / steps
    for n in range(steps):
        s = 1.0 - n / steps
        v1, d1 = slope(x, s)
        v2, d2 = slope(x + 0.5 * ds * v1, s + 0.5 * ds)
        v3, d3 = slope(x + 0.5 * ds * v2, s + 0.5 * ds)
        v4, d4 = slope(x + ds * v3, s + ds)
        x = x + ds / 6.0 * (v1 + 2.0 * (v2 + v3) + v4)
        total = total + ds / 6.0 * (d1 + 2.0 * (d2 + d3) + d4)
    return normal_log_density(x) + total

"""The scheme by which the flows of the first Fourier neural operators were made."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["crank_nicolson_euler"]


def crank_nicolson_euler(w: Tensor, viscosity: float, forcing: float, dt: float, steps: int) -> Tensor:
    """w_t + u . grad w = nu laplace w + f on the unit torus, f = forcing (sin 2 pi (x + y) + cos 2 pi (x + y)).

    Diffusion by Crank and Nicolson, the rest by Euler, products without the upper third of the waves [Li et al. 2021,
    arXiv:2010.08895, appendix A.3; they took dt = 1e-4]. w: [batch, n, n] at the points i / n.
    """
    n = w.shape[-1]
    k = torch.fft.fftfreq(n, 1.0 / n, dtype=w.dtype, device=w.device)
    k_x, k_y = 2.0 * math.pi * k[:, None], 2.0 * math.pi * k[None, : n // 2 + 1].abs()
    square = k_x**2 + k_y**2
    inverse = torch.where(square > 0.0, 1.0 / square.clamp(min=1.0), 0.0)
    kept = (k[:, None].abs() < n / 3) & (k[None, : n // 2 + 1].abs() < n / 3)
    x = torch.arange(n, dtype=w.dtype, device=w.device) / n
    angle = 2.0 * math.pi * (x[:, None] + x)
    force = torch.fft.rfft2(forcing * (torch.sin(angle) + torch.cos(angle)))
    explicit, implicit = 1.0 - 0.5 * dt * viscosity * square, 1.0 + 0.5 * dt * viscosity * square
    w_hat = torch.fft.rfft2(w)
    for _ in range(steps):
        stream = w_hat * inverse
        u, v, w_x, w_y = torch.fft.irfft2(
            torch.stack([1j * k_y * stream, -1j * k_x * stream, 1j * k_x * w_hat, 1j * k_y * w_hat]), s=(n, n)
        )
        carried = kept * torch.fft.rfft2(u * w_x + v * w_y)
        w_hat = (explicit * w_hat + dt * (force - carried)) / implicit
    return torch.fft.irfft2(w_hat, s=(n, n))

"""Training of a preconditioner on the errors that it is to remove."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.iteration import dot
from scenegrad.solvers.elliptic.learned.cycle import CycleNet, Learned, cycle

__all__ = ["train_cycle"]


def train_cycle(
    net: CycleNet, operators: Callable[[int], Diffusion], steps: int, rate: float = 3e-3, rounds: int = 2, seed: int = 0
) -> list[float]:
    """Lowers |e'|^2 / |e|^2 in the norm of the energy, e' = e - M A e, over random errors e and over those that cycles
    leave, `rounds` in all: what a solver meets. operators: the equations of a step, by its number. Returns the losses.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses = []
    for step in range(steps):
        operator = operators(step)
        grids = Learned(net).grids(operator)
        e = smooth_noise(operator, generator)
        total = e.new_zeros(())
        for _ in range(rounds):
            before = energy(operator, e).detach()
            e = operator.within(e - cycle(grids, operator.apply(e)))
            after = energy(operator, e)
            total = total + (after / before).mean() / rounds
            e = e.detach()
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(total.detach()))
    return losses


def smooth_noise(operator: Diffusion, generator: torch.Generator) -> Tensor:
    """Noise of all wavelengths: white on every grid from the coarsest to the finest, added up."""
    shape = operator.diagonal.shape
    total = torch.zeros(shape, dtype=operator.diagonal.dtype)
    size = min(shape[1:])
    while size >= 2:
        factor = min(shape[1:]) // size
        coarse = torch.randn(shape[0], 1, shape[1] // factor, shape[2] // factor, generator=generator)
        total += torch.nn.functional.interpolate(coarse, size=shape[1:], mode="bilinear")[:, 0].to(total)
        size //= 2
    return operator.within(total.to(operator.diagonal.device))


def energy(operator: Diffusion, e: Tensor) -> Tensor:
    return dot(e, operator.apply(e))

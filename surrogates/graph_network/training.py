"""Training a graph network on what particles did."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from scenegrad.engine.errors import Diverged, EngineError
from scenegrad.surrogates.graph_network.network import GraphNetwork

__all__ = ["train_graph_network"]


def train_graph_network(
    network: GraphNetwork,
    trajectories: Sequence[Tensor],
    *,
    steps: int | None = None,
    seconds: float | None = None,
    noise: float = 0.5,
    batch: int = 2,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> list[float]:
    """Minimises the square of the error in acceleration, in units of its scale; returns that loss at every step.

    trajectories: positions [frame, particle, dim] [m], frames one step of the network apart. steps, seconds: how long;
    whichever comes first. noise: the past that the network is shown goes astray at random, in velocity by this part of
    the standard deviation of velocity changes over a step, and it learns to come back: without this a rollout leaves
    what was seen [Sanchez-Gonzalez et al. 2020, section 4.3]. The learning rate falls to a hundredth, evenly in its
    logarithm.
    """
    if (steps is None) == (seconds is None):
        raise EngineError("A training needs either steps= or seconds= to know when to end.")
    window = network.past + 2
    starts = [(x, first) for x in trajectories for first in range(len(x) - window + 1)]
    if not starts:
        raise EngineError(
            f"The network looks back on {network.past} steps, so a trajectory needs at least {window} frames; the "
            f"longest has {max((len(x) for x in trajectories), default=0)}."
        )
    astray = noise * set_scales(network, trajectories) * network.dt
    random = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    network.train()
    begun = time.perf_counter()
    losses: list[float] = []
    while True:
        done = len(losses) / steps if steps is not None else (time.perf_counter() - begun) / (seconds or 1.0)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * 0.01**done
        chosen = [starts[i] for i in torch.randint(len(starts), (batch,), generator=random).tolist()]
        parts = []
        for x, first in chosen:  # one after the other: they may differ in their number of particles
            parts.append(one_step_error(network, x[first : first + window], astray, random))
        loss = torch.stack(parts).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        if not losses[-1] < float("inf"):
            raise Diverged(f"The loss is {losses[-1]} after {len(losses)} steps. A smaller learning_rate is the cure.")
    network.eval()
    return losses


def one_step_error(network: GraphNetwork, frames: Tensor, astray: Tensor, random: torch.Generator) -> Tensor:
    """Of frames [past + 2, particle, dim], all but the last led astray: velocities by a random walk that ends at
    `astray`. The acceleration wanted is the one that comes back to the true velocity."""
    past, dt = network.past, network.dt
    walk = torch.randn((past, *frames.shape[1:]), generator=random).to(frames) * astray / past**0.5
    shift = torch.nn.functional.pad(walk.cumsum(0).cumsum(0), (0, 0, 0, 0, 1, 0))
    seen = frames[:-1] + shift
    velocity = seen.diff(dim=0) / dt
    wanted = ((frames[-1] - frames[-2]) / dt - velocity[-1]) / dt
    scaled = (wanted - network.acceleration_mean) / network.acceleration_std
    found = network(seen[-1:], velocity.movedim(0, 1)[None])
    return (found[0] - scaled).square().mean()


@torch.no_grad()
def set_scales(network: GraphNetwork, trajectories: Sequence[Tensor]) -> Tensor:
    """Mean and standard deviation of velocities and accelerations; returns that of velocity changes over a step."""
    velocity = [x.diff(dim=0) / network.dt for x in trajectories]
    change = [v.diff(dim=0) for v in velocity]
    moving, turning = torch.cat([v.flatten(0, 1) for v in velocity]), torch.cat([v.flatten(0, 1) for v in change])
    tiny = torch.finfo(moving.dtype).tiny
    network.velocity_mean.copy_(moving.mean(0))
    network.velocity_std.copy_(moving.std(0).clamp(min=tiny))
    network.acceleration_mean.copy_(turning.mean(0) / network.dt)
    network.acceleration_std.copy_(turning.std(0).clamp(min=tiny) / network.dt)
    return turning.std(0)

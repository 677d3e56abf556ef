"""The graph network: encode particles and the vectors between them, let messages pass, decode accelerations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenegrad.surrogates.graph_network.neighbours import neighbours

__all__ = ["GraphNetwork"]


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def encoder(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(*perceptron(inputs, width, width), nn.LayerNorm(width))


class Interaction(nn.Module):
    """e' = e + f(e, v_sender, v_receiver),   v' = v + g(v, sum of e' over the senders)   [Battaglia et al. 2018]"""

    def __init__(self, width: int):
        super().__init__()
        self.of_edge, self.of_node = encoder(3 * width, width), encoder(2 * width, width)

    def forward(self, v: Tensor, e: Tensor, senders: Tensor, receivers: Tensor) -> tuple[Tensor, Tensor]:
        e = e + self.of_edge(torch.cat([e, v[senders], v[receivers]], dim=-1))
        heard = torch.zeros_like(v).index_add(0, receivers, e)
        return v + self.of_node(torch.cat([v, heard], dim=-1)), e


class GraphNetwork(nn.Module):
    """Accelerations from positions and the latest velocities [Sanchez-Gonzalez et al. 2020, ICML].

    A particle knows its last `past` velocities and how far it is from the sides of `box`, as far as its sight reaches;
    of its neighbours it knows where they are from it. Nothing else tells one place from another, so that away from the
    sides the network commutes with translation.

    radius: sight [m]. dt: the step it learns [s]. box: lowest and highest corner [m], without which there are no sides.
    rounds: of messages. Scales of velocity and acceleration are buffers, set by the training.
    """

    velocity_mean: Tensor
    velocity_std: Tensor
    acceleration_mean: Tensor
    acceleration_std: Tensor

    def __init__(
        self,
        dim: int,
        radius: float,
        dt: float,
        box: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
        past: int = 5,
        width: int = 64,
        rounds: int = 5,
    ):
        super().__init__()
        self.dim, self.radius, self.dt, self.past, self.box = dim, radius, dt, past, box
        self.encode_node = encoder(past * dim + (2 * dim if box else 0), width)
        self.encode_edge = encoder(dim + 1, width)
        self.rounds = nn.ModuleList(Interaction(width) for _ in range(rounds))
        self.decode = perceptron(width, width, dim)
        for name, start in (("mean", 0.0), ("std", 1.0)):
            self.register_buffer(f"velocity_{name}", torch.full((dim,), start))
            self.register_buffer(f"acceleration_{name}", torch.full((dim,), start))

    def forward(self, position: Tensor, velocity: Tensor) -> Tensor:
        """Acceleration [batch, particle, dim] in units of its scale, of positions [batch, particle, dim] [m] and
        velocities [batch, particle, past, dim] [m/s]."""
        senders, receivers = neighbours(position, self.radius)
        x = position.flatten(0, 1)
        apart = (x[senders] - x[receivers]) / self.radius
        distance = torch.linalg.vector_norm(apart, dim=-1, keepdim=True)
        e = self.encode_edge(torch.cat([apart, distance], dim=-1))
        past = ((velocity - self.velocity_mean) / self.velocity_std).flatten(0, 1).flatten(1)
        v = self.encode_node(torch.cat([past, *self.sides(x)], dim=-1))
        for interaction in self.rounds:
            v, e = interaction(v, e, senders, receivers)
        return self.decode(v).view_as(position)

    def acceleration(self, position: Tensor, velocity: Tensor) -> Tensor:
        """[m/s^2]"""
        return self.acceleration_mean + self.acceleration_std * self(position, velocity)

    def sides(self, x: Tensor) -> list[Tensor]:
        """Distances to the sides of the box in units of sight, at most one."""
        if self.box is None:
            return []
        low, high = (x.new_tensor(corner) for corner in self.box)
        return [((x - low) / self.radius).clamp(max=1.0), ((high - x) / self.radius).clamp(max=1.0)]

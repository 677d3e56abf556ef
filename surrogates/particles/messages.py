"""Messages between neighbours: what a graph network is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Edges", "Round", "encoder", "perceptron"]


@dataclass(frozen=True)
class Edges:
    """Directed edges: features [edge, width], and the numbers of the points that each leaves and enters [edge]."""

    features: Tensor
    senders: Tensor
    receivers: Tensor


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def encoder(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(*perceptron(inputs, width, width), nn.LayerNorm(width))


class Message(nn.Module):
    """m = f(e, v_sender, v_receiver). What the first layer makes of the points is made once for each point."""

    def __init__(self, width: int):
        super().__init__()
        self.of_edge = nn.Linear(width, width)
        self.of_sender, self.of_receiver = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width)
        )

    def forward(self, v: Tensor, edges: Edges) -> Tensor:
        sent = self.of_sender(v).index_select(0, edges.senders)
        heard = self.of_receiver(v).index_select(0, edges.receivers)
        return self.rest(self.of_edge(edges.features) + sent + heard)


class Round(nn.Module):
    """e' = e + f(e, v_sender, v_receiver),   v' = v + g(v, sum of e' over the senders)   [Battaglia et al. 2018,
    arXiv:1806.01261]; several sets of edges have an f and a sum each [Pfaff et al. 2021, arXiv:2010.03409]."""

    def __init__(self, width: int, sets: int):
        super().__init__()
        self.messages = nn.ModuleList(Message(width) for _ in range(sets))
        self.of_node = encoder((1 + sets) * width, width)

    def forward(self, v: Tensor, graphs: Sequence[Edges]) -> tuple[Tensor, list[Edges]]:
        after = [
            Edges(edges.features + message(v, edges), edges.senders, edges.receivers)
            for message, edges in zip(self.messages, graphs, strict=True)
        ]
        heard = [torch.zeros_like(v).index_add(0, edges.receivers, edges.features) for edges in after]
        return v + self.of_node(torch.cat([v, *heard], dim=-1)), after

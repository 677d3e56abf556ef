"""What the points and edges of a graph say in the end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scenegrad.surrogates.particles.messages import Edges, perceptron

__all__ = ["DECODINGS", "Decoding", "Free", "PairForces"]


@dataclass(frozen=True)
class Free:
    """Each point speaks for itself."""

    def module(self, width: int, outputs: int) -> nn.Module:
        return Speaker(width, outputs)


@dataclass(frozen=True)
class PairForces:
    """Forces along the lines between neighbours, each with its reaction: the sum of what the network says is zero, and
    with it momentum and angular momentum are kept, whatever it has learnt. For outputs that are one vector in space."""

    def module(self, width: int, outputs: int) -> nn.Module:
        return Reactions(width)


Decoding = Free | PairForces
DECODINGS = (Free, PairForces)


class Speaker(nn.Module):
    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.say = perceptron(width, width, outputs)

    def forward(self, v: Tensor, edges: Edges, along: Tensor) -> Tensor:
        """[node, output]; along: unit vectors from the sender to the receiver of each edge [edge, dim]."""
        return self.say(v)


class Reactions(nn.Module):
    """sum over the senders of (s(e_ij) + s(e_ji)) n_ij. Edges stand one way in the first half, back in the second."""

    def __init__(self, width: int):
        super().__init__()
        self.strength = perceptron(width, width, 1)

    def forward(self, v: Tensor, edges: Edges, along: Tensor) -> Tensor:
        s = self.strength(edges.features)
        there, back = s.chunk(2)
        both = torch.cat([there + back, there + back])
        return v.new_zeros(len(v), along.shape[1]).index_add(0, edges.receivers, both * along)

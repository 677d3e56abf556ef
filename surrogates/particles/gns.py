"""The graph network-based simulator."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.operator import Said
from scenegrad.surrogates.particles.decoding import DECODINGS, Decoding, Free, PairForces
from scenegrad.surrogates.particles.messages import Edges, Round, encoder
from scenegrad.surrogates.particles.operator import ParticleOperator, Walls, length, with_length

__all__ = ["GNS"]


class GNS(ParticleOperator):
    """Particles that learn to move from what their neighbours do [Sanchez-Gonzalez et al. 2020, arXiv:2002.09405]:
    encode particles and the ways between them, let messages pass, decode what happens next. Of other vectors among the
    fields, edges know the difference.

    width: of all features. radius, wrap, walls: see ParticleOperator. rounds: of messages. kinds: how many kinds of
    particles there are, told by the field "kind". decoding: Free(), or PairForces() that keep momentum.
    """

    kind = "gns"
    choices = MappingProxyType({"decoding": DECODINGS})

    def __init__(
        self,
        width: int,
        radius: float,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        rounds: int = 5,
        wrap: Sequence[float] | None = None,
        walls: Walls | None = None,
        kinds: int = 1,
        decoding: Decoding | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(radius, wrap, walls, fields, parameters, said)
        self.width, self.rounds, self.kinds, self.decoding = width, rounds, kinds, decoding or Free()
        if min(width, rounds, kinds) < 1 or (kinds > 1) != ("kind" in self.names.fields):
            raise EngineError(
                f"GNS got width={width}, rounds={rounds}, kinds={kinds} and the fields {', '.join(fields)}; numbers "
                f"are positive, and 'kind' is among the fields where there are several kinds."
            )
        if isinstance(self.decoding, PairForces) and self.channels_out != self.dim:
            raise EngineError(
                f"GNS got decoding=PairForces() for {', '.join(self.names.outputs)}; forces give one vector of "
                f"{self.dim} components."
            )
        self.embed = nn.Embedding(kinds, width) if kinds > 1 else None
        self.encode_node = encoder(self.told - (kinds > 1), width)
        self.encode_edge = encoder(self.dim + 1 + self.dim * len(self.vectors), width)
        self.messages = nn.ModuleList(Round(width, 1) for _ in range(rounds))
        self.decode = self.decoding.module(width, self.channels_out)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        """u [batch, channels, particle] and constants [batch, parameters + 1] to [batch, channels out, particle]."""
        parts = self.split(u)
        kinds = parts.pop("kind", None)
        v = self.encode_node(self.nodes(parts, constants))
        if self.embed is not None and kinds is not None:
            v = v + self.embed(kinds.round().long().flatten())
        senders, receivers, way = self.neighbours(parts["position"])
        beside = [(part := parts[name].flatten(0, 1))[receivers] - part[senders] for name in self.vectors]
        graphs = [Edges(self.encode_edge(torch.cat([with_length(way), *beside], dim=-1)), senders, receivers)]
        for round_of in self.messages:
            v, graphs = round_of(v, graphs)
        said = self.decode(v, graphs[0], way / length(way))
        return torch.unflatten(said, 0, (u.shape[0], u.shape[2])).transpose(1, 2)

"""Networks on meshes, whose nodes see each other along the mesh and through the space between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import torch
from scipy.spatial import Delaunay
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.operator import Said
from scenegrad.surrogates.particles.messages import Edges, Round, encoder, perceptron
from scenegrad.surrogates.particles.operator import ParticleOperator, Walls, with_length

__all__ = ["MeshGraphNet", "mesh_between", "mesh_of"]


class MeshGraphNet(ParticleOperator):
    """A body that remembers its shape [Pfaff et al. 2021, arXiv:2010.03409]: edges of its mesh carry how two nodes lie
    now and at rest; nodes that come within the radius otherwise, such as where a body folds onto itself, meet by edges
    through the world. Each set has its own messages.

    rest: places of the nodes at rest [node, dim]. edges: pairs of nodes of the mesh, each once, as `mesh_of` elements
    or `mesh_between` points gives them. All else as for GNS. One mesh serves all trajectories.
    """

    kind = "mesh_graph_net"

    rest_way: Tensor
    mesh: Tensor

    def __init__(
        self,
        width: int,
        radius: float,
        rest: Sequence[Sequence[float]],
        edges: Sequence[Sequence[int]],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        rounds: int = 5,
        wrap: Sequence[float] | None = None,
        walls: Walls | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(radius, wrap, walls, fields, parameters, said)
        self.width, self.rounds = width, rounds
        self.rest = [[float(value) for value in place] for place in rest]
        self.edges = [[int(node) for node in edge] for edge in edges]
        self.refuse_bad_mesh()
        mesh = torch.tensor(self.edges, dtype=torch.int64).T
        way = torch.tensor(self.rest)[mesh[1]] - torch.tensor(self.rest)[mesh[0]]
        self.register_buffer("mesh", mesh, persistent=False)
        self.register_buffer("rest_way", way, persistent=False)
        self.scale = float(way.norm(dim=1).mean())  # lengths of the mesh are told in units of its mean edge
        self.encode_node = encoder(self.told, width)
        self.encode_mesh, self.encode_world = encoder(2 * (self.dim + 1), width), encoder(self.dim + 1, width)
        self.messages = nn.ModuleList(Round(width, 2) for _ in range(rounds))
        self.decode = perceptron(width, width, self.channels_out)

    def refuse_bad_mesh(self) -> None:
        nodes = len(self.rest)
        ends = np.array(self.edges, dtype=np.int64).reshape(-1, 2)
        once = len(np.unique(np.sort(ends, axis=1), axis=0)) == len(ends)
        loops = bool((ends[:, 0] == ends[:, 1]).any())
        if not len(ends) or ends.min() < 0 or ends.max() >= nodes or loops or not once:
            raise EngineError(
                f"MeshGraphNet got {len(ends)} edges between {nodes} nodes; each names two of the nodes, and each pair "
                f"stands once."
            )
        if {len(place) for place in self.rest} != {self.dim}:
            raise EngineError(f"MeshGraphNet got rest places that have not {self.dim} components, as positions have.")

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        """u [batch, channels, node] and constants [batch, parameters + 1] to [batch, channels out, node]."""
        batch, _, nodes = u.shape
        if nodes != len(self.rest):
            raise EngineError(
                f"The mesh has {len(self.rest)} nodes, and {nodes} were given. One mesh serves a network."
            )
        parts = self.split(u)
        x = parts["position"]
        v = self.encode_node(self.nodes(parts, constants))
        graphs = [self.along_mesh(x), self.through_world(x)]
        for round_of in self.messages:
            v, graphs = round_of(v, graphs)
        return torch.unflatten(self.decode(v), 0, (batch, nodes)).transpose(1, 2)

    def along_mesh(self, x: Tensor) -> Edges:
        batch, nodes, _ = x.shape
        way = (x[:, self.mesh[1]] - x[:, self.mesh[0]]) / self.scale
        rest = (self.rest_way / self.scale).to(x).expand(batch, -1, -1)
        there, back = (with_length(torch.stack([sign * way, sign * rest])).unbind() for sign in (1.0, -1.0))
        told = torch.cat([torch.cat(there, dim=-1), torch.cat(back, dim=-1)], dim=1).flatten(0, 1)
        first = nodes * torch.arange(batch, device=x.device)[:, None]
        both = torch.cat([self.mesh, self.mesh.flip(0)], dim=1)
        return Edges(self.encode_mesh(told), (both[0] + first).flatten(), (both[1] + first).flatten())

    def through_world(self, x: Tensor) -> Edges:
        """Pairs within the radius that the mesh does not join."""
        nodes = x.shape[1]
        senders, receivers, way = self.neighbours(x)
        joined = torch.cat([self.mesh[0] * nodes + self.mesh[1], self.mesh[1] * nodes + self.mesh[0]])
        apart = ~torch.isin((senders % nodes) * nodes + receivers % nodes, joined)
        return Edges(self.encode_world(with_length(way[apart])), senders[apart], receivers[apart])


def mesh_of(elements: np.ndarray) -> list[list[int]]:
    """Edges of triangles or tetrahedra with nodes [element, 3 or 4], each once."""
    corners = np.asarray(elements)
    pairs = [corners[:, [i, j]] for i in range(corners.shape[1]) for j in range(i)]
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0).tolist()


def mesh_between(points: np.ndarray, longest: float) -> list[list[int]]:
    """Edges of the Delaunay mesh of points [node, dim] that are no longer than `longest`, each once; so bodies that
    were
    filled with particles get a mesh."""
    places = np.asarray(points, dtype=np.float64)
    edges = np.array(mesh_of(Delaunay(places).simplices))
    lengths = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
    return edges[lengths <= longest].tolist()

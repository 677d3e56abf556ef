"""Nodes of a mesh of triangles or tetrahedra, and the geometry of its elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.simplex import Element, edges_of, element, nodal_element

__all__ = ["Facets", "Shape", "Space"]


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets of the boundary under one tag. nodes: of degree two, corners first [facet, node]; inside: a vertex of the
    element behind each, which tells where its normal points [facet]."""

    nodes: Tensor
    inside: Tensor

    @property
    def all_nodes(self) -> np.ndarray:
        """Each node once, rising."""
        return np.unique(self.nodes.cpu().numpy())

    @cached_property
    def every(self) -> Tensor:
        """The same where the mesh is."""
        return torch.from_numpy(self.all_nodes).to(self.nodes.device)


@dataclass(frozen=True, eq=False)
class Shape:
    """Elements in their places: gradients of barycentric coordinates [batch, element, corner, dim] [1/length] and
    measures [batch, element] [length^dim]."""

    slopes: Tensor
    measure: Tensor

    def gradient(self, slope: Tensor) -> Tensor:
        """Of functions with derivatives `slope` [q, node, corner]: [batch, element, q, node, dim]."""
        return torch.einsum("qak,xeki->xeqai", slope, self.slopes)


@dataclass(frozen=True, eq=False)
class Space:
    """Continuous functions of degree two (P2) on simplices: one node at each vertex, then one amid each edge.

    cells: vertices [element, corner]; nodes: [element, node], corners first; edges: vertices [edge, 2].
    """

    cells: Tensor
    nodes: Tensor
    edges: Tensor
    vertices: Tensor  # their places in the file [vertex, dim], float64
    tags: Mapping[str, Facets]

    @classmethod
    def of(cls, vertices: np.ndarray, cells: np.ndarray, facets: Mapping[str, np.ndarray], device: str) -> Space:
        """facets: vertices [facet, dim] of those under each tag; they belong to one element each."""
        dim, pairs = vertices.shape[1], np.array(edges_of(vertices.shape[1]))
        ends = np.sort(cells[:, pairs].reshape(-1, 2), axis=1)
        edges, which = np.unique(ends, axis=0, return_inverse=True)
        nodes = np.concatenate([cells, len(vertices) + which.reshape(len(cells), len(pairs))], axis=1)
        keys = edges[:, 0] * len(vertices) + edges[:, 1]
        owner: dict[tuple[int, ...], int] = {}  # the vertex across from each facet
        for corner in range(dim + 1):
            rim = np.sort(np.delete(cells, corner, axis=1), axis=1)
            owner.update(zip(map(tuple, rim.tolist()), cells[:, corner].tolist(), strict=True))

        def facet_nodes(rows: np.ndarray) -> np.ndarray:
            between = np.sort(rows[:, np.array(edges_of(dim - 1))], axis=2)
            return np.concatenate(
                [rows, len(vertices) + np.searchsorted(keys, between[..., 0] * len(vertices) + between[..., 1])], axis=1
            )

        def tensor(a: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(a)).to(device)

        found = {
            name: Facets(tensor(facet_nodes(rows)), tensor(np.array([owner[tuple(sorted(r))] for r in rows.tolist()])))
            for name, rows in facets.items()
        }
        return cls(tensor(cells), tensor(nodes), tensor(edges), tensor(vertices), found)

    @property
    def dim(self) -> int:
        return self.vertices.shape[1]

    @property
    def device(self) -> str:
        return str(self.vertices.device)

    @property
    def count(self) -> int:
        """Of nodes."""
        return len(self.vertices) + len(self.edges)

    @cached_property
    def element(self) -> Element:
        return element(self.dim, 5, self.device)  # degree two advects degree two: 2 + 1 + 2

    @cached_property
    def facet(self) -> Element:
        """On the boundary: functions of an element are those of its facets there."""
        return element(self.dim - 1, 5, self.device)

    @cached_property
    def nodal(self) -> Element:
        """The functions and their slopes at the nodes of an element in place of points of a quadrature."""
        return nodal_element(self.dim, self.device)

    def pieces(self) -> list[np.ndarray]:
        """Which nodes belong to each part of the mesh that hangs together [node], bool."""
        nodes = self.nodes.cpu().numpy()
        ends = np.repeat(nodes[:, 0], nodes.shape[1]), nodes.ravel()
        links = coo_matrix((np.ones(nodes.size), ends), shape=(self.count, self.count))
        count, piece = connected_components(links, directed=False)
        return [piece == k for k in range(count)]

    def places(self, vertices: Tensor) -> Tensor:
        """Of the nodes [batch, node, dim]; edges are straight."""
        middles = 0.5 * (vertices[:, self.edges[:, 0]] + vertices[:, self.edges[:, 1]])
        return torch.cat([vertices, middles], dim=1)

    def shape(self, vertices: Tensor) -> Shape:
        """vertices: [batch, vertex, dim]."""
        corners = vertices[:, self.cells]
        frame = (corners[:, :, 1:] - corners[:, :, :1]).transpose(-1, -2)  # columns: edges from the first corner
        inner = torch.linalg.inv(frame)
        slopes = torch.cat([-inner.sum(dim=2, keepdim=True), inner], dim=2)
        return Shape(slopes, torch.linalg.det(frame).abs() / (2.0 if self.dim == 2 else 6.0))

    def normals(self, facets: Facets, vertices: Tensor) -> Tensor:
        """Outward, as long as the facet is large [batch, facet, dim]."""
        corners = vertices[:, facets.nodes[:, : self.dim]]
        if self.dim == 2:
            along = corners[:, :, 1] - corners[:, :, 0]
            normal = torch.stack([along[..., 1], -along[..., 0]], dim=-1)
        else:
            a, b = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
            normal = 0.5 * torch.linalg.cross(a, b)
        inward = vertices[:, facets.inside] - corners[:, :, 0]
        return torch.where((normal * inward).sum(-1, keepdim=True) > 0, -normal, normal)

    def facet_load(self, facets: Facets, density: Tensor) -> Tensor:
        """Integral of density times each function over facets: density [batch, facet, ...], what there is on a facet in
        all, gives [batch, node, ...]."""
        shares = [1 / 6, 1 / 6, 4 / 6] if self.dim == 2 else [0.0, 0.0, 0.0, 1 / 3, 1 / 3, 1 / 3]
        out = density.new_zeros(density.shape[0], self.count, *density.shape[2:])
        for local, share in enumerate(shares):
            if share:
                out = out.index_add(1, facets.nodes[:, local], share * density)
        return out

    def gather(self, field: Tensor) -> Tensor:
        """Values at the nodes of each element [batch, element, node, ...]."""
        return field[:, self.nodes]

    def scatter(self, local: Tensor) -> Tensor:
        """Sums over elements: [batch, element, node, ...] to [batch, node, ...]."""
        flat = local.flatten(1, 2)
        return flat.new_zeros(flat.shape[0], self.count, *flat.shape[2:]).index_add(1, self.nodes.flatten(), flat)

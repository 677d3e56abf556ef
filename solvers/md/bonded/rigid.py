"""Bonds of fixed length: which atoms they hold, and the systems of equations that hold them.

Rigid bonds that share atoms make a cluster; each cluster has a small dense system of its own. d_k is the vector of bond
k from its second atom to its first, S_ki = 1, -1 for these two, and C_kl = sum_i S_ki S_li / m_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.bonded import RigidBond
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.bonded.term import slots
from scenegrad.solvers.md.bonded.topology import bonded_of, groups_of
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.lattice import place

__all__ = ["RigidBonds", "rigid_bonds"]

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6}  # of a squared length, relative
ROUNDS = 40


@dataclass(frozen=True)
class RigidBonds:
    """pairs: atoms of every bond [cluster, bond, 2]; real: whether there is such a bond [cluster, bond], or it only
    fills up a smaller cluster. length: float64 [batch, cluster, bond]. slot: where an atom stands in the bonds, flat
    [atom, most], as in `BondedTerm`. links: S_ki S_li of the two atoms i of k [cluster, bond k, bond l, 2].
    """

    pairs: Tensor
    real: Tensor
    length: Tensor
    slot: Tensor
    links: Tensor
    dim: int

    @property
    def count(self) -> int:
        return int(self.real.sum())

    def apart(self, x: Tensor, box: Box) -> Tensor:
        """d [batch, cluster, bond, dim]"""
        return box.nearest(self.between(x))

    def between(self, x: Tensor) -> Tensor:
        return x[:, self.pairs[..., 0]] - x[:, self.pairs[..., 1]]

    def coupling(self, mass: Tensor) -> Tensor:
        """C [batch, cluster, bond, bond]; mass [batch, atom]"""
        inverse = 1.0 / mass[:, self.pairs]  # [batch, cluster, bond, 2]
        return (inverse[:, :, :, None] * self.links.to(mass)).sum(dim=-1)

    def moved(self, impulse: Tensor, mass: Tensor) -> Tensor:
        """(1/m) sum_k S_ki impulse_k [batch, atom, dim]; impulse [batch, cluster, bond, dim]"""
        both = torch.stack([impulse, -impulse], dim=3).flatten(1, 3)
        both = torch.cat([both, torch.zeros_like(both[:, :1])], dim=1)  # the last place is what no bond does
        return both[:, self.slot].sum(dim=2) / mass[..., None]

    def solve(self, matrix: Tensor, right: Tensor) -> Tensor:
        filled = torch.diag_embed((~self.real).to(matrix))
        return torch.linalg.solve(matrix * self.both() + filled, right * self.real)

    def both(self) -> Tensor:
        return self.real[:, :, None] & self.real[:, None, :]

    def hold_position(self, y: Tensor, d: Tensor, mass: Tensor, box: Box) -> Tensor:
        """y - (1/m) S^T (d lambda), with lambda such that all bonds have their length [Ryckaert et al. 1977], by
        Newton's method; one more round, from the solution, tells autograd its derivative."""
        c, square = self.coupling(mass), self.length.square().to(y)
        e = self.apart(y, box)
        with torch.no_grad():
            found = self.newton(e, d, c, square)
        return y - self.moved(d * self.round(found, e, d, c, square)[..., None], mass)

    def newton(self, e: Tensor, d: Tensor, c: Tensor, square: Tensor) -> Tensor:
        found = torch.zeros_like(square)
        for _ in range(ROUNDS):
            bond = e - torch.einsum("bckl,bcl,bclx->bckx", c, found, d)
            miss = ((bond.square().sum(dim=3) / square - 1.0).abs() * self.real).flatten(1).amax(dim=1)
            open_ = ~(miss <= TOLERANCE[e.dtype])
            if not bool(open_.any()):
                return found
            # Members that are done stay as they are, whatever their companions need.
            found = torch.where(open_[:, None, None], self.round(found, e, d, c, square), found)
        worst = int(miss.nan_to_num(torch.inf).argmax())
        raise EngineError(
            f"Rigid bonds of member {worst} found no lengths in {ROUNDS} rounds; {float(miss[worst]):.2g} of a squared "
            "length is missing. The step is too long, or the bonds contradict each other: take a smaller dt."
        )

    def round(self, found: Tensor, e: Tensor, d: Tensor, c: Tensor, square: Tensor) -> Tensor:
        bond = e - torch.einsum("bckl,bcl,bclx->bckx", c, found, d)
        slope = 2.0 * c * torch.einsum("bckx,bclx->bckl", bond, d)
        return found + self.solve(slope, bond.square().sum(dim=3) - square)

    def hold_velocity(self, v: Tensor, d: Tensor, mass: Tensor) -> Tensor:
        """v without its part along the bonds: d_k . (v_i - v_j) = 0   [Andersen 1983]"""
        along = (d * self.between(v)).sum(dim=3)
        held = self.solve(self.coupling(mass) * torch.einsum("bckx,bclx->bckl", d, d), along)
        return v - self.moved(d * held[..., None], mass)

    def tension(self, force: Tensor, v: Tensor, d: Tensor, mass: Tensor) -> Tensor:
        """mu_k [batch, cluster, bond] of the forces -S_ki mu_k d_k that keep the lengths at this moment."""
        pull = self.between(force / mass[..., None])
        right = (d * pull).sum(dim=3) + self.between(v).square().sum(dim=3)
        return self.solve(self.coupling(mass) * torch.einsum("bckx,bclx->bckl", d, d), right)


def rigid_bonds(scenes: Sequence[Scene], box: Box, atoms: int) -> RigidBonds | None:
    """None where a scene has none."""
    parts = {name: part for name, part in bonded_of(scenes[0]).items() if isinstance(part, RigidBond)}
    if not parts:
        return None
    groups = [groups_of(scenes[0], part) for part in parts.values()]
    pairs = np.concatenate(groups)
    lengths = np.stack(
        [given_lengths(scene, list(parts.values()), groups, box, member) for member, scene in enumerate(scenes)]
    )
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(atoms, atoms))
    member = connected_components(graph, directed=False)[1][pairs[:, 0]]
    order = np.argsort(member, kind="stable")
    names, count = np.unique(member, return_counts=True)
    row = np.repeat(np.arange(len(names)), count)
    column = np.arange(len(pairs)) - np.repeat(np.cumsum(count) - count, count)
    real = np.zeros((len(names), count.max()), dtype=bool)
    real[row, column] = True
    table = np.zeros((*real.shape, 2), dtype=np.int64)
    table[row, column] = pairs[order]
    length = np.ones((len(scenes), *real.shape))
    length[:, row, column] = lengths[:, order]
    flat = np.flatnonzero(np.repeat(real.ravel(), 2))
    slot = slots(table.reshape(-1, 1)[flat], atoms)
    slot = np.where(slot >= 0, np.append(flat, -1)[slot], 2 * real.size)
    sign = np.array([1.0, -1.0])
    same = table[:, :, None, :, None] == table[:, None, :, None, :]  # [cluster, k, l, end of k, end of l]
    links = (same * sign[:, None] * sign).sum(axis=-1)
    to = box.edges.device
    pairs_, real_, length_, slot_, links_ = (torch.from_numpy(a).to(to) for a in (table, real, length, slot, links))
    return RigidBonds(pairs_, real_, length_, slot_.long(), links_, box.dim)


def given_lengths(
    scene: Scene, parts: list[RigidBond], groups: list[np.ndarray], boxes: Box, member: int
) -> np.ndarray:
    """As written, or as they stand at the start."""
    species = {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}
    lean = None if boxes.lean is None else boxes.lean[member : member + 1].cpu()
    box = Box(boxes.edges[member : member + 1].cpu(), lean)
    x = torch.from_numpy(place(scene, species, box.edges[0].numpy()))
    found = []
    for part, group in zip(parts, groups, strict=True):
        apart = box.nearest((x[group[:, 0].astype(int)] - x[group[:, 1].astype(int)])[None])[0]
        found.append(apart.norm(dim=1).numpy() if part.length is None else np.full(len(group), part.length))
    return np.concatenate(found)

"""Lennard-Jones numbers of pairs from those of kinds of atoms, by a rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["MixedNumbers"]


class MixedNumbers:
    """(share epsilon_ij, sigma_ij) of every two kinds [batch, pair, 2] with sigma_ij = (sigma_i + sigma_j)/2 and
    epsilon_ij = sqrt(epsilon_i epsilon_j) [Lorentz 1881; Berthelot 1898]; for a term in place of `Joined`.

    names: of the entities that hold epsilon and sigma of a kind. pairs: of kinds, in the order of the rows.
    """

    def __init__(self, names: Sequence[str], share: float = 1.0):
        self.kinds = Joined([f"{name}.{number}" for name in names for number in ("epsilon", "sigma")], (len(names), 2))
        self.share = share
        self.pairs = tuple(combinations_with_replacement(range(len(names)), 2))
        self.first, self.second = ([pair[end] for pair in self.pairs] for end in (0, 1))
        self.shape: tuple[int, ...] = (len(self.pairs), 2)
        self.made_of, self.value = Fingerprint(()), torch.empty(0)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.kinds.addresses

    def __call__(self, params: Params) -> Tensor:
        """Without a graph: always the same tensor for the same numbers."""
        kinds = self.kinds(params)
        if not self.made_of.fits([kinds]):
            self.made_of, self.value = Fingerprint([kinds]), self.mixed(kinds)
        return self.value

    def differentiable(self, params: Params) -> Tensor:
        return self.mixed(self.kinds.differentiable(params))

    def mixed(self, kinds: Tensor) -> Tensor:
        a, b = kinds[:, self.first], kinds[:, self.second]
        depth = self.share * (a[..., 0] * b[..., 0]).sqrt()
        return torch.stack([depth, 0.5 * (a[..., 1] + b[..., 1])], dim=2).contiguous()

    def learning(self, params: Params) -> bool:
        return self.kinds.learning(params)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        """The cotangent of the rows to those of the params that ask for one."""
        kinds = self.kinds(params).clone().requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(self.mixed(kinds), kinds, bar.reshape(-1, *self.shape).to(kinds))
        return self.kinds.parts(found, params)

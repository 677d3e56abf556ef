"""Stillinger & Weber's potential as a term of the force field, by kernels."""

from __future__ import annotations

from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.many_body.stillinger_weber import PARAMETERS, refuse_growth, stillinger_weber
from scenegrad.solvers.md.many_body.surroundings import SurroundingsTerm
from scenegrad.solvers.md.many_body.triplets import moments, moments_along, product, pull
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.numbers import launch, numbers, view

__all__ = ["StillingerWeberTerm"]


class StillingerWeberTerm(SurroundingsTerm):
    """Forces, energies and their products by kernels; the transposed derivative of sums is left to torch.

    name: of its entity; reach: a [batch]; among: of which atoms it is [atom], bool.
    """

    def __init__(self, name: str, reach: Tensor, neighbours: Neighbours, among: Tensor, dtype: torch.dtype):
        addresses = [f"{name}.{parameter}" for parameter in PARAMETERS]
        cutoff = neighbours.cutoff
        super().__init__(stillinger_weber(name, reach, cutoff, among), addresses, neighbours)
        self.name, self.reach, self.cutoff, self.among = name, reach.to(dtype), cutoff, among.to(torch.int32)
        self.numbers, self.dtype = numbers(3, dtype), dtype

    def given(self, x: Tensor, box: Box, params: Params) -> list[Any]:
        """What every kernel begins with; brings the list up to date."""
        self.look(x, box)
        n, values = self.numbers, [params[address].detach() for address in self.addresses]
        end = self.reach * values[1]
        refuse_growth(self.name, end, self.cutoff)
        self.held = torch.stack([*values, end], dim=1).contiguous()  # for as long as kernels look at it
        self.lengths, self.lean = box.lengths(self.dtype), box.leaning(self.dtype)
        seen = [view(self.lengths, n.vec), view(self.lean, n.three), view(self.held, n.theta(7))]
        return [*seen, view(self.among, wp.int32), *self.neighbours.table, view(x, n.vec)]

    def described(self, x: Tensor, given: list[Any]) -> tuple[Tensor, Tensor, Tensor]:
        """T [batch, atom, 3, 3], (P, H) [batch, atom, 4] and energy [batch, atom]."""
        n = self.numbers
        made = x.new_empty(*x.shape[:2], 3, 3), x.new_empty(*x.shape[:2], 4), x.new_empty(x.shape[:2])
        outputs = [view(one, kind) for one, kind in zip(made, (n.mat, n.theta(4), n.real), strict=True)]
        self.run(moments(self.dtype, self.neighbours.tilted), x, [*given, *outputs])
        return made

    def run(self, kernel: wp.Kernel, x: Tensor, inputs: list[Any]) -> None:
        launch(kernel, tuple(x.shape[:2]), inputs, str(x.device))

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        n, given = self.numbers, self.given(x, box, params)
        tensor, vector, _ = self.described(x, given)
        seen, unused = [view(tensor, n.mat), view(vector, n.theta(4))], view(tensor, n.mat)
        self.run(pull(self.dtype, self.neighbours.tilted, False), x, [*given, *seen, view(force, n.vec), unused])

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        n, given = self.numbers, self.given(x, box, params)
        tensor, vector, energy = self.described(x, given)
        seen, virial = [view(tensor, n.mat), view(vector, n.theta(4))], torch.empty_like(tensor)
        outputs = [view(x, n.vec), view(virial, n.mat)]
        self.run(pull(self.dtype, self.neighbours.tilted, True), x, [*given, *seen, *outputs])
        return torch.cat([energy.double().sum(1, keepdim=True), virial.double().sum(dim=1).flatten(1)], dim=1)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, given = self.numbers, self.given(x, box, params)
        tensor, vector, _ = self.described(x, given)
        turned, moved = torch.empty_like(tensor), torch.empty_like(vector)
        along = [view(turned, n.mat), view(moved, n.theta(4))]
        w = w.contiguous()
        self.run(moments_along(self.dtype, self.neighbours.tilted), x, [*given, view(w, n.vec), *along])
        shares = x.new_empty(*x.shape[:2], 5)
        seen = [view(w, n.vec), view(tensor, n.mat), view(vector, n.theta(4)), *along]
        outputs = [view(x_bar, n.vec), view(shares, n.theta(5))]
        self.run(product(self.dtype, self.neighbours.tilted), x, [*given, *seen, *outputs])
        return self.bars(shares.double().sum(dim=1), params)

    def bars(self, shares: Tensor, params: Params) -> dict[str, Tensor]:
        """L is of first degree in epsilon, its parts are in A and lambda, and the whole is of degree zero in all
        lengths together, of which w is one: so sigma dL/dsigma = -L - sum_pairs a.dL/da."""
        pairs, angles, by_b, by_gamma, stretch = shares.unbind(dim=1)
        epsilon, sigma, strength, _, stiffness, _ = (params[address].detach().double() for address in self.addresses)
        total = epsilon * (strength * pairs + stiffness * angles)
        found = (
            total / epsilon,
            -(total + stretch) / sigma,
            epsilon * pairs,
            epsilon * strength * by_b,
            epsilon * angles,
            epsilon * stiffness * by_gamma,
        )
        asking = [address for address in self.addresses if params[address].requires_grad]
        known = dict(zip(self.addresses, found, strict=True))
        return {address: known[address].to(params[address]) for address in asking}

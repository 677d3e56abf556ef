"""Harmonic wells: about the centre of the atoms, or about a place in space."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box

__all__ = ["CommonWell", "FixedWell"]


class Well:
    """U = k/2 sum_i |y_i|^2 of arms y_i that are linear in the positions. See `Term`."""

    def __init__(self, stiffness: str, addresses: tuple[str, ...]):
        self.stiffness, self.addresses = stiffness, addresses

    def arms(self, x: Tensor, params: Params) -> Tensor:
        """y [batch, atom, dim]"""
        raise NotImplementedError

    def turned(self, w: Tensor) -> Tensor:
        """The transposed derivative of the arms."""
        raise NotImplementedError

    def center_bar(self, y_bar: Tensor, params: Params) -> dict[str, Tensor]:
        """Cotangents of the arms to those of the place they are measured from."""
        return {}

    def k(self, params: Params) -> Tensor:
        return params[self.stiffness].detach()[:, None, None]

    def stiffness_bar(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        return {self.stiffness: bar} if params[self.stiffness].requires_grad else {}

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        force.sub_(self.k(params) * self.turned(self.arms(x, params)))

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        y, along = self.arms(x, params), self.turned(w)
        y_bar = -self.k(params) * along
        x_bar.add_(self.turned(y_bar))
        return self.stiffness_bar(-(along * y).sum(dim=(1, 2)), params) | self.center_bar(y_bar, params)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        y, at = self.arms(x, params).double(), self.turned_place(x).double()
        k = self.k(params).double()
        u = 0.5 * k[:, 0, 0] * y.square().sum(dim=(1, 2))
        return torch.cat([u[:, None], (-k * torch.einsum("bia,bic->bac", y, at)).flatten(1)], dim=1)

    def turned_place(self, x: Tensor) -> Tensor:
        """What a strain of the positions makes of the arms is the strain of this [batch, atom, dim]."""
        return self.turned(x)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        y, at = self.arms(x, params), self.turned_place(x)
        u_bar = bar[:, :1, None].to(x.dtype)
        w_bar = bar[:, 1:].reshape(-1, x.shape[2], x.shape[2]).to(x.dtype)
        k = self.k(params)
        y_bar = k * (u_bar * y - at @ w_bar.transpose(1, 2))
        x_bar.add_(self.turned(y_bar - k * (y @ w_bar)))
        by_k = 0.5 * u_bar[:, 0, 0] * y.square().sum(dim=(1, 2)) - torch.einsum("bac,bia,bic->b", w_bar, y, at)
        return self.stiffness_bar(by_k, params) | self.center_bar(y_bar, params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = k/m"""
        return params[self.stiffness].detach().double() / mass.amin(dim=1).double()


class CommonWell(Well):
    """y_i = x_i - mean(x)"""

    def __init__(self, name: str):
        super().__init__(f"{name}.stiffness", (f"{name}.stiffness",))

    def arms(self, x: Tensor, params: Params) -> Tensor:
        return self.turned(x)

    def turned(self, w: Tensor) -> Tensor:
        return w - w.mean(dim=1, keepdim=True)


class FixedWell(Well):
    """y_i = x_i - center, of chosen atoms: chosen [atom] is 1 or 0."""

    anchors = True  # see `System.anchored`

    def __init__(self, name: str, chosen: Tensor):
        super().__init__(f"{name}.stiffness", (f"{name}.stiffness", f"{name}.center"))
        self.center, self.chosen = f"{name}.center", chosen[:, None]

    def arms(self, x: Tensor, params: Params) -> Tensor:
        return self.chosen * (x - params[self.center].detach()[:, None])

    def turned(self, w: Tensor) -> Tensor:
        return self.chosen * w

    def center_bar(self, y_bar: Tensor, params: Params) -> dict[str, Tensor]:
        return {self.center: -self.turned(y_bar).sum(dim=1)} if params[self.center].requires_grad else {}

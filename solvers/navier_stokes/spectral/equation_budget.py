"""How the fields of an equation keep their squares, and what the equation leaves over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.semilinear import Equation
from scenegrad.solvers.navier_stokes.spectral.truncation import finer, truncation
from scenegrad.solvers.shared.roots import root
from scenegrad.solvers.shared.units import metres

__all__ = ["EquationBudget"]


@dataclass(frozen=True)
class EquationBudget:
    """Of w_t = L w + N(w), for each quantity that it has,

        energy = 1/2 integral |w|^2,  d energy/dt = integral w . L w + integral w . N(w),

    its mean, the energy by shells of wavenumbers, and what is left over of the equation, see truncation.py. `energy` is
    half the square and no more: of Burgers' velocity it is the kinetic energy at density 1.

    fine: the same equation on twice the cells; None where nothing can be said about it.
    """

    equation: Equation
    fine: Equation | None

    @classmethod
    def of(cls, equation: Equation) -> EquationBudget:
        """Equations that are dataclasses with a field `lattice` can be put on another one."""
        like: Any = equation  # a class of a user's own, maybe
        if not is_dataclass(like) or "lattice" not in [one.name for one in fields(like)]:
            return cls(equation, None)
        like = replace(cast(Any, like), lattice=finer(equation.lattice))
        return cls(equation, like)

    @property
    def lattice(self) -> Lattice:
        return self.equation.lattice

    @property
    def prefixes(self) -> list[str]:
        """Of the names, where there are several quantities."""
        names, groups = list(self.equation.quantities), self.equation.groups
        if len(groups) == 1:
            return [""]
        return [f"{name}_" for name in (names if len(names) == len(groups) else map(str, range(len(groups))))]

    @property
    def units(self) -> Mapping[str, str]:
        found, own = {"wavenumber": "1/m"}, list(self.equation.quantities.values())
        for prefix, quantity in zip(
            self.prefixes, own if len(own) == len(self.prefixes) else own[:1] * 9, strict=False
        ):
            unit = "" if quantity.unit == "1" else f"({quantity.unit})^2 "
            square = f"{unit}{metres(self.lattice.dim)}"
            found |= {f"{prefix}mean": quantity.unit, f"{prefix}energy": square, f"{prefix}spectrum": square}
            found |= {f"{prefix}energy_{cause}": f"{square}/s" for cause in ("rate", "linear", "nonlinear")}
            found[f"{prefix}residual"] = "1/s" if quantity.unit == "1" else f"{quantity.unit}/s"
        return found

    def __call__(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        grid, equation = self.lattice, self.equation
        spectrum = grid.forward(field)
        symbol = equation.symbol(params)
        symbol = symbol.to(grid.complex_dtype if symbol.is_complex() else grid.dtype)
        linear, other = symbol * spectrum, equation.rate(spectrum, params)
        left = None if self.fine is None else truncation(equation, self.fine, spectrum, params)
        found: dict[str, Tensor] = {}
        begin = 0
        for prefix, count in zip(self.prefixes, equation.groups, strict=True):
            own = slice(begin, begin + count)
            begin += count
            mean = field[:, own].mean(grid.axes)
            found[f"{prefix}mean"] = mean[:, 0] if count == 1 else mean
            found[f"{prefix}energy"] = 0.5 * self.inner(spectrum[:, own], spectrum[:, own])
            found[f"{prefix}energy_rate"] = self.inner(spectrum[:, own], (linear + other)[:, own])
            found[f"{prefix}energy_linear"] = self.inner(spectrum[:, own], linear[:, own])
            found[f"{prefix}energy_nonlinear"] = self.inner(spectrum[:, own], other[:, own])
            found[f"{prefix}spectrum"] = 0.5 * grid.power(field[:, own])
            if left is not None:
                found[f"{prefix}residual"] = root(left[:, own].square().sum(1))
        return found

    def inner(self, a: Tensor, b: Tensor) -> Tensor:
        """Integral of a . b over the box, from spectra [batch, channel, *modes] -> [batch]."""
        products = (torch.view_as_real(a) * torch.view_as_real(b)).sum(-1) * self.lattice.weight
        return products.flatten(1).sum(1) * self.lattice.volume

"""How the outflow of a porous medium is shared out along its sides, by the solver and with its gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.scenes.library import darcy
from scenegrad.scenes.porous import Darcy, LogNormalField
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import MaternField
from scenegrad.solvers.compile import compile_scene

__all__ = ["Outflow", "smooth_medium"]


def smooth_medium(cells: int) -> Scene:
    """Fed everywhere, open at all sides; the logarithm of the permeability is a Gaussian field, of spread near 1."""
    medium = Darcy(permeability=LogNormalField(MaternField(alpha=2.0, tau=3.0, scale=12.0)), source=1.0)
    return darcy(cells=cells).model_copy(update={"entities": {"medium": medium}})


class Outflow:
    """Shares of the outflow through the `parts` of each of x_lo, x_hi, y_lo, y_hi; their sum is one. solves: of the
    pressure so far, those of the transposed equation that a gradient takes counted as well."""

    def __init__(self, scene: Scene, parts: int = 2):
        self.scene, self.parts, self.solves = scene, parts, 0
        self.compiled: dict[int, tuple[Any, Any, Any]] = {}

    def __call__(self, permeability: Tensor) -> Tensor:
        """[batch, 4 parts] of permeabilities [batch, x, y]."""
        count = len(permeability)
        if count not in self.compiled:
            self.compiled[count] = compile_scene([self.scene] * count, device="cpu", dtype="float64")
        solver, state, params = self.compiled[count]
        k = permeability.double()
        self.solves += count * (2 if k.requires_grad else 1)
        time = torch.zeros(count, dtype=torch.float64)
        p = solver.step(replace(state, permeability=k), params, time, time + 1.0).state.pressure
        out = 2.0 * k * p  # through half a cell to the pressure zero outside, over the width of a cell
        sides = torch.stack([out[:, 0], out[:, -1], out[:, :, 0], out[:, :, -1]], dim=1)
        shares = sides.unflatten(2, (self.parts, -1)).sum(3).flatten(1)
        return shares.to(permeability) / solver.observe(state, params)["source"][:, None].to(permeability)

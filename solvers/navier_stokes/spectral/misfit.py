"""How far a scalar field is from a wanted one, on the grid of a periodic box."""

from __future__ import annotations

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.initial_fields import FieldFile, PlaneWave, Waves
from scenegrad.scenes.outputs import Misfit
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start

__all__ = ["misfit", "misfit_trouble", "wanted"]


def misfit_trouble(output: Misfit, cells: tuple[int, ...] | None, size: tuple[float, ...] | None) -> str | None:
    if cells is None or size is None:
        return None  # told elsewhere
    return start_trouble(output.target, cells, size, allowed=(FieldFile, PlaneWave, Waves))


def wanted(output: Misfit, cells: tuple[int, ...], size: tuple[float, ...]) -> Tensor:
    """[1, *cells] float64 on the host."""
    return Start("target", (output.target,)).value(Params({}), GridPlaces.lattice(cells, size))


def misfit(field: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Mean of the square of the difference of fields [batch, *cells] from one [1, *cells]."""
    return {"misfit": (field - target.to(field)).square().flatten(1).mean(dim=1)}

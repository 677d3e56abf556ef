"""Which equation an entity of a scene stands for: what it starts from, and what of it may learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.equations import AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky
from scenegrad.scenes.initial_fields import FieldFile, Magnitude, PlaneWave, Spots, Waves
from scenegrad.scenes.values import RandomField
from scenegrad.solvers.navier_stokes.spectral.equations.advection_diffusion import AdvectionDiffusionEquation
from scenegrad.solvers.navier_stokes.spectral.equations.burgers import BurgersEquation
from scenegrad.solvers.navier_stokes.spectral.equations.gray_scott import GrayScottEquation
from scenegrad.solvers.navier_stokes.spectral.equations.kuramoto_sivashinsky import KuramotoSivashinskyEquation
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.semilinear import Equation

__all__ = ["EQUATIONS", "Known", "register_equation"]

SMOOTH: tuple[type, ...] = (RandomField, PlaneWave, Waves, Spots, Magnitude, FieldFile)


@dataclass(frozen=True)
class Known:
    """make: (lattice, name of the entity) -> equation. start: field of the entity that holds the samples it starts
    from, of a kind among `starts`. channels: by the number of dimensions; scales: of the samples, and offsets, channel
    by channel, where one field starts several of them."""

    make: Callable[[Lattice, str], Equation]
    start: str
    channels: Callable[[int], int]
    starts: tuple[type, ...] = SMOOTH
    blend: tuple[tuple[float, float], ...] | None = None  # (scale, offset) of each channel


EQUATIONS: dict[type[Entity], Known] = {
    Burgers: Known(BurgersEquation, "velocity", lambda dim: dim),
    KuramotoSivashinsky: Known(KuramotoSivashinskyEquation, "height", lambda dim: 1),
    GrayScott: Known(
        GrayScottEquation,
        "catalyst",
        lambda dim: 2,
        (Spots, FieldFile, PlaneWave, Magnitude),
        ((-2.0, 1.0), (1.0, 0.0)),
    ),
    AdvectionDiffusion: Known(AdvectionDiffusionEquation, "concentration", lambda dim: 1),
}


def register_equation(kind: type[Entity], known: Known) -> None:
    """Teaches the spectral solver an equation: scenes may then hold entities of that kind."""
    EQUATIONS[kind] = known

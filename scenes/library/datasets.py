"""Data sets of the literature on learned solvers, one member each: sg.vary(scene, n) draws n of them.

Numbers: assets/reference/cfd/ml_datasets.json, with their sources.
"""

from __future__ import annotations

import math

from scenegrad.scenes.domain import Domain
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.forcings import DiagonalForcing
from scenegrad.scenes.initial_fields import TaylorGreen
from scenegrad.scenes.library.fluids import kolmogorov
from scenegrad.scenes.library.gases import blast
from scenegrad.scenes.library.walls import smoke_plume
from scenegrad.scenes.outputs import Energy, Fields
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Drawn, GaussianField, MaternField, Scalar

__all__ = [
    "mosaic_ns2d", "mosaic_ns3d", "pdearena_smoke", "shockcast_blast", "spectral_refiner_fno",
    "spectral_refiner_kolmogorov",
]  # fmt: skip

SMOKE_STEP = 1.5  # [s]
BLASTS = 99


def pdearena_smoke(cells: int = 128, buoyancy: float | Drawn = 0.5, seed: int = 0) -> Scene:
    """Smoke in a closed box, the data of PDEArena: 56 steps of 1.5 after the first 8, one of four kept.

    [Gupta & Brandstetter 2022, arXiv:2209.15616] Their clock reads 18 to 102, six more than the time since the start.
    With buoyancy=Uniform(0.2, 0.5) they are the conditioned ones.
    """
    scene = smoke_plume(cells=cells, buoyancy=buoyancy, end=64 * SMOKE_STEP, every=4 * SMOKE_STEP, seed=seed)
    return scene.model_copy(update={"name": "pdearena_smoke", "time": Time(end=64 * SMOKE_STEP, warmup=8 * SMOKE_STEP)})


def spectral_refiner_fno(cells: int = 256, seed: int = 0) -> Scene:
    """The flows of the first neural operators once more, from t = 30 to 50 in 100 frames: 1280 members, shown on a
    quarter of the cells [Cao, Brarda, Li & Xi 2024, arXiv:2405.17211]."""
    start = MaternField(alpha=2.5, tau=7.0, scale=7.0**1.5)
    return Scene(
        name="spectral_refiner_fno",
        domain=Domain.periodic(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"fluid": Fluid(viscosity=1e-3, vorticity=start, forcing=DiagonalForcing(amplitude=0.1))},
        outputs={"fields": Fields("vorticity", "velocity", every=0.2), "energy": Energy(every=0.2)},
        time=Time(end=50.0, warmup=30.0, dt=1e-3),
        seed=seed,
    )


def spectral_refiner_kolmogorov(cells: int = 256, seed: int = 0) -> Scene:
    """Stirred turbulence from t = 4.5 to 10 in 100 frames: 1152 members, shown on a quarter of the cells [Cao, Brarda,
    Li & Xi 2024, arXiv:2405.17211]. The start is that of `kolmogorov`."""
    scene = kolmogorov(cells=cells, viscosity=1e-3, end=10.0, every=0.055, seed=seed)
    return scene.model_copy(update={"name": "spectral_refiner_kolmogorov", "time": Time(end=10.0, warmup=4.5)})


def shockcast_blast(case: int = 0, cells: int = 128) -> Scene:
    """One of the 99 blasts of ShockCast: pressures from 2 to 49.5 times that around, 49 frames until t = 0.005.

    [Helwig et al. 2025, arXiv:2506.07969] 90 of them are for training, 9 for evaluation. Circle and walls are those of
    `blast`.
    """
    ratio = 2.0 + (49.5 - 2.0) * (case % BLASTS) / (BLASTS - 1)
    return blast(cells=cells, ratio=ratio).model_copy(update={"name": "shockcast_blast"})


def mosaic_ns2d(cells: int = 64, viscosity: Scalar = 0.01, seed: int = 0) -> Scene:
    """The flows in the plane on which Mosaic compares differentiable solvers: 100 steps of 0.01 on 64 to 256 cells
    across [arXiv:2606.27895]. The first vorticity is our choice."""
    edge = 2 * math.pi
    return Scene(
        name="mosaic_ns2d",
        domain=Domain.periodic(size=(edge, edge), cells=(cells, cells)),
        entities={"fluid": Fluid(viscosity=viscosity, vorticity=GaussianField(peak=4.0, width=1.5, rms=2.0))},
        outputs={"fields": Fields("vorticity", "velocity", every=0.1), "energy": Energy(every=0.1)},
        time=Time(end=1.0, dt=0.01),
        seed=seed,
    )


def mosaic_ns3d(cells: int = 32, viscosity: Scalar = 0.01) -> Scene:
    """The flows in space on which Mosaic compares differentiable solvers: 50 steps on 16 to 64 cells across, from
    Taylor-Green vortices [arXiv:2606.27895]. The length of the steps is our choice."""
    edge = 2 * math.pi
    return Scene(
        name="mosaic_ns3d",
        domain=Domain.periodic(size=(edge,) * 3, cells=(cells,) * 3),
        entities={"fluid": Fluid(viscosity=viscosity, velocity=TaylorGreen())},
        outputs={"fields": Fields("velocity", "vorticity", every=0.1), "energy": Energy(every=0.1)},
        time=Time(end=0.5, dt=0.01),
    )

"""Fluids in periodic boxes."""

from __future__ import annotations

import math

from scenegrad.scenes.domain import Domain
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.forcings import KolmogorovForcing
from scenegrad.scenes.initial_fields import TaylorGreen
from scenegrad.scenes.outputs import Energy, Fields, Spectrum
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import GaussianField, Scalar

__all__ = ["decaying_turbulence", "kolmogorov", "taylor_green"]

EDGE = 2 * math.pi  # [m]


def taylor_green(
    cells: int = 64, viscosity: Scalar = 0.01, amplitude: Scalar = 1.0, wavenumber: int = 1, end: float = 5.0
) -> Scene:
    """Counter-rotating vortices that decay in place: u = A cos(k x) sin(k y) exp(-2 nu k^2 t), an exact solution.

    [Taylor & Green 1937, Proc. R. Soc. A 158, 499-521]
    """
    return Scene(
        name="taylor_green",
        domain=Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
        entities={
            "fluid": Fluid(viscosity=viscosity, vorticity=TaylorGreen(amplitude=amplitude, wavenumber=wavenumber))
        },
        outputs={
            "fields": Fields("vorticity", "velocity", "pressure", every=end / 20),
            "energy": Energy(every=end / 100),
        },
        time=Time(end=end),
    )


def kolmogorov(
    cells: int = 256,
    viscosity: Scalar = 1e-3,
    drag: Scalar = 0.1,
    amplitude: Scalar = 1.0,
    wavenumber: int = 4,
    rms: float = 4.0,
    end: float = 10.0,
    every: float = 0.25,
    seed: int = 0,
) -> Scene:
    """Two-dimensional turbulence stirred by a sinusoidal force and slowed by a linear drag, from a random vorticity.

    rms: of the first vorticity [1/s]; every: between two frames [s]. With the defaults the Reynolds number of the force
    is 1000 [Kochkov et al. 2021, PNAS 118, e2101784118].
    """
    return Scene(
        name="kolmogorov",
        domain=Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
        entities={
            "fluid": Fluid(
                viscosity=viscosity,
                drag=drag,
                vorticity=GaussianField(peak=4.0, width=1.5, rms=rms),
                forcing=KolmogorovForcing(amplitude=amplitude, wavenumber=wavenumber),
            )
        },
        outputs={
            "fields": Fields("vorticity", every=every),
            "energy": Energy(every=every),
            "spectrum": Spectrum(every=every),
        },
        time=Time(end=end),
        seed=seed,
    )


def decaying_turbulence(
    cells: int = 128, viscosity: Scalar = 2e-3, rms: float = 8.0, peak: float = 8.0, end: float = 10.0, seed: int = 0
) -> Scene:
    """Random vortices without a force: small ones merge into large ones while the enstrophy decays.

    [McWilliams 1984, J. Fluid Mech. 146, 21-43]
    """
    return Scene(
        name="decaying_turbulence",
        domain=Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
        entities={
            "fluid": Fluid(viscosity=viscosity, vorticity=GaussianField(peak=peak, width=peak / 4, rms=rms)),
        },
        outputs={
            "fields": Fields("vorticity", "velocity", every=end / 40),
            "energy": Energy(every=end / 40),
            "spectrum": Spectrum(every=end / 40),
        },
        time=Time(end=end),
        seed=seed,
    )

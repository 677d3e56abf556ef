"""Model equations and flows in periodic boxes of one, two and three dimensions."""

from __future__ import annotations

import math

from scenegrad.scenes.domain import Domain
from scenegrad.scenes.equations import Burgers, GrayScott, KuramotoSivashinsky
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.forcings import DiagonalForcing
from scenegrad.scenes.initial_fields import Spots, TaylorGreen
from scenegrad.scenes.methods import Spectral
from scenegrad.scenes.outputs import Energy, Fields, Spectrum
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import MaternField, Scalar

__all__ = ["burgers", "fno_burgers", "fno_navier_stokes", "gray_scott", "kuramoto_sivashinsky", "taylor_green_3d"]


def burgers(cells: int = 256, viscosity: Scalar = 0.003, end: float = 2.0, dim: int = 1, seed: int = 0) -> Scene:
    """Random waves that steepen into fronts and merge [Burgers 1948, Adv. Appl. Mech. 1, 171-199]."""
    return Scene(
        name="burgers",
        domain=Domain.periodic(size=(1.0,) * dim, cells=(cells,) * dim),
        entities={"flow": Burgers(viscosity=viscosity, velocity=MaternField(alpha=3.0, tau=5.0, scale=500.0))},
        outputs={"fields": Fields("velocity", every=end / 50), "energy": Energy(every=end / 100)},
        time=Time(end=end),
        seed=seed,
    )


def kuramoto_sivashinsky(
    cells: int = 256, size: float = 64.0, end: float = 100.0, dim: int = 1, seed: int = 0
) -> Scene:
    """Chaos in space and time: cells that form, drift and merge for ever. size: of the box, in units in which the
    wave that grows fastest is 8.9 long.

    [Kuramoto & Tsuzuki 1976, Prog. Theor. Phys. 55, 356-369; Sivashinsky 1977, Acta Astronaut. 4, 1177-1206]
    """
    return Scene(
        name="kuramoto_sivashinsky",
        domain=Domain.periodic(size=(size,) * dim, cells=(cells,) * dim),
        entities={"flame": KuramotoSivashinsky(height=MaternField(alpha=3.0, tau=20.0, scale=2000.0))},
        outputs={"fields": Fields("height", every=end / 200), "energy": Energy(every=end / 200)},
        time=Time(end=end),
        seed=seed,
    )


def gray_scott(
    cells: int = 128,
    feed: Scalar = 0.037,
    kill: Scalar = 0.06,
    size: float = 2.5,
    end: float = 6000.0,
    dim: int = 2,
    seed: int = 0,
) -> Scene:
    """Spots of a catalyst that grow into a labyrinth [Pearson 1993, Science 261, 189-192]. feed = 0.03 and kill = 0.062
    let them divide, 0.014 and 0.045 make waves."""
    return Scene(
        name="gray_scott",
        domain=Domain.periodic(size=(size,) * dim, cells=(cells,) * dim),
        entities={"pot": GrayScott(feed=feed, kill=kill, catalyst=Spots(count=12, radius=size / 25, height=0.4))},
        outputs={"fields": Fields("catalyst", "food", every=end / 40)},
        time=Time(end=end, dt=1.0),
        seed=seed,
    )


def taylor_green_3d(cells: int = 64, reynolds: float = 1600.0, end: float = 20.0) -> Scene:
    """Vortices that stretch each other into turbulence [Brachet et al. 1983, J. Fluid Mech. 130, 411-452]."""
    edge = 2 * math.pi
    return Scene(
        name="taylor_green_3d",
        domain=Domain.periodic(size=(edge,) * 3, cells=(cells,) * 3),
        entities={"fluid": Fluid(viscosity=1.0 / reynolds, velocity=TaylorGreen())},
        outputs={
            "fields": Fields("velocity", "vorticity", every=end / 20),
            "energy": Energy(every=end / 200),
            "spectrum": Spectrum(every=end / 20),
        },
        time=Time(end=end),
    )


def fno_navier_stokes(
    cells: int = 256,
    viscosity: Scalar = 1e-3,
    end: float = 50.0,
    every: float = 1.0,
    covariance: float = 7.0**3,
    seed: int = 0,
) -> Scene:
    """The two-dimensional flow on which Fourier neural operators were first trained: viscosity 1e-3, 1e-4 and 1e-5,
    until t = 50, 30 and 20, given on 64^2 cells [Li et al. 2021, ICLR, arXiv:2010.08895, app. A.3].

    There are 5000, 10000 and 1200 of them. They stepped by Crank-Nicolson and Euler at dt = 1e-4; here the method is of
    order four. covariance: c in c (-laplace + 49)^-2.5 of the first vorticity. That of their program is 7^3; before it
    drew complex numbers (torch 1.8) both of their parts had variance one, so that it was 2 7^3; the paper has 7^1.5.
    """
    return Scene(
        name="fno_navier_stokes",
        domain=Domain.periodic(size=(1.0, 1.0), cells=(cells, cells)),
        entities={
            "fluid": Fluid(
                viscosity=viscosity,
                vorticity=MaternField(alpha=2.5, tau=7.0, scale=math.sqrt(covariance)),
                forcing=DiagonalForcing(amplitude=0.1),
            )
        },
        outputs={"fields": Fields("vorticity", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
        seed=seed,
    )


def fno_burgers(cells: int = 8192, viscosity: Scalar = 0.1, seed: int = 0) -> Scene:
    """Burgers' equation from a random field to t = 1, the first data of Fourier neural operators: start of covariance
    625 (-laplace + 25)^-2 [Li et al. 2021, ICLR, arXiv:2010.08895, app. A.1]."""
    return Scene(
        name="fno_burgers",
        domain=Domain.periodic(size=(1.0,), cells=(cells,)),
        entities={"flow": Burgers(viscosity=viscosity, velocity=MaternField(alpha=2.0, tau=5.0, scale=25.0))},
        outputs={"fields": Fields("velocity", every=1.0)},
        time=Time(end=1.0),
        method=Spectral(integrator="etdrk4"),
        seed=seed,
    )

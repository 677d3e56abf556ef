"""Fluids between walls, past bodies, and driven by heat: scenes for a staggered grid."""

from __future__ import annotations

import math

from scenegrad.scenes.domain import Boundary, Domain, Periodic
from scenegrad.scenes.fluids import Fluid, Obstacle, Tracer
from scenegrad.scenes.forcings import UniformForcing
from scenegrad.scenes.initial_fields import Conduction, Magnitude
from scenegrad.scenes.methods import Staggered
from scenegrad.scenes.outputs import Energy, Exchange, Fields, Force
from scenegrad.scenes.quantities import Parabolic
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Sphere
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Drawn, NoiseField, Scalar

__all__ = ["channel_flow", "cylinder_wake", "heated_cavity", "lid_cavity", "rayleigh_benard", "smoke_plume"]

ROLLS = 3.117  # wavenumber of the first rolls between rigid plates, in heights


def lid_cavity(cells: int = 64, reynolds: float = 400.0, end: float = 30.0) -> Scene:
    """A square box of fluid that its lid drags along [Ghia, Ghia & Shin 1982, J. Comput. Phys. 48, 387-411]."""
    return Scene(
        name="lid_cavity",
        domain=Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"fluid": Fluid(viscosity=1.0 / reynolds)},
        boundary=Boundary(default=NoSlip(), y_hi=NoSlip(velocity=(1.0, 0.0))),
        method=Staggered(advection="central"),
        outputs={
            "fields": Fields("velocity", "vorticity", "pressure", every=end / 30),
            "energy": Energy(every=end / 60),
        },
        time=Time(end=end),
    )


def channel_flow(cells: int = 32, viscosity: Scalar = 0.05, gradient: float = 0.4, end: float = 20.0) -> Scene:
    """Fluid between plates, from rest to the parabola of Poiseuille: u = gradient / (2 viscosity) y (1 - y).

    gradient: of the pressure over the density, which drives it [m/s^2]. [Batchelor 1967, An Introduction to Fluid
    Dynamics, section 4.2]
    """
    return Scene(
        name="channel_flow",
        domain=Domain(size=(2.0, 1.0), cells=(2 * cells, cells), wrap=(True, False)),
        entities={"fluid": Fluid(viscosity=viscosity, forcing=UniformForcing((gradient, 0.0)))},
        boundary=Boundary(x=Periodic(), y=NoSlip()),
        outputs={"fields": Fields("velocity", "vorticity", every=end / 20), "energy": Energy(every=end / 50)},
        time=Time(end=end),
    )


def cylinder_wake(cells: int = 82, peak: Scalar = 1.5, viscosity: Scalar = 1e-3, end: float = 6.0) -> Scene:
    """A cylinder in a channel, a little below its middle, and the vortices that it sheds at Reynolds number 100.

    cells: across the channel. With peak = 0.3 the flow is steady, at Reynolds number 20. [Schaefer & Turek 1996, Notes
    on Numerical Fluid Mechanics 52, 547-566, cases 2D-1 and 2D-2]
    """
    width, length = 0.41, 2.2
    along = round(cells * length / width)
    return Scene(
        name="cylinder_wake",
        domain=Domain(size=(along * width / cells, width), cells=(along, cells)),
        entities={
            "fluid": Fluid(viscosity=viscosity),
            "cylinder": Obstacle(shape=Sphere(center=(0.2, 0.2), radius=0.05)),
        },
        boundary=Boundary(y=NoSlip(), x_lo=Inflow(Parabolic(peak)), x_hi=Outflow()),
        method=Staggered(advection="central"),
        outputs={
            "fields": Fields("velocity", "vorticity", every=end / 60),
            "force": Force("cylinder", every=end / 600),
        },
        time=Time(end=end, cfl=0.9),
    )


def heated_cavity(cells: int = 48, rayleigh: float = 1e5, prandtl: float = 0.71, end: float = 60.0) -> Scene:
    """Air in a box between a hot wall and a cold one, top and bottom insulated [de Vahl Davis 1983, Int. J. Numer.
    Methods Fluids 3, 249-264]. Lengths in edges, temperatures in their difference, times in those of free fall."""
    conductivity = 1.0 / math.sqrt(rayleigh * prandtl)
    return Scene(
        name="heated_cavity",
        domain=Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={
            "air": Fluid(viscosity=math.sqrt(prandtl / rayleigh)),
            "temperature": Tracer(diffusivity=conductivity, initial=0.5, buoyancy=(0.0, 1.0)),
        },
        boundary=Boundary(
            x_lo=NoSlip(carried={"temperature": 1.0}), x_hi=NoSlip(carried={"temperature": 0.0}), y=NoSlip()
        ),
        method=Staggered(advection="central"),
        outputs={
            "fields": Fields("temperature", "velocity", every=end / 30),
            "heat": Exchange(of="temperature", through="boundary.x_lo", every=end / 60),
        },
        time=Time(end=end, cfl=0.9),
    )


def rayleigh_benard(
    cells: int = 32, rayleigh: float = 1e4, prandtl: float = 0.71, disturbance: Scalar = 0.1, end: float = 60.0
) -> Scene:
    """A layer that is heated from below, in a box as long as one pair of rolls; above Ra = 1708 it turns over.

    [Clever & Busse 1974, J. Fluid Mech. 65, 625-645] Heights, their temperature difference and free fall are the units.
    """
    conductivity = 1.0 / math.sqrt(rayleigh * prandtl)
    return Scene(
        name="rayleigh_benard",
        domain=Domain(size=(2 * math.pi / ROLLS, 1.0), cells=(2 * cells, cells), wrap=(True, False)),
        entities={
            "fluid": Fluid(viscosity=math.sqrt(prandtl / rayleigh)),
            "temperature": Tracer(
                diffusivity=conductivity, initial=Conduction(1.0, 0.0, disturbance=disturbance), buoyancy=(0.0, 1.0)
            ),
        },
        boundary=Boundary(
            x=Periodic(), y_lo=NoSlip(carried={"temperature": 1.0}), y_hi=NoSlip(carried={"temperature": 0.0})
        ),
        method=Staggered(advection="central"),
        outputs={
            "fields": Fields("temperature", "velocity", every=end / 30),
            "heat": Exchange(of="temperature", through="boundary.y_lo", every=end / 60),
        },
        time=Time(end=end, cfl=0.9),
    )


def smoke_plume(
    cells: int = 128, buoyancy: float | Drawn = 0.5, end: float = 30.0, every: float = 1.5, seed: int = 0
) -> Scene:
    """Smoke that rises in a closed box and rolls up, from random noise: the smoke of PDEArena, of buoyancies 0.1 to 0.5
    [Gupta & Brandstetter 2022, arXiv:2209.15616].

    They step by 1.5; here paths bound the step. `pdearena_smoke` has their times.
    """
    return Scene(
        name="smoke_plume",
        domain=Domain(size=(32.0, 32.0), cells=(cells, cells)),
        entities={
            "air": Fluid(viscosity=0.01),
            "smoke": Tracer(initial=Magnitude(NoiseField(scale=11.0, smoothness=6.0)), buoyancy=(0.0, buoyancy)),
        },
        boundary=Boundary(default=NoSlip()),
        method=Staggered(advection="maccormack"),
        outputs={"fields": Fields("smoke", "velocity", every=every)},
        time=Time(end=end),
        seed=seed,
    )

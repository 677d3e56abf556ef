"""Staggered grids: periodic boxes, walls, bodies that move."""

from collections.abc import Callable

import scenegrad.scenes as sc


def warm_channel() -> sc.Scene:
    """Water between a wall that gives off heat and one that swings, with buoyancy."""
    return sc.Scene(
        name="channel",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        entities={
            "water": sc.Fluid(viscosity=sc.Parameter(0.02), vorticity=sc.TaylorGreen(amplitude=sc.Parameter(0.3))),
            "heat": sc.Tracer(diffusivity=sc.Parameter(0.02), initial=0.2, buoyancy=sc.Parameter((0.1, 1.0))),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parabolic(sc.Parameter(0.5)), heat=sc.Parameter(0.3)),
            x_hi=sc.Outflow(pressure=sc.Parameter(0.1)),
            y_lo=sc.NoSlip(heat=sc.Through(sc.Parameter(0.1))),
            y_hi=sc.NoSlip(velocity=(sc.Sine(sc.Parameter(0.5), sc.Parameter(1.0)), 0.0)),
        ),
        outputs={
            "fields": sc.Fields("velocity", "pressure", "vorticity", "heat", every=0.05),
            "energy": sc.Energy(every=0.05),
            "kept": sc.Diagnostics(every=0.05),
        },
        method=sc.Staggered(advection="central"),
        time=sc.Time(end=0.1, cfl=0.4),
    )


def eddies_between_cells(dim: int) -> sc.Scene:
    """A flow in a periodic box with nothing in it, its velocities between the cells, carried by limited fluxes."""
    return sc.Scene(
        name="eddies",
        domain=sc.Domain.periodic(size=(1.0, 1.0, 1.0)[:dim], cells=(14, 12, 10)[:dim]),
        entities={"water": sc.Fluid(viscosity=sc.Parameter(5e-3), velocity=sc.GaussianField(peak=2.0, width=0.5))},
        outputs={"fields": sc.Fields("velocity", "vorticity", every=0.05), "energy": sc.Energy(every=0.05)},
        method=sc.Staggered(advection="van_leer" if dim == 2 else "weno3"),
        time=sc.Time(end=0.1, cfl=0.4),
    )


def disk_in_a_stream(dim: int) -> sc.Scene:
    """A ball that swings in a duct and is warmer than the water."""
    return sc.Scene(
        name="disk",
        domain=sc.Domain(size=(1.2, 0.8, 0.8)[:dim], cells=(12, 8, 8)[:dim]),
        entities={
            "water": sc.Fluid(viscosity=sc.Parameter(0.02)),
            "heat": sc.Tracer(diffusivity=0.02),
            "ball": sc.Obstacle(
                sc.Sphere(center=sc.Parameter((0.5, 0.4, 0.42)[:dim]), radius=sc.Parameter(0.15)),
                motion=sc.Moving(velocity=(0.0, sc.Sine(sc.Parameter(0.2), 1.0), 0.0)[:dim]),
                heat=sc.Parameter(1.0),
            ),
        },
        boundary=sc.Boundary(default=sc.NoSlip(), x_lo=sc.Inflow(sc.Parameter(0.5)), x_hi=sc.Outflow()),
        outputs={
            "force": sc.Force("ball", every=0.02),
            "momentum": sc.Momentum(every=0.02),
            "kept": sc.Diagnostics(every=0.02),
        },
        method=sc.Staggered(advection="central", tolerance=1e-14),
        time=sc.Time(end=0.04, cfl=0.4),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "eddies-2d": lambda: eddies_between_cells(2),
    "eddies-3d": lambda: eddies_between_cells(3),
    "walls-2d": warm_channel,
    "body-2d": lambda: disk_in_a_stream(2),
    "body-3d": lambda: disk_in_a_stream(3),
}

"""Finite volumes: gases and shallow water."""

from collections.abc import Callable

import scenegrad.scenes as sc


def gas_past_a_ball() -> sc.Scene:
    """A viscous gas with everything that sides can hold, and a ball in its way."""
    return sc.Scene(
        name="gas",
        domain=sc.Domain(size=(2.0, 1.0), cells=(16, 8)),
        entities={
            "gas": sc.Gas(
                gamma=sc.Parameter(1.4),
                density=sc.Parameter(1.2),
                velocity=sc.Parameter((0.6, 0.1)),
                viscosity=sc.Parameter(0.01),
                patches=(sc.GasPatch(sc.Sphere(center=(0.6, 0.5), radius=sc.Parameter(0.3)), pressure=1.2),),
            ),
            "ball": sc.Obstacle(sc.Sphere(center=sc.Parameter((1.23, 0.46)), radius=0.22)),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow((sc.Parameter(0.6), 0.1), density=1.2),
            x_hi=sc.Outflow(pressure=sc.Parameter(1.05)),
            y_lo=sc.NoSlip(velocity=(sc.Sine(sc.Parameter(0.2), 0.5, phase=0.3), 0.0)),
            y_hi=sc.Slip(),
        ),
        outputs={
            "fields": sc.Fields("density", "temperature", "vorticity", every=0.05),
            "energy": sc.Energy(every=0.05),
            "push": sc.Force("ball", every=0.05),
            "kept": sc.Diagnostics(every=0.05),  # what enters is a part of the state then
        },
        time=sc.Time(end=0.1, cfl=0.3),
    )


def vortex_in_space() -> sc.Scene:
    """A vortex along z, drifting through a periodic box."""
    start = sc.IsentropicVortex(strength=sc.Parameter(3.0))
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(8.0, 8.0, 4.0), cells=(8, 8, 4)),
        entities={"gas": sc.Gas(gamma=sc.Parameter(1.4), velocity=(0.8, 0.5, 0.3), start=start)},
        outputs={"fields": sc.Fields("velocity", "mach", every=0.2), "momentum": sc.Momentum(every=0.2)},
        method=sc.FiniteVolume(reconstruction="weno5"),
        time=sc.Time(end=0.4, cfl=0.3),
    )


def water_round_a_block() -> sc.Scene:
    patch = sc.WaterPatch(sc.Box(center=(0.5, 0.5), size=(0.5, 0.7)), depth=sc.Parameter(1.3))
    return sc.Scene(
        name="water",
        domain=sc.Domain(size=(2.0, 1.0), cells=(16, 8), wrap=(False, True)),
        entities={
            "water": sc.ShallowWater(gravity=sc.Parameter(9.81), velocity=(0.4, 0.3), patches=(patch,)),
            "block": sc.Obstacle(sc.Box(center=(1.33, 0.52), size=sc.Parameter((0.41, 0.36)))),
        },
        boundary=sc.Boundary(x_lo=sc.Inflow(0.5, depth=sc.Parameter(1.1)), x_hi=sc.Outflow(), y=sc.Periodic()),
        outputs={"fields": sc.Fields("depth", "froude", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.1, cfl=0.3),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "gas-2d": gas_past_a_ball,
    "gas-3d": vortex_in_space,
    "water-2d": water_round_a_block,
}

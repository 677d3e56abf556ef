"""Masses and springs."""

from collections.abc import Callable

import scenegrad.scenes as sc


def net_on_a_slope(dim: int) -> sc.Scene:
    """A lattice of springs that pulls itself along a floor with friction."""
    up, size = ((0.0, 1.0), (2.0, 1.0)) if dim == 2 else ((0.0, 0.0, 1.0), (2.0, 2.0, 1.0))
    center = (1.0,) * (dim - 1) + (0.3,)
    return sc.Scene(
        name="net",
        domain=sc.Domain(size=size),
        gravity=sc.Parameter((2.0,) * (dim - 1) + (-9.81,)),
        entities={
            "net": sc.Springs(
                net=sc.SpringLattice(center=center, size=(0.4,) * (dim - 1) + (0.2,), cells=(2,) * dim),
                mass=sc.Parameter(1.5),
                stiffness=sc.Parameter(800.0),
                damping=sc.Parameter(0.5),
                drag=sc.Parameter(0.3),
                velocity=sc.Parameter((0.3,) * (dim - 1) + (-0.5,)),
                actuators={
                    "left": sc.Actuator(
                        activation=sc.Table(0.01, sc.Parameter((0.1, 0.3, -0.2))),
                        region=sc.Box(center=(0.9, *center[1:]), size=(0.3,) * dim),
                    ),
                    "all": sc.Actuator(
                        activation=sc.Sine(sc.Parameter(0.1), 20.0, phase=0.4),
                        region=sc.Box(center=center, size=(1.0,) * dim),
                    ),
                },
            ),
            "floor": sc.Wall(normal=up, offset=sc.Parameter(0.1995), contact=sc.Coulomb(sc.Parameter(0.3))),
        },
        outputs={
            "state": sc.Particles("position", "velocity", every=0.01),
            "com": sc.CenterOfMass("net", every=0.01),
            "energy": sc.Energy(every=0.01),
            "momentum": sc.Momentum(every=0.01),
        },
        time=sc.Time(end=0.02, cfl=0.3),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "springs-2d": lambda: net_on_a_slope(2),
    "springs-3d": lambda: net_on_a_slope(3),
}

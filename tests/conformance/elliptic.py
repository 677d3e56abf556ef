"""Elliptic equations."""

from collections.abc import Callable

import scenegrad.scenes as sc


def seeping_water() -> sc.Scene:
    """A porous medium of two phases that is fed from one side, solved as exactly as differences of its results need."""
    phases = sc.TwoPhases(sc.MaternField(alpha=2.0, tau=3.0), above=sc.Parameter(9.0), below=sc.Parameter(2.0))
    return sc.Scene(
        name="seeping",
        domain=sc.Domain(size=(1.0, 0.6), cells=(20, 12)),
        entities={"rock": sc.Darcy(permeability=phases, source=sc.Parameter(0.5), reaction=sc.Parameter(0.1))},
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parameter(0.3)), x_hi=sc.Outflow(pressure=sc.Parameter(0.2)), y=sc.NoSlip()
        ),
        outputs={"fields": sc.Fields("permeability", "pressure", "velocity", every=0.1)},
        time=sc.Time(end=0.2),
        method=sc.Elliptic(tolerance=1e-12),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "darcy": seeping_water,
}

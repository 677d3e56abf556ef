"""Flows on meshes of triangles."""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.domain import Boundary, Domain
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.methods import FiniteElement
from scenegrad.scenes.outputs import Fields, Force
from scenegrad.scenes.quantities import Parabolic
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["cylinder_channel"]

CHANNEL = Path(__file__).resolve().parents[2] / "assets" / "meshes" / "channel.msh"


def cylinder_channel(peak: Scalar = 0.3, viscosity: Scalar = 1e-3, steady: bool = True, end: float = 1.0) -> Scene:
    """Flow past a cylinder in a channel, off its middle: steady at the Reynolds number 20 of the default peak, and a
    street of vortices at that of 100, with peak=1.5, steady=False, end=5.

    [Schaefer & Turek 1996, Notes on Numerical Fluid Mechanics 52, 547-566: cases 2D-1 and 2D-2]
    """
    return Scene(
        name="cylinder_channel",
        domain=Domain.meshed(str(CHANNEL)),
        boundary=Boundary(tags={"inlet": Inflow(Parabolic(peak)), "outlet": Outflow()}, default=NoSlip()),
        entities={"fluid": Fluid(viscosity=viscosity)},
        method=FiniteElement(time="steady" if steady else "bdf2"),
        outputs={
            "fields": Fields("velocity", "pressure", "vorticity", every=end if steady else end / 60),
            "force": Force("boundary.tags.cylinder", every=end if steady else end / 600),
        },
        time=Time(end=end) if steady else Time(end=end, dt=0.005),
    )

"""Finite elements: flows, heat and beams on a mesh."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import meshio

import scenegrad.scenes as sc
from scenegrad.verification.navier_stokes.finite_element import rectangle


@cache
def small_mesh(folder: Path) -> str:
    """Of (0, 1) x (0, 1), with tags x_lo to y_hi."""
    path = folder / "mesh.msh"
    meshio.write(path, rectangle((1.0, 1.0), (3, 3)), file_format="gmsh22", binary=True)
    return str(path)


FOLDER = tempfile.TemporaryDirectory()  # lives as long as the tests


def on_a_mesh(entities: dict[str, sc.Entity], outputs: dict[str, sc.outputs.Output], **changes: object) -> sc.Scene:
    common = {"domain": sc.Domain.meshed(small_mesh(Path(FOLDER.name))), "time": sc.Time(end=0.2, dt=0.05)}
    return sc.Scene(name="mesh", entities=entities, outputs=outputs, **{**common, **changes})


def warm_stream_on_a_mesh(steady: bool) -> sc.Scene:
    """A flow that carries what lifts it, with everything that its sides can hold."""
    tags = {
        "x_lo": sc.Inflow(sc.Parabolic(sc.Parameter(0.8)), heat=sc.Parameter(0.4)),
        "x_hi": sc.Outflow(pressure=sc.Parameter(0.3)),
        "y_hi": sc.NoSlip(
            velocity=(sc.Sine(sc.Parameter(0.5), 1.0, phase=0.3), 0.0), heat=sc.Through(sc.Parameter(0.2))
        ),
    }
    force = sc.UniformForcing(sc.Parameter((0.3, -0.2)))
    return on_a_mesh(
        {
            "water": sc.Fluid(
                viscosity=sc.Parameter(0.05), density=sc.Parameter(1.3), drag=sc.Parameter(0.2), forcing=force
            ),
            "heat": sc.Tracer(diffusivity=sc.Parameter(0.02), initial=0.1, buoyancy=sc.Parameter((0.2, 1.0))),
        },
        {
            "push": sc.Force("boundary.tags.y_lo", every=0.1),
            "heat": sc.Exchange(of="heat", through="boundary.tags.x_lo", every=0.1),
            "fields": sc.Fields("velocity", "pressure", "heat", every=0.1),
        },
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady" if steady else "bdf2"),
    )


def warm_plate_on_a_mesh() -> sc.Scene:
    tags = {"x_lo": sc.NoSlip(heat=sc.Parameter(1.5)), "x_hi": sc.NoSlip(heat=sc.Through(sc.Parameter(0.5)))}
    return on_a_mesh(
        {"heat": sc.Tracer(diffusivity=sc.Parameter(0.3), initial=sc.Parameter(0.4))},
        {"fields": sc.Fields("heat", every=0.1)},
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
    )


def beam_on_a_mesh() -> sc.Scene:
    tags = {"x_lo": sc.Stick(), "x_hi": sc.Traction(sc.Parameter((0.2, 0.3)))}
    return on_a_mesh(
        {
            "beam": sc.LinearElastic(
                youngs_modulus=sc.Parameter(3.0), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(0.7)
            )
        },
        {"fields": sc.Fields("displacement", every=0.1), "energy": sc.Energy(every=0.1)},
        boundary=sc.Boundary(tags=tags, default=sc.Traction()),
        gravity=sc.Parameter((0.1, -0.2)),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "mesh-marching-2d": lambda: warm_stream_on_a_mesh(False),
    "mesh-steady-2d": lambda: warm_stream_on_a_mesh(True),
    "mesh-heat-2d": warm_plate_on_a_mesh,
    "mesh-beam-2d": beam_on_a_mesh,
}

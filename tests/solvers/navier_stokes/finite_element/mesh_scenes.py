"""Small scenes of every kind on a mesh of a unit square, with all that can be learnt in them."""

import scenegrad.scenes as sc

P = sc.Parameter


def stirred(mesh: str, steady: bool) -> sc.Scene:
    """A flow with everything in it that can be learnt, on a mesh of two dimensions."""
    tags = {
        "x_lo": sc.Inflow(
            sc.Parabolic(P(0.8))
            if steady
            else sc.Parabolic(sc.Sine(amplitude=P(0.5), frequency=P(0.8), phase=P(0.3), offset=P(0.9)))
        ),
        "x_hi": sc.Outflow(pressure=P(0.4)),
        "y_hi": sc.NoSlip(velocity=(P(0.5), 0.0)),
    }
    return sc.Scene(
        name="stirred",
        domain=sc.Domain.meshed(mesh),
        entities={
            "water": sc.Fluid(viscosity=P(0.03), density=P(1.3), drag=P(0.2), forcing=sc.UniformForcing(P((0.3, -0.5))))
        },
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady" if steady else "bdf2"),
        outputs={
            "push": sc.Force("boundary.tags.y_lo", every=1.0),
            "fields": sc.Fields("velocity", "vorticity", every=1.0),
        },
        time=sc.Time(end=1.0, **({} if steady else {"dt": 0.01})),
    )


def carrying(mesh: str, steady: bool) -> sc.Scene:
    """The same flow with heat that lifts it and dye that does not, and what passes through its sides."""
    scene = stirred(mesh, steady)
    entities = {
        **scene.entities,
        "heat": sc.Tracer(diffusivity=P(0.05), initial=P(0.2), buoyancy=P((0.3, 1.5))),
        "dye": sc.Tracer(diffusivity=P(0.002), initial=0.1),
    }
    tags = {
        **scene.boundary.tags,
        "x_lo": sc.Inflow(sc.Parabolic(P(0.8)), heat=P(0.4), dye=sc.Parabolic(P(0.6))),
        "y_hi": sc.NoSlip(velocity=(P(0.5), 0.0), heat=sc.Through(P(0.3))),
        "y_lo": sc.NoSlip(heat=sc.Samples(P((0.5, 0.1, 0.9)))),
    }
    outputs = {
        "push": sc.Force("boundary.tags.y_lo", every=1.0),
        "heat": sc.Exchange(of="heat", through="boundary.tags.y_lo", every=1.0),
        "dye": sc.Exchange(of="dye", through="boundary.tags.x_hi", every=1.0),
        "fields": sc.Fields("velocity", "dye", every=1.0),
    }
    changes = {"entities": entities, "boundary": sc.Boundary(tags=tags, default=sc.NoSlip()), "outputs": outputs}
    if not steady:
        changes["time"] = sc.Time(end=1.0, dt=0.04)
    return scene.model_copy(update=changes)


def sampled(mesh: str) -> sc.Scene:
    scene = stirred(mesh, True)
    return scene.replace({"boundary.tags.x_lo": sc.Inflow(sc.Samples(P((0.0, 0.7, 0.4, 0.0))))})


def porous(mesh: str) -> sc.Scene:
    tags = {"x_lo": sc.Inflow(P(0.7)), "x_hi": sc.Outflow(pressure=P(0.5))}
    return sc.Scene(
        name="porous",
        domain=sc.Domain.meshed(mesh),
        entities={"rock": sc.Darcy(permeability=P(2.0), source=P(0.5), reaction=P(0.4))},
        boundary=sc.Boundary(tags=tags, default=sc.Slip()),
        outputs={"p": sc.Fields("pressure", every=1.0)},
        time=sc.Time(end=1.0),
    )


def warm(mesh: str) -> sc.Scene:
    tags = {"x_lo": sc.NoSlip(heat=P(1.5)), "x_hi": sc.NoSlip(heat=sc.Through(P(0.5)))}
    return sc.Scene(
        name="warm",
        domain=sc.Domain.meshed(mesh),
        entities={"heat": sc.Tracer(diffusivity=P(0.3), initial=P(0.4))},
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
        outputs={"heat": sc.Fields("heat", every=0.5)},
        time=sc.Time(end=1.0, dt=0.01),
    )


def bent(mesh: str) -> sc.Scene:
    tags = {"x_lo": sc.Stick(), "x_hi": sc.Traction(P((0.2, 0.3)))}
    return sc.Scene(
        name="bent",
        domain=sc.Domain.meshed(mesh),
        entities={"beam": sc.LinearElastic(youngs_modulus=P(3.0), poisson_ratio=P(0.3), density=P(0.7))},
        gravity=P((0.1, -0.2)),
        boundary=sc.Boundary(tags=tags, default=sc.Traction()),
        outputs={"shape": sc.Fields("displacement", every=1.0)},
        time=sc.Time(end=1.0),
    )


def creeping(mesh: str) -> sc.Scene:
    """Thick fluid through a square or a box."""
    return sc.Scene(
        name="creeping",
        domain=sc.Domain.meshed(mesh),
        entities={"honey": sc.Fluid(viscosity=P(0.3), density=P(1.3))},
        boundary=sc.Boundary(tags={"x_lo": sc.Outflow(pressure=P(1.0)), "x_hi": sc.Outflow()}, default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady", inertia=False),
        outputs={"u": sc.Fields("velocity", every=1.0)},
        time=sc.Time(end=1.0),
    )


def bent_in_space(mesh: str) -> sc.Scene:
    tags = {"x_lo": sc.Stick(), "x_hi": sc.Traction(P((0.2, 0.3, -0.1)))}
    return sc.Scene(
        name="bent",
        domain=sc.Domain.meshed(mesh),
        entities={"beam": sc.LinearElastic(youngs_modulus=P(3.0), poisson_ratio=P(0.3), density=P(0.7))},
        gravity=P((0.1, -0.2, 0.3)),
        boundary=sc.Boundary(tags=tags, default=sc.Traction()),
        outputs={"shape": sc.Fields("displacement", every=1.0)},
        time=sc.Time(end=1.0),
    )


CASES = {
    "steady": lambda mesh: stirred(mesh, True),
    "marching": lambda mesh: stirred(mesh, False),
    "sampled": sampled,
    "carrying": lambda mesh: carrying(mesh, True),
    "carrying-on": lambda mesh: carrying(mesh, False),
    "porous": porous,
    "warm": warm,
    "bent": bent,
    "creeping": creeping,
    "bent-in-space": bent_in_space,
}


def solved_by(scene: sc.Scene, linear: sc.SparseLU | sc.Multigrid) -> sc.Scene:
    """The same with its linear equations solved in this way."""
    method = scene.method if isinstance(scene.method, sc.FiniteElement) else sc.FiniteElement()
    return scene.model_copy(update={"method": method.model_copy(update={"linear": linear})})

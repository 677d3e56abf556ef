"""What a staggered grid refuses, and with which words."""

import pytest

import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene, method_of


def scene(**changes) -> sc.Scene:
    parts = {
        "name": "box",
        "domain": sc.Domain(size=(1.0, 1.0), cells=(8, 8)),
        "entities": {"water": sc.Fluid(viscosity=0.1)},
        "boundary": sc.Boundary(default=sc.NoSlip()),
        "time": sc.Time(end=0.1),
    }
    return sc.Scene(**{**parts, **changes})


def walls(**sides) -> sc.Boundary:
    return sc.Boundary(default=sc.NoSlip(), **sides)


def holding(*parts: tuple[str, object]) -> dict:
    return {"water": sc.Fluid(viscosity=0.1), **dict(parts)}


def disk(x: float, **more) -> sc.Obstacle:
    return sc.Obstacle(sc.Sphere(center=(x, 0.5), radius=0.2), **more)


CHANNEL = {"x_lo": sc.Inflow(1.0), "x_hi": sc.Outflow()}
BAD = {
    "inflow without outflow": (scene(boundary=walls(x_lo=sc.Inflow(1.0))), "none can leave"),
    "half periodic": (scene(boundary=walls(x_lo=sc.Periodic())), "other side is periodic"),
    "condition of particles": (scene(boundary=walls(x=sc.Stick())), "is stick; a fluid has no_slip"),
    "wall that moves across itself": (scene(boundary=walls(y_hi=sc.NoSlip(velocity=(0.0, 1.0)))), "along itself only"),
    "parabola along a periodic side": (
        scene(boundary=sc.Boundary(y=sc.Periodic(), x_lo=sc.Inflow(sc.Parabolic(1.0)), x_hi=sc.Outflow())),
        "this side is periodic",
    ),
    "obstacle in the inflow": (
        scene(entities=holding(("disk", disk(0.1))), boundary=walls(**CHANNEL)),
        "inflow at x_lo",
    ),
    "unknown tracer": (scene(boundary=walls(y_lo=sc.NoSlip(heat=1.0))), "there is no tracer 'heat'"),
    "unknown tracer on a body": (scene(entities=holding(("disk", disk(0.5, heat=1.0)))), "there is no tracer 'heat'"),
    "force on nobody": (scene(outputs={"f": sc.Force("disk", every=0.1)}), "there is no obstacle 'disk'"),
    "unknown field": (scene(outputs={"f": sc.Fields("vorticty", every=0.1)}), "vorticity"),
    "gravity": (scene(gravity=(0.0, -9.81)), "buoyancy"),
    "two fluids": (scene(entities=holding(("oil", sc.Fluid(viscosity=1.0)))), "exactly one"),
    "a solid": (
        scene(
            entities=holding(("block", sc.Body(shape=sc.Box(center=(0.5, 0.5), size=(0.1, 0.1)), material=sc.Snow()))),
            method=sc.Staggered(),
        ),
        "holds a fluid, tracers and obstacles",
    ),
    "no estimate": (
        scene(time=sc.Time(end=1.0, tolerance=1e-3), method=sc.Staggered(integrator="ab2")),
        "integrator='rk3'",
    ),
    "stray parameter": (
        scene(entities=holding(("disk", disk(0.5, rotation=0.0))), gravity=sc.Parameter((0.0, 1.0))),
        "gravity",
    ),
    "coarse": (scene(domain=sc.Domain(size=(1.0, 1.0), cells=(2, 8))), "too coarse"),
    "line": (scene(domain=sc.Domain(size=(1.0,), cells=(8,)), method=sc.Staggered()), "2 or 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_scenes_are_refused_with_what_to_change(name):
    given, words = BAD[name]
    with pytest.raises(sc.SceneError, match=r"(?s).*" + words.replace("(", r"\(")):
        compile_scene(given, "cpu", "float64")


def test_walls_bodies_and_buoyancy_call_for_a_staggered_grid():
    around = {"domain": sc.Domain.periodic(size=(1.0, 1.0), cells=(8, 8)), "boundary": sc.Boundary()}
    assert isinstance(method_of(scene()), sc.Staggered)
    assert isinstance(method_of(scene(**around)), sc.Spectral)
    assert isinstance(method_of(scene(**around, entities=holding(("disk", disk(0.5))))), sc.Staggered)
    lifted = holding(("heat", sc.Tracer(buoyancy=(0.0, 1.0))))
    assert isinstance(method_of(scene(**around, entities=lifted)), sc.Staggered)


def test_a_fixed_step_beyond_the_bound_is_refused():
    solver, state, params = compile_scene(scene(time=sc.Time(end=1.0, dt=0.5)), "cpu", "float64")
    with pytest.raises(StabilityError, match="times the stability bound"):
        rollout(solver, state, params)


def test_members_must_be_of_one_kind():
    with pytest.raises(sc.SceneError, match="differs between member 0 and member 1"):
        compile_scene([scene(), scene(boundary=walls(x=sc.Slip()))], "cpu", "float64")


def test_a_run_that_blows_up_says_when_and_where():
    solver, state, params = compile_scene(scene(), "cpu", "float64")
    state.u_rate[0, 4, 4] = float("nan")  # as an overflow in the step before would leave it
    with pytest.raises(Diverged, match=r"first at \[\d+, \d+\]"):
        rollout(solver, state, params)

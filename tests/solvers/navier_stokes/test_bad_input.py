"""What no solver of fluids may swallow: each is refused with what would mend it, or stops where it went wrong."""

import math
import re
import warnings
from collections.abc import Callable

import pydantic
import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors, with_tensors
from scenegrad.scenes.library import cylinder_channel
from scenegrad.solvers.compile import compile_scene

ROUND = sc.Domain.periodic(size=(1.0, 1.0), cells=(12, 12))
BOX = sc.Domain(size=(1.0, 1.0), cells=(12, 12))
CLOSED = sc.Boundary(default=sc.NoSlip())
OUTRUN = r"at t = 0\.\d+, step \d+\..* (cell|face) .*\(\d+, \d+\)"
CHANNEL = sc.Boundary(x_lo=sc.Inflow(1.0), x_hi=sc.Outflow(), y=sc.NoSlip())


def scene(domain: sc.Domain, boundary: sc.Boundary | None = None, time: sc.Time | None = None, **entities) -> sc.Scene:
    return sc.Scene(
        name="bad",
        domain=domain,
        boundary=boundary or sc.Boundary(),
        entities=entities,
        outputs={"fields": sc.Fields(*seen(entities), every=0.05)},
        time=time or sc.Time(end=1.0),
    )


def seen(entities) -> tuple[str, ...]:
    return ("density",) if any(isinstance(part, sc.Gas) for part in entities.values()) else ("velocity",)


def refused(given: sc.Scene) -> str:
    with pytest.raises(sc.SceneError) as caught:
        compile_scene(given, "cpu", "float64")
    return str(caught.value)


# ---- sides that do not go together


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            scene(BOX, water=sc.Fluid(viscosity=0.1)).replace({"method": sc.Spectral(), "boundary": CLOSED}),
            "Domain.periodic",
        ),
        (
            scene(BOX, sc.Boundary(x_lo=sc.Periodic(), default=sc.NoSlip()), water=sc.Fluid(viscosity=0.1)),
            "other side is periodic",
        ),
        (scene(BOX, sc.Boundary(x_lo=sc.Periodic(), default=sc.Slip()), air=sc.Gas()), "periodic at one end only"),
        (scene(BOX, sc.Boundary(x_lo=sc.Inflow(1.0), default=sc.NoSlip()), water=sc.Fluid(viscosity=0.1)), "Outflow()"),
        (cylinder_channel().replace({"boundary.tags": {"inlet": sc.Inflow(1.0)}}), "Outflow()"),
    ],
    ids=["spectral", "staggered", "finite_volume", "what comes in must leave", "finite_element"],
)
def test_sides_that_do_not_go_together_are_refused(given, told):
    assert told in refused(given)


@pytest.mark.parametrize("sides", [{"z": sc.NoSlip()}, {"z_hi": sc.Slip(), "y_lo": sc.Slip()}])
def test_a_side_along_an_axis_that_there_is_not_is_refused(sides):
    with pytest.raises(pydantic.ValidationError, match=r"names z(_hi)?, but the scene has sides along x and y alone"):
        scene(BOX, sc.Boundary(**sides, default=sc.NoSlip()), water=sc.Fluid(viscosity=0.1))


def test_a_refusal_ends_once():
    for asked in ("speed", "presure"):  # without and with one that may have been meant
        given = scene(BOX, CLOSED, water=sc.Fluid(viscosity=0.1)).replace(
            {"outputs.fields": sc.Fields(asked, every=1.0)}
        )
        assert re.search(r"\w'?[.?]$", refused(given)), refused(given)


@pytest.mark.parametrize(
    ("matter", "sides"),
    [(sc.Fluid(viscosity=0.1), sc.NoSlip()), (sc.Gas(), sc.Slip()), (sc.Darcy(), sc.Outflow())],
    ids=["staggered", "finite_volume", "elliptic"],
)
def test_a_box_that_wraps_has_no_walls_there(matter, sides):
    given = scene(ROUND, sc.Boundary(default=sides), matter=matter).replace({"outputs": {}})
    assert "the domain wraps along x; leave one of them out" in refused(given)


@pytest.mark.parametrize("flow", [sc.Fluid(viscosity=0.1), sc.Gas()], ids=["staggered", "finite_volume"])
def test_an_obstacle_that_covers_the_inflow_is_refused(flow):
    lid = sc.Obstacle(sc.Box(center=(0.0, 0.5), size=(0.4, 1.5)))
    sides = CHANNEL
    if isinstance(flow, sc.Gas):
        sides = sc.Boundary(x_lo=sc.Inflow(1.0, density=1.0, pressure=1.0), x_hi=sc.Outflow(), y=sc.NoSlip())
    message = refused(scene(BOX, sides, flow=flow, lid=lid))
    assert "lid" in message
    assert "x_lo" in message


def test_an_obstacle_that_closes_the_only_way_out_is_refused():
    water, plug = sc.Fluid(viscosity=0.1), sc.Obstacle(sc.Box(center=(1.0, 0.5), size=(0.4, 1.5)))
    assert "closes the outflow at x_hi" in refused(scene(BOX, CHANNEL, water=water, plug=plug))
    half = sc.Obstacle(sc.Box(center=(1.0, 0.2), size=(0.4, 0.5)))
    compile_scene(scene(BOX, CHANNEL, water=water, half=half), "cpu", "float64")


@pytest.mark.parametrize("flow", [sc.Fluid(viscosity=0.1), sc.Gas()], ids=["staggered", "finite_volume"])
def test_an_obstacle_of_which_nothing_is_in_the_box_is_refused(flow):
    away = sc.Obstacle(sc.Sphere(center=(1.5, 0.5), radius=0.2))
    sides = sc.Boundary(default=sc.Slip())
    message = refused(scene(BOX, sides, flow=flow, moon=away))
    told = r"moon\.shape.*lies outside the box.*\(1\.3, 0\.3\) to \(1\.7, 0\.7\).*\(1, 1\).*leave it out"
    assert re.search(told, message)
    half = sc.Obstacle(sc.Sphere(center=(1.1, 0.5), radius=0.2))
    compile_scene(scene(BOX, sides, flow=flow, moon=half), "cpu", "float64")


def moving(motion: sc.Moving, x: float = 0.6) -> sc.Scene:
    paddle = sc.Obstacle(sc.Box(center=(x, 0.5), size=(0.1, 0.3)), motion=motion)
    return scene(sc.Domain(size=(1.0, 1.0), cells=(24, 24)), CHANNEL, water=sc.Fluid(viscosity=0.1), paddle=paddle)


def turning(motion: sc.Moving) -> sc.Scene:
    """An arm that points away from the inflow; its corners are 0.453 from its centre."""
    arm = sc.Obstacle(sc.Box(center=(0.7, 0.5), size=(0.5, 0.1)), motion=motion)
    return moving(motion).model_copy(update={"entities": {"water": sc.Fluid(viscosity=0.1), "arm": arm}})


@pytest.mark.parametrize(
    ("given", "when"),
    [
        (moving(sc.Moving(velocity=(-0.5, 0.0))), 0.93),  # 0.55 - 0.5 t = 2/24
        (moving(sc.Moving(velocity=(sc.Sine(-1.5, 0.25), 0.0))), 0.67),  # 0.467 = 3 / pi (1 - cos(pi t / 2))
        (moving(sc.Moving(velocity=(sc.Table(every=0.5, values=(0.0, -1.0, -1.0)), 0.0))), 0.72),  # 0.467 = t - 0.25
        (turning(sc.Moving(angular_velocity=3.0, center=(0.5, 0.5))), 0.9),  # 0.083 = 0.5 + 0.453 cos(3 t + 0.11)
    ],
    ids=["steadily", "as a sine", "as a table", "by turning"],
)
def test_a_body_that_will_cover_the_inflow_is_refused_before_it_moves(given, when):
    told = re.search(r"\.motion.*covers part of the inflow at x_lo at t = (\S+) s.*keep two cells", refused(given))
    assert told is not None
    assert float(told[1]) == pytest.approx(when, abs=0.05)


def test_a_body_that_ends_before_the_inflow_or_comes_into_the_box_later_may_move():
    compile_scene(moving(sc.Moving(velocity=(-0.4, 0.0))), "cpu", "float64")  # 0.55 - 0.4 is more than 2/24
    coming = moving(sc.Moving(velocity=(-0.5, 0.0)), x=1.2).model_copy(update={"boundary": CLOSED})
    compile_scene(coming, "cpu", "float64")
    going = moving(sc.Moving(velocity=(0.5, 0.0)), x=1.2).model_copy(update={"boundary": CLOSED})
    assert "lies outside the box and never comes in" in refused(going)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: sc.Outflow(heat=1.0), r"Outflow got heat=1\.0; .*Leave heat out.*Inflow\(1\.0, heat="),
        (lambda: sc.NoSlip(velocity=sc.Parameter((0.2, 0.0))), r"velocity=\(Parameter\(0\.2\), Parameter\(0\)\)"),
        (lambda: sc.NoSlip(velocity=0.3), r"NoSlip got velocity=0\.3; .*one entry for each dimension"),
    ],
)
def test_what_a_side_cannot_be_told_is_refused_with_what_can(make, told):
    with pytest.raises(pydantic.ValidationError, match=told) as caught:
        make()
    assert "Extra inputs" not in str(caught.value)
    assert "should be a valid" not in str(caught.value)


def test_a_grid_that_loses_some_of_a_random_field_says_how_much():
    def starting(peak: float) -> sc.Scene:
        return scene(ROUND, water=sc.Fluid(viscosity=0.1, vorticity=sc.GaussianField(peak=peak, width=1.0, rms=1.0)))

    def loud(given: sc.Scene) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile_scene(given, "cpu", "float64")

    loud(starting(1.5))
    words = r"12 x 12 cells .* waves up to 3 .* and (\d+)% of its variance is lost"
    with pytest.warns(UserWarning, match=words) as seen:
        compile_scene(starting(2.5), "cpu", "float64")
    told = str(seen[0].message)
    lost, needed = int(re.search(words, told)[1]), int(re.search(r"Take (\d+) x", told)[1])
    assert lost == pytest.approx(100 * 0.5 * math.erfc(1.0 / math.sqrt(2.0)), abs=1.5)  # a normal law beyond 3.5
    loud(starting(2.5).replace({"domain.cells": (needed, needed)}))
    assert "of its variance. Take at least" in refused(starting(3.0))


@pytest.mark.parametrize(
    "given",
    [
        scene(ROUND, water=sc.Fluid(viscosity=0.1)).replace({"method": sc.Spectral()}),
        cylinder_channel(),
        scene(BOX, sc.Boundary(default=sc.Outflow()), rock=sc.Darcy()).replace({"outputs": {}}),
    ],
    ids=["spectral", "finite_element", "elliptic"],
)
def test_where_nothing_can_be_immersed_an_obstacle_is_refused(given):
    ball = sc.Obstacle(sc.Sphere(center=(0.2, 0.2), radius=0.05))
    assert re.search(
        r"ball +is an? obstacle", refused(given.model_copy(update={"entities": {**given.entities, "ball": ball}}))
    )


def test_a_mesh_without_the_named_tags_is_refused_with_those_it_has():
    message = refused(cylinder_channel().replace({"boundary.tags.inlte": sc.Inflow(1.0)}))
    assert "Did you mean 'inlet'?" in message
    assert "cylinder, inlet, outlet, walls" in message


# ---- numbers


@pytest.mark.parametrize("make", [sc.Domain, sc.Domain.periodic], ids=["walls", "periodic"])
def test_parts_of_cells_are_refused_with_whole_ones(make):
    with pytest.raises(pydantic.ValidationError, match=r"whole numbers such as \(9, 8\)"):
        make(size=(1.0, 1.0), cells=(8.6, 8))


@pytest.mark.parametrize(
    "make",
    [
        lambda rho: sc.Fluid(viscosity=0.1, density=rho),
        lambda rho: sc.Gas(density=rho),
        lambda rho: sc.Gas(pressure=rho),
        lambda rho: sc.GasPatch(sc.Sphere(center=(0.5, 0.5), radius=0.1), density=rho),
        lambda rho: sc.ShallowWater(depth=rho),
    ],
    ids=["fluid", "gas", "pressure of a gas", "part of a gas", "water"],
)
@pytest.mark.parametrize("rho", [-1.0, sc.Parameter(-1.0), sc.Uniform(-1.0, 1.0)], ids=["number", "parameter", "drawn"])
def test_a_density_below_zero_is_refused(make, rho):
    with pytest.raises(pydantic.ValidationError, match=r"got -1; it must (be positive|not be negative)"):
        make(rho)


# ---- steps that are too long, and flows that run away


def stirred(**time) -> dict[str, Callable[[], sc.Scene]]:
    """Flows that a force drives from rest, faster and faster."""
    push = {"forcing": sc.KolmogorovForcing(amplitude=40.0, wavenumber=1)}
    hot = {"heat": sc.Tracer(initial=sc.PlaneWave((1, 0)), buoyancy=(0.0, 40.0))}
    until = sc.Time(end=1.0, **time)
    return {
        "spectral": lambda: scene(ROUND, time=until, water=sc.Fluid(viscosity=0.0, **push)),
        "spectral with tracers": lambda: scene(ROUND, time=until, water=sc.Fluid(viscosity=0.0), **hot).replace(
            {"water.forcing": push["forcing"], "heat.buoyancy": None, "method": sc.Spectral()}
        ),
        "staggered": lambda: scene(BOX, CLOSED, until, water=sc.Fluid(viscosity=0.0), **hot),
    }


@pytest.mark.parametrize("name", stirred())
def test_a_fixed_step_beyond_the_bound_is_refused(name):
    solver, state, params = compile_scene(stirred(dt=0.5)[name](), "cpu", "float64")
    with pytest.raises(StabilityError, match=r"dt=0.5 is .* times the stability bound .* Take dt <= "):
        rollout(solver, state, params)


@pytest.mark.parametrize("name", stirred())
def test_a_flow_that_outruns_its_step_stops_there_and_keeps_its_frames(name, tmp_path):
    """The first steps are short enough; the message tells when they were not, and which cell was the fastest."""
    with pytest.raises((StabilityError, Diverged), match=OUTRUN):
        sg.run(stirred(dt=0.01)[name](), tmp_path / "run", device="cpu", dtype="float64", progress=False)
    frames = sg.open_run(tmp_path / "run")["fields"]
    assert len(frames) >= 2
    assert torch.isfinite(torch.as_tensor(frames["velocity"][:])).all()


def test_a_gas_that_runs_away_names_the_cell_and_the_step(tmp_path):
    """Gas of a high pressure breaks into the other half; behind its shock waves are faster than at the start."""
    hot = sc.GasPatch(sc.Box(center=(0.0, 0.5), size=(1.0, 2.0)), pressure=1000.0)
    given = scene(BOX, sc.Boundary(default=sc.Slip()), sc.Time(end=1.0, dt=1e-3), air=sc.Gas(patches=(hot,)))
    with pytest.raises((StabilityError, Diverged), match=OUTRUN):
        sg.run(given, tmp_path / "run", device="cpu", dtype="float64", progress=False)
    assert len(sg.open_run(tmp_path / "run")["fields"]) >= 1


@pytest.mark.parametrize("name", ["spectral", "staggered"])
def test_a_value_that_is_not_finite_is_found_at_its_step(name):
    solver, state, params = compile_scene(stirred()[name](), "cpu", "float64")
    plain = solver.step

    def broken(state, params, time, dt):
        after = plain(state, params, time, dt)
        field = "vorticity" if name == "spectral" else "v"
        values = tensors(after.state)[field].clone()
        if float(time[0]) > 0.1:
            values[0, 3, 5] = torch.inf
        return type(after)(with_tensors(after.state, {field: values}), after.error)

    object.__setattr__(solver, "step", broken)
    with pytest.raises(Diverged, match=r"not finite after step \d+ \(t = 0\.1\d*, .*first at \[3, 5\]"):
        rollout(solver, state, params)

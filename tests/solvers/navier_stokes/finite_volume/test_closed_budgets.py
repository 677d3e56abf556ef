"""What enters through sides and what obstacles push, summed since the start, is all that a box gains."""

import dataclasses

import pytest
import torch
from torch import Tensor

import scenegrad as sg
from scenegrad.engine import keeping
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe
from scenegrad.solvers.compile import compile_scene

LAWS = ("mass", "momentum", "energy")


def duct(rate: object = 0.5, method: sg.FiniteVolume | None = None, viscosity: float = 0.01) -> sg.Scene:
    """A gust blows past a post between warm walls, and out."""
    hot = sg.GasPatch(sg.Sphere(center=(0.3, 0.6), radius=0.15), pressure=2.0)
    return sg.Scene(
        name="duct",
        domain=sg.Domain(size=(1.2, 1.0), cells=(18, 15)),
        entities={
            "gas": sg.Gas(density=1.0, pressure=1.0, gas_constant=1.0, viscosity=viscosity, patches=(hot,)),
            "post": sg.Obstacle(sg.Sphere(center=(0.7, 0.45), radius=sg.Parameter(0.16))),
        },
        boundary=sg.Boundary(
            x_lo=sg.Inflow(rate, density=1.0, pressure=1.0),
            x_hi=sg.Outflow(),
            y=sg.NoSlip(temperature=sg.Parameter(1.5)) if viscosity else sg.Slip(),
        ),
        method=method or sg.FiniteVolume(),
        outputs={"kept": sg.Diagnostics(every=0.05)},
        time=sg.Time(end=0.3),
    )


GUST = sg.Sine(0.3, 2.0, offset=0.5)


def seen(scene: sg.Scene, dtype: str = "float64") -> dict[str, Tensor]:
    solver, state, params = compile_scene(scene, "cpu", dtype)
    with torch.no_grad():
        found = rollout(solver, state, params).outputs["kept"]
    return {name: value[0] for name, value in found.items()}


@pytest.mark.parametrize("reconstruction", ["muscl", "weno5"])
@pytest.mark.parametrize("integrator", ["ssprk3", "dp5"])
def test_budget_with_open_sides_a_gust_and_an_obstacle_closes_in_every_frame(
    reconstruction: str, integrator: str
) -> None:
    found = seen(duct(GUST, sg.FiniteVolume(reconstruction=reconstruction, integrator=integrator)))
    for law in LAWS:
        gained, entered = found[law] - found[law][:1], found[f"{law}_entered"]
        assert float(entered.abs().max()) > 0.02
        torch.testing.assert_close(gained, entered, rtol=0, atol=1e-13)
        torch.testing.assert_close(found[f"{law}_kept"], found[law][:1].expand_as(gained), rtol=0, atol=1e-13)
        causes = [f"{law}_entered_{cause}" for cause in ("x_lo", "x_hi", "y_lo", "y_hi", "obstacles")]
        torch.testing.assert_close(sum(found[cause] for cause in causes), entered, rtol=0, atol=1e-14)
    assert float(found["mass_entered_y_lo"].abs().max()) < 1e-15  # walls let nothing through, warm ones too
    assert float(found["energy_entered_y_lo"].max()) > 1e-3  # the wall is warm
    assert float(found["energy_entered_obstacles"].abs().max()) == 0.0
    assert float(found["momentum_entered_obstacles"].abs().max()) > 1e-3


def test_budget_in_single_precision_closes_to_its_rounding() -> None:
    found = seen(duct(), "float32")
    for law in ("mass", "energy"):
        assert float((found[f"{law}_kept"] - found[law][0]).abs().max()) < 1e-5 * float(found[law][0])


def test_water_that_flows_out_is_what_is_missing() -> None:
    wave = sg.WaterPatch(sg.Sphere(center=(0.5, 0.5), radius=0.2), depth=2.0)
    scene = sg.Scene(
        name="spill",
        domain=sg.Domain(size=(1.0, 1.0), cells=(16, 16)),
        entities={"sea": sg.ShallowWater(depth=1.0, patches=(wave,))},
        boundary=sg.Boundary(x=sg.Outflow(), y=sg.Slip()),
        outputs={"kept": sg.Diagnostics(every=0.1)},
        time=sg.Time(end=0.4),
    )
    found = seen(scene)
    assert float(found["mass_entered"][-1]) < -1e-3
    torch.testing.assert_close(found["mass_kept"], found["mass"][:1].expand(5), rtol=1e-13, atol=0)


def test_rates_through_sides_that_change_with_time_are_those_of_the_frame() -> None:
    """A gust of 0.2 to 0.8: what enters per time is the change of what has entered, frame by frame."""
    solver, state, params = compile_scene(duct(GUST), "cpu", "float64")
    probe = dataclasses.replace(solver.program.probes[0], every=1e-3)
    with torch.no_grad():
        found = rollout(solver, state, params, 0.3, controller=Fixed(1e-3), probes=(probe,)).outputs["kept"]
    for name in ("mass_entered_x_lo", "mass_entered", "energy_entered_x_lo"):
        rate = found[name.replace("_entered", "" if name.endswith("lo") else "_rate")][0]
        change = found[name][0].diff() / 1e-3  # a step takes the sides as they are when it begins
        torch.testing.assert_close(change[40:], rate[40:-1], rtol=0, atol=5e-3)
    rates = found["mass_x_lo"][0]
    assert float(rates.max()) > 1.3 * float(rates[40:].min()) > 0.0


@pytest.mark.parametrize("integrator", ["ssprk3", "dp5"])
@pytest.mark.parametrize("room", [0, 2**29])
def test_what_has_entered_can_be_differentiated(integrator: str, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "POCKET", room)
    solver, state, params = compile_scene(duct(0.5, sg.FiniteVolume(integrator=integrator)), "cpu", "float64")
    probe = dataclasses.replace(solver.program.probes[0], every=0.05)

    def lost(params: sg.Params, u: Tensor) -> Tensor:
        begin = dataclasses.replace(state, conserved=u)
        found = rollout(solver, begin, params, 0.1, controller=Fixed(0.005), probes=(probe,)).outputs["kept"]
        push = found["momentum_entered_obstacles"][0, :, 0].sum()
        return found["energy_entered_x_hi"][0, 1:].sum() + 3.0 * found["energy_entered_y_lo"][0, -1] + push

    draw = torch.Generator().manual_seed(2)
    along = 1e-2 * torch.randn(state.conserved.shape, generator=draw, dtype=torch.float64)
    u = state.conserved.detach().clone().requires_grad_()
    by_start = torch.autograd.grad(lost(params, u), u)[0]
    h = 1e-4
    with torch.no_grad():
        ends = [float(lost(params.detach(), u.detach() + sign * h * along)) for sign in (1.0, -1.0)]
    expected = (ends[0] - ends[1]) / (2.0 * h)
    assert abs(expected) > 1e-4
    assert float((by_start * along).sum()) == pytest.approx(expected, rel=1e-5)
    for address in ("post.shape.radius", "boundary.y.carried.temperature"):
        slope = float(torch.autograd.grad(lost(params, u.detach()), params[address])[0])
        with torch.no_grad():
            value = params[address].detach()
            moved = [params.detach().replace({address: value + sign * h}) for sign in (1.0, -1.0)]
            ends = [float(lost(one, u.detach())) for one in moved]
        assert slope == pytest.approx((ends[0] - ends[1]) / (2.0 * h), rel=1e-5)


def test_nothing_is_counted_where_nobody_asks() -> None:
    quiet = duct().model_copy(update={"outputs": {"energy": sg.Energy(every=0.1)}})
    assert compile_scene(quiet, "cpu", "float64")[1].entered is None
    closed = sg.Scene(
        name="closed",
        domain=sg.Domain.periodic(size=(1.0,), cells=(8,)),
        entities={"gas": sg.Gas(density=1.0, pressure=1.0)},
        outputs={"kept": sg.Diagnostics(every=0.1)},
        time=sg.Time(end=0.1),
    )
    solver, state, params = compile_scene(closed, "cpu", "float64")
    assert state.entered is None
    assert float(solver.program.probes[0].look(state, params, torch.zeros(1))["mass_rate"]) == 0.0


def test_a_probe_may_ask_for_the_time_and_is_told_it_forward_and_back() -> None:
    solver, state, params = compile_scene(duct(), "cpu", "float64")
    told: list[float] = []

    def now(state: object, params: object, time: Tensor) -> dict[str, Tensor]:
        told.append(float(time[0]))
        return {"weighted": time * state.conserved.flatten(1).sum(1)}  # type: ignore[attr-defined]

    probe = Probe("clock", 0.02, lambda s, p: {}, solver.program.probes[0].layout, start=0.01, now=now)
    u = state.conserved.detach().clone().requires_grad_()
    out = rollout(solver, dataclasses.replace(state, conserved=u), params, 0.06, probes=(probe,))
    assert told == pytest.approx([0.01, 0.03, 0.05])
    out.outputs["clock"].sum().backward()
    assert told[3:] == pytest.approx([0.05, 0.03, 0.01])

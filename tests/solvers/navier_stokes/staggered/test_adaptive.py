"""Steps of the staggered grid that follow their error, and what bounds them."""

import math
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import PID, Fixed
from scenegrad.engine.errors import StabilityError
from scenegrad.engine.loop import march
from scenegrad.engine.rollout import rollout


@pytest.mark.parametrize(("integrator", "order"), [("rk3", 3), ("dp5", 5)])
def test_errors_fall_with_the_order_of_the_method(carried_vortices, compiled, measure, integrator, order):
    solver, state, params = compiled(carried_vortices(16, advection="central", integrator=integrator))
    assert solver.order == order

    def end(steps):
        return rollout(solver, state, params.detach(), controller=Fixed(1.0 / steps)).state.u

    best = end(320)
    errors = [float((end(steps) - best).abs().max()) for steps in (16, 32, 64)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    measure(f"order of {integrator} in time on the staggered grid", min(orders), f"at least {order - 0.2}")
    assert min(orders) > order - 0.2, f"expected {order}, measured {orders} from {errors}"


@pytest.mark.parametrize(("integrator", "order"), [("rk3", 3), ("dp5", 5)])
def test_the_estimate_of_the_error_has_its_order(carried_vortices, compiled, still, integrator, order):
    solver, state, params = compiled(carried_vortices(16, advection="central", integrator=integrator))
    steps = [torch.tensor([0.06 / 2**n], dtype=torch.float64) for n in range(3)]
    errors = [float(solver.step(state, params.detach(), still, dt).error) for dt in steps]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert all(abs(one - order) < 0.35 for one in orders), f"expected {order}, measured {orders} from {errors}"


def test_a_strict_tolerance_takes_fewer_evaluations_by_the_pair_of_higher_order(carried_vortices, compiled):
    scene = carried_vortices(16, advection="central")
    work = {}
    for integrator, stages in (("rk3", 3), ("dp5", 7)):
        method = sc.Staggered(advection="central", integrator=integrator)
        time = sc.Time(end=1.0, tolerance=1e-8, controller="h211b")
        solver, state, params = compiled(scene.model_copy(update={"method": method, "time": time}))
        assert isinstance(solver.program.controller, PID)
        assert solver.program.controller.k == solver.stepper.method.estimate_order
        clock = list(march(solver, state, params.detach(), solver.program.controller, [1.0]))[-1].clock
        work[integrator] = stages * int(clock.steps + clock.rejected)
    assert work["dp5"] < 0.5 * work["rk3"], work


LIMITS = {
    "flow": ({}, r"set by the flow at face \(\d+, \d+\) across [xy], where [uv] = 1\.\d+ m/s crosses cells of 0\.1 m"),
    "side": ({"boundary": sc.Boundary(default=sc.NoSlip(), y_hi=sc.NoSlip(velocity=(sc.Sine(9.0, 1.0), 0.0)))},
             r"set by the flow at a side or body, where u = 9 m/s"),
    "viscosity": ({"viscosity": 3.0}, r"set by water\.viscosity = 3 m\^2/s in cells of 0\.1 m; .*viscosity='implicit'"),
    "drag": ({"drag": 1e3}, r"set by the drag of water"),
    "push": ({"buoyancy": (0.0, 4000.0)}, r"strongest in cell \(\d, \d\): \d[.e]\S+ m/s\^2 across cells of 0\.1 m"),
}  # fmt: skip


@pytest.mark.parametrize("what", LIMITS)
def test_a_dt_beyond_the_bound_is_refused_with_what_bounds_it(compiled, what):
    changes, message = LIMITS[what]
    changes = dict(changes)
    boundary = changes.pop("boundary", sc.Boundary(default=sc.NoSlip()))
    heat = sc.Tracer(diffusivity=1e-3, initial=sc.Spots(count=1, radius=0.2), buoyancy=changes.pop("buoyancy", None))
    water = {"viscosity": 1e-3, "velocity": sc.TaylorGreen(amplitude=1.6), **changes}
    scene = sc.Scene(
        name="bounded",
        domain=sc.Domain(size=(1.0, 1.0), cells=(10, 10)),
        entities={"water": sc.Fluid(**water), "heat": heat},
        boundary=boundary,
        time=sc.Time(end=1.0, dt=0.9),
    )
    solver, state, params = compiled(scene)
    with pytest.raises(StabilityError, match=message):
        rollout(solver, state, params)


def test_eddies_beside_a_wall_that_will_move_bound_the_step_from_the_start(compiled):
    """The wall stands still at t = 0 and will run at 50 m/s: eddies there will be those of that speed."""

    def bound(speed):
        scene = sc.Scene(
            name="eddies",
            domain=sc.Domain(size=(1.0, 1.0), cells=(8, 8), wrap=(True, False)),
            entities={"air": sc.Fluid(viscosity=1e-4, turbulence=sc.Smagorinsky(0.5))},
            boundary=sc.Boundary(y_lo=sc.NoSlip(), y_hi=sc.NoSlip(velocity=(speed, 0.0))),
            time=sc.Time(end=1.0),
        )
        solver, state, params = compiled(scene)
        return float(solver.max_dt(state, params))

    assert bound(sc.Sine(50.0, 1.0)) == pytest.approx(bound(50.0), rel=1e-12)
    assert bound(sc.Table(every=1.0, values=(0.0, -50.0))) == pytest.approx(bound(50.0), rel=1e-12)
    assert bound(0.0) > 100 * bound(50.0)

"""Steps of order five for gases: their order, their estimate, their gradient."""

import math
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.loop import march
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def vortex(**time):
    """The gas stands still nowhere, where fluxes have kinks."""
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(10.0, 10.0), cells=(16, 16)),
        entities={"gas": sc.Gas(velocity=(1.0, 0.5), start=sc.IsentropicVortex(strength=1.0))},
        method=sc.FiniteVolume(reconstruction="weno5", integrator="dp5"),
        time=sc.Time(end=2.0, **time),
    )


@pytest.fixture
def smooth():
    return compile_scene(vortex(), "cpu", "float64")


def test_errors_fall_with_the_fifth_power_of_dt(smooth, measure):
    solver, state, params = smooth
    assert solver.order == 5

    def end(steps):
        return rollout(solver, state, params.detach(), controller=Fixed(2.0 / steps)).state.conserved

    best = end(128)
    errors = [float((end(steps) - best).norm() / best.norm()) for steps in (16, 32)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    measure("order of dp5 in time with finite volumes", min(orders), "at least 4.8")
    assert min(orders) > 4.8, f"measured {orders} from {errors}"


def test_the_estimate_of_the_error_is_of_fifth_order(smooth):
    solver, state, params = smooth
    time, dt = torch.zeros(1, dtype=torch.float64), 0.5 * solver.max_dt(state, params)
    errors = [float(solver.step(state, params.detach(), time, dt / n).error) for n in (1, 2, 4)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert all(abs(order - 5.0) < 0.3 for order in orders), f"measured {orders} from {errors}"


def test_a_strict_tolerance_takes_fewer_evaluations_by_the_pair_of_higher_order():
    work = {}
    for integrator, stages in (("ssprk3", 3), ("dp5", 7)):
        scene = vortex(tolerance=1e-8).replace({"method.integrator": integrator})
        solver, state, params = compile_scene(scene, "cpu", "float64")
        assert solver.program.controller.k == {"ssprk3": 3, "dp5": 5}[integrator]
        clock = list(march(solver, state, params.detach(), solver.program.controller, [2.0]))[-1].clock
        work[integrator] = stages * int(clock.steps + clock.rejected)
    assert work["dp5"] < 0.5 * work["ssprk3"], work


def test_mass_and_energy_stay(smooth):
    solver, state, params = smooth
    after = solver.observe(rollout(solver, state, params.detach()).state, params)
    for name, value in solver.observe(state, params).items():
        if name in ("mass", "total_energy"):
            torch.testing.assert_close(after[name], value, rtol=1e-13, atol=0.0)


def test_the_gradient_is_that_of_central_differences(walled, flow):
    """Of everything that can learn in a box with walls, inflow, a moving wall and an obstacle."""
    of = flow(walled.replace({"method.integrator": "dp5"}), 12)
    of.loss(of.params).backward()
    for address in walled.parameters():
        value = of.params[address]
        way = of.like(value)
        slope, found = float((value.grad * way).sum()), []
        for h in (1e-6, 4e-7):
            with torch.no_grad():
                ends = [of.loss(of.params.replace({address: value + s * h * way})) for s in (1.0, -1.0)]
            found.append(float(ends[0] - ends[1]) / (2 * h))
        assert min(abs(one / slope - 1) for one in found) < 1e-6, f"{address}: {slope}, central differences {found}"

"""What bounds a step in finite volumes, and what is said of it."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import CFL
from scenegrad.engine.errors import StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def piped(inflow, **gas):
    return sc.Scene(
        name="pipe",
        domain=sc.Domain(size=(1.0,), cells=(50,)),
        entities={"gas": sc.Gas(**gas)},
        boundary=sc.Boundary(x_lo=inflow, x_hi=sc.Outflow(pressure=1.0)),
        time=sc.Time(end=0.3, dt=0.25),
    )


def bound(scene):
    solver, state, params = compile_scene(scene, "cpu", "float64")
    return float(solver.max_dt(state, params))


def test_what_will_come_in_bounds_the_step_from_the_start():
    """Speed, pressure and density of an inflow that change with time count as if each were at its fastest."""
    steady = bound(piped(sc.Inflow(5.0, density=0.2, pressure=3.0)))
    later = piped(
        sc.Inflow(
            sc.Table(every=1.0, values=(0.0, 5.0)),
            density=sc.Sine(0.4, 1.0, offset=0.6),
            pressure=sc.Sine(1.0, 2.0, offset=2.0),
        )
    )
    assert bound(later) == pytest.approx(steady, rel=1e-12)
    assert bound(piped(sc.Inflow(0.0, density=0.2, pressure=3.0))) > 1.3 * steady


def test_a_jet_that_starts_late_is_stepped_over_stably():
    """Nothing comes in until t = 0.1, then sixty times as much within a step of the gas at rest."""
    scene = piped(sc.Inflow(sc.Table(every=0.1, values=(0.0, 0.0, 60.0, 60.0)), density=1.0, pressure=1.0))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    end = rollout(solver, state, params.detach(), 0.25, controller=CFL(0.5, steps=64)).state.conserved
    assert bool(torch.isfinite(end).all())


LIMITS = {
    "waves": (piped(sc.Inflow(0.0, density=1.0, pressure=1.0)), r"waves in cell \(\d+\), which run at 1\.18 m/s"),
    "sides": (piped(sc.Inflow(40.0, density=1.0, pressure=1.0)), r"what comes in at a side, now or later"),
    "friction": (
        piped(sc.Inflow(0.0, density=1.0, pressure=1.0), viscosity=10.0),
        r"gas\.viscosity, which does most in cell \(\d+\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LIMITS)
def test_a_dt_beyond_the_bound_is_refused_with_what_bounds_it(what):
    scene, message = LIMITS[what]
    solver, state, params = compile_scene(scene, "cpu", "float64")
    with pytest.raises(StabilityError, match=message):
        rollout(solver, state, params)

"""Bounds of the step are bounds: just below them small disturbances stay small for hundreds of steps, and where linear
theory says so they grow without limit not far above."""

from dataclasses import dataclass, replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import CFL
from scenegrad.engine.errors import Diverged
from scenegrad.engine.loop import march
from scenegrad.engine.state import batch_size, tensors
from scenegrad.solvers.compile import compile_scene

EDGE = 6.283185307179586
BELOW, STEPS = 0.95, 500
ENDLESS = 1e3  # growth of what will never end


def noise(like, size=1e-6):
    return size * torch.randn(like.shape, dtype=like.dtype, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True)
class Disturbed:
    """A uniform state with a small disturbance, and the size of what parts it from uniformity."""

    scene: sc.Scene
    above: float | None  # times the bound that is too much
    allowed: float = 3.0  # growth in all steps below the bound
    channels: tuple[float, ...] | None = None  # values of the uniform state, where a scene cannot say them

    def growth(self, share, steps):
        """The largest disturbance on the way, in units of the first."""
        solver, state, params = compile_scene(self.scene, "cpu", "float64")
        params = params.detach()
        if self.channels is not None:
            values = torch.tensor(self.channels, dtype=torch.float64).view(1, -1, *[1] * (state.field.ndim - 2))
            state = replace(state, field=values.expand_as(state.field))
        state = disturbed(solver, state, params)
        bound = solver.max_dt(state, params).cpu()
        time, first, most = torch.zeros_like(bound), disturbance(state), 1.0
        try:
            for n in range(steps):
                state = solver.step(state, params, time + n * share * bound, share * bound).state
                if n % 20 == 19:
                    now = disturbance(state) / first
                    if not now < ENDLESS:
                        return float("inf")
                    most = max(most, now)
        except Diverged:
            return float("inf")
        return most


def disturbed(solver, state, params):
    if hasattr(state, "conserved"):
        return replace(state, conserved=state.conserved * (1.0 + noise(state.conserved)))
    if hasattr(state, "u"):
        velocity = [u + noise(u) for u in state.velocity]
        tracers = [] if state.tracers is None else list(state.tracers.unbind(1))
        return solver.stepper.begin(velocity, tracers, params, torch.zeros(batch_size(state), dtype=torch.float64))
    return replace(state, field=solver.lattice.project(state.field + noise(state.field)))


def disturbance(state):
    """Root of the sum of squares of what parts each quantity from its mean."""
    first = {"u": 1, "v": 1, "field": 2, "conserved": 2}  # axis of the cells
    parts = [value.flatten(first[name]) for name, value in tensors(state).items() if name in first]
    return float(sum((part - part.mean(-1, keepdim=True)).square().sum() for part in parts).sqrt())


def fluid(method, viscosity=0.0, velocity=(1.0, 0.5), **more):
    return sc.Scene(
        name="disturbed",
        domain=sc.Domain.periodic(size=(EDGE, EDGE), cells=(12, 12)),
        entities={"water": sc.Fluid(viscosity=viscosity, velocity=velocity, **more)},
        method=method,
        time=sc.Time(end=1.0),
    )


def gas(reconstruction, cells=(24,), integrator="ssprk3", **more):
    return sc.Scene(
        name="disturbed",
        domain=sc.Domain.periodic(size=(1.0,) * len(cells), cells=cells),
        entities={"gas": sc.Gas(**more)},
        method=sc.FiniteVolume(reconstruction=reconstruction, integrator=integrator),
        time=sc.Time(end=1.0),
    )


def reaction():
    """Without food the catalyst stays, and food that comes is eaten at the rate of its square."""
    part = sc.GrayScott(
        feed=1e-9, kill=1e-9, diffusivity_food=1e-9, diffusivity_catalyst=1e-9, catalyst=sc.Spots(radius=0.1)
    )
    return sc.Scene(
        name="disturbed",
        domain=sc.Domain.periodic(size=(1.0,), cells=(16,)),
        entities={"broth": part},
        time=sc.Time(end=1.0),
    )


def staggered(integrator, **more):
    return fluid(sc.Staggered(advection="central", integrator=integrator), **more)


CASES = {
    # Two steps of Adams and Bashforth let a wave grow by (dt omega)^4 / 4, which at its bound is 1 % a step.
    "advection, ab2": Disturbed(staggered("ab2"), 1.6, allowed=1.01**STEPS),
    "advection, rk3": Disturbed(staggered("rk3"), 1.3),
    "advection, dp5": Disturbed(staggered("dp5"), 2.0),
    "advection, upwind": Disturbed(fluid(sc.Staggered(advection="van_leer", integrator="rk3")), None),
    "viscosity, ab2": Disturbed(staggered("ab2", viscosity=1.0, velocity=(0.0, 0.0)), 1.3),
    "viscosity, rk3": Disturbed(staggered("rk3", viscosity=1.0, velocity=(0.0, 0.0)), 1.3),
    "viscosity, dp5": Disturbed(staggered("dp5", viscosity=1.0, velocity=(0.0, 0.0)), 1.3),
    "drag": Disturbed(staggered("ab2", velocity=(0.0, 0.0), drag=1.0), 1.3),
    "sound, muscl": Disturbed(gas("muscl"), 2.0),
    "sound, weno5": Disturbed(gas("weno5"), 2.0),
    "sound, dp5": Disturbed(gas("muscl", integrator="dp5"), 2.0),
    "sound, weno5 and dp5": Disturbed(gas("weno5", integrator="dp5"), 2.0),
    "sound in a flow, 2D": Disturbed(gas("muscl", cells=(12, 12), velocity=(1.0, 0.4)), 2.0),
    "friction of a gas": Disturbed(gas("muscl", viscosity=100.0), 1.5),
    "advection, spectral": Disturbed(fluid(sc.Spectral()), 1.3),
    "advection, integrating factor": Disturbed(fluid(sc.Spectral(integrator="ifdp5")), 2.0),
    "reaction": Disturbed(reaction(), 1.3, channels=(0.0, 1.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_disturbances_stay_small_below_the_bound(name):
    growth = CASES[name].growth(BELOW, STEPS)
    assert growth < CASES[name].allowed, f"{name}: grew by {growth:.3g} in {STEPS} steps"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.above])
def test_disturbances_grow_without_limit_above_the_bound(name):
    growth = CASES[name].growth(CASES[name].above, STEPS)
    assert growth > ENDLESS, f"{name}: grew by {growth:.3g} only"


def stratified(integrator):
    """Warm fluid above cold: a disturbance swings."""
    heat = sc.Tracer(
        diffusivity=1e-3, initial=sc.Conduction(axis=1, lo=-1.0, hi=1.0, disturbance=0.05), buoyancy=(0.0, 9.0)
    )
    return sc.Scene(
        name="layers",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12), wrap=(True, False)),
        entities={"water": sc.Fluid(viscosity=1e-3), "heat": heat},
        boundary=sc.Boundary(y_lo=sc.NoSlip(heat=-1.0), y_hi=sc.NoSlip(heat=1.0)),
        method=sc.Staggered(advection="central", integrator=integrator),
        time=sc.Time(end=1.0),
    )


@pytest.mark.parametrize("integrator", ["ab2", "rk3"])
def test_layers_swing_below_the_buoyant_bound_and_gain_no_energy(integrator):
    solver, state, params = compile_scene(stratified(integrator), "cpu", "float64")
    assert solver.bounds.limit(state, params, solver.peaks(params), 0).startswith("It is set by what pushes water")
    most = steps = 0
    for moment in march(solver, state, params.detach(), CFL(BELOW), [1e9]):
        most, steps = max(most, float(moment.state.v.abs().max())), int(moment.clock.steps)
        if steps >= STEPS:
            break
    assert 1e-3 < most < 0.2, most


@pytest.mark.parametrize("method", [sc.Spectral(), sc.Staggered()], ids=lambda m: m.kind)
def test_a_force_from_rest_is_followed_stably(method):
    """The push counts before there is any flow, and the flow that it makes afterwards."""
    push = sc.KolmogorovForcing(wavenumber=2, amplitude=5.0)
    scene = fluid(method, viscosity=0.3, velocity=(0.0, 0.0), forcing=push)
    solver, state, params = compile_scene(scene, "cpu", "float64")
    assert bool(torch.isfinite(solver.max_dt(state, params)).all())
    for moment in march(solver, state, params.detach(), CFL(BELOW), [1e9]):
        if int(moment.clock.steps) >= STEPS:
            break
    energy = float(solver.observe(moment.state, params)["kinetic_energy"])
    assert energy < 0.5 * EDGE**2 * (5.0 / (0.3 * 4.0)) ** 2, "no more than that of the laminar flow"

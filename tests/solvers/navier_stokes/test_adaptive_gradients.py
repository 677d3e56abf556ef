"""Gradients through steps that follow their error, some of them taken back, are those of the steps that were kept."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import FILTERS, PID, Fixed, InStep
from scenegrad.engine.loop import march
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors
from scenegrad.solvers.compile import compile_scene

END = 0.15


def heated_box():
    """Between a moving lid and a warm floor, with a tracer that lifts."""
    return sc.Scene(
        name="box",
        domain=sc.Domain(size=(1.0, 1.0), cells=(8, 8)),
        entities={
            "water": sc.Fluid(viscosity=0.02, velocity=sc.TaylorGreen(amplitude=0.5)),
            "heat": sc.Tracer(diffusivity=0.02, initial=sc.Spots(count=2, radius=0.2, seed=1), buoyancy=(0.0, 1.0)),
        },
        boundary=sc.Boundary(default=sc.NoSlip(), y_hi=sc.NoSlip(velocity=(1.0, 0.0)), y_lo=sc.NoSlip(heat=1.0)),
        method=sc.Staggered(advection="central"),
        time=sc.Time(end=END, tolerance=1e-5),
    )


def vortex():
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(10.0, 10.0), cells=(8, 8)),
        entities={"gas": sc.Gas(velocity=(1.0, 0.5), start=sc.IsentropicVortex(strength=2.0))},
        time=sc.Time(end=10 * END, tolerance=1e-6),
    )


SCENES = {
    "staggered, rk3": heated_box,
    "staggered, dp5": lambda: heated_box().replace({"method.integrator": "dp5", "time.tolerance": 1e-11}),
    "finite volumes": vortex,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name.endswith("dp5") else name for name in SCENES]
)
def test_gradient_through_steps_that_were_taken_back_is_that_of_those_kept(name):
    solver, state, params = compile_scene(SCENES[name](), "cpu", "float64")
    params = params.detach()
    # Nine tenths of the bound to begin with: far too bold for the tolerance, so that the first attempts are taken back.
    control = replace(solver.program.controller, filter=FILTERS["h211b"])
    bold = replace(control, tolerance=control.tolerance / 30.0)
    records = []
    moments = list(march(solver, state, params, bold, [solver.program.end], seen=lambda r, s: records.append(r)))
    assert int(moments[-1].clock.rejected) >= 1
    assert len({round(float(r.dt), 12) for r in records}) > 5
    rng = torch.Generator().manual_seed(0)
    fields = {key: value.detach() for key, value in tensors(state).items() if value.is_floating_point()}
    weights = {key: torch.randn(v.shape, generator=rng, dtype=v.dtype) for key, v in fields.items() if key in CARRIED}

    def weighed(after):
        return sum((weights[key] * tensors(after)[key]).sum() for key in weights)

    def replayed(shift, way):
        now = replace(state, **{key: fields[key] + shift * way[key] for key in way})
        for record in records:
            now = solver.step(now, params, record.time, record.dt).state
        return float(weighed(now))

    live = {key: fields[key].clone().requires_grad_() for key in weights}
    loss = weighed(rollout(solver, replace(state, **live), params, controller=bold).state)
    assert float(loss) == pytest.approx(replayed(0.0, {}), rel=1e-12)
    gradient = dict(zip(live, torch.autograd.grad(loss, [*live.values()]), strict=True))
    way = {key: torch.randn(v.shape, generator=rng, dtype=v.dtype) * fields[key].std() for key, v in live.items()}
    slope = sum(float((gradient[key] * way[key]).sum()) for key in way)
    found = [(replayed(h, way) - replayed(-h, way)) / (2 * h) for h in (2e-6, 4e-7)]
    assert min(abs(one / slope - 1) for one in found) < 1e-6, (slope, found)
    # And it is that of the equations: other, shorter steps have nearly the same.
    short = Fixed(float(max(record.dt for record in records)) / 3)
    again = {key: value.detach().clone().requires_grad_() for key, value in live.items()}
    loss = weighed(rollout(solver, replace(state, **again), params, controller=short).state)
    for key, bar in zip(again, torch.autograd.grad(loss, [*again.values()]), strict=True):
        assert float((gradient[key] - bar).norm() / bar.norm()) < 2e-3, key


CARRIED = ("u", "v", "tracers", "conserved")


def test_members_in_step_stay_below_the_bound_of_the_most_restless():
    """However loose the tolerance."""
    scenes = [heated_box().replace({"water.velocity.amplitude": a, "time.tolerance": 0.5, "time.steps": "shared"})
              for a in (0.1, 2.0)]  # fmt: skip
    solver, state, params = compile_scene(scenes, "cpu", "float64")
    assert isinstance(solver.program.controller, InStep)
    assert isinstance(solver.program.controller.controller, PID)
    shares = []
    for _ in march(
        solver, state, params.detach(), solver.program.controller, [END],
        tried=lambda a: shares.append((a.dt / a.bound, a.dt)),
    ):  # fmt: skip
        pass
    assert all(float(share.max()) <= 0.8 * (1 + 1e-9) for share, _ in shares)
    assert all(float(dt[0]) == float(dt[1]) for _, dt in shares)
    assert max(float(share.max()) for share, _ in shares) > 0.7

"""What the choices of a method promise: implicit diffusion, paths, eddies, error control."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout


def test_implicit_diffusion_gives_the_flow_of_the_explicit_one(cavity, compiled):
    """Two methods of order two in time: what parts them falls with the square of the step."""
    ends = {}
    for viscosity in ("explicit", "implicit"):
        for dt in (0.004, 0.002):
            scene = cavity(16, reynolds=10.0, end=0.2, viscosity=viscosity).replace({"time.dt": dt})
            ends[viscosity, dt] = rollout(*compiled(scene)).state.u
    coarse, fine = (float((ends["explicit", dt] - ends["implicit", dt]).abs().max()) for dt in (0.004, 0.002))
    assert fine < 2e-3
    assert coarse / fine > 3.0


def test_implicit_diffusion_lifts_the_viscous_bound(cavity, compiled):
    solver, state, params = compiled(cavity(32, reynolds=0.1, viscosity="implicit"))
    explicit = compiled(cavity(32, reynolds=0.1))[0]
    assert float(solver.max_dt(state, params)) > 100 * float(explicit.max_dt(state, params))


def test_paths_make_no_new_extremes(compiled):
    """A tracer that is carried across many cells in a step stays between its least and largest first values."""
    scene = sc.Scene(
        name="smoke",
        domain=sc.Domain(size=(1.0, 1.0), cells=(24, 24)),
        entities={
            "air": sc.Fluid(viscosity=1e-3),
            "smoke": sc.Tracer(initial=sc.Spots(count=4, radius=0.1, height=1.0), buoyancy=(0.0, 0.5)),
        },
        boundary=sc.Boundary(default=sc.NoSlip()),
        method=sc.Staggered(advection="maccormack"),
        time=sc.Time(end=4.0),
    )
    solver, state, params = compiled(scene)
    out = rollout(solver, state, params)
    end = out.state
    assert float(out.state.v.abs().max()) > 0.05
    assert int(out.steps[0]) < 60
    assert float(end.tracers.min()) >= float(state.tracers.min()) - 1e-12
    assert float(end.tracers.max()) <= float(state.tracers.max()) + 1e-12


def test_eddies_take_energy_and_their_constant_has_a_gradient(compiled):
    def end(constant: object) -> tuple[torch.Tensor, dict]:
        scene = sc.Scene(
            name="eddies",
            domain=sc.Domain(size=(1.0, 1.0, 1.0), cells=(8, 8, 8)),
            entities={"air": sc.Fluid(viscosity=1e-4, turbulence=sc.Smagorinsky(constant), velocity=sc.TaylorGreen())},
            boundary=sc.Boundary(default=sc.Periodic(), y=sc.NoSlip()),
            time=sc.Time(end=0.2, dt=0.01),
        )
        solver, state, params = compiled(scene)
        out = rollout(solver, state, params)
        return solver.observe(out.state, params)["kinetic_energy"].sum(), params

    energy, params = end(sc.Parameter(0.17))
    (slope,) = torch.autograd.grad(energy, [params["air.turbulence.constant"]])
    up, down = (float(end(0.17 + h)[0]) for h in (1e-4, -1e-4))
    assert float(slope) < 0
    assert float(slope) == pytest.approx((up - down) / 2e-4, rel=1e-6)


def test_tolerance_holds_the_error_in_time(carried_vortices, compiled):
    """Ten times as strict, several times as accurate, in more steps."""
    scene = carried_vortices(16, advection="central")

    def end(**time):
        return rollout(*compiled(scene.model_copy(update={"time": sc.Time(end=1.0, **time)})))

    best = end(tolerance=1e-8).state.u
    loose, strict = end(tolerance=1e-4), end(tolerance=1e-5)
    assert int(strict.steps[0]) >= int(loose.steps[0])
    assert float((strict.state.u - best).abs().max()) < 1e-4


def test_members_of_a_batch_do_not_feel_each_other(cavity, compiled):
    scenes = [cavity(8, reynolds=re, end=0.2) for re in (50.0, 100.0)]
    together = rollout(*compiled(scenes)).state
    for n, scene in enumerate(scenes):
        alone = rollout(*compiled(scene)).state
        torch.testing.assert_close(together.u[n : n + 1], alone.u, rtol=0, atol=1e-14)

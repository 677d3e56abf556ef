"""Gradients through a hundred steps, against central differences: every number that may learn, and the first state."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.navier_stokes.staggered.rooms import Weights

P = sc.Parameter
STEPS = 100


def wall_flow(**method) -> sc.Scene:
    """An inflow between a wall that gives off heat and one that moves, with buoyancy and a force."""
    return sc.Scene(
        name="walls",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        method=sc.Staggered(advection="central", **method),
        entities={
            "water": sc.Fluid(
                viscosity=P(0.02),
                drag=P(0.1),
                vorticity=sc.TaylorGreen(amplitude=P(0.3)),
                forcing=sc.UniformForcing(P((0.1, 0.2))),
            ),
            "heat": sc.Tracer(
                diffusivity=P(0.02), initial=sc.PlaneWave((1, 1), amplitude=P(0.5)), buoyancy=P((0.1, 1.0))
            ),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parabolic(P(0.5)), heat=P(0.3)),
            x_hi=sc.Outflow(pressure=P(0.1)),
            y_lo=sc.NoSlip(heat=sc.Through(P(0.1))),
            y_hi=sc.NoSlip(velocity=(sc.Sine(P(0.5), P(1.0)), 0.0), heat=sc.Samples(P((0.5, 1.0, 0.2)))),
        ),
        time=sc.Time(end=0.4, dt=0.4 / STEPS),
    )


def flow_past_a_body(**method) -> sc.Scene:
    """A warm disk that swings, drifts and turns in a channel."""
    return sc.Scene(
        name="body",
        domain=sc.Domain(size=(1.6, 0.8), cells=(24, 12)),
        method=sc.Staggered(advection="central", tolerance=1e-14, **method),
        entities={
            "water": sc.Fluid(viscosity=P(2e-2), velocity=P((0.5, 0.1))),
            "heat": sc.Tracer(diffusivity=P(0.01), initial=P(0.2)),
            "disk": sc.Obstacle(
                sc.Sphere(center=P((0.4, 0.45)), radius=P(0.15)),
                heat=P(1.0),
                motion=sc.Moving(velocity=(sc.Sine(P(0.1), P(2.0)), P(0.05)), angular_velocity=P(0.5)),
            ),
        },
        boundary=sc.Boundary(y=sc.NoSlip(), x_lo=sc.Inflow(sc.Parabolic(P(1.0))), x_hi=sc.Outflow()),
        outputs={"force": sc.Force("disk", every=0.4)},
        time=sc.Time(end=0.4, dt=0.4 / STEPS),
    )


def wiggly(field: torch.Tensor) -> torch.Tensor:
    """A sum that no symmetry makes vanish."""
    weight = torch.sin(torch.arange(field.numel(), dtype=field.dtype)).view_as(field)
    return (weight * field).sum() + field.square().sum()


def values(solver, state, params) -> torch.Tensor:
    """One number of each member [batch]."""
    out = rollout(solver, state, params)
    each = []
    for n in range(len(out.state.u)):
        fields = [*out.state.velocity, out.state.tracers]
        if not out.outputs:
            fields.append(out.state.pressure)  # within a body it has no meaning
        total = sum(wiggly(field[n]) for field in fields)
        for force in out.outputs.values():
            total = total + 30 * force["force"][n, -1].sum() + 30 * force["torque"][n, -1].sum()
        each.append(total)
    return torch.stack(each)


def members(scene, compiled, changes):
    """Values of as many members as there are changes {address or field: tensor}, side by side."""
    solver, _, params = compiled([scene] * len(changes))
    params = params.detach()
    for n, change in enumerate(changes):
        for name, moved in change.items():
            table = params[name].clone()
            table[n] = moved
            params = params.replace({name: table})
    with torch.no_grad():
        return values(solver, solver.program.initial(params), params)


def two_tracers(dim: int, advection: str, periodic: bool) -> sc.Scene:
    """Heat and salt that both push the water, between walls that hold them, along x periodic or not."""
    size, cells = (1.0, 0.7, 0.8)[:dim], (7, 6, 5)[:dim]
    walls = {"y_lo": sc.NoSlip(heat=P(0.3)), "y_hi": sc.Slip(heat=P(-0.2), salt=P(0.1))}
    if not periodic:
        walls |= {"x_lo": sc.NoSlip(salt=P(0.5)), "x_hi": sc.NoSlip(velocity=(0.0, P(0.3), 0.0)[:dim])}
    if dim == 3:
        walls["z"] = sc.NoSlip()
    down = (0.2, 0.9, -0.4)[:dim]
    return sc.Scene(
        name="salty",
        domain=sc.Domain(size=size, cells=cells, wrap=(periodic, *[False] * (dim - 1))),
        method=sc.Staggered(advection=advection),
        entities={
            "water": sc.Fluid(viscosity=P(0.02), velocity=(0.0,) * dim),
            "heat": sc.Tracer(diffusivity=P(0.01), initial=0.0, buoyancy=P(down)),
            "salt": sc.Tracer(diffusivity=P(0.03), initial=0.0, buoyancy=P(tuple(-0.5 * g for g in down))),
        },
        boundary=sc.Boundary(**walls),
        time=sc.Time(end=0.1, dt=0.01),
    )


@pytest.mark.parametrize(
    ("dim", "advection", "periodic"), [(2, "van_leer", False), (2, "central", True), (3, "weno3", True)]
)
def test_a_step_in_one_go_is_the_sum_of_its_parts_and_so_is_its_transpose(compiled, dim, advection, periodic):
    solver, state, params = compiled([two_tracers(dim, advection, periodic)] * 2)
    stepper, random = solver.stepper, torch.Generator().manual_seed(3)

    def noise(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=random, dtype=like.dtype).requires_grad_()

    fields = [noise(u) for u in (*state.velocity, *state.tracers.unbind(1))]
    before = [noise(u) for u in fields]
    pair = torch.rand(2, 2, generator=random, dtype=torch.float64).unbind(0)
    leaves = {a: (v.detach() + 0.1 * noise(v).detach().abs()).requires_grad_() for a, v in params.items()}
    numbers = params.replace(leaves)
    known = stepper.physics.sides.at(numbers, torch.zeros(2, dtype=torch.float64))
    whole, after = stepper.physics.step(fields[:dim], fields[dim:], numbers, known, Weights(pair, before))
    parts = stepper.physics.rates(fields[:dim], fields[dim:], numbers, known)
    newer, older = (one.view(-1, *[1] * dim) for one in pair)
    rates = [*parts.velocity, *parts.tracers]
    later = [q + newer * r + older * b for q, r, b in zip(fields, rates, before, strict=True)]
    ours, theirs = [*whole.velocity, *whole.tracers, *after], [*rates, *later]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    bars, inputs = [noise(one).detach() for one in ours], [*fields, *before, *leaves.values()]
    found = [torch.autograd.grad(made, inputs, bars, allow_unused=True) for made in (ours, theirs)]
    for mine, yours in zip(*found, strict=True):
        assert (mine is None) == (yours is None)
        if mine is not None:
            torch.testing.assert_close(mine, yours, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("scene", [wall_flow(), flow_past_a_body()], ids=lambda scene: scene.name)
def test_gradient_of_every_number_is_that_of_central_differences(scene, compiled, measure):
    solver, _, params = compiled(scene)
    names = [name for name in params if params[name].requires_grad]
    assert set(names) == set(scene.parameters())
    first = values(solver, solver.program.initial(params), params).sum()
    slopes = torch.autograd.grad(first, [params[name] for name in names])
    changes, expected, steps = [], [], []
    for name, slope in zip(names, slopes, strict=True):
        point = params[name].detach()[0]
        way = torch.randn(point.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        size = float(point.abs().max())
        expected.append(float((slope[0] * way).sum()))
        steps.append([1e-4 * size, 1e-5 * size])
        changes += [{name: point + sign * h * way} for h in steps[-1] for sign in (1.0, -1.0)]
    found = members(scene, compiled, changes).view(len(names), 2, 2)
    worst = {}
    for n, name in enumerate(names):
        differences = (found[n, :, 0] - found[n, :, 1]) / (2 * torch.tensor(steps[n], dtype=torch.float64))
        worst[name] = float((differences / expected[n] - 1).abs().min())
    measure(f"Gradient through {STEPS} steps on the staggered grid, {scene.name}", max(worst.values()), "<= 1e-6")
    assert max(worst.values()) < 1e-6, worst


@pytest.mark.parametrize("field", ["u", "tracers"])
def test_gradient_of_the_first_state_is_that_of_central_differences(field, compiled):
    solver, state, params = compiled(wall_flow())
    params = params.detach()
    leaf = getattr(state, field).detach().requires_grad_()
    (slope,) = torch.autograd.grad(values(solver, replace(state, **{field: leaf}), params).sum(), [leaf])
    way = torch.randn(leaf.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        up, down = (values(solver, replace(state, **{field: leaf + h * way}), params) for h in (1e-5, -1e-5))
    assert float((up - down) / 2e-5) == pytest.approx(float((slope * way).sum()), rel=1e-6)


def test_remainder_of_moving_a_body_falls_with_the_square(compiled):
    """|L(p + h d) - L(p) - h dL/dp d| ~ h^2, for a body's place: its surface crosses faces without a jump."""
    scene = flow_past_a_body().replace({"time.end": 0.1, "outputs.force.every": 0.1})
    solver, _, params = compiled(scene)
    name = "disk.shape.center"
    first = values(solver, solver.program.initial(params), params).sum()
    (slope,) = torch.autograd.grad(first, [params[name]])
    way = torch.tensor([0.6, -0.8], dtype=torch.float64)
    sizes = (4e-4, 2e-4, 1e-4)
    moved = members(scene, compiled, [{name: params[name].detach()[0] + h * way} for h in sizes])
    left = [abs(float(v - first.detach() - h * (slope[0] * way).sum())) for v, h in zip(moved, sizes, strict=True)]
    assert left[0] / left[1] == pytest.approx(4.0, rel=0.2)
    assert left[1] / left[2] == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("advection", ["van_leer", "weno3"])
def test_one_step_of_a_limited_scheme_has_its_transpose(advection, compiled, still):
    """<a, J b> by differences is <J^T a, b> by the transposed step."""
    scene = wall_flow().replace({"method.advection": advection})
    solver, state, params = compiled(scene)
    generator = torch.Generator().manual_seed(3)
    u = state.u + 0.1 * torch.randn(state.u.shape, dtype=torch.float64, generator=generator)
    way, bar = (torch.randn(state.u.shape, dtype=torch.float64, generator=generator) for _ in range(2))
    dt = still + 0.004
    back, _ = solver.vjp(replace(state, u=u), params, still, dt, {"u": bar})
    with torch.no_grad():
        ends = [solver.step(replace(state, u=u + s * 1e-6 * way), params, still, dt).state.u for s in (1.0, -1.0)]
    forward = float(((ends[0] - ends[1]) / 2e-6 * bar).sum())
    assert float((back["u"] * way).sum()) == pytest.approx(forward, rel=1e-6)


@pytest.mark.parametrize("advection", ["van_leer", "weno3"])
def test_gradient_of_a_limited_scheme_through_a_hundred_steps(advection, compiled):
    """Of a random smooth flow: where steps of opposite sign meet, van Leer's slope has a kink, which a field meets in
    few places. The differences are small enough to cross next to none of them: at 1e-4 they show 2e-5."""
    scene = sc.Scene(
        name="carried",
        domain=sc.Domain.periodic(size=(6.0, 6.0), cells=(20, 20)),
        entities={
            "water": sc.Fluid(viscosity=P(0.05), velocity=(1.0, 0.5), vorticity=sc.GaussianField(peak=2.0, rms=2.0))
        },
        method=sc.Staggered(advection=advection),
        time=sc.Time(end=0.01 * STEPS, dt=0.01),
    )
    solver, state, params = compiled(scene)
    name = "water.viscosity"

    def end(u: torch.Tensor, numbers) -> torch.Tensor:
        after = rollout(solver, replace(state, u=u), numbers).state
        return wiggly(after.u) + wiggly(after.v)

    leaf = state.u.detach().requires_grad_()
    by_field, by_number = torch.autograd.grad(end(leaf, params), [leaf, params[name]])
    way = torch.randn(leaf.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        still = params.detach()
        fields = [end(leaf.detach() + s * 1e-6 * way, still) for s in (1.0, -1.0)]
        numbers = [end(leaf.detach(), still.replace({name: still[name] + s * 1e-6})) for s in (1.0, -1.0)]
    assert float((fields[0] - fields[1]) / 2e-6) == pytest.approx(float((by_field * way).sum()), rel=1e-6)
    assert float((numbers[0] - numbers[1]) / 2e-6) == pytest.approx(float(by_number), rel=1e-6)

"""Backward Euler on the nodes: stiff bodies at large steps, the laws of motion, exact gradients, honest failure."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import PI, PID, Fixed
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.contact import radius_of

STEEL_LIKE = sc.NeoHookean(youngs_modulus=1e8, poisson_ratio=0.3, density=1000.0)


def implicit(**settings):
    return sc.MaterialPoint(integrator=sc.Implicit(**settings))


def beam(lab, material, cells=20, gravity=9.81, **fields):
    """A cantilever of 0.8 m x 0.2 m, held at x = 0."""
    return sc.Scene(
        name="beam",
        domain=sc.Domain(size=(1.0, 0.5), cells=(cells, cells // 2)),
        gravity=(0.0, -gravity),
        entities={"beam": lab.box_of((0.0, 0.2), (0.8, 0.2), material)},
        boundary=sc.Boundary(x_lo=sc.Stick(), default=sc.Separate()),
        **{"time": sc.Time(end=1.0), "method": implicit()} | fields,
    )


def explicit_bound(scene):
    solver, state, params = compile_scene(scene.replace({"method": sc.MaterialPoint()}), device="cpu", dtype="float64")
    return float(solver.max_dt(map_tensors(torch.Tensor.detach, state), params))


def tip(state):
    return float(state.position[0, state.position[0, :, 0] > 0.7, 1].mean())


def test_the_step_tends_to_the_explicit_one_with_order_one(lab):
    """Two bodies of different laws that meet: the difference between the integrators halves with dt."""
    entities = {
        "jelly": lab.box_of((0.2, 0.3), (0.25, 0.25), lab.jelly, velocity=(0.8, 0.0)),
        "water": lab.box_of((0.5, 0.3), (0.25, 0.25), lab.water, velocity=(-0.8, -0.3)),
        "floor": sc.Wall(normal=(0.0, 1.0), offset=0.29, contact=sc.Separate()),
    }
    apart = []
    scene = lab.scene_of(2, 12, entities=entities, gravity=(0.0, -3.0))
    longest = 0.4 * explicit_bound(scene)
    ends = []
    for dt, steps in ((longest, 16), (longest / 2, 32), (longest / 4, 64)):
        ends = []
        for method in (sc.MaterialPoint(), implicit(tolerance=1e-10)):
            solver, state, params = lab.compiled(scene.replace({"method": method}))
            end, _ = lab.march(solver, state, params, steps, dt)
            ends.append((end, state))
        (one, first), (other, _) = ends
        apart.append(float((one.position - other.position).norm() / (one.position - first.position).norm()))
    assert apart[0] < 0.1
    for coarse, fine in pairwise(apart):
        assert 1.7 < coarse / fine < 2.4, apart


@pytest.mark.parametrize("dim", [2, 3])
def test_a_stiff_bar_is_calm_at_a_hundred_times_the_explicit_step(lab, dim):
    """Stretched by a velocity field and let go: nothing grows, the energy falls."""
    cells = 16 if dim == 2 else 8
    low, size = ((0.25, 0.3), (0.5, 0.25)) if dim == 2 else ((0.25, 0.25, 0.25), (0.5, 0.25, 0.25))
    material = sc.NeoHookean(youngs_modulus=1e9, poisson_ratio=0.3, density=1000.0)
    scene = lab.scene_of(dim, cells, entities={"bar": lab.box_of(low, size, material)}, method=implicit())
    dt = 100 * explicit_bound(scene)
    solver, state, params = lab.compiled(scene)
    assert not bool(torch.isfinite(solver.max_dt(state, params)).any()), "at rest and without weight nothing bounds dt"
    stretch = torch.zeros(dim, dim, dtype=torch.float64)
    stretch[0, 0] = 20.0
    state = replace(state, velocity=(state.position - 0.5) @ stretch, affine=stretch.expand_as(state.affine).clone())
    before = float(solver.observe(state, params)["total_energy"])
    energies = []
    for _ in range(12):
        state = solver.step(state, params, torch.zeros(1), torch.tensor([dt], dtype=torch.float64)).state
        energies.append(float(solver.observe(state, params)["total_energy"]))
    assert all(later <= earlier + 1e-6 * before for earlier, later in pairwise([before, *energies])), energies
    assert energies[-1] < 0.1 * before
    assert float((state.deformation - torch.eye(dim)).abs().max()) < 2e-2


def test_a_cantilever_hangs_as_deep_as_the_explicit_one(lab):
    """Long steps go to rest where damped explicit motion does: at the same balance of forces."""
    soft = sc.NeoHookean(youngs_modulus=2e5, poisson_ratio=0.3, density=1000.0)
    scene = beam(lab, soft)
    solver, state, params = lab.compiled(scene)
    hanging, _ = lab.march(solver, state, params, 60, 0.05)
    assert float(hanging.velocity.abs().max()) < 1e-3
    # The explicit method, begun there, stays.
    explicit, _, params = lab.compiled(scene.replace({"method": sc.MaterialPoint()}))
    dt = 0.5 * float(explicit.max_dt(hanging, params))
    heights = []
    after = hanging
    for _ in range(20):
        after, _ = lab.march(explicit, after, params, 40, dt)
        heights.append(tip(after))
    sag = tip(state) - tip(hanging)
    assert sag > 0.005
    assert abs(sum(heights) / len(heights) - tip(hanging)) < 0.03 * sag


def test_a_stiff_cantilever_bends_as_beam_theory_says(lab):
    """w = rho g L^4 / (8 E' I/A) with shear, E' = E / (1 - nu^2) in plane strain; the grid clamps it with one cell."""
    scene = beam(lab, STEEL_LIKE, cells=40)
    solver, state, params = lab.compiled(scene)
    hanging, _ = lab.march(solver, state, params, 40, 0.02)
    sag = float((state.position - hanging.position)[0, state.position[0, :, 0] > 0.78, 1].mean())
    modulus, shear, height, length = 1e8 / (1 - 0.09), 1e8 / 2.6, 0.2, 0.79
    bend = 1000 * 9.81 * length**4 / (8 * modulus * height**2 / 12)
    slide = 1000 * 9.81 * length**2 / (2 * shear * 5 / 6)
    assert sag == pytest.approx(bend + slide, rel=0.06)


@pytest.mark.parametrize("law", ["jelly", "water"])
def test_momentum_is_kept_to_the_tolerance_and_spin_to_second_order(lab, law):
    """Without forces from outside; the spin that backward Euler loses falls with dt."""
    material = lab.jelly if law == "jelly" else lab.water
    scene = lab.scene_of(2, entities={"block": lab.box_of((0.35, 0.35), (0.3, 0.3), material)}, method=implicit())
    solver, state, params = lab.compiled(scene)
    spin = torch.tensor([[0.0, -2.0], [2.0, 0.0]], dtype=torch.float64)
    v = (state.position - 0.5) @ spin.T + torch.tensor([0.3, -0.1], dtype=torch.float64)
    state = replace(state, velocity=v, affine=spin.expand_as(state.affine).clone())
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 8, 0.02)[0], params)
    size = float(before["mass"]) * 0.5
    assert float((after["momentum"] - before["momentum"]).norm()) < 1e-5 * size

    def spin_lost(dt, steps):
        end = solver.observe(lab.march(solver, state, params, steps, dt)[0], params)
        return float(1 - end["angular_momentum"] / before["angular_momentum"])

    if law == "jelly":
        losses = [spin_lost(0.02, 4), spin_lost(0.01, 8), spin_lost(0.005, 16)]
        assert abs(losses[0]) < 0.02
        for coarse, fine in pairwise(losses):
            assert 1.6 < abs(coarse / fine) < 4.5, losses


def test_a_turning_body_stays_a_rotation(lab):
    """Stiff matter that turns by 0.04 rad in a step: F is a rotation but for the strain of its own spin."""
    scene = lab.scene_of(2, entities={"block": lab.box_of((0.35, 0.35), (0.3, 0.3), STEEL_LIKE)}, method=implicit())
    solver, state, params = lab.compiled(scene)
    spin = torch.tensor([[0.0, -4.0], [4.0, 0.0]], dtype=torch.float64)
    state = replace(state, velocity=(state.position - 0.5) @ spin.T, affine=spin.expand_as(state.affine).clone())
    state, _ = lab.march(solver, state, params, 20, 0.01)
    F = state.deformation[0]
    assert float((F @ F.mT - torch.eye(2)).abs().max()) < 2e-3
    angle = torch.atan2(F[:, 1, 0] - F[:, 0, 1], F[:, 0, 0] + F[:, 1, 1])
    assert 0.6 < float(angle.mean()) < 0.81


def sliding(lab, dim=2, **changes):
    """A block with friction on an inclined floor, everything that may learn marked."""

    def place(*along, up):
        return (*along[: dim - 1], up)

    tall = (0.24, 0.15) if dim == 2 else (0.29, 0.25)
    return sc.Scene(
        name="sliding",
        domain=sc.Domain(size=(1.0, 0.5), cells=(20, 10))
        if dim == 2
        else sc.Domain(size=(1.0, 0.6, 0.6), cells=(10, 6, 6)),
        gravity=sc.Parameter(place(0.5, 0.3, up=-9.81)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=place(0.3, 0.3, up=tall[0]), size=place(0.2, 0.35, up=tall[1])),
                velocity=sc.Parameter(place(0.6, -0.2, up=-0.8)),
                material=sc.NeoHookean(
                    youngs_modulus=sc.Parameter(2e5), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(900.0)
                ),
            ),
            "floor": sc.Wall(
                normal=place(0.1, 0.05, up=1.0), offset=sc.Parameter(0.15), contact=sc.Coulomb(sc.Parameter(0.2))
            ),
        },
        time=sc.Time(end=0.1),
        method=implicit(tolerance=1e-13, creep=0.05),
    ).replace(changes)


DT, STEPS = 4e-3, 20


def with_velocity(solver, state, params):
    state = map_tensors(torch.Tensor.detach, state)
    return replace(state, velocity=params["block.velocity"][:, None].expand_as(state.velocity))


def loss_of(state):
    generator = torch.Generator().manual_seed(1)
    scales = {"position": 0.1, "velocity": 1.0, "affine": 20.0, "deformation": 1.0, "history": 1.0}

    def loss(end):
        generator.manual_seed(1)
        return sum(
            (torch.randn(end_field.shape, generator=generator, dtype=torch.float64) / scales[name] * end_field).sum()
            for name, end_field in vars(end).items()
            if name in scales
        )

    return loss


def agree(exact, run, size, within=1e-6):
    """Central differences of two neighbouring steps agree, one of them within the bound."""
    errors, before = {}, 1.0
    for h in (relative * size for relative in (2e-6, 7e-7, 2e-7, 1e-5, 3e-6)):
        errors[h] = error = abs(float(run(h) - run(-h)) / (2 * h) - exact) / abs(exact)
        if min(before, error) < within and max(before, error) < 10 * within:
            return
        before = error
    raise AssertionError(f"adjoint {exact}, relative errors of the differences {errors}")


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_gradients_agree_with_differences(lab, dim):
    """Through 20 steps beyond the explicit bound, in contact and with friction; every parameter and every field of the
    first state."""
    solver, state, params = compile_scene(sliding(lab, dim), device="cpu", dtype="float64")
    loss = loss_of(state)

    def run(params, first=None):
        first = with_velocity(solver, state, params) if first is None else first
        return loss(rollout(solver, first, params, until=STEPS * DT, controller=Fixed(DT)).state)

    learning = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items()})
    run(learning).backward()
    frozen = learning.detach()
    normal, radius = solver.matter.faces[-1].normal[0], radius_of(solver.matter.volume[0], dim)
    after, pressed = with_velocity(solver, state, frozen), 0
    for _ in range(STEPS):
        after = solver.step(after, frozen, torch.zeros(1), torch.tensor([DT], dtype=torch.float64)).state
        pressed += int((after.position[0] @ normal < 0.15 + radius).sum())
    assert pressed > 40, "nothing touches the floor"
    assert len(learning) == 7
    for address, parameter in learning.items():
        size, exact = float(parameter.detach().abs().max()), float(parameter.grad.sum())
        assert abs(exact) * size > 1e-3, f"{address} has no influence"
        agree(exact, lambda h, a=address: run(frozen.replace({a: frozen[a] + h})), size)
    first = with_velocity(solver, state, frozen)
    scales = {"position": 0.05, "velocity": 1.0, "affine": 10.0, "deformation": 0.1}
    fields = {name: getattr(first, name).clone().requires_grad_() for name in scales}
    run(frozen, replace(first, **fields)).backward()
    generator = torch.Generator().manual_seed(7)
    directions = {
        name: scale * (torch.randn(field.shape, generator=generator, dtype=torch.float64) + field.grad.sign())
        for (name, field), scale in zip(fields.items(), scales.values(), strict=True)
    }
    for name in scales:
        assert float((fields[name].grad * directions[name]).sum().abs()) > 1e-3, f"{name} has no influence"
    agree(
        sum(float((fields[name].grad * directions[name]).sum()) for name in scales),
        lambda h: run(frozen, replace(first, **{n: (fields[n] + h * directions[n]).detach() for n in scales})),
        1.0,
    )


@pytest.mark.parametrize("kind", ["water", "metal"])
def test_gradients_through_laws_without_symmetry(lab, kind):
    """A fluid and yielding metal: the linear systems are not symmetric, their transposes are solved as such."""
    metal = sc.VonMises(youngs_modulus=2e5, poisson_ratio=0.3, yield_stress=sc.Parameter(2e3), density=1000.0)
    water = sc.WeaklyCompressible(bulk_modulus=sc.Parameter(5e4), viscosity=2.0, density=1000.0)
    material, address = (
        (metal, "block.material.yield_stress") if kind == "metal" else (water, "block.material.bulk_modulus")
    )
    scene = sliding(lab, **{"block.material": material})
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    loss = loss_of(state)

    def run(params):
        first = with_velocity(solver, state, params)
        return loss(rollout(solver, first, params, until=14 * DT, controller=Fixed(DT)).state)

    learning = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items()})
    run(learning).backward()
    frozen = learning.detach()
    for name in (address, "gravity"):
        size, exact = float(frozen[name].abs().max()), float(learning[name].grad.sum())
        assert abs(exact) * size > 1e-3
        agree(exact, lambda h, a=name: run(frozen.replace({a: frozen[a] + h})), size)


def test_members_of_a_batch_run_as_if_alone(lab):
    """Bit for bit, states and gradients, although one is ten times stiffer and needs more iterations."""
    soft = sliding(lab).replace({"method": implicit()})
    stiff = soft.replace({"block.material.youngs_modulus.value": 2e6, "floor.offset.value": 0.14})

    def run(scenes):
        solver, state, params = compile_scene(scenes, device="cpu", dtype="float64")
        end = rollout(solver, state, params, until=0.04, controller=Fixed(DT)).state
        (end.position.square().sum() + end.velocity.square().sum()).backward()
        return end.position.detach(), {address: value.grad for address, value in params.items()}

    (both, bars), alone = run([soft, stiff]), [run(soft), run(stiff)]
    for member, (position, own) in enumerate(alone):
        assert torch.equal(both[member], position[0])
        for address, bar in own.items():
            assert torch.equal(bars[address][member], bar[0]), address


def test_friction_holds_a_block_on_a_slope_and_lets_it_go(lab):
    """tan 20 = 0.36: with mu = 0.6 only the creep is left, with mu = 0.2 it slides with g (sin - mu cos)."""
    angle = torch.deg2rad(torch.tensor(20.0)).item()
    pull = (9.81 * torch.sin(torch.tensor(angle)).item(), -9.81 * torch.cos(torch.tensor(angle)).item())
    moved = {}
    for friction in (0.6, 0.2):
        scene = sc.Scene(
            name="slope",
            domain=sc.Domain(size=(2.0, 0.5), cells=(32, 8)),
            gravity=pull,
            entities={
                "block": lab.box_of((0.2, 0.125), (0.375, 0.1875), sc.NeoHookean(youngs_modulus=1e6)),
                "floor": sc.Wall(normal=(0.0, 1.0), offset=0.125, contact=sc.Coulomb(friction)),
            },
            time=sc.Time(end=0.5),
            method=implicit(),
        )
        solver, state, params = lab.compiled(scene)
        state, _ = lab.march(solver, state, params, 60, 0.005)
        moved[friction] = float(state.velocity[0, :, 0].mean())
    assert abs(moved[0.6]) < 2e-3
    assert moved[0.2] == pytest.approx(0.3 * (pull[0] + 0.2 * pull[1]), rel=0.05)


def test_a_stiff_block_lands_on_a_rough_floor(lab):
    """Fifty times beyond the waves: contact and friction set in within one step, and it comes to rest where it fell."""
    entities = {
        "block": lab.box_of((0.35, 0.07), (0.3, 0.3), sc.FixedCorotated(youngs_modulus=1e7)),
        "floor": sc.Wall(normal=(0.0, 1.0), offset=0.06, contact=sc.Coulomb(0.4)),
    }
    domain = sc.Domain(size=(1.0, 0.5), cells=(20, 10))
    scene = lab.scene_of(2, entities=entities, domain=domain, gravity=(0.0, -9.81), method=implicit())
    solver, state, params = lab.compiled(scene)
    end, _ = lab.march(solver, state, params, 20, 0.008)
    assert float(end.velocity.abs().max()) < 1e-3
    assert abs(float((end.position - state.position)[..., 0].mean())) < 1e-3
    assert 0.005 < float((state.position - end.position)[..., 1].mean()) < 0.015


def test_steps_follow_the_tolerance(lab):
    """PI on the difference to the trapezoid: many steps while the beam falls, few when it hangs."""
    scene = beam(lab, STEEL_LIKE, time=sc.Time(end=1.0, tolerance=1e-3))
    solver, state, params = lab.compiled(scene)
    assert isinstance(solver.program.controller, PID)
    assert solver.program.controller.k == 2
    early = rollout(solver, state, params, until=0.05)
    late = rollout(solver, rollout(solver, state, params, until=1.0).state, params, until=1.0)
    assert 10 * int(late.steps) / 1.0 < int(early.steps) / 0.05 < 2000
    tight = rollout(solver, state, params, until=0.05, controller=PI(1e-4, k=2))
    assert 2.0 < int(tight.steps) / int(early.steps) < 5.0


def test_a_step_without_balance_is_taken_back_where_dt_can_change(lab):
    """Two Newton steps suffice for short steps only: the controller finds out how short."""
    ends = []
    for settings in ({"newton": 2}, {}):
        scene = beam(lab, STEEL_LIKE, method=implicit(**settings), time=sc.Time(end=0.01, tolerance=1e-2))
        solver, state, params = lab.compiled(scene)
        ends.append(rollout(solver, state, params))
    assert int(ends[0].steps) > int(ends[1].steps)
    assert abs(tip(ends[0].state) - tip(ends[1].state)) < 0.5 * abs(tip(state) - tip(ends[1].state))


def test_a_step_without_balance_is_halved_where_dt_is_left_to_the_solver(lab):
    """Two Newton steps do not suffice for the first long step; with shorter ones the end is the same."""
    ends = []
    for settings in ({"newton": 2}, {}):
        scene = beam(lab, STEEL_LIKE, method=implicit(**settings), time=sc.Time(end=0.05))
        solver, state, params = lab.compiled(scene)
        ends.append(rollout(solver, state, params))
    assert int(ends[0].steps) > int(ends[1].steps)
    assert bool(torch.isfinite(ends[0].state.position).all())
    assert abs(tip(ends[0].state) - tip(ends[1].state)) < 0.5 * abs(tip(state) - tip(ends[1].state))


def test_a_state_without_balance_goes_nowhere(lab):
    """Where steps may fail, but who takes them does not look: the run stops."""
    scene = beam(lab, STEEL_LIKE, method=implicit(newton=1, krylov=3), time=sc.Time(end=0.1))
    solver, state, params = lab.compiled(scene)
    with pytest.raises(Diverged, match=r"not finite|nan"):
        rollout(solver, state, params, controller=Fixed(0.02))


def test_failure_names_the_remedy(lab):
    scene = beam(lab, STEEL_LIKE, method=implicit(newton=1, krylov=3), time=sc.Time(end=1.0, dt=0.02))
    solver, state, params = lab.compiled(scene)
    with pytest.raises(Diverged, match=r"member 0 found no balance.*smaller dt.*Implicit\(newton=, krylov=\)"):
        lab.march(solver, state, params, 3, 0.02)


def test_a_fixed_step_beyond_the_waves_is_refused_with_body_and_remedy(lab):
    scene = beam(lab, STEEL_LIKE, method=sc.MaterialPoint(), time=sc.Time(end=0.1, dt=1e-3))
    solver, state, params = lab.compiled(scene)
    with pytest.raises(StabilityError, match=r"dt=0.001 is .* times.*particle \d+ of beam.*waves.*Implicit\(\)"):
        rollout(solver, state, params)
    solver, state, params = lab.compiled(scene.replace({"method": implicit(), "time.end": 0.01}))
    assert int(rollout(solver, state, params).steps) == 10


def test_what_the_integrator_cannot_do_is_refused(lab):
    scene = beam(lab, STEEL_LIKE)
    ball = sc.RigidBody(shape=sc.Sphere(center=(0.5, 0.45), radius=0.03), contact=sc.Stick())
    with pytest.raises(sc.SceneError, match=r"ball.contact.*needs the explicit integrator; take Coulomb"):
        compile_scene(scene.model_copy(update={"entities": {**scene.entities, "ball": ball}}))
    with pytest.raises(sc.SceneError, match=r"time.tolerance.*Implicit\(\)"):
        compile_scene(scene.replace({"method": sc.MaterialPoint(), "time": sc.Time(end=1.0, tolerance=1e-3)}))

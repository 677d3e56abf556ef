"""What each transfer and each spline keeps of the motion that particles hand to the grid and take back."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

METHODS = {
    "apic-cubic": sc.MaterialPoint(spline="cubic"),
    "flip": sc.MaterialPoint(transfer=sc.FLIP(0.99)),
    "pic": sc.MaterialPoint(transfer=sc.FLIP(0.0)),
    "flip-cubic": sc.MaterialPoint(transfer=sc.FLIP(0.95), spline="cubic"),
}
METHOD = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
ZERO = torch.zeros(1, dtype=torch.float64)


def flying(lab, dim, method):
    """A body in free flight, deformed, moving and spinning at random."""
    solver, state, params = lab.compiled(lab.scene_of(dim, 12, method=method))
    generator = torch.Generator().manual_seed(4)

    def noise(like, size):
        return like + size * torch.randn(like.shape, generator=generator, dtype=torch.float64)

    moving = replace(
        state, velocity=noise(state.velocity, 0.1), affine=noise(state.affine, 1.0),
        deformation=noise(state.deformation, 0.01),
    )  # fmt: skip
    return solver, moving, params


@METHOD
def test_a_free_body_keeps_its_momentum(lab, dim, method):
    """Linear momentum always; angular momentum where transfers are affine."""
    solver, state, params = flying(lab, dim, method)
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 50)[0], params)
    moved = float(before["mass"] * state.velocity.norm(dim=-1).mean())
    drift = {name: float((after[name] - before[name]).abs().max()) for name in ("momentum", "angular_momentum")}
    assert drift["momentum"] < 1e-13 * moved
    if isinstance(method.transfer, sc.APIC):
        assert drift["angular_momentum"] < 1e-13 * moved
    else:
        assert drift["angular_momentum"] > 1e-9 * moved


@pytest.mark.parametrize("spline", ["quadratic", "cubic"])
def test_an_affine_field_survives_the_way_to_the_grid_and_back(lab, dim, spline):
    """v = A x + b and C = A come back to rounding from matter without stress, wherever its particles are."""
    solver, state, params = lab.compiled(lab.scene_of(dim, 12, method=sc.MaterialPoint(spline=spline)))
    generator = torch.Generator().manual_seed(5)
    A, b = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((dim, dim), (dim,)))
    x = state.position + 0.02 * torch.rand(state.position.shape, generator=generator, dtype=torch.float64)
    field = replace(state, position=x, velocity=x @ A.T + b, affine=A.expand_as(state.affine).contiguous())
    after = solver.step(field, params, ZERO, ZERO + 1e-6).state
    assert float((after.velocity - field.velocity).abs().max()) < 1e-12
    assert float((after.affine - A).abs().max()) < 1e-11
    assert float((after.position - x - 1e-6 * field.velocity).abs().max()) < 1e-15


def test_flip_keeps_any_motion_and_pic_its_mean_only(lab, dim):
    """Without forces FLIP(1) leaves the velocities as they are, even noise; PIC leaves a motion of all as one only."""
    for blend in (1.0, 0.0):
        solver, state, params = lab.compiled(lab.scene_of(dim, 12, method=sc.MaterialPoint(transfer=sc.FLIP(blend))))
        noise = torch.randn(state.velocity.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
        after = solver.step(replace(state, velocity=noise), params, ZERO, ZERO + 1e-6).state
        kept = float(after.velocity.square().sum() / noise.square().sum())
        assert (kept == pytest.approx(1.0, abs=1e-12)) if blend else (kept < 0.2)
        together = replace(state, velocity=torch.ones_like(state.velocity))
        same = solver.step(together, params, ZERO, ZERO + 1e-6).state.velocity
        assert float((same - 1.0).abs().max()) < 1e-13


def test_flip_rings_longer_than_apic_and_pic(lab):
    """Energy left after half a period of the breathing of an elastic block; what FLIP(1) loses falls with the step."""
    left = {}
    for name, transfer, dt in (
        ("flip", sc.FLIP(1.0), 8e-4), ("flip, long steps", sc.FLIP(1.0), 32e-4), ("apic", sc.APIC(), 8e-4),
        ("pic", sc.FLIP(0.0), 8e-4),
    ):  # fmt: skip
        solver, state, params = lab.compiled(lab.scene_of(2, 24, method=sc.MaterialPoint(transfer=transfer)))
        away, k = state.position - state.position.mean(1, keepdim=True), torch.pi / 0.25
        moving = replace(
            state, velocity=0.5 * torch.sin(k * away), affine=torch.diag_embed(0.5 * k * torch.cos(k * away))
        )
        end, _ = lab.march(solver, moving, params, round(0.1 / dt), dt)
        left[name] = float(solver.observe(end, params)["total_energy"] / solver.observe(moving, params)["total_energy"])
    assert 1.0 > left["flip"] > 0.93
    assert left["flip"] > left["apic"] > 0.7
    assert left["pic"] < 0.1
    assert 1 - left["flip, long steps"] > 1.8 * (1 - left["flip"])


@METHOD
def test_gradient_of_each_transfer(lab, dim, method):
    """Along a random direction of all fields of the first state and all parameters, against central differences."""
    block = lab.box_of(
        (0.35,) * dim, (0.25,) * dim,
        sc.NeoHookean(youngs_modulus=sc.Parameter(1e4), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(900.0)),
    )  # fmt: skip
    floor = sc.Wall(
        normal=(0.0,) * (dim - 1) + (1.0,), offset=sc.Parameter(0.36), contact=sc.Coulomb(sc.Parameter(0.2))
    )
    scene = lab.scene_of(
        dim, 8, method=method, gravity=sc.Parameter((0.5, 0.2, -9.81)[-dim:]), entities={"block": block, "floor": floor}
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    generator = torch.Generator().manual_seed(7)

    def random(like):
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)

    sizes = {
        "position": 1e-3,
        "velocity": 0.3,
        "affine": 2.0,
        "deformation": 0.02,
        "history": 0.0,
        "rigid": 0.0,
        "felt": 0.0,
    }
    start = {name: (f.detach() + sizes[name] * random(f)).requires_grad_() for name, f in vars(state).items()}
    along = {name: sizes[name] * random(f) for name, f in start.items()}
    ways = {a: 0.1 * random(v) * v.detach() for a, v in params.items() if v.requires_grad}
    weights = {name: random(f) / (sizes[name] or 1.0) for name, f in start.items()}

    def loss(shift):
        fields = {name: f + shift * along[name] for name, f in start.items()}
        moved = params.replace({a: params[a] + shift * way for a, way in ways.items()})
        end = rollout(solver, type(state)(**fields), moved, until=30e-3, controller=Fixed(1e-3)).state
        return sum((weights[name] * f).sum() for name, f in vars(end).items())

    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    loss(shift).backward()
    exact = float(shift.grad)
    with torch.no_grad():
        found = [float(loss(h) - loss(-h)) / (2 * h) for h in (1e-4, 1e-5, 1e-6)]
    assert min(abs(f / exact - 1) for f in found) < 1e-7, (exact, found)

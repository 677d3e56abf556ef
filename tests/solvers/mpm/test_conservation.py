"""What no wall touches keeps its mass, momentum and angular momentum; what falls, falls as Galileo says."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc

TOLERANCE = {"float64": 1e-13, "float32": 1.2e-6}


def stirred(lab, dim, dtype, device="cpu"):
    """Two bodies without walls or gravity, deformed and in motion, their particles spinning."""
    entities = {
        "block": lab.box_of((0.3,) * dim, (0.2,) * dim),
        "drop": lab.box_of((0.55,) * dim, (0.15,) * dim, lab.water),
    }
    solver, state, params = lab.compiled(lab.scene_of(dim, entities=entities), dtype, device)
    generator = torch.Generator().manual_seed(0)

    def noise(like, size):
        return like + size * torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)

    fields = replace(
        state, velocity=noise(state.velocity, 0.1), affine=noise(state.affine, 1.0),
        deformation=noise(state.deformation, 0.01),
    )  # fmt: skip
    return solver, fields, params


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_isolated_bodies_keep_mass_momentum_and_angular_momentum(lab, dim, dtype, device, measure):
    solver, state, params = stirred(lab, dim, dtype, device)
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 200)[0], params)
    assert torch.equal(before["mass"], after["mass"])
    moved = float(before["mass"] * state.velocity.norm(dim=-1).mean())
    for name in ("momentum", "angular_momentum"):
        drift = float((after[name] - before[name]).abs().max())
        measure(f"drift of the {name} of bodies, {dim}D {dtype}", drift / moved, f"{TOLERANCE[dtype]:g}")
        assert drift < TOLERANCE[dtype] * moved, f"{name} drifted by {drift}"
    assert float(after["kinetic_energy"]) != float(before["kinetic_energy"])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_grid_holds_the_mass_and_momentum_of_the_particles(lab, dim, dtype, tolerance):
    solver, state, params = stirred(lab, dim, dtype)
    solver.step(state, params, torch.zeros(1, dtype=torch.float64), 1e-4 * torch.ones(1, dtype=torch.float64))
    seen = solver.work.nodes["momentum"].double().sum(1)
    expected = solver.observe(state, params)
    assert float((seen[..., -1] - expected["mass"]).abs().max()) < tolerance * float(expected["mass"].max())
    slack = float(expected["mass"].max() * state.velocity.abs().max())
    assert float((seen[..., :-1] - expected["momentum"]).abs().max()) < tolerance * slack


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-5)])
def test_free_fall_is_exact(lab, dim, dtype, tolerance, measure):
    """Symplectic Euler falls by g t (t + dt) / 2."""
    gravity, velocity = (0.5, -9.81, 2.0)[:dim], (0.3, 1.0, -0.2)[:dim]
    block = lab.box_of((0.4,) * dim, (0.15,) * dim, velocity=velocity)
    solver, state, params = lab.compiled(lab.scene_of(dim, gravity=gravity, entities={"block": block}), dtype)
    steps, dt = 100, 2e-3
    after, _ = lab.march(solver, state, params, steps, dt)
    time, g, v = steps * dt, *(torch.tensor(value, dtype=after.position.dtype) for value in (gravity, velocity))
    expected = state.position + v * time + g * time * (time + dt) / 2
    miss = float((after.position - expected).abs().max())
    measure(f"distance from free fall after {steps} steps, {dim}D {dtype} [m]", miss, f"{tolerance:g}")
    assert miss < tolerance
    assert float((after.velocity - (v + g * time)).abs().max()) < 30 * tolerance
    assert float((after.deformation - state.deformation).abs().max()) < 100 * tolerance


def test_rotated_matter_has_no_stress(lab):
    """A body turned as a whole stays as it is: F is a rotation, tau(F) = 0, nothing moves."""
    solver, state, params = lab.compiled(lab.scene_of(3))
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
    turn = turn * torch.linalg.det(turn)
    turned = replace(state, deformation=turn.expand_as(state.deformation).contiguous())
    after, _ = lab.march(solver, turned, params, 20)
    assert float(after.velocity.abs().max()) < 1e-12
    assert float(solver.observe(after, params)["elastic_energy"]) < 1e-12


def test_slow_rotation_turns_the_deformation(lab):
    """After a rigid rotation by a quarter turn F is that rotation, to the first order in dt."""
    solver, state, params = lab.compiled(lab.scene_of(2, entities={"block": lab.box_of((0.4, 0.4), (0.2, 0.2))}))
    spin = 1.0
    rate = spin * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    middle = state.position.mean(1, keepdim=True)
    state = replace(
        state, velocity=(state.position - middle) @ rate.T, affine=rate.expand_as(state.affine).contiguous()
    )
    quarter = torch.pi / 2 / spin
    after, time = lab.march(solver, state, params, 400, quarter / 400)
    turn = torch.linalg.matrix_exp(rate * time)
    assert float((after.deformation - turn).abs().max()) < 0.02
    assert float((after.position - middle - (state.position - middle) @ turn.T).abs().max()) < 0.005


def test_matter_travels_through_periodic_sides_unchanged(lab, dim):
    """Three rounds of a box that repeats itself bring a moving body back, unwrapped positions counting the rounds."""
    block = lab.box_of((0.3,) * dim, (0.25,) * dim, velocity=(1.0, 0.5, -1.0)[:dim])
    scene = lab.scene_of(dim, entities={"block": block}, boundary=sc.Boundary(default=sc.Periodic()))
    solver, state, params = lab.compiled(scene)
    after, time = lab.march(solver, state, params, 300, 0.01)
    moved = torch.tensor((1.0, 0.5, -1.0)[:dim], dtype=torch.float64) * time
    assert float((after.position - state.position - moved).abs().max()) < 1e-11
    assert float(moved.max()) == pytest.approx(3.0)


def test_single_precision_follows_double(lab, dim):
    ends = {}
    for dtype in ("float32", "float64"):
        solver, state, params = lab.compiled(lab.scene_of(dim, gravity=(*(0.0,) * (dim - 1), -9.81)), dtype)
        ends[dtype] = lab.march(solver, state, params, 150, 2e-3)[0].position.double()
    assert float((ends["float32"] - ends["float64"]).abs().max()) < 1e-4
    assert float((ends["float64"] - state.position.double()).abs().max()) > 0.3

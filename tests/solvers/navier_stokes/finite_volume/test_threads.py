"""Threads share the layers of a box and change nothing."""

import torch

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_volume import slabs


def test_a_step_and_its_transpose_are_the_same_on_two_threads(monkeypatch):
    """Forward to the last bit; sums of cotangents to rounding, and the same from run to run."""
    monkeypatch.setattr(slabs, "LEAST", 64)
    scene = sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(10.0, 10.0), cells=(48, 16)),
        entities={
            "gas": sc.Gas(
                gamma=sc.Parameter(1.4), velocity=(1.0, 0.5), viscosity=0.01, start=sc.IsentropicVortex(strength=3.0)
            ),
            "ball": sc.Obstacle(shape=sc.Sphere(center=(3.0, 3.0), radius=1.0)),
        },
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    time, dt = torch.zeros(1, dtype=torch.float64), 0.4 * solver.max_dt(state, params)
    bars = {"conserved": torch.randn_like(state.conserved)}

    def made(threads):
        torch.set_num_threads(threads)
        after = solver.step(state, params.detach(), time, dt).state.conserved
        back, numbers = solver.vjp(state, params, time, dt, bars)
        return after, back["conserved"], numbers["gas.gamma"]

    before = torch.get_num_threads()
    try:
        made(2)  # loads the kernels
        one, two, again = made(1), made(2), made(2)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one[0], two[0])
    for a, b, c in zip(one[1:], two[1:], again[1:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
        assert torch.equal(b, c)

"""Transposes written by hand are those that Warp makes, wherever they were taken."""

import dataclasses

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene


def among_walls(reconstruction: str, gas: bool) -> sc.Scene:
    matter = {"gas": sc.Gas(gamma=sc.Parameter(1.4))} if gas else {"water": sc.ShallowWater(gravity=sc.Parameter(9.81))}
    ball = sc.Obstacle(shape=sc.Sphere(center=sc.Parameter((0.5, 0.5)), radius=sc.Parameter(0.2)))
    return sc.Scene(
        name="box",
        domain=sc.Domain(size=(1.0, 1.0), cells=(20, 12)),
        entities={**matter, "ball": ball},
        boundary=sc.Boundary(default=sc.Slip()),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


def violent(state, generator):
    """Jumps of two decades in density and three in pressure, and supersonic speeds: fluxes are mixed there."""
    shape = state.conserved.shape

    def random(*size):
        return torch.rand(*size, generator=generator, dtype=state.conserved.dtype)

    density, velocity = 10.0 ** (2.0 * random(1, 1, *shape[2:]) - 1.0), 6.0 * random(1, 2, *shape[2:]) - 3.0
    energy = 10.0 ** (3.0 * random(1, 1, *shape[2:]) - 2.0) / 0.4
    energy = energy + 0.5 * density * velocity.square().sum(1, keepdim=True)
    fields = [density, density * velocity, energy][: shape[1] - 1]
    return type(state)(torch.cat(fields, dim=1))


@pytest.mark.parametrize("law", ["gas", "water"])
@pytest.mark.parametrize("reconstruction", ["muscl", "weno5"])
def test_the_transpose_of_faces_is_that_of_their_kernel(reconstruction, law):
    solver, state, params = compile_scene(among_walls(reconstruction, law == "gas"), "cpu", "float64")
    generator = torch.Generator().manual_seed(0)
    rough = violent(state, generator)
    smooth = type(state)(state.conserved * (1.0 + 0.01 * torch.rand_like(state.conserved)))
    for begin in (smooth, rough):
        time, dt = torch.zeros(1, dtype=torch.float64), 0.45 * solver.max_dt(begin, params.detach())
        bars = {"conserved": torch.randn(begin.conserved.shape, generator=generator, dtype=torch.float64)}
        by_hand = solver.vjp(begin, params, time, dt, bars)
        own = solver.work.faces
        solver.work.faces = [dataclasses.replace(faces, back=None) for faces in own]
        made = solver.vjp(begin, params, time, dt, bars)
        solver.work.faces = own
        for found, wanted in zip(by_hand, made, strict=True):
            assert set(found) == set(wanted)
            for name, value in wanted.items():
                size = float(value.abs().max())
                assert size > 0.0, name
                torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-11 * size)

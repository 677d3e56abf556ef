"""Every parameter and every first state has a gradient that agrees with central differences in double precision."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

STEPS, DT = 120, 1e-3


def sliding_bodies() -> sc.Scene:
    """A block and a pool of water that hit a floor with friction and slide on it."""
    return sc.Scene(
        name="sliding",
        domain=sc.Domain(size=(1.0, 0.5), cells=(20, 10)),
        gravity=sc.Parameter((0.5, -9.81)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.3, 0.24), size=(0.2, 0.15)),
                velocity=sc.Parameter((0.6, -0.8)),
                material=sc.NeoHookean(
                    youngs_modulus=sc.Parameter(2e4), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(900.0)
                ),
            ),
            "water": sc.Body(
                shape=sc.Box(center=(0.7, 0.22), size=(0.2, 0.15)),
                velocity=sc.Parameter((-0.5, -0.3)),
                material=sc.WeaklyCompressible(
                    bulk_modulus=sc.Parameter(2e4),
                    gamma=sc.Parameter(7.0),
                    viscosity=sc.Parameter(2.0),
                    density=sc.Parameter(1000.0),
                ),
            ),
            "floor": sc.Wall(normal=(0.1, 1.0), offset=sc.Parameter(0.15), contact=sc.Coulomb(sc.Parameter(0.2))),
        },
        time=sc.Time(end=STEPS * DT),
    )


@pytest.fixture(scope="module")
def case():
    solver, state, params = compile_scene(sliding_bodies(), device="cpu", dtype="float64")
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: torch.randn(field.shape, generator=generator, dtype=torch.float64) / scale
        for (name, field), scale in zip(vars(state).items(), (0.1, 1.0, 20.0, 1.0), strict=True)
    }

    def loss(state, params):
        end = rollout(solver, state, params, controller=Fixed(DT)).state
        return sum((weights[name] * field).sum() for name, field in vars(end).items())

    return solver, state, params, loss


def agree(exact: float, value, steps) -> None:
    """The best of a sweep of central differences agrees; `value` is the loss as a function of the shift."""
    found = {h: float((value(h) - value(-h)) / (2 * h)) for h in steps}
    errors = {h: abs(fd - exact) / abs(exact) for h, fd in found.items()}
    assert min(errors.values()) < 1e-6, f"adjoint {exact}, differences {found}"


def test_gradient_of_every_parameter(case):
    solver, state, params, loss = case
    state_of = {"block.velocity": solver.matter.bodies[0].slice, "water.velocity": solver.matter.bodies[1].slice}

    def total(values):
        velocity = state.velocity.detach().clone()
        for address, part in state_of.items():
            velocity[:, part] = values[address][:, None]
        return loss(replace(state, velocity=velocity), values)

    learning = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items()})
    total(learning).backward()
    assert len(learning) == 12
    for address, parameter in learning.items():
        size = parameter.detach().abs().max()
        direction = torch.ones_like(parameter)
        exact = float((parameter.grad * direction).sum())
        assert abs(exact) * size > 1e-3, f"{address} has no influence"
        with torch.no_grad():
            agree(
                exact,
                lambda h, a=address, p=parameter, d=direction: total(params.detach().replace({a: p + h * d})),
                [float(size * h) for h in (1e-5, 1e-6, 1e-7)],
            )

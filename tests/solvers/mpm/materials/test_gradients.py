"""Every constant of every law has a gradient that agrees with central differences, with yielding active."""

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Any

import pytest
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.scenes.solids import Material
from scenegrad.solvers.compile import compile_scene

STEPS, DT = 110, 1e-3
SHIFTS = torch.tensor([1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7], dtype=torch.float64)  # relative
SCALES = {"position": 0.01, "velocity": 1.0, "affine": 30.0, "deformation": 0.3, "history": 0.1}  # of what is watched


def learning(material: Material) -> Material:
    """Every constant a parameter."""
    numbers = material.model_dump(exclude={"kind"})
    return material.model_copy(update={name: sc.Parameter(value) for name, value in numbers.items()})


def pieces(known: dict[str, Material], dim: int) -> sc.Scene:
    """A small block of each material, apart from each other."""
    fine = 1 / 32
    edge = 2.5 * fine if dim == 2 else 2 * fine
    entities = {}
    for number, (name, material) in enumerate(known.items()):
        center = (0.14 + 0.24 * (number % 4), 0.16 + 0.3 * (number // 4), 4 * fine)[:dim]
        entities[name] = sc.Body(shape=sc.Box(center=center, size=(edge,) * dim), material=learning(material))
    size, cells = (1.0, 0.9375, 0.25), (32, 30, 8)
    return sc.Scene(
        name="pieces",
        domain=sc.Domain(size=size[:dim], cells=cells[:dim]),
        entities=entities,
        time=sc.Time(end=STEPS * DT),
    )


def stirred(solver: Any, state: Any, dim: int) -> Any:
    """Each block is squeezed along one axis, sheared and turned; and it is a little deformed at first."""
    generator = torch.Generator().manual_seed(5)
    velocity, affine = torch.zeros_like(state.velocity), torch.zeros_like(state.affine)
    F = state.deformation.clone()
    for body in solver.matter.bodies:
        rate = 1.5 * torch.randn(dim, dim, generator=generator, dtype=torch.float64)
        rate[0, 0] -= 4.0
        rate[1, 1] += 2.0
        rate[0, 1] += 3.0
        x = state.position[:, body.slice]
        velocity[:, body.slice] = (x - x.mean(1, keepdim=True)) @ rate.T
        affine[:, body.slice] = rate
        F[:, body.slice] += 0.01 * torch.randn(x.shape[1], dim, dim, generator=generator, dtype=torch.float64)
    return replace(state, velocity=velocity, affine=affine, deformation=F)


def losses_of(solver: Any, state: Any) -> Tensor:
    """One number of every field of each body [batch, body]."""
    generator = torch.Generator().manual_seed(1)
    total = torch.zeros(state.position.shape[:2], dtype=torch.float64)
    for name, scale in SCALES.items():
        field = getattr(state, name)
        weights = torch.randn(field.shape[1:], generator=generator, dtype=torch.float64) / scale
        total = total + (weights * field).flatten(2).sum(2)
    return torch.stack([total[:, body.slice].sum(1) for body in solver.matter.bodies], dim=1)


def followed(scene: sc.Scene, params: Params, start: Any) -> Tensor:
    """The losses of members of a batch, step by step."""
    count = len(start.position)
    solver, _, _ = compile_scene([scene] * count, "cpu", "float64")
    state, dt = start, torch.full((count,), DT, dtype=torch.float64)
    with torch.no_grad():
        for step in range(STEPS):
            state = solver.step(state, params, step * dt, dt).state
    return losses_of(solver, state)


def repeated(fields: Any, count: int) -> dict[str, Tensor]:
    """Members alike."""
    return {name: value.detach().repeat(count, *(1,) * (value.ndim - 1)) for name, value in fields.items()}


def agreement(exact: float, seen: Tensor) -> float:
    """Least relative error of two neighbouring differences that agree. seen: losses [shift, ahead and behind].

    Extrapolated to fourth order, of two neighbours both agree with the adjoint and one does closely: one alone might do
    so by luck; others lie on two sides of a kink, where a particle begins to yield."""
    slopes = (seen[:, 0] - seen[:, 1]) / (2 * SHIFTS)
    ratio = (SHIFTS[:-1] / SHIFTS[1:]).square()
    better = (ratio * slopes[1:] - slopes[:-1]) / (ratio - 1)
    errors = [abs(float(slope) / exact - 1) for slope in better]
    return min((min(pair) for pair in pairwise(errors) if max(pair) < 1e-5), default=inf)


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)], ids=["2d", "3d"])
def test_gradients_of_constants_and_first_states(known, dim, measure):
    """The blocks do not touch: the n-th constants of all of them are shifted at once, each block having its own loss.
    So is every field of the first state, along a random direction."""
    scene = pieces(known, dim)
    solver, state, params = compile_scene(scene, "cpu", "float64")
    start = stirred(solver, replace(state, **{n: f.detach() for n, f in vars(state).items()}), dim)
    start = replace(start, **{n: getattr(start, n).clone().requires_grad_() for n in SCALES})
    end = rollout(solver, start, params, controller=Fixed(DT)).state
    losses_of(solver, end).sum().backward()
    bodies = solver.matter.bodies
    for body in bodies:
        if body.law.memory(dim):
            assert float(end.history[:, body.slice].detach().abs().max()) > 1e-3, f"{body.name} did not yield"

    most, shifts = max(len(body.addresses()) for body in bodies), len(SHIFTS)
    fields = list(SCALES)
    rows = most + len(fields)
    constants, first = repeated(params, 2 * shifts * rows), repeated(vars(start), 2 * shifts * rows)
    signed = torch.stack([SHIFTS, -SHIFTS], 1).flatten()
    for body in bodies:
        for n, address in enumerate(body.addresses()):
            constants[address].unflatten(0, (rows, -1))[n] *= 1 + signed
    directions = {}
    generator = torch.Generator().manual_seed(11)
    for n, name in enumerate(fields, start=most):
        scale = {"position": 0.01, "affine": 20.0}.get(name, 0.1)
        directions[name] = scale * torch.randn(first[name].shape[1:], generator=generator, dtype=torch.float64)
        shift = signed.view(-1, *(1,) * directions[name].ndim)
        first[name].unflatten(0, (rows, -1))[n] += shift * directions[name]
    seen = followed(scene, params.replace(constants), replace(start, **first))
    seen = seen.reshape(rows, shifts, 2, len(bodies))

    errors = {}
    for number, body in enumerate(bodies):
        for n, address in enumerate(body.addresses()):
            errors[address] = agreement(float(params[address].detach() * params[address].grad), seen[n, :, :, number])
        for n, name in enumerate(fields, start=most):
            if name == "history" and not body.law.memory(dim):
                continue
            slope = (vars(start)[name].grad[0] * directions[name])[body.slice].sum()
            errors[f"{body.name}, first {name}"] = agreement(float(slope), seen[n, :, :, number])
    wrong = {what: error for what, error in errors.items() if error >= 1e-6}
    assert not wrong
    assert len(errors) > 110
    measure(
        f"worst gradient of a constant of a law or a first state, {dim}D, {STEPS} steps", max(errors.values()), "1e-6"
    )

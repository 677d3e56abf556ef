"""Bodies that several laws are tried on; fixtures hand out the functions that make and move them."""

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.solver import MaterialPointSolver
from scenegrad.solvers.mpm.state import ParticleState

JELLY = sc.NeoHookean(youngs_modulus=1e4, poisson_ratio=0.3, density=1000.0)
WATER = sc.WeaklyCompressible(bulk_modulus=2e4, viscosity=1.0, density=1000.0)


def box_of(low: tuple[float, ...], size: tuple[float, ...], material: Any = JELLY, **body: Any) -> sc.Body:
    """A box by its lowest corner and its edges."""
    center = tuple(a + b / 2 for a, b in zip(low, size, strict=True))
    return sc.Body(shape=sc.Box(center=center, size=size), material=material, **body)


def scene_of(dim: int, cells: int = 16, **fields: Any) -> sc.Scene:
    """A scene in a box of 1 m; `fields` replace its own."""
    known: dict[str, Any] = {
        "name": "trial",
        "domain": sc.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        "entities": {"block": box_of((0.35,) * dim, (0.25,) * dim)},
        "time": sc.Time(end=1.0),
    }
    return sc.Scene(**known | fields)


def compiled(
    scene: Any, dtype: str = "float64", device: str = "cpu"
) -> tuple[MaterialPointSolver, ParticleState, Params]:
    """Solver, state and params without gradients."""
    solver, state, params = compile_scene(scene, device=device, dtype=dtype)
    return solver, type(state)(*(field.detach() for field in vars(state).values())), params.detach()


def march(
    solver: MaterialPointSolver, state: ParticleState, params: Params, steps: int, dt: float | None = None
) -> tuple[ParticleState, Tensor]:
    """State after some steps of dt (0.4 of the bound at first, if left out), and the time it took [batch]."""
    chosen = 0.4 * solver.max_dt(state, params)
    if dt is not None:
        chosen = torch.full_like(chosen, dt)
    time = torch.zeros_like(chosen)
    for _ in range(steps):
        state = solver.step(state, params, time, chosen).state
        time = time + chosen
    return state, time


SIZES = {
    "position": 0.05,
    "velocity": 1.0,
    "affine": 10.0,
    "deformation": 0.1,
    "history": 0.1,
    "rigid": 0.1,
    "felt": 0.1,
}


def differentiates(scene: sc.Scene, steps: int, dt: float) -> None:
    """Every parameter, and the first state, has a gradient that agrees with central differences.

    Each along a random direction, of a functional that looks at every field of the last state. Two neighbouring
    differences must agree with the gradient, one of them closely: one alone might do so by luck.
    """
    solver, start, params = compile_scene(scene, device="cpu", dtype="float64")
    assert solver.program.initial is not None
    generator = torch.Generator().manual_seed(1)

    def random(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)

    weights = {name: random(field) * (0.05 if name == "affine" else 1.0) for name, field in vars(start).items()}

    def loss(end: ParticleState) -> Tensor:
        return torch.stack([(weights[name] * field).sum() for name, field in vars(end).items()]).sum()

    def ended(state: ParticleState, params: Params) -> float:
        clock = [torch.full((1,), i * dt, dtype=torch.float64) for i in range(steps)]
        for time in clock:
            state = solver.step(state, params, time, torch.full_like(time, dt)).state
        return float(loss(state))

    fields = {name: field.detach().requires_grad_() for name, field in vars(start).items() if field.numel()}
    learning = params.replace({a: p.detach().clone().requires_grad_(p.requires_grad) for a, p in params.items()})
    control, fixed = Fixed(dt), params.detach()
    for first, values in ((solver.program.initial(learning), learning), (replace(start, **fields), fixed)):
        loss(rollout(solver, first, values, until=steps * dt, controller=control).state).backward()

    def compare(name: str, exact: float, size: float, shifted: Callable[[float], float]) -> None:
        assert exact != 0.0, f"{name} has no influence"
        errors: dict[float, float] = {}
        before = math.inf
        for h in (relative * size for relative in (1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 1e-4, 3e-5)):
            error = abs((shifted(h) - shifted(-h)) / (2 * h) - exact) / abs(exact)
            if min(before, error) < 1e-6 and max(before, error) < 1e-5:
                return
            errors[h] = before = error
        raise AssertionError(f"{name}: adjoint {exact}, relative errors of the differences {errors}")

    with torch.no_grad():
        for address, value in learning.items():
            if value.requires_grad:
                way = random(value)

                def by_parameter(h: float, address: str = address, way: Tensor = way) -> float:
                    near = fixed.replace({address: fixed[address] + h * way})
                    return ended(solver.program.initial(near), near)

                assert value.grad is not None, f"no gradient reaches {address}"
                compare(address, float((value.grad * way).sum()), max(0.01, float(value.abs().max())), by_parameter)
        ways = {name: SIZES[name] * random(field) for name, field in fields.items()}

        def by_fields(h: float) -> float:
            return ended(replace(start, **{name: fields[name] + h * way for name, way in ways.items()}), fixed)

        slope = sum(float((field.grad * ways[name]).sum()) for name, field in fields.items() if field.grad is not None)
        compare("the first state", slope, 1.0, by_fields)


def differentiates_at_once(scene: sc.Scene, steps: int, dt: float) -> None:
    """By all parameters and the first state at once, along a direction in which each of them counts as much as any
    other, so that an error in one is not hidden by the rest."""
    solver, start, params = compile_scene(scene, device="cpu", dtype="float64")
    assert solver.program.initial is not None
    generator = torch.Generator().manual_seed(3)

    def random(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)

    weights = {name: random(field) * (0.05 if name == "affine" else 1.0) for name, field in vars(start).items()}

    def loss(end: ParticleState) -> Tensor:
        return torch.stack([(weights[name] * field).sum() for name, field in vars(end).items()]).sum()

    def run(fields: dict[str, Tensor], values: Params) -> Tensor:
        first = solver.program.initial(values)
        first = replace(first, **{name: getattr(first, name) + shift for name, shift in fields.items()})
        return loss(rollout(solver, first, values, until=steps * dt, controller=Fixed(dt)).state)

    shifts = {
        n: torch.zeros_like(f).requires_grad_()
        for n, f in vars(start).items()
        if f.numel() and n not in ("history", "felt")
    }
    values = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items() if p.requires_grad})
    run(shifts, values).backward()
    learning = {a: p for a, p in values.items() if p.requires_grad}
    ways: dict[str, Tensor] = {}
    exact = 0.0
    for name, leaf in (*shifts.items(), *learning.items()):
        slope = float((leaf.grad * leaf.grad.sign()).sum())
        size = {"position": 0.02, "rigid": 0.02}.get(name, max(0.01, float(leaf.detach().abs().max())))
        assert slope * size > 1e-4, f"{name} has no influence"
        ways[name] = leaf.grad.sign() * min(size, 1.0 / slope)
        exact += float((leaf.grad * ways[name]).sum())
    fixed = params.detach()
    errors: dict[float, float] = {}
    before = math.inf
    for h in (3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 1e-3):
        near = [
            float(
                run(
                    {n: sign * h * ways[n] for n in shifts},
                    fixed.replace({a: fixed[a] + sign * h * ways[a] for a in learning}),
                )
            )
            for sign in (1, -1)
        ]
        error = abs((near[0] - near[1]) / (2 * h) - exact) / abs(exact)
        if min(before, error) < 1e-6 and max(before, error) < 1e-5:
            return
        errors[h] = before = error
    raise AssertionError(f"adjoint {exact}, relative errors of the differences {errors}")


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dim(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def lab() -> SimpleNamespace:
    """The functions and materials above."""
    names: dict[str, Callable[..., Any]] = {
        "box_of": box_of, "scene_of": scene_of, "compiled": compiled, "march": march,
        "differentiates": differentiates, "differentiates_at_once": differentiates_at_once,
    }  # fmt: skip
    return SimpleNamespace(**names, jelly=JELLY, water=WATER)

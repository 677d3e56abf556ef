"""Gradients by implicit differentiation agree with central differences, and the remainder of Taylor falls by four."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.scenes.library import cylinder_channel
from scenegrad.solvers.compile import compile_scene

Maker = Callable[..., str]
STEP = 1e-5
CLOCK = (torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
SEEN = ("velocity", "pressure", "tracers", "value", "displacement")


def flat(values: Any) -> torch.Tensor:
    if isinstance(values, dict):
        return torch.cat([flat(value) for value in values.values()])
    return values.flatten()


ITERATED = sc.Multigrid(tolerance=1e-13)  # differences ask for more than any use does
KINDS = ("steady", "marching", "sampled", "carrying", "carrying-on", "porous", "warm", "bent")


@pytest.mark.parametrize(
    ("case", "linear"),
    [
        *((case, sc.SparseLU()) for case in KINDS),
        *((case, ITERATED) for case in ("steady", "porous", "bent")),
        *(
            pytest.param(case, ITERATED, marks=pytest.mark.slow)
            for case in ("carrying", "marching", "carrying-on", "warm")
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_adjoint_matches_central_difference(
    mesh_file: Maker, mesh_scenes: ModuleType, case: str, linear: sc.SparseLU | sc.Multigrid
) -> None:
    """By every parameter one by one, and by every field of the initial state, the places of the vertices too."""
    scene = mesh_scenes.solved_by(mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (3, 3))), linear)
    solver, state, params = compile_scene(scene, "cpu", "float64")
    fields = {k: v.detach() for k, v in tensors(state).items()}
    state = with_tensors(state, fields)
    generator = torch.Generator().manual_seed(1)
    weights: list[torch.Tensor] = []

    def loss(changed: dict[str, torch.Tensor] | None, values: Params) -> torch.Tensor:
        start = solver.program.initial(values) if changed is None else with_tensors(state, changed)
        found = rollout(solver, start, values)
        parts = [found.outputs[name] for name in found.outputs]  # less what only tells where nodes are
        parts = [{k: v for k, v in one.items() if k != "position"} if isinstance(one, dict) else one for one in parts]
        ends = [v for k, v in tensors(found.state).items() if k in SEEN]
        seen = torch.cat([*map(flat, parts), *map(flat, ends)])
        if not weights:
            weights.append(torch.randn(seen.shape, generator=generator, dtype=torch.float64))
        return (weights[0] * seen).sum() + (seen**2).sum()

    directions = {k: torch.randn(v.shape, generator=generator, dtype=torch.float64) for k, v in fields.items()}
    leaves = {k: v.clone().requires_grad_() for k, v in fields.items()}
    learning = {a: v.detach().clone().requires_grad_() for a, v in params.items()}
    loss(None, Params(learning)).backward()
    loss(leaves, params.detach()).backward()
    learnt = [address for address in params if params[address].requires_grad]
    # a hundred steps are differenced once, in a direction of all parameters together
    for group in [learnt] if case in ("marching", "carrying-on", "warm") else [[address] for address in learnt]:
        slopes = {a: torch.randn(learning[a].shape, generator=generator, dtype=torch.float64) for a in group}
        with torch.no_grad():
            up, down = (
                loss(None, params.detach().replace({a: params[a].detach() + h * slopes[a] for a in group}))
                for h in (STEP, -STEP)
            )
        wanted = float((up - down) / (2 * STEP))
        got = sum(float((learning[a].grad * slopes[a]).sum()) for a in group)
        assert got == pytest.approx(wanted, rel=1e-6, abs=1e-9), group
    for name, leaf in leaves.items():
        grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        if name in ("before", "pace", "felt", "tracers_before", "crossed"):  # what a run begins without
            continue
        h = STEP * 0.1 if name == "vertices" else STEP
        with torch.no_grad():
            up, down = (
                loss({**fields, name: leaf.detach() + sign * h * directions[name]}, params.detach()) for sign in (1, -1)
            )
        wanted, got = float((up - down) / (2 * h)), float((grad * directions[name]).sum())
        assert got == pytest.approx(wanted, rel=1e-6, abs=1e-8), name


def test_taylor_remainder_has_order_two(mesh_file: Maker, mesh_scenes: ModuleType) -> None:
    """Of the force on a wall by the viscosity of the flow past it."""
    solver, state, params = compile_scene(mesh_scenes.stirred(mesh_file((1.0, 1.0), (3, 3)), True), "cpu", "float64")

    def force(change: float) -> torch.Tensor:
        values = params.replace({"water.viscosity": params["water.viscosity"] * (1 + change)})
        return rollout(solver, state, values).outputs["push"]["force"][0, -1, 0]

    base = force(0.0)
    (slope,) = torch.autograd.grad(base, params["water.viscosity"])
    left = [abs(float((force(h) - base - h * slope * params["water.viscosity"]).detach())) for h in (0.02, 0.01)]
    assert left[0] / left[1] == pytest.approx(4.0, rel=0.1)


def test_permeability_of_each_element_can_be_found(mesh_file: Maker, mesh_scenes: ModuleType) -> None:
    """The gradient by the field itself falls to nothing where the pressure was computed with it."""
    solver, state, params = compile_scene(mesh_scenes.porous(mesh_file((1.0, 1.0), (3, 3))), "cpu", "float64")
    values = params.detach()
    true = torch.rand(state.coefficient.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1.0
    seen = rollout(solver, with_tensors(state, {"coefficient": true}), values).state.value.detach()

    def misfit(k: torch.Tensor) -> torch.Tensor:
        return (rollout(solver, with_tensors(state, {"coefficient": k}), values).state.value - seen).square().sum()

    k = torch.full_like(true, 1.5).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [k], max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=0.0
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = misfit(k)
        loss.backward()
        return loss

    start = float(closure().detach())
    optimiser.step(closure)
    assert float(misfit(k).detach()) < 1e-6 * start


def test_a_cylinder_gives_way_as_its_drag_asks() -> None:
    """Moving the vertices around it, by the gradient at their places, makes it slender: a tenth less drag, and more,
    at the same area [the steady flow of Schaefer & Turek]."""
    solver, state, params = compile_scene(cylinder_channel(), "cpu", "float64")
    away = state.vertices - torch.tensor([0.2, 0.2], dtype=torch.float64)
    near = ((0.15 - away.norm(dim=-1, keepdim=True)) / 0.1).clamp(0.0, 1.0)

    def drag(stretch: torch.Tensor) -> torch.Tensor:
        scale = torch.stack([stretch.exp(), (-stretch).exp()])
        moved = with_tensors(state, {"vertices": state.vertices + near * away * (scale - 1.0)})
        return solver.step(moved, params.detach(), *CLOCK).state.felt[0, 0, 0]

    stretch, drags = torch.zeros((), dtype=torch.float64, requires_grad=True), []
    for _ in range(3):
        found = drag(stretch)
        (slope,) = torch.autograd.grad(found, stretch)
        drags.append(float(found.detach()))
        stretch = (stretch - 0.25 * slope / slope.abs()).detach().requires_grad_()
    with torch.no_grad():
        up, down = (float(drag(stretch + sign * STEP)) for sign in (1, -1))
    (slope,) = torch.autograd.grad(drag(stretch), stretch)
    assert float(slope) == pytest.approx((up - down) / (2 * STEP), rel=1e-6)
    assert drags[0] > drags[1] > drags[2]
    assert drags[2] < 0.9 * drags[0]

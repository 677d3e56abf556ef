"""Solvers that pack their states tell them by the names of fields, and are told them."""

import pytest
import torch

from scenegrad.engine.fields import Fielded, fields_of, with_fields
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates import FNO, Surrogate
from scenegrad.surrogates.data.statistics import Statistics

ZERO = torch.zeros(1, dtype=torch.float64)
EXACT = ["spectral-3d", "reaction-2d", "gas-2d", "gas-3d", "water-2d"]
BETWEEN_CELLS = ["eddies-2d", "eddies-3d", "walls-2d"]


@pytest.fixture
def compiled(conformance_scenes):
    def make(name):
        """After two steps."""
        solver, state, params = compile_scene(conformance_scenes[name](), device="cpu", dtype="float64")
        until = 2.0 * float(solver.max_dt(state, params.detach()).min())
        return solver, rollout(solver, state, params.detach(), until, probes=()).state, params.detach()

    return make


@pytest.mark.parametrize("name", [*EXACT, *BETWEEN_CELLS])
def test_the_fields_of_a_state_make_the_state(compiled, name):
    solver, state, params = compiled(name)
    assert isinstance(solver, Fielded)
    told = fields_of(solver, state, params)
    again = with_fields(solver, state, params, told, ZERO)
    if name in EXACT:
        for field, value in tensors(state).items():
            torch.testing.assert_close(tensors(again)[field], value, rtol=1e-12, atol=1e-12 * float(value.abs().max()))
    for field, value in fields_of(solver, again, params).items():
        torch.testing.assert_close(value, told[field], rtol=1e-9, atol=1e-9 * float(value.abs().max()))


@pytest.mark.parametrize("name", EXACT)
def test_fields_that_are_told_are_those_that_the_state_has(compiled, name):
    solver, state, params = compiled(name)
    told = {n: v * (1.0 + 0.01 * torch.sin(7.0 * v)) for n, v in fields_of(solver, state, params).items()}
    first = next(iter(told))
    found = fields_of(solver, with_fields(solver, state, params, {first: told[first]}, ZERO), params)
    torch.testing.assert_close(found[first], told[first], rtol=1e-12, atol=1e-14)
    for field, value in fields_of(solver, state, params).items():
        if field != first:
            torch.testing.assert_close(found[field], value, rtol=1e-10, atol=1e-12 * float(value.abs().max()))


def test_a_smooth_flow_without_divergence_told_in_the_cells_is_found_there_again(compiled):
    """The vortices u = sin x cos y, v = -(b / a) cos x sin y of a box of edges a and b, told to another flow."""
    solver, state, params = compiled("eddies-2d")
    places = solver.grid.positions(None)
    x, y = (2.0 * torch.pi * p / size for p, size in zip(places, solver.grid.size, strict=True))
    u, v = torch.sin(x) * torch.cos(y), -solver.grid.size[1] / solver.grid.size[0] * torch.cos(x) * torch.sin(y)
    told = torch.stack(torch.broadcast_tensors(u, v), dim=-1)[None]
    made = with_fields(solver, state, params, {"velocity": told}, ZERO)
    gap = solver.fields(made, params)["velocity"] - told
    assert float(gap.abs().max()) < 0.02, "waves of three cells, which the other flow had, go slowly"
    assert float(solver.diagnostics.divergence(made).abs().max()) < 1e-10


def network(fields: dict[str, int | None], cells: tuple[int, ...], dt: float):
    """An operator with scales of order one that has not learnt anything."""
    torch.manual_seed(0)
    vectors = {name: size for name, size in fields.items() if size}
    width = sum(size or 1 for size in fields.values())
    zero, one = torch.zeros(width, dtype=torch.float64), torch.ones(width, dtype=torch.float64)
    scales = Statistics(zero, one, zero, one, 1e-3 * one, zero[:0], one[:0])
    return FNO((3,) * len(cells), 8, list(fields), depth=2, components=vectors).dressed(scales, dt, cells).double()


@pytest.mark.parametrize("name", ["reaction-2d", "gas-2d", "walls-2d"])
def test_a_network_of_named_fields_stands_in_for_a_solver_that_packs_them(compiled, name):
    solver, state, params = compiled(name)
    fields = fields_of(solver, state, params)
    cells = min((tuple(value.shape[1:]) for value in fields.values()), key=len)[:2]
    sizes = {n: v.shape[-1] if v.ndim > 1 + len(cells) else None for n, v in fields.items()}
    model = network(sizes, cells, 0.01)
    fast = Surrogate(model, like=solver)
    end = rollout(fast, state, params, until=0.02, probes=())
    assert type(end.state) is type(state)
    assert end.steps.tolist() == [2]
    with torch.no_grad():
        expected = model(fields, params, torch.full((1,), 0.01, dtype=torch.float64))
    once = fields_of(solver, rollout(fast, state, params, until=0.01, probes=()).state, params)
    scalars = [n for n, size in sizes.items() if size is None]
    for field in scalars:
        torch.testing.assert_close(once[field], expected[field], rtol=1e-8, atol=1e-10)
    for observed in solver.observe(end.state, params).values():
        assert bool(observed.isfinite().all())


def test_the_gradient_flows_through_fields_that_a_network_was_told(compiled):
    solver, state, params = compiled("gas-2d")
    model = network({"density": None, "velocity": 2, "pressure": None}, tuple(state.conserved.shape[2:]), 0.01)
    fast = Surrogate(model, like=solver)
    way = torch.randn(state.conserved.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def value(u):
        start = with_fields(solver, state, params, {}, ZERO)
        return (
            rollout(fast, type(start)(u, start.entered), params, until=0.02, probes=()).state.conserved.square().sum()
        )

    u = state.conserved.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(u), u)
    h = 1e-6
    with torch.no_grad():
        difference = float(value(state.conserved + h * way) - value(state.conserved - h * way)) / (2 * h)
    assert float((slope * way).sum()) == pytest.approx(difference, rel=1e-6)

"""Fields carried along paths: of second order in space and time, through inflow and outflow, with their gradients."""

import math
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout

P = sc.Parameter
ALONG = sc.Staggered(advection="maccormack")
EDGE = 2 * math.pi


def orders(errors: list[float]) -> list[float]:
    return [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]


@pytest.mark.parametrize("viscosity", ["explicit", "implicit"])
def test_carried_vortices_converge_with_the_square_of_cell_and_step(compiled, viscosity):
    """u = 1 + F cos(x - t) sin(y - t/2), F = exp(-2 nu t): steps of 0.4 cells, later ones beside them in proportion."""
    errors = []
    for cells in (16, 32, 64):
        scene = sc.Scene(
            name="carried",
            domain=sc.Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
            entities={"water": sc.Fluid(viscosity=0.01, velocity=(1.0, 0.5), vorticity=sc.TaylorGreen())},
            method=sc.Staggered(advection="maccormack", viscosity=viscosity),
            time=sc.Time(end=1.0, dt=1.0 / (6 * cells // 16)),
        )
        solver, state, params = compiled(scene)
        with torch.no_grad():
            end = rollout(solver, state, params).state
        x, y = solver.grid.positions(-2)
        exact = 1.0 + math.exp(-0.02) * torch.cos(x - 1.0) * torch.sin(y - 0.5)
        errors.append(float((end.u[0] - exact).square().mean().sqrt()))
    assert min(orders(errors)) > 1.9, (errors, orders(errors))


def test_what_flows_in_is_carried_through_and_out_again(compiled):
    """c = cos(2 pi (x - t) + phase) enters at x = 0 as a signal of time; the steps end between its samples."""
    errors = []
    for cells in (16, 32, 64):
        dye = sc.Sine(amplitude=1.0, frequency=-1.0, phase=0.5 + 0.5 * math.pi)
        scene = sc.Scene(
            name="through",
            domain=sc.Domain(size=(1.0, 0.5), cells=(cells, cells // 2)),
            entities={
                "water": sc.Fluid(viscosity=0.0, velocity=(1.0, 0.0)),
                "dye": sc.Tracer(initial=sc.PlaneWave((1, 0), phase=0.5)),
            },
            boundary=sc.Boundary(x_lo=sc.Inflow(1.0, dye=dye), x_hi=sc.Outflow(), y=sc.Slip()),
            method=ALONG,
            time=sc.Time(end=0.8, dt=0.8 / (7 * cells // 16)),
        )
        solver, state, params = compiled(scene)
        with torch.no_grad():
            end = rollout(solver, state, params).state
        x, _ = solver.grid.positions(None)
        errors.append(float((end.tracers[0, 0] - torch.cos(EDGE * (x - 0.8) + 0.5)).square().mean().sqrt()))
        assert float((end.u - 1.0).abs().max()) < 1e-12
    assert math.log2(errors[0] / errors[2]) / 2 > 1.8, (errors, orders(errors))


def test_poiseuille_flow_comes_out_as_it_came_in(compiled):
    errors = []
    for cells in (6, 12):
        scene = sc.Scene(
            name="channel",
            domain=sc.Domain(size=(1.0, 1.0), cells=(cells, cells)),
            entities={"water": sc.Fluid(viscosity=0.1)},
            boundary=sc.Boundary(x_lo=sc.Inflow(sc.Parabolic(1.0)), x_hi=sc.Outflow(), y=sc.NoSlip()),
            method=ALONG,
            time=sc.Time(end=3.0),
        )
        solver, state, params = compiled(scene)
        with torch.no_grad():
            end = rollout(solver, state, params).state
        _, y = solver.grid.positions(-2)
        errors.append(float((end.u[0] - 4.0 * y * (1.0 - y)).square().mean().sqrt()))
    assert errors[1] < 5e-3
    assert math.log2(errors[0] / errors[1]) > 1.7, errors


@pytest.mark.parametrize("viscosity", ["explicit", "implicit"])
def test_gradients_along_paths_match_central_differences(compiled, viscosity):
    """In a random direction of every number that may learn, through steps that cross up to a cell and a half."""
    scene = sc.Scene(
        name="paths",
        domain=sc.Domain(size=(1.0, 1.0), cells=(10, 8)),
        entities={
            "water": sc.Fluid(viscosity=P(0.02), velocity=P((0.7, 0.1))),
            "heat": sc.Tracer(diffusivity=P(0.01), initial=sc.PlaneWave((1, 1), phase=P(0.3)), buoyancy=P((0.1, 1.0))),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parabolic(sc.Sine(P(0.3), P(1.0), offset=P(1.0))), heat=P(0.3)),
            x_hi=sc.Outflow(),
            y_lo=sc.NoSlip(heat=P(0.7)),
            y_hi=sc.NoSlip(velocity=(P(0.4), 0.0)),
        ),
        method=sc.Staggered(advection="maccormack", viscosity=viscosity),
        time=sc.Time(end=0.6, dt=0.06),
    )
    solver, _, params = compiled(scene)
    directed = {name: torch.randn(value.shape, generator=generator(name)).double() for name, value in params.items()}
    weights: list[torch.Tensor] = []

    def loss(step: float) -> torch.Tensor:
        moved = params.replace({name: value + step * directed[name] for name, value in params.items()})
        end = rollout(solver, solver.program.initial(moved), moved).state
        fields = [end.u, end.v, end.tracers]
        if not weights:
            weights.extend(torch.randn(field.shape, generator=generator("weights")).double() for field in fields)
        return torch.stack([(w * field).sum() for w, field in zip(weights, fields, strict=True)]).sum()

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(loss(step), step)[0]
    with torch.no_grad():
        difference = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert abs(float(slope)) > 0.1
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(sum(map(ord, name)))

"""What a flow on a mesh carries: known solutions, balances, and how it lifts the fluid."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

Maker = Callable[..., str]
STEADY = sc.FiniteElement(time="steady")


def wind(mesh: str, diffusivity: float, speed: float = 1.0, **more: object) -> sc.Scene:
    """A uniform flow from left to right that carries heat from 0 to a wall of 1 that it passes through."""
    tags = {
        "x_lo": sc.Inflow((speed, 0.0), heat=0.0),
        "x_hi": sc.NoSlip(velocity=(speed, 0.0), heat=1.0),
    }
    return sc.Scene(
        name="wind",
        domain=sc.Domain.meshed(mesh),
        entities={"air": sc.Fluid(viscosity=0.1), "heat": sc.Tracer(diffusivity=diffusivity)},
        boundary=sc.Boundary(tags=tags, default=sc.Slip()),
        **{"method": STEADY, "time": sc.Time(end=1.0), **more},
    )


def ended(scene: sc.Scene):
    solver, state, params = compile_scene(scene, "cpu", "float64")
    with torch.no_grad():
        found = rollout(solver, state, params)
    return solver, found.state, found.outputs


def layer(mesh: str, diffusivity: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Tracer and the layer before the wall, (exp(x / d) - 1) / (exp(1 / d) - 1)."""
    solver, state, _ = ended(wind(mesh, diffusivity))
    x = solver.space.places(state.vertices)[0, :, 0]
    exact = ((x - 1) / diffusivity).exp() - math.exp(-1 / diffusivity)
    return state.tracers[0, 0] - exact / (1 - math.exp(-1 / diffusivity)), x


def test_upwinding_keeps_order_three(mesh_file: Maker) -> None:
    """A consistent method loses nothing where elements are fine enough."""
    errors = [float(layer(mesh_file((1.0, 0.25), (n, max(n // 4, 1))), 0.2)[0].abs().mean()) for n in (8, 16, 32)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert orders[-1] > 2.7, (orders, errors)


def test_a_layer_that_elements_do_not_resolve_stays_where_it_is(mesh_file: Maker) -> None:
    """An element is 60 times as wide as the layer: without upwinding wiggles as large as 1 fill the channel."""
    error, x = layer(mesh_file((1.0, 0.25), (16, 4)), 1e-3)
    assert float(error[x < 0.85].abs().max()) < 0.02
    assert float(error.abs().max()) < 0.6


def test_what_is_the_same_everywhere_stays_so(mesh_file: Maker) -> None:
    """In a flow that turns, is no more than nearly free of divergence in each element, and spreads nothing."""
    scene = sc.Scene(
        name="lid",
        domain=sc.Domain.meshed(mesh_file((1.0, 1.0), (4, 4))),
        entities={"water": sc.Fluid(viscosity=0.02), "dye": sc.Tracer(diffusivity=0.0, initial=0.7)},
        boundary=sc.Boundary(tags={"y_hi": sc.NoSlip(velocity=(1.0, 0.0))}, default=sc.NoSlip()),
        time=sc.Time(end=1.0, dt=0.1),
    )
    _, state, _ = ended(scene)
    torch.testing.assert_close(state.tracers, torch.full_like(state.tracers, 0.7), atol=1e-11, rtol=0)


def test_content_changes_by_what_comes_in(mesh_file: Maker) -> None:
    """Between frames, to rounding: what is carried in and out, what is let through a wall, and what diffuses."""
    tags = {
        "x_lo": sc.Inflow(0.6, dye=sc.Sine(amplitude=0.5, frequency=0.8, offset=1.0)),
        "x_hi": sc.Outflow(),
        "y_lo": sc.Slip(),
    }
    sides = ("x_lo", "x_hi", "y_lo", "y_hi")
    scene = sc.Scene(
        name="duct",
        domain=sc.Domain.meshed(mesh_file((1.0, 0.5), (4, 2))),
        entities={
            "water": sc.Fluid(viscosity=0.1, velocity=(0.6, 0.0)),
            "dye": sc.Tracer(diffusivity=0.05, initial=0.3, buoyancy=(0.0, 0.0)),
        },
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip(velocity=(0.6, 0.0), dye=sc.Through(0.2))),
        outputs={side: sc.Exchange(of="dye", through=f"boundary.tags.{side}", every=0.02) for side in sides},
        time=sc.Time(end=0.4, dt=0.02),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    dt, contents = torch.full((1,), 0.02, dtype=torch.float64), []
    for n in range(13):
        contents.append(float(solver.observe(state, params)["dye_content"]))
        state = solver.step(state, params.detach(), n * dt, dt).state
    contents.append(float(solver.observe(state, params)["dye_content"]))
    rate = (1.5 * contents[-1] - 2.0 * contents[-2] + 0.5 * contents[-3]) / 0.02  # as BDF2 has it
    came = [float(probe.measure(state, params)["flow"]) for probe in solver.program.probes]
    assert min(map(abs, came[:2] + came[3:])) > 0.01
    assert came[2] == 0.0
    assert sum(came) == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize("steady", [True, False])
def test_heat_rises_along_a_hot_wall(mesh_file: Maker, steady: bool) -> None:
    """Nusselt's number of the heated cavity at the Rayleigh number 1e4 is 2.2448 [de Vahl Davis 1983; Le Quere 1991,
    Comput. Fluids 20, 29-41]."""
    rayleigh, prandtl, end = 1e4, 0.71, 1.0 if steady else 40.0
    conductivity, dt = 1 / math.sqrt(rayleigh * prandtl), end if steady else 0.4
    scene = sc.Scene(
        name="cavity",
        domain=sc.Domain.meshed(mesh_file((1.0, 1.0), (8, 8))),
        entities={
            "air": sc.Fluid(viscosity=math.sqrt(prandtl / rayleigh)),
            "heat": sc.Tracer(diffusivity=conductivity, initial=0.5, buoyancy=(0.0, 1.0)),
        },
        boundary=sc.Boundary(tags={"x_lo": sc.NoSlip(heat=1.0), "x_hi": sc.NoSlip(heat=0.0)}, default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady" if steady else "bdf2"),
        outputs={side: sc.Exchange(of="heat", through=f"boundary.tags.{side}", every=dt) for side in ("x_lo", "x_hi")},
        time=sc.Time(end=end, dt=dt),
    )
    _, _, outputs = ended(scene)
    hot, cold = (float(outputs[side][0, -1]) / conductivity for side in ("x_lo", "x_hi"))
    assert hot == pytest.approx(2.2448, rel=5e-3)
    assert cold == pytest.approx(-hot, rel=2e-3)


def test_what_comes_in_is_everywhere_in_the_end(mesh_file: Maker) -> None:
    """In three dimensions too."""
    tags = {"x_lo": sc.Inflow(0.5, dye=0.8), "x_hi": sc.Outflow()}
    scene = sc.Scene(
        name="duct",
        domain=sc.Domain.meshed(mesh_file((1.0, 0.5, 0.5), (2, 2, 2))),
        entities={"water": sc.Fluid(viscosity=0.1), "dye": sc.Tracer(diffusivity=0.05, initial=0.1)},
        boundary=sc.Boundary(tags=tags, default=sc.Slip()),
        method=STEADY,
        time=sc.Time(end=1.0),
    )
    _, state, _ = ended(scene)
    torch.testing.assert_close(state.tracers, torch.full_like(state.tracers, 0.8), atol=1e-10, rtol=0)

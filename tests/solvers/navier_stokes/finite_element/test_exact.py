"""Solutions that are known: exact where they are polynomials of degree two, of their order elsewhere."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.sides import Source
from scenegrad.solvers.navier_stokes.finite_element.space import Space

Maker = Callable[..., str]
STEADY = sc.FiniteElement(time="steady")


LID = sc.Boundary(tags={"y_hi": sc.NoSlip(velocity=(1.0, 0.0))}, default=sc.NoSlip())


def scene(mesh: str, entity: sc.Entity, boundary: sc.Boundary, **more: object) -> sc.Scene:
    return sc.Scene(
        name="test",
        domain=sc.Domain.meshed(mesh),
        entities={"it": entity},
        boundary=boundary,
        **{"time": sc.Time(end=1.0), **more},
    )


def ended(one: sc.Scene):
    solver, state, params = compile_scene(one, "cpu", "float64")
    return solver, rollout(solver, state, params).state, params


def norm(space: Space, error: torch.Tensor) -> float:
    """In the mean square, of something at nodes [1, node, ...]."""
    shape, at = space.shape(space.vertices[None]), space.element
    inside = torch.einsum("qa,xea...->xeq...", at.value, space.gather(error))
    density = inside.square().flatten(3).sum(-1) if inside.ndim > 3 else inside.square()
    return float((density * shape.measure[:, :, None] * at.weights).sum().sqrt())


@pytest.mark.parametrize("dim", [2, 3])
def test_poiseuille_flow_is_exact(mesh_file: Maker, dim: int) -> None:
    """u = 4 s (1 - s) peak between plates; the pressure falls by 8 viscosity density peak / height^2 per length."""
    cells = (4, 3) if dim == 2 else (2, 2, 2)
    size = (2.0, 0.5) if dim == 2 else (1.0, 0.5, 1.0)
    peak, nu, rho = 0.7, 0.3, 2.0
    along = sc.UniformForcing((8 * nu * peak / size[1] ** 2,) + (0.0,) * (dim - 1))
    if dim == 2:
        fluid = sc.Fluid(viscosity=nu, density=rho)
        sides = {"x_lo": sc.Inflow(sc.Parabolic(peak)), "x_hi": sc.Outflow(pressure=5.0)}
    else:  # driven by a force between open ends and slippery sides
        fluid = sc.Fluid(viscosity=nu, density=rho, forcing=along)
        sides = {
            "x_lo": sc.Outflow(pressure=5.0),
            "x_hi": sc.Outflow(pressure=5.0),
            "z_lo": sc.Slip(),
            "z_hi": sc.Slip(),
        }
    solver, state, _ = ended(
        scene(mesh_file(size, cells), fluid, sc.Boundary(tags=sides, default=sc.NoSlip()), method=STEADY)
    )
    x = solver.space.places(state.vertices)[0]
    s = x[:, 1] / size[1]
    exact = torch.zeros_like(x)
    exact[:, 0] = 4 * s * (1 - s) * peak
    torch.testing.assert_close(state.velocity[0], exact, atol=1e-11, rtol=0)
    drop = 8 * nu * rho * peak / size[1] ** 2 * (size[0] - state.vertices[0, :, 0]) if dim == 2 else 0.0
    torch.testing.assert_close(state.pressure[0], 5.0 + drop + 0 * state.pressure[0], atol=1e-9, rtol=0)


def kovasznay(mesh: str) -> tuple[float, float]:
    """Errors of velocity and pressure behind a grid at the Reynolds number 40 [Kovasznay 1948]."""
    nu = 1 / 40
    one = scene(mesh, sc.Fluid(viscosity=nu), sc.Boundary(default=sc.NoSlip()), method=STEADY)
    solver, state, params = compile_scene(one, "cpu", "float64")
    x, y = solver.space.places(state.vertices)[0].T
    x = x - 0.5
    lam = 0.5 / nu - math.sqrt(0.25 / nu**2 + 4 * math.pi**2)
    grow = (lam * x).exp()
    exact = torch.stack([1 - grow * (2 * math.pi * y).cos(), lam / (2 * math.pi) * grow * (2 * math.pi * y).sin()], 1)
    pattern = torch.where(solver.sides.held, exact, 0.0)[None]
    solver = replace(solver, sides=replace(solver.sides, sources=(Source("it.density", 1.0, pattern),)))
    end = rollout(solver, state, params).state
    # the pressure at vertices, as a function of degree two so that its error can be measured
    p = -0.5 * (2 * lam * (state.vertices[0, :, 0] - 0.5)).exp()
    shape = solver.space.shape(state.vertices)
    weight = torch.zeros_like(p).index_add(0, solver.space.cells.flatten(), shape.measure[0].repeat_interleave(3))
    error = end.pressure[0] - p
    error = error - (error * weight).sum() / weight.sum()
    return norm(solver.space, end.velocity - exact[None]), float((error.square() * weight).sum().sqrt())


def test_steady_flow_has_order_three_and_its_pressure_order_two(mesh_file: Maker) -> None:
    errors = [kovasznay(mesh_file((1.5, 1.0), (3 * n // 2, n))) for n in (8, 16, 32)]
    orders = [[math.log2(a / b) for a, b in zip(*pair, strict=True)] for pair in pairwise(errors)]
    assert orders[-1][0] > 2.8, (orders, errors)
    assert orders[-1][1] > 1.8, (orders, errors)


def test_marching_has_order_two_in_time(mesh_file: Maker) -> None:
    """Under a lid that goes to and fro, differences of halved steps fall by four."""
    moving = sc.Boundary(
        tags={"y_hi": sc.NoSlip(velocity=(sc.Sine(amplitude=1.0, frequency=0.7), 0.0))}, default=sc.NoSlip()
    )
    mesh = mesh_file((1.0, 1.0), (4, 4))
    found = []
    for steps in (20, 40, 80):
        one = scene(mesh, sc.Fluid(viscosity=0.02), moving, time=sc.Time(end=1.0, dt=1.0 / steps))
        found.append(ended(one)[1].velocity)
    coarse, fine = float((found[0] - found[1]).norm()), float((found[1] - found[2]).norm())
    assert math.log2(coarse / fine) > 1.8, (coarse, fine)


def test_marching_settles_to_the_steady_flow(mesh_file: Maker) -> None:
    mesh, sides = mesh_file((1.0, 1.0), (6, 6)), LID
    fluid = sc.Fluid(viscosity=0.05)
    steady = ended(scene(mesh, fluid, sides, method=STEADY))[1]
    marched = ended(scene(mesh, fluid, sides, time=sc.Time(end=10.0)))[1]
    torch.testing.assert_close(marched.velocity, steady.velocity, atol=1e-8, rtol=0)
    torch.testing.assert_close(marched.pressure, steady.pressure, atol=1e-6, rtol=0)


def test_pressure_falls_through_layers_in_series(mesh_file: Maker) -> None:
    """Two layers of a porous medium conduct like their harmonic mean, however the elements lie in them."""
    sides = sc.Boundary(tags={"x_lo": sc.Outflow(pressure=3.0), "x_hi": sc.Outflow(pressure=1.0)}, default=sc.NoSlip())
    mesh = mesh_file((2.0, 1.0), (2, 1))  # elements end at x = 1
    solver, state, params = compile_scene(scene(mesh, sc.Darcy(), sides), "cpu", "float64")
    middle = state.vertices[0, solver.space.cells].mean(1)[:, 0]
    k = torch.where(middle < 1.0, 5.0, 1.0)[None].to(state.coefficient)
    end = rollout(solver, replace(state, coefficient=k), params).state
    x = solver.space.places(state.vertices)[0, :, 0]
    flux = 2.0 / (1.0 / 5.0 + 1.0 / 1.0)
    exact = torch.where(x < 1.0, 3.0 - flux / 5.0 * x, 1.0 + flux * (2.0 - x))
    torch.testing.assert_close(end.value[0], exact, atol=1e-12, rtol=0)
    torch.testing.assert_close(solver.flux(end)[0, :, 0], torch.full_like(k[0], flux), atol=1e-10, rtol=0)


def test_porous_pressure_has_order_three(mesh_file: Maker) -> None:
    """-laplace p + 2 p = 1 between plates: p = (1 - cosh(c (x - 1/2)) / cosh(c / 2)) / 2, c = sqrt 2."""
    errors = []
    for n in (4, 8):
        sides = sc.Boundary(tags={"x_lo": sc.Outflow(), "x_hi": sc.Outflow()}, default=sc.Slip())
        solver, end, _ = ended(scene(mesh_file((1.0, 1.0), (n, n)), sc.Darcy(source=1.0, reaction=2.0), sides))
        x = solver.space.places(end.vertices)[..., 0]
        c = math.sqrt(2.0)
        exact = 0.5 * (1 - (c * (x - 0.5)).cosh() / math.cosh(c / 2))
        errors.append(norm(solver.space, end.value - exact))
    assert math.log2(errors[0] / errors[1]) > 2.8, errors


def test_heat_fades_at_its_rate(mesh_file: Maker) -> None:
    """From 1 everywhere between walls at 0, the slowest wave is left: exp(-diffusivity pi^2 t)."""
    sides = sc.Boundary(tags={"x_lo": sc.NoSlip(it=0.0), "x_hi": sc.NoSlip(it=0.0)}, default=sc.NoSlip())
    heat = sc.Tracer(diffusivity=1.0, initial=1.0)
    mesh = mesh_file((1.0, 0.5), (8, 2))
    one, two = (ended(scene(mesh, heat, sides, time=sc.Time(end=t, dt=1e-3)))[1].value.mean() for t in (0.1, 0.2))
    assert math.log(float(one / two)) / 0.1 == pytest.approx(math.pi**2, rel=1e-3)


def test_heat_through_a_wall_is_what_was_let_in(mesh_file: Maker) -> None:
    sides = sc.Boundary(tags={"x_lo": sc.NoSlip(it=sc.Through(3.0))}, default=sc.NoSlip())
    solver, end, params = ended(
        scene(mesh_file((1.0, 0.5), (4, 2)), sc.Tracer(diffusivity=1.0), sides, time=sc.Time(end=2.0, dt=0.1))
    )
    assert float(solver.observe(end, params)["content"]) == pytest.approx(3.0 * 0.5 * 2.0, rel=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_uniform_tension_is_exact_on_any_mesh(mesh_file: Maker, dim: int) -> None:
    """The patch test: a bar between slippery planes that is pulled at its end has one stress everywhere."""
    size, cells = ((2.0, 1.0), (3, 3)) if dim == 2 else ((2.0, 1.0, 1.0), (2, 2, 2))
    young, nu, pull = 10.0, 0.3, 0.5
    tags = {"x_lo": sc.Slip(), "y_lo": sc.Slip(), "x_hi": sc.Traction((pull, 0.0, 0.0)[:dim])}
    if dim == 3:
        tags["z_lo"] = sc.Slip()
    solid = sc.LinearElastic(youngs_modulus=young, poisson_ratio=nu)
    _, end, _ = ended(scene(mesh_file(size, cells), solid, sc.Boundary(tags=tags, default=sc.Traction())))
    x = torch.cat([end.vertices[0]])
    plane = 1 - nu**2 if dim == 2 else 1.0  # strain is plane in two dimensions
    across = nu * (1 + nu) if dim == 2 else nu
    exact = torch.stack([pull / young * plane * x[:, 0], *(-pull / young * across * x[:, a] for a in range(1, dim))], 1)
    torch.testing.assert_close(end.displacement[0, : len(x)], exact, atol=1e-12, rtol=0)


def test_cantilever_bends_like_a_beam(mesh_file: Maker) -> None:
    """Tip deflection F L^3 / 3 E' I + F L / k G A of a slender beam, E' = E / (1 - nu^2) [Timoshenko]."""
    length, height, young, nu, load = 10.0, 1.0, 1e4, 0.0, 1e-2  # without the squeeze at the wall, which beams ignore
    solid = sc.LinearElastic(youngs_modulus=young, poisson_ratio=nu)
    sides = sc.Boundary(tags={"x_lo": sc.Stick(), "x_hi": sc.Traction((0.0, load))}, default=sc.Traction())
    solver, end, _ = ended(scene(mesh_file((length, height), (20, 2)), solid, sides))
    x = solver.space.places(end.vertices)[0]
    tip = float(end.displacement[0, (x[:, 0] > length - 1e-9), 1].mean())
    stiff = young / (1 - nu**2) * height**3 / 12
    shear = 5 / 6 * young / (2 * (1 + nu)) * height
    assert tip == pytest.approx(load * (length**3 / (3 * stiff) + length / shear), rel=3e-3)


def test_a_body_under_its_weight_is_held_by_the_wall(mesh_file: Maker) -> None:
    """u_y = density g y (H - y / 2) / M, M = lambda + 2 mu, where it cannot widen."""
    solid = sc.LinearElastic(youngs_modulus=5.0, poisson_ratio=0.25, density=2.0)
    tags = {"y_lo": sc.Stick(), "x_lo": sc.Slip(), "x_hi": sc.Slip(), "y_hi": sc.Traction()}
    _, end, _ = ended(scene(mesh_file((1.0, 1.0), (2, 2)), solid, sc.Boundary(tags=tags), gravity=(0.0, -0.1)))
    modulus = 5.0 * 0.75 / (1.25 * 0.5)
    y = end.vertices[0, :, 1]
    torch.testing.assert_close(end.displacement[0, : len(y), 1], -0.2 * y * (1 - 0.5 * y) / modulus, atol=1e-13, rtol=0)


def test_members_do_not_know_of_each_other(mesh_file: Maker) -> None:
    mesh = mesh_file((1.0, 1.0), (4, 4))

    def lid(nu: float) -> sc.Scene:
        return scene(mesh, sc.Fluid(viscosity=nu), LID, method=STEADY)

    solver, state, params = compile_scene([lid(0.1), lid(0.01)], "cpu", "float64")
    both = rollout(solver, state, params).state
    for b, nu in enumerate((0.1, 0.01)):
        alone = tensors(ended(lid(nu))[1])
        for key, value in tensors(both).items():
            torch.testing.assert_close(value[b : b + 1], alone[key], atol=1e-12, rtol=0)


def test_files_of_other_formats_hold_the_same_mesh(mesh_file: Maker) -> None:
    """.vtu has numbers where .msh has names."""
    sides = {"x_lo": sc.Inflow(1.0), "x_hi": sc.Outflow(pressure=2.0)}
    numbers = {"1": sides["x_lo"], "2": sides["x_hi"]}
    msh, vtu = (
        ended(scene(mesh_file((1.0, 1.0), (3, 3), suffix), sc.Darcy(), sc.Boundary(tags=tags, default=sc.Slip())))[1]
        for suffix, tags in ((".msh", sides), (".vtu", numbers))
    )
    assert np.allclose(msh.value, vtu.value, atol=1e-12)
    assert float(msh.value.max()) == pytest.approx(3.0)


def test_what_comes_in_leaves_in_space_too(mesh_file: Maker) -> None:
    """Through a duct of three dimensions, by the weights of facets, which are the test of the continuity equation."""
    sides = sc.Boundary(tags={"x_lo": sc.Inflow(sc.Parabolic(1.0)), "x_hi": sc.Outflow()}, default=sc.NoSlip())
    solver, end, _ = ended(scene(mesh_file((1.0, 1.0, 1.0), (2, 4, 4)), sc.Fluid(viscosity=0.1), sides, method=STEADY))
    weights = torch.tensor([0.0, 0.0, 0.0, 1 / 3, 1 / 3, 1 / 3], dtype=torch.float64)
    through = []
    for tag in ("x_lo", "x_hi"):
        facets = solver.space.tags[tag]
        mean = torch.einsum("a,fac->fc", weights, end.velocity[0, facets.nodes])
        through.append(float((mean * solver.space.normals(facets, end.vertices)[0]).sum()))
    assert through[0] == pytest.approx(-4 / 9, rel=0.02)
    assert sum(through) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.gpu
def test_a_gpu_finds_what_the_host_finds(mesh_file: Maker) -> None:
    """The equations are made there and solved here, of which it warns."""
    one = scene(mesh_file((1.0, 1.0), (4, 4)), sc.Fluid(viscosity=0.05), LID, method=STEADY)
    with pytest.warns(UserWarning, match="on the host"):
        solver, state, params = compile_scene(one, "cuda:0", "float64")
    found = rollout(solver, state, params).state.velocity
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), ended(one)[1].velocity, atol=1e-10, rtol=0)

"""The viscosity of unresolved eddies, and bodies that come from files."""

import meshio
import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout

EDGE = 2 * np.pi
START = torch.zeros(1, dtype=torch.float64)


def eddies(compiled, scene):
    """Cells' middles and the viscosity of eddies there at the start [*cells], with the constant it comes from."""
    solver, state, params = compiled(scene)
    physics = solver.stepper.physics
    constant = params["air.turbulence.constant"]
    known = physics.sides.at(params, START)
    grown = physics.eddies.viscosity(state.velocity, constant.view(-1, *[1] * solver.grid.dim), known)
    return solver.grid.positions(None), grown, constant


def test_eddy_viscosity_is_that_of_smagorinsky_in_plain_shear(compiled):
    """Between plates one of which moves, u = 3 y: (C_s width)^2 |S|, |S| = 3, also in the cells beside them."""
    rising = torch.linspace(0, 3, 13)[:-1] + 1 / 8
    scene = sc.Scene(
        name="shear",
        domain=sc.Domain(size=(2.0, 1.0), cells=(8, 12), wrap=(True, False)),
        entities={"air": sc.Fluid(viscosity=0.1, turbulence=sc.Smagorinsky(sc.Parameter(0.2)))},
        boundary=sc.Boundary(x=sc.Periodic(), y_lo=sc.NoSlip(), y_hi=sc.NoSlip(velocity=(3.0, 0.0))),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compiled(scene)
    physics, constant = solver.stepper.physics, params["air.turbulence.constant"]
    flow = [rising.double().expand_as(state.u), state.v]
    grown = physics.eddies.viscosity(flow, constant.view(-1, 1, 1), physics.sides.at(params, START))
    width = (0.25 / 12) ** 0.5
    assert grown.detach() == pytest.approx(torch.full_like(grown.detach(), (0.2 * width) ** 2 * 3.0))
    slope = torch.autograd.grad(grown.mean(), constant)[0]
    assert float(slope) == pytest.approx(2 * 0.2 * width**2 * 3.0)


@pytest.mark.parametrize("dim", [2, 3])
def test_eddy_viscosity_follows_the_strain_of_vortices(compiled, dim):
    """Taylor-Green: |S|^2 = 4 sin^2 x sin^2 y in the plane; in space 2 S:S of its closed form; of second order."""
    errors = []
    for n in (12, 24):
        start = {"vorticity": sc.TaylorGreen()} if dim == 2 else {"velocity": sc.TaylorGreen()}
        scene = sc.Scene(
            name="vortices",
            domain=sc.Domain.periodic(size=(EDGE,) * dim, cells=(n,) * dim),
            entities={"air": sc.Fluid(viscosity=0.1, turbulence=sc.Smagorinsky(0.17), **start)},
            method=sc.Staggered(),
            time=sc.Time(end=1.0),
        )
        x, grown, _ = eddies(compiled, scene)
        if dim == 2:
            size = 2.0 * (x[0].sin() * x[1].sin()).abs()
        else:  # u = (s c c, -c s c, 0): S_xx = -S_yy = c c c, S_xz = -s c s / 2, S_yz = c s s / 2
            (s, c) = zip(*((y.sin(), y.cos()) for y in x), strict=True)
            squares = 4 * (c[0] * c[1] * c[2]) ** 2 + (s[0] * c[1] * s[2]) ** 2 + (c[0] * s[1] * s[2]) ** 2
            size = squares.sqrt()
        exact = (0.17 * EDGE / n) ** 2 * size
        errors.append(float((grown[0] - exact).square().mean().sqrt() / exact.square().mean().sqrt()))
    assert errors[1] < 0.02
    assert errors[0] / errors[1] > 3.4, errors


def test_a_body_from_a_surface_file_is_that_of_its_shape(compiled, tmp_path):
    """A ball of triangles, scaled and moved, against the sphere: what it covers, and what the flow does to it."""
    rings, around = 20, 40
    polar = np.linspace(0.0, np.pi, rings + 1)[1:-1, None]
    turn = np.linspace(0.0, 2 * np.pi, around, endpoint=False)
    belts = [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn]
    corners = np.vstack([np.stack(belts, axis=-1).reshape(-1, 3), [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)]])
    top, bottom, last = len(corners) - 2, len(corners) - 1, (rings - 2) * around
    triangles = []
    for j in range(around):
        k = (j + 1) % around
        triangles += [(top, j, k), (bottom, last + k, last + j)]
        for r in range(0, last, around):
            triangles += [(r + j, r + around + j, r + around + k), (r + j, r + around + k, r + k)]
    meshio.Mesh(corners, [("triangle", np.array(triangles))]).write(tmp_path / "ball.ply")

    def scene(shape: object) -> sc.Scene:
        return sc.Scene(
            name="body",
            domain=sc.Domain(size=(1.5, 1.0, 1.0), cells=(24, 16, 16)),
            entities={"water": sc.Fluid(viscosity=0.05, velocity=(1.0, 0.0, 0.0)), "body": sc.Obstacle(shape)},
            boundary=sc.Boundary(default=sc.Slip(), x_lo=sc.Inflow(1.0), x_hi=sc.Outflow()),
            outputs={"force": sc.Force("body", every=0.012)},
            time=sc.Time(end=0.012, dt=0.004),
        )

    center = (0.73, 0.52, 0.49)
    mesh = sc.Mesh(str(tmp_path / "ball.ply"), scale=0.25, center=center)
    found = []
    for shape in (mesh, sc.Sphere(center=center, radius=0.25)):
        solver, state, params = compiled(scene(shape))
        with torch.no_grad():
            found.append((solver, rollout(solver, state, params), solver.stepper.solid(params, START)))
    volumes = [float((1.0 - solid.components[0].share).sum()) * solver.grid.volume for solver, _, solid in found]
    assert volumes[0] == pytest.approx(4 / 3 * np.pi * 0.25**3, rel=0.03)
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05)
    drags = [run.outputs["force"]["force"][:, -1, 0] for _, run, _ in found]
    assert float(drags[1].abs().min()) > 1e-3
    assert drags[0].flatten().tolist() == pytest.approx(drags[1].flatten().tolist(), rel=0.05)

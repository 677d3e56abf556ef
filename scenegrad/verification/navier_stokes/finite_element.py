"""Cases of finite elements: what quadratic functions hold exactly, and the cylinder of Schaefer and Turek."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import torch
from torch import Tensor

from scenegrad import scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.compile import compile_finite_element
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative

__all__ = ["CASES"]

FAMILY = "navier-stokes"
DIAMETER, MEAN = 0.1, 2 / 3  # of the cylinder [m]; of a parabola, by its peak


def rectangle(size: tuple[float, float], cells: tuple[int, int]) -> meshio.Mesh:
    """A lattice of triangles whose inner vertices are moved about, with the tags of the sides of a box."""
    rng, (nx, ny) = np.random.default_rng(0), cells
    x = np.stack(np.meshgrid(np.arange(nx + 1) / nx, np.arange(ny + 1) / ny, indexing="ij"), axis=-1)
    x[1:-1, 1:-1] += 0.3 * (rng.random((nx - 1, ny - 1, 2)) - 0.5) / np.array(cells)
    n = np.arange((nx + 1) * (ny + 1)).reshape(nx + 1, ny + 1)
    a, b, c, d = n[:-1, :-1].ravel(), n[1:, :-1].ravel(), n[1:, 1:].ravel(), n[:-1, 1:].ravel()
    sides = {"x_lo": n[0], "x_hi": n[-1], "y_lo": n[:, 0], "y_hi": n[:, -1]}
    lines = [np.stack([row[:-1], row[1:]], axis=1) for row in sides.values()]
    tags = np.repeat(np.arange(1, 5), [len(row) for row in lines])
    cells_of = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    data = [tags, np.full(len(cells_of), 9)]
    return meshio.Mesh(
        np.pad(x.reshape(-1, 2) * np.array(size), ((0, 0), (0, 1))),
        [("line", np.concatenate(lines)), ("triangle", cells_of)],
        cell_data={"gmsh:physical": data, "gmsh:geometrical": data},
        field_data={name: np.array([k, 1]) for k, name in enumerate(sides, start=1)},
    )


def ended(
    size: tuple[float, float], cells: tuple[int, int], entity: sc.Entity, boundary: sc.Boundary, setting: Setting
) -> tuple[Space, dict[str, Tensor]]:
    """The steady state: fields at nodes, and where they are."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.msh"
        meshio.write(path, rectangle(size, cells), file_format="gmsh22", binary=True)
        names = {sc.Fluid: ("velocity", "pressure"), sc.Darcy: ("pressure",), sc.LinearElastic: ("displacement",)}
        scene = sc.Scene(
            name="exact",
            domain=sc.Domain.meshed(str(path)),
            entities={"it": entity},
            boundary=boundary,
            method=sc.FiniteElement(time="steady"),
            outputs={"fields": sc.Fields(*names[type(entity)], every=1.0)},
            time=sc.Time(end=1.0),
        )
        solver: Any
        solver, state, params = compile_finite_element([scene], setting.device, getattr(torch, setting.dtype))
    fields = rollout(solver, state, params).outputs["fields"]
    return solver.space, {name: value[0, -1].double().cpu() for name, value in fields.items()}


def poiseuille(setting: Setting) -> Iterator[Finding]:
    nu, rho, peak, length = 0.3, 2.0, 0.7, 2.0
    sides = sc.Boundary(tags={"x_lo": sc.Inflow(sc.Parabolic(peak)), "x_hi": sc.Outflow()}, default=sc.NoSlip())
    _, seen = ended((length, 1.0), (6, 4), sc.Fluid(viscosity=nu, density=rho), sides, setting)
    x, y = seen["position"].T
    limit = 1e4 * setting.rounding
    error = (seen["velocity"][:, 0] - 4 * y * (1 - y) * peak).abs().max()
    yield at_most("largest error of the velocity", float(error), limit, "m/s")
    error = (seen["pressure"] - 8 * nu * rho * peak * (length - x)).abs().max()
    yield at_most("largest error of the pressure", float(error), 10 * limit, "Pa")


def patch(setting: Setting) -> Iterator[Finding]:
    young, nu, pull = 10.0, 0.3, 0.5
    tags = {"x_lo": sc.Slip(), "y_lo": sc.Slip(), "x_hi": sc.Traction((pull, 0.0))}
    solid = sc.LinearElastic(youngs_modulus=young, poisson_ratio=nu)
    _, seen = ended((2.0, 1.0), (4, 3), solid, sc.Boundary(tags=tags, default=sc.Traction()), setting)
    scale = pull / young * (1 + nu) * torch.tensor([1 - nu, -nu], dtype=torch.float64)
    error = seen["displacement"] - scale * seen["position"]
    yield at_most("largest error of the displacement", float(error.abs().max()), 1e4 * setting.rounding, "m")


def beam(setting: Setting) -> Iterator[Finding]:
    length, young, load = 10.0, 1e4, 1e-2
    sides = sc.Boundary(tags={"x_lo": sc.Stick(), "x_hi": sc.Traction((0.0, load))}, default=sc.Traction())
    solid = sc.LinearElastic(youngs_modulus=young, poisson_ratio=0.0)
    _, seen = ended((length, 1.0), (20, 2), solid, sides, setting)
    tip = float(seen["displacement"][seen["position"][:, 0] > length - 1e-6, 1].mean())
    yield relative("deflection of the tip", load * (4 * length**3 + 2.4 * length) / young, tip, 3e-3, "m")


def porous(setting: Setting) -> Iterator[Finding]:
    errors, c = [], math.sqrt(2.0)
    for n in (4, 8):
        sides = sc.Boundary(tags={"x_lo": sc.Outflow(), "x_hi": sc.Outflow()}, default=sc.Slip())
        space, seen = ended((1.0, 1.0), (n, n), sc.Darcy(source=1.0, reaction=2.0), sides, setting)
        x = seen["position"][:, 0]
        error = seen["pressure"] - 0.5 * (1 - (c * (x - 0.5)).cosh() / math.cosh(c / 2))
        at, shape = space.element, space.shape(space.vertices[None])
        inside = torch.einsum("qa,ea->eq", at.value.cpu(), error[space.nodes.cpu()])
        errors.append(float((inside.square() * at.weights.cpu() * shape.measure[0].cpu()[:, None]).sum().sqrt()))
    yield at_least("order of the pressure, 4 to 8 elements across", 2.8, math.log2(errors[0] / errors[1]))


def coefficients(force: Tensor, peak: float) -> Tensor:
    """Of drag and lift: 2 F / (density U^2 D) with the mean speed U."""
    return 2.0 * force.double().cpu() / ((MEAN * peak) ** 2 * DIAMETER)


def pressure_at(seen: dict[str, Tensor], frame: int, x: float, y: float) -> Tensor:
    place = seen["position"][0, frame].double().cpu() - torch.tensor([x, y], dtype=torch.float64)
    return seen["pressure"][0, frame, place.norm(dim=1).argmin()].double().cpu()


def steady_cylinder(setting: Setting) -> Iterator[Finding]:
    solver, state, params = compile_scene(library.cylinder_channel(), setting.device, setting.dtype)
    outputs = rollout(solver, state, params).outputs
    drag, lift = coefficients(outputs["force"]["force"][0, -1], 0.3).tolist()
    yield absolute("drag coefficient", 5.57953523384, drag, 0.0095)  # within 5.57 to 5.59
    yield absolute("lift coefficient", 0.010618948146, lift, 2e-4)
    drop = pressure_at(outputs["fields"], -1, 0.15, 0.2) - pressure_at(outputs["fields"], -1, 0.25, 0.2)
    yield absolute("pressure before less behind", 0.11752016697, float(drop), 8e-5, "Pa")


def vortex_street(setting: Setting) -> Iterator[Finding]:
    scene = library.cylinder_channel(peak=1.5, steady=False, end=5.0)
    scene = scene.model_copy(update={"outputs": {"force": sc.Force("boundary.tags.cylinder", every=0.01)}})
    solver, state, params = compile_scene(scene, setting.device, setting.dtype)
    with torch.no_grad():
        force = rollout(solver, state, params).outputs["force"]["force"][0]
    drag, lift = coefficients(force[-100:], 1.5).numpy().T
    rising = np.flatnonzero((lift[:-1] < 0) & (lift[1:] >= 0))
    cross = rising - lift[rising] / (lift[rising + 1] - lift[rising])
    period = 0.01 * float(np.diff(cross).mean())
    yield absolute("Strouhal number", 0.300, DIAMETER / (MEAN * 1.5 * period), 0.005)
    yield relative("largest drag coefficient", 3.23, float(drag.max()), 0.03)
    yield relative("largest lift coefficient", 1.0, float(lift.max()), 0.03)


BENCHMARK = "Schaefer & Turek 1996, Notes Numer. Fluid Mech. 52, 547-566"
CASES = (
    Case("mesh_poiseuille", FAMILY, "a parabola", "exact", poiseuille),
    Case("mesh_patch_test", FAMILY, "uniform tension in plane strain", "exact", patch),
    Case("mesh_cantilever", FAMILY, "F L^3 / 3 E I + F L / k G A", "Timoshenko 1921", beam),
    Case("mesh_porous", FAMILY, "hyperbolic cosine, P2 elements", "exact", porous),
    Case(
        "mesh_cylinder_2d1",
        FAMILY,
        "5.57953, 0.0106189, 0.1175202 at Re 20",
        f"{BENCHMARK}; Nabh 1998",
        steady_cylinder,
    ),
    Case("mesh_cylinder_2d2", FAMILY, "ranges of the benchmark at Re 100", BENCHMARK, vortex_street, quick=False),
)

"""Cases of finite elements: orders against solutions in closed form, and a fluid that heat lifts."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import torch
from torch import Tensor

from scenegrad import scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.sides import Source
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.verification.case import Case, Finding, Setting, at_least, relative
from scenegrad.verification.navier_stokes.finite_element import rectangle

__all__ = ["CASES"]

FAMILY = "navier-stokes"
PI = math.pi
Exact = Callable[[Tensor, Tensor], Tensor]  # of x and y


def held_at(exact: Exact, scene: sc.Scene, cells: int, setting: Setting, known: str) -> tuple[Any, Any, Space]:
    """The end of a scene on a mesh of (0, 1) x (0, 1) whose sides hold an exact solution, that, and the space.

    known: address of a number of 1, which the values of the sides are multiplied with.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.msh"
        meshio.write(path, rectangle((1.0, 1.0), (cells, cells)), file_format="gmsh22", binary=True)
        one = scene.model_copy(update={"domain": sc.Domain.meshed(str(path))})
        solver: Any
        solver, state, params = compile_scene(one, setting.device, setting.dtype)
    x, y = solver.space.places(solver.space.vertices[None])[0].T
    pattern = torch.where(solver.sides.held, exact(x, y), 0.0)[None]
    solver = replace(solver, sides=replace(solver.sides, sources=(Source(known, 1.0, pattern),)))
    with torch.no_grad():
        return rollout(solver, state, params).state, exact(x, y), solver.space


def size(space: Space, error: Tensor) -> float:
    """In the mean square, of something at nodes [node, component]."""
    shape, at = space.shape(space.vertices[None]), space.element
    inside = torch.einsum("qa,eac->eqc", at.value, error[space.nodes])
    return float((inside.square().sum(-1) * shape.measure[0, :, None] * at.weights).sum().sqrt())


def size_of_pressure(space: Space, error: Tensor) -> float:
    """In the mean square, of something at vertices [vertex] that is known up to a constant."""
    measure = space.shape(space.vertices[None]).measure[0]
    weight = torch.zeros_like(error).index_add(0, space.cells.flatten(), measure.repeat_interleave(3))
    error = error - (error * weight).sum() / weight.sum()
    return float((error.square() * weight).sum().sqrt())


def orders(quantity: str, least: float, errors: Sequence[float]) -> Finding:
    return at_least(f"order of the {quantity}, elements halved", least, math.log2(errors[-2] / errors[-1]))


def flow(fluid: sc.Fluid, inertia: bool) -> sc.Scene:
    return sc.Scene(
        name="orders",
        domain=sc.Domain(size=(1.0, 1.0), cells=(1, 1)),
        entities={"it": fluid},
        boundary=sc.Boundary(default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady", inertia=inertia),
        time=sc.Time(end=1.0),
    )


def kovasznay(setting: Setting) -> Iterator[Finding]:
    lam = 20.0 - math.sqrt(400.0 + 4 * PI**2)

    def exact(x: Tensor, y: Tensor) -> Tensor:
        grow = (lam * (x - 0.5)).exp()
        return torch.stack([1 - grow * (2 * PI * y).cos(), lam / (2 * PI) * grow * (2 * PI * y).sin()], dim=1)

    yield from flow_orders(exact, lambda x, y: -0.5 * (2 * lam * (x - 0.5)).exp(), 1 / 40, True, setting)


def stokes(setting: Setting) -> Iterator[Finding]:
    """Of the stream function y exp(y) sin x."""

    def exact(x: Tensor, y: Tensor) -> Tensor:
        return y.exp()[:, None] * torch.stack([(1 + y) * x.sin(), -y * x.cos()], dim=1)

    yield from flow_orders(exact, lambda x, y: -2 * 0.7 * y.exp() * x.cos(), 0.7, False, setting)


def flow_orders(exact: Exact, pressure: Exact, nu: float, inertia: bool, setting: Setting) -> Iterator[Finding]:
    errors = []
    for cells in (8, 16) if not inertia else (12, 24):
        scene = flow(sc.Fluid(viscosity=nu), inertia)
        state, given, space = held_at(exact, scene, cells, setting, "it.density")
        p = pressure(*space.vertices.T)
        errors.append(
            (
                size(space, state.velocity[0].double() - given),
                size_of_pressure(space, state.pressure[0].double() - p),
            )
        )
    yield orders("velocity", 2.8, [u for u, _ in errors])
    yield orders("pressure", 1.9, [p for _, p in errors])


def elastic(setting: Setting) -> Iterator[Finding]:
    """The gradient of exp(pi x) sin(pi y) / pi, which changes no volume and needs no force inside."""

    def exact(x: Tensor, y: Tensor) -> Tensor:
        return (PI * x).exp()[:, None] * torch.stack([(PI * y).sin(), (PI * y).cos()], dim=1)

    errors = []
    for cells in (8, 16):
        scene = flow(sc.Fluid(viscosity=1.0), False).model_copy(
            update={
                "entities": {"it": sc.LinearElastic(youngs_modulus=1.0, poisson_ratio=0.3, density=1.0)},
                "boundary": sc.Boundary(default=sc.Stick()),
                "method": None,
            }
        )
        state, given, space = held_at(exact, scene, cells, setting, "it.density")
        errors.append(size(space, state.displacement[0].double() - given))
    yield orders("displacement", 2.8, errors)


def carried(setting: Setting) -> Iterator[Finding]:
    """Heat that a uniform wind blows against a wall: (exp(x / d) - 1) / (exp(1 / d) - 1)."""
    errors, d = [], 0.2
    for cells in (8, 16):
        x, c, space = ended(cells, sc.Tracer(diffusivity=d), sc.Fluid(viscosity=1.0), setting)
        exact = (((x - 1) / d).exp() - math.exp(-1 / d)) / (1 - math.exp(-1 / d))
        errors.append(size(space, (c - exact)[:, None]))
    yield orders("tracer", 2.7, errors)


def ended(cells: int, heat: sc.Tracer, fluid: sc.Fluid, setting: Setting) -> tuple[Tensor, Tensor, Space]:
    tags = {"x_lo": sc.Inflow((1.0, 0.0), heat=0.0), "x_hi": sc.NoSlip(velocity=(1.0, 0.0), carried={"heat": 1.0})}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.msh"
        meshio.write(path, rectangle((1.0, 1.0), (cells, cells)), file_format="gmsh22", binary=True)
        scene = flow(fluid, True).model_copy(
            update={
                "domain": sc.Domain.meshed(str(path)),
                "entities": {"air": fluid, "heat": heat},
                "boundary": sc.Boundary(tags=tags, default=sc.Slip()),
            }
        )
        solver: Any
        solver, state, params = compile_scene(scene, setting.device, setting.dtype)
    with torch.no_grad():
        end = rollout(solver, state, params).state
    return solver.space.places(solver.space.vertices[None])[0, :, 0], end.tracers[0, 0].double(), solver.space


NUSSELT = {1e3: 1.1178, 1e4: 2.2448, 1e5: 4.5216, 1e6: 8.8252}  # de Vahl Davis 1983; from 1e5 on Le Quere 1991


def cavity(numbers: Sequence[float], cells: int) -> Callable[[Setting], Iterator[Finding]]:
    """numbers: of Rayleigh, rising; each flow is sought from the one before."""

    def run(setting: Setting) -> Iterator[Finding]:
        before = None
        for rayleigh in numbers:
            conductivity = 1.0 / math.sqrt(0.71 * rayleigh)
            with tempfile.TemporaryDirectory() as folder:
                mesh = rectangle((1.0, 1.0), (cells, cells))
                x = mesh.points[:, :2]  # elements are a third as wide at the walls
                mesh.points[:, :2] = 0.7 * 0.5 * (1 - np.cos(PI * x)) + 0.3 * x
                meshio.write(Path(folder) / "mesh.msh", mesh, file_format="gmsh22", binary=True)
                scene = flow(sc.Fluid(viscosity=0.71 * conductivity), True).model_copy(
                    update={
                        "domain": sc.Domain.meshed(str(Path(folder) / "mesh.msh")),
                        "entities": {
                            "air": sc.Fluid(viscosity=0.71 * conductivity),
                            "heat": sc.Tracer(diffusivity=conductivity, initial=0.5, buoyancy=(0.0, 1.0)),
                        },
                        "boundary": sc.Boundary(
                            tags={"x_lo": sc.NoSlip(carried={"heat": 1.0}), "x_hi": sc.NoSlip(carried={"heat": 0.0})},
                            default=sc.NoSlip(),
                        ),
                        "outputs": {"heat": sc.Exchange(of="heat", through="boundary.tags.x_lo", every=1.0)},
                    }
                )
                solver, state, params = compile_scene(scene, setting.device, setting.dtype)
            if before is not None:
                state = replace(state, velocity=before.velocity, pressure=before.pressure, tracers=before.tracers)
            with torch.no_grad():
                roll = rollout(solver, state, params)
            before = roll.state
            if rayleigh in NUSSELT:
                found = float(roll.outputs["heat"][0, -1]) / conductivity
                yield relative(f"Nusselt number at Ra {rayleigh:g}", NUSSELT[rayleigh], found, 0.01)

    return run


CASES = (
    Case("mesh_kovasznay", FAMILY, "a wake behind a grid at Re 40", "Kovasznay 1948", kovasznay),
    Case("mesh_stokes", FAMILY, "stream function y exp(y) sin x", "exact", stokes),
    Case("mesh_elastic_order", FAMILY, "gradient of exp(pi x) sin(pi y) / pi", "exact", elastic),
    Case("mesh_carried_heat", FAMILY, "the layer of an exponential, SUPG", "exact", carried),
    Case(
        "mesh_heated_cavity",
        FAMILY,
        "Nusselt numbers of air",
        "de Vahl Davis 1983; Le Quere 1991",
        cavity((1e3, 1e4), 10),
    ),
    Case(
        "mesh_heated_cavity_1e6",
        FAMILY,
        "Nusselt numbers of air in boundary layers",
        "Le Quere 1991, Comput. Fluids 20, 29-41",
        cavity((1e4, 1e5, 3e5, 1e6), 24),
        quick=False,
    ),
)

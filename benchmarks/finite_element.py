"""Factors on the host against multigrid on the device, for the equations of meshes: iterations and times of a step.

python benchmarks/finite_element.py [--device cpu] [--dim 2] [--cells 16 32 64] [--repeats 3]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import meshio
import numpy as np
import torch

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene

Linear = sc.SparseLU | sc.Multigrid


def lattice(dim: int, cells: int) -> meshio.Mesh:
    """A unit square or cube of simplices whose inner vertices are moved about; tags x_lo and x_hi."""
    axis = np.linspace(0.0, 1.0, cells + 1)
    x = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1)
    inner = (slice(1, -1),) * dim
    x[inner] += 0.25 / cells * (np.random.default_rng(0).random(x[inner].shape) - 0.5)
    number = np.arange((cells + 1) ** dim).reshape((cells + 1,) * dim)
    cut = (
        [(0, 2, 3), (0, 3, 1)]
        if dim == 2
        else [(0, 4, 6, 7), (0, 6, 2, 7), (0, 2, 3, 7), (0, 3, 1, 7), (0, 1, 5, 7), (0, 5, 4, 7)]
    )
    offsets = np.stack(np.unravel_index(np.arange(2**dim), (2,) * dim), axis=1)
    corners = [number[tuple(slice(c, c + cells) for c in offset)].ravel() for offset in offsets]
    simplices = np.concatenate([np.stack([corners[c] for c in row], axis=1) for row in cut])
    faces = np.sort(np.concatenate([np.delete(simplices, k, axis=1) for k in range(dim + 1)]), axis=1)
    faces, count = np.unique(faces, axis=0, return_counts=True)
    faces = faces[count == 1]
    place = x.reshape(-1, dim)[faces]
    tags = np.where((place[:, :, 0] == 0).all(1), 1, np.where((place[:, :, 0] == 1).all(1), 2, 3))
    names = ("triangle", "line") if dim == 2 else ("tetra", "triangle")
    data = [tags, np.full(len(simplices), 9)]
    return meshio.Mesh(
        np.pad(x.reshape(-1, dim), ((0, 0), (0, 3 - dim))),
        [(names[1], faces), (names[0], simplices)],
        cell_data={"gmsh:physical": data, "gmsh:geometrical": data},
        field_data={name: np.array([k, dim - 1]) for k, name in ((1, "x_lo"), (2, "x_hi"), (3, "rest"))},
    )


def scene(kind: str, path: str, dim: int, linear: Linear) -> sc.Scene:
    nothing: dict[str, Any] = {"it": 0.0}
    cold = sc.NoSlip(**nothing)
    through = {"x_lo": sc.Outflow(pressure=1.0), "x_hi": sc.Outflow()}
    given: dict[str, tuple[dict[str, Any], sc.Boundary, dict[str, Any]]] = {
        "Darcy": ({"it": sc.Darcy(permeability=1.0, source=1.0)}, sc.Boundary(tags=through, default=sc.Slip()), {}),
        "heat": (
            {"it": sc.Tracer(diffusivity=1.0, initial=1.0)},
            sc.Boundary(tags={"x_lo": cold}, default=sc.NoSlip()),
            {},
        ),
        "elasticity": (
            {"it": sc.LinearElastic(youngs_modulus=1.0, poisson_ratio=0.3)},
            sc.Boundary(
                tags={"x_lo": sc.Stick(), "x_hi": sc.Traction((0.0, *[0.1] * (dim - 1)))}, default=sc.Traction()
            ),
            {},
        ),
        "Stokes": (
            {"it": sc.Fluid(viscosity=1.0)},
            sc.Boundary(tags=through, default=sc.NoSlip()),
            {"time": "steady", "inertia": False},
        ),
        "Navier-Stokes, BDF2": (
            {"it": sc.Fluid(viscosity=1e-2)},
            sc.Boundary(tags=through, default=sc.NoSlip()),
            {"time": "bdf2"},
        ),
    }
    entities, boundary, method = given[kind]
    field = {"Darcy": "pressure", "heat": "it", "elasticity": "displacement"}.get(kind, "velocity")
    return sc.Scene(
        name="measured",
        domain=sc.Domain.meshed(path),
        entities=entities,
        boundary=boundary,
        method=sc.FiniteElement(linear=linear, **method),
        outputs={"it": sc.Fields(field, every=1.0)},
        time=sc.Time(end=1.0, dt=0.01) if kind in ("heat", "Navier-Stokes, BDF2") else sc.Time(end=1.0),
    )


def measured(kind: str, path: str, dim: int, linear: Linear, device: str, repeats: int) -> tuple[str, float]:
    """What was worked on, and the median time of a step with a matrix that is new [ms]."""
    solver: Any
    solver, state, params = compile_scene(scene(kind, path, dim, linear), device, "float64")
    times: list[float] = []
    clock = torch.zeros(1, dtype=torch.float64)
    for n in range(repeats + 1):
        dt = torch.full((1,), 0.01 * (1.0 + 1e-3 * n), dtype=torch.float64)
        getattr(solver.system.linear, "memory", {}).clear()
        wait(device)
        start = clock_of(device)
        with torch.no_grad():
            after = solver.step(state, params.detach(), clock, dt).state
        wait(device)
        times.append(1e3 * (clock_of(device) - start))
        if kind.startswith("Navier"):
            state, clock = after, clock + dt
    reports = getattr(solver.system.linear, "reports", ())
    turns = ", ".join(str(int(report.iterations.max())) for report in list(reports)[-1:])
    return f"{len(solver.system.held)} unknowns" + (f", {turns} iterations" if turns else ""), median(times[1:])


def clock_of(device: str) -> float:
    """Of the processor, which others may use too, or of the wall, where it waits for a GPU [s]."""
    return time.perf_counter() if device.startswith("cuda") else time.process_time()


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dim", type=int, default=2)
    parser.add_argument("--cells", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--largest", type=int, default=10**9, help="cells above which factors are left out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for cells in asked.cells:
            path = str(Path(folder) / f"{cells}.msh")
            meshio.write(path, lattice(asked.dim, cells), file_format="gmsh22", binary=True)
            for kind in ("Darcy", "heat", "elasticity", "Stokes", "Navier-Stokes, BDF2"):
                told, ours = measured(kind, path, asked.dim, sc.Multigrid(), asked.device, asked.repeats)
                factors = "left out"
                if cells <= asked.largest:
                    _, theirs = measured(kind, path, asked.dim, sc.SparseLU(), asked.device, asked.repeats)
                    factors = f"{theirs:.0f} ms"
                print(f"{kind}, {cells} cells: {told}, multigrid {ours:.0f} ms, factors {factors}", flush=True)


if __name__ == "__main__":
    main()

"""Elliptic equations: manufactured solutions, and numbers of iterations that do not depend on the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.state import with_tensors
from scenegrad.scenes import library
from scenegrad.scenes.domain import Boundary, Slip
from scenegrad.scenes.sides import Inflow, Outflow
from scenegrad.scenes.values import MaternField
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.axes import Axis, End
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient
from scenegrad.solvers.elliptic.darcy.fields import random_field
from scenegrad.solvers.elliptic.diffusion import face_counts
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.learned.bandit import TsallisBandit
from scenegrad.solvers.elliptic.learned.recycling import Recycling
from scenegrad.solvers.elliptic.multigrid import Cycles, Multigrid
from scenegrad.solvers.elliptic.relaxation import FixedOmega, Relaxation
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative

__all__ = ["CASES"]

FAMILY = "navier-stokes"
WAVES: dict[tuple[End, End], float] = {  # half waves between the ends
    ("neumann", "neumann"): 2.0,
    ("dirichlet", "dirichlet"): 1.0,
    ("neumann", "dirichlet"): 1.5,
    ("node", "node"): 1.0,
    ("periodic", "periodic"): 2.0,
}


def compiled(scenes: Any, setting: Setting) -> Any:
    return compile_scene(scenes, setting.device, setting.dtype)


def dtype(setting: Setting) -> torch.dtype:
    return torch.float32 if setting.dtype == "float32" else torch.float64


def wave(axis: Axis, setting: Setting) -> tuple[Tensor, float]:
    """One that meets the conditions at the ends, and its wavenumber."""
    k = math.pi * WAVES[axis.lo, axis.hi]
    offset = 1.0 if axis.lo == "node" else 0.5
    x = (torch.arange(axis.count, dtype=torch.float64) + offset) * axis.spacing
    values = torch.cos(k * x) if axis.lo == "neumann" else torch.sin(k * x)
    return values.to(setting.device, dtype(setting)), k


def fast_error(cells: int, ends: tuple[tuple[End, End], ...], setting: Setting) -> float:
    axes = tuple(Axis(cells - (one[0] == "node"), 1 / cells, *one) for one in ends)
    exact, rate = torch.ones((), device=setting.device, dtype=dtype(setting)), 1.0
    for axis in axes:
        values, k = wave(axis, setting)
        exact, rate = exact[..., None] * values, rate + k**2
    found = FastPoisson(axes, setting.device, dtype(setting)).solve(rate * exact[None], shift=1.0)[0]
    return float((found - exact).square().mean().sqrt())


def fast_transforms(setting: Setting) -> Iterator[Finding]:
    """x - laplace x = (1 + |k|^2) x, x a product of waves that meet the conditions at the ends."""
    for ends in WAVES:
        coarse, fine = (fast_error(cells, (ends, ("periodic", "periodic")), setting) for cells in (32, 64))
        yield at_least(f"order with ends {ends[0]} and {ends[1]}, 32 to 64 cells", 1.97, math.log2(coarse / fine))


def porous_error(cells: int, preconditioner: str, setting: Setting) -> float:
    """p = sin(pi x) sin(2 pi y) in a medium of permeability exp(x y)."""
    scene = library.darcy(cells=cells).replace({"method": {"kind": "elliptic", "preconditioner": preconditioner}})
    solver, state, params = compiled(scene, setting)
    x = ((torch.arange(cells, dtype=torch.float64) + 0.5) / cells)[:, None]
    y, a, c = x.T, math.pi, 2 * math.pi
    k = (x * y).exp()
    sx, cx, sy, cy = (a * x).sin(), (a * x).cos(), (c * y).sin(), (c * y).cos()
    source = k * ((a**2 + c**2) * sx * sy - y * a * cx * sy - x * c * sx * cy)
    state = with_tensors(state, {"permeability": k[None].to(state.source), "source": source[None].to(state.source)})
    return float((solver.solve(state, params).x[0].double().cpu() - sx * sy).square().mean().sqrt())


def variable_coefficients(setting: Setting) -> Iterator[Finding]:
    for preconditioner in ("fast", "multigrid"):
        coarse, fine = (porous_error(cells, preconditioner, setting) for cells in (32, 64))
        yield at_least(f"order with {preconditioner} preconditioner, 32 to 64 cells", 1.95, math.log2(coarse / fine))


def cylinder(cells: int, setting: Setting) -> tuple[tuple[Axis, ...], list[Tensor], Tensor]:
    c = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    outside = (((c[:, None] - 0.5) ** 2 + (c - 0.5) ** 2).sqrt() > 0.15).to(setting.device, dtype(setting))
    faces = [outside.new_ones(cells + 1, cells), outside.new_ones(cells, cells + 1)]
    faces[0][1:-1] = outside[1:] * outside[:-1]
    faces[1][:, 1:-1] = outside[:, 1:] * outside[:, :-1]
    noise = torch.randn(1, cells, cells, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axes = (Axis(cells, 1 / cells, "neumann", "neumann"),) * 2
    return axes, [face[None] for face in faces], noise.to(outside)


def iterations_with_a_cylinder(setting: Setting) -> Iterator[Finding]:
    for cells in (64, 256):
        axes, faces, b = cylinder(cells, setting)
        outcome = EllipticSolver.fast(axes, setting.device, dtype(setting), 1e-6).solve(b, faces)
        yield absolute(f"iterations to 1e-6 on {cells} x {cells} cells", 8, int(outcome.iterations), 1)


def iterations_in_a_porous_medium(setting: Setting) -> Iterator[Finding]:
    for cells in (64, 256):
        scenes = [library.fno_darcy(cells=cells, seed=seed) for seed in range(3)]
        scenes = [scene.replace({"method": {"kind": "elliptic", "tolerance": 1e-6}}) for scene in scenes]
        solver, state, params = compiled(scenes, setting)
        most = int(solver.solve(state, params).iterations.max())
        yield absolute(f"iterations to 1e-6 on {cells} x {cells} cells, the most of three media", 15, most, 2)


def factor(cells: int, setting: Setting) -> float:
    axes, faces, b = cylinder(cells, setting)
    outcome = EllipticSolver(axes, Cycles(Multigrid()), 1e-6).solve(b, faces)
    return float(outcome.residual) ** (1 / int(outcome.iterations))


def maze(cells: int, setting: Setting) -> tuple[tuple[Axis, ...], list[Tensor]]:
    """A box with three walls of no thickness."""
    axes = (Axis(cells, 1 / cells, "neumann", "neumann"),) * 2
    faces = [
        torch.ones(1, *face_counts(axes, n), dtype=dtype(setting), device=setting.device) for n in range(len(axes))
    ]
    gap = cells // 16
    faces[0][:, cells // 3, gap:] = 0.0
    faces[0][:, 2 * cells // 3, :-gap] = 0.0
    faces[1][:, cells // 3 + 1 : cells // 2, 3 * cells // 7] = 0.0
    return axes, faces


def multigrid(setting: Setting) -> Iterator[Finding]:
    for cells in (32, 128):
        yield at_most(
            f"residual after a V(2,2) cycle, of that before, {cells} x {cells} cells", factor(cells, setting), 0.2
        )
    axes, faces, b = cylinder(128, setting)
    outcome = EllipticSolver(axes, ConjugateGradient(Multigrid()), 1e-6).solve(b, faces)
    yield at_most("iterations to 1e-6 as a preconditioner, 128 x 128 cells", int(outcome.iterations), 7)
    scenes = [library.darcy(cells=32, dim=3, above=1e4, below=1.0, seed=seed) for seed in range(3)]
    solver, state, params = compiled(scenes, setting)
    given, b = solver.equation(state, params)
    outcome = EllipticSolver(solver.elliptic.axes, ConjugateGradient(Multigrid()), 1e-6).solve(b, given)
    name = "the same in space, contrast 10000, 32 x 32 x 32 cells, the most of three media"
    yield at_most(name, int(outcome.iterations.max()), 12)
    for cells in (64, 256):
        for contrast in (1e2, 1e4, 1e6):
            scene = library.darcy(cells=cells, above=contrast, below=1.0)
            solver, state, params = compiled(scene, setting)
            given, b = solver.equation(state, params)
            outcome = EllipticSolver(solver.elliptic.axes, ConjugateGradient(Multigrid()), 1e-6).solve(b, given)
            name = f"the same in a medium of contrast {contrast:g}, {cells} x {cells} cells"
            yield at_most(name, int(outcome.iterations), 9)
        axes, faces = maze(cells, setting)
        _, _, b = cylinder(cells, setting)
        outcome = EllipticSolver(axes, ConjugateGradient(Multigrid()), 1e-6).solve(b, faces)
        yield at_most(f"the same around thin walls, {cells} x {cells} cells", int(outcome.iterations), 9)


def conduction(setting: Setting) -> Iterator[Finding]:
    """A medium of equal parts of 12 and 3 conducts like their geometric mean; alone, the mean pressure is 0.03514."""
    scenes = [library.fno_darcy(cells=40, seed=seed) for seed in range(64)]
    solver, state, params = compiled(scenes, setting)
    yield relative("mean pressure over 64 media", 0.03514 / 6, float(solver.solve(state, params).x.mean()), 0.05, "Pa")


def relaxation(setting: Setting) -> Iterator[Finding]:
    members, axes = 64, (Axis(12, 1 / 12, "dirichlet", "dirichlet"),) * 2
    generator = torch.Generator().manual_seed(1)
    shift = (1.0 + 3.0 * torch.rand(members, dtype=torch.float64, generator=generator)).exp()
    b = torch.randn(members, 12, 12, dtype=torch.float64, generator=generator)
    faces = [torch.ones(members, *face_counts(axes, n), dtype=torch.float64) for n in range(2)]
    omegas = np.linspace(1.0, 1.9, 7)

    def spent(policy: FixedOmega | TsallisBandit, some: Tensor) -> float:
        given = [face[some] for face in faces]
        found = EllipticSolver(axes, Relaxation(policy), 1e-6).solve(b[some], given, shift[some])
        return float(found.iterations.double().mean())

    best = min(spent(FixedOmega(float(omega)), torch.arange(members)) for omega in omegas)
    bandit = TsallisBandit(omegas, patience=int(2.5 * best))
    blocks = [torch.arange(32 * n, 32 * n + 32) % members for n in range(96)]
    ours = sum(spent(bandit, block) for block in blocks) / len(blocks)
    yield Finding("mean iterations of a bandit over 3072 solves", best, ours, max(ours / best - 1.0, 0.0), 0.1)


def recycling(setting: Setting) -> Iterator[Finding]:
    cells, members = 24, 6
    axes = (Axis(cells, 1 / cells, "dirichlet", "dirichlet"),) * 2
    size = (cells, cells)
    speeds = [
        random_field(MaternField(alpha=3.0, tau=3.0, scale=3.0, seed=n), size, (1.0, 1.0)) for n in range(members)
    ]
    shift = -120.0 * (1.0 + torch.from_numpy(np.stack(speeds)))
    faces = [torch.ones(members, *face_counts(axes, n), dtype=torch.float64) for n in range(2)]
    b = torch.ones(members, *size, dtype=torch.float64)
    plain, recycled = (
        EllipticSolver(axes, iteration, 1e-6).solve(b, faces, shift)
        for iteration in (Recycling(kept=0, ordered=False), Recycling())
    )
    share = float(plain.iterations.sum()) / float(recycled.iterations.sum())
    yield at_least("iterations of GMRES(40) over those of recycled GMRES, 6 Helmholtz equations", 5.0, share)
    yield at_most("largest residual", float(recycled.residual.max()), 1e-6)
    through = Boundary(x_lo=Inflow(0.1), x_hi=Outflow(pressure=0.0), y=Slip())
    scenes = [library.darcy(cells=64, source=0.0, seed=n).replace({"boundary": through}) for n in range(members)]
    solver, state, params = compiled(scenes, setting)
    faces, b = solver.equation(state, params)
    plain, recycled = (
        EllipticSolver(solver.elliptic.axes, iteration, 1e-6).solve(b, faces)
        for iteration in (Recycling(kept=0, ordered=False), Recycling())
    )
    share = float(plain.iterations.sum()) / float(recycled.iterations.sum())
    yield at_least("the same for 6 porous media that water flows through, 64 x 64 cells", 5.0, share)


CASES = (
    Case("fast_transforms", FAMILY, "products of waves, for all kinds of ends", "exact", fast_transforms),
    Case("variable_coefficients", FAMILY, "a manufactured solution", "exact", variable_coefficients),
    Case(
        "iterations_cylinder",
        FAMILY,
        "8 iterations on any grid",
        "Concus & Golub 1973; plain conjugate gradients need 300 to 2000",
        iterations_with_a_cylinder,
    ),
    Case(
        "iterations_porous",
        FAMILY,
        "14 to 16 iterations on any grid at a contrast of 4",
        "Concus & Golub 1973; plain conjugate gradients need 200 to 1800",
        iterations_in_a_porous_medium,
    ),
    Case("multigrid", FAMILY, "a factor that is the same on every grid", "Trottenberg et al. 2001", multigrid),
    Case("porous_conduction", FAMILY, "k = sqrt(k1 k2)", "Dykhne 1971, Sov. Phys. JETP 32, 63-65", conduction),
    Case("bandit_relaxation", FAMILY, "the best fixed omega", "Khodak et al. 2024", relaxation, quick=False),
    Case(
        "recycled_gmres", FAMILY, "GMRES with restarts", "Parks et al. 2006; Wang et al. 2024", recycling, quick=False
    ),
)

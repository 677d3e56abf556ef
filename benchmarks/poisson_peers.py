"""Elliptic solves beside SciPy's sparse LU and conjugate gradients and, where it is installed, pyamg, turn by turn:
python benchmarks/poisson_peers.py [cells ...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import cg, splu

from scenegrad.scenes.library import darcy
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Fast
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion
from scenegrad.solvers.elliptic.iteration import Iteration
from scenegrad.solvers.elliptic.multigrid import Multigrid
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.solvers.shared.memory import keep_memory


def peers(cells: int, contrast: float) -> None:
    """Solves of one medium to 1e-6 in float64 on one core, in turns; medians, set-up included."""
    scene = darcy(cells=cells, above=contrast, below=1.0)
    solver, state, params = compile_scene(scene, "cpu", "float64")
    faces, b = solver.equation(state, params)
    axes, right = solver.elliptic.axes, b.flatten().numpy()
    matrix = assembled(diffusion(axes, faces)).tocsr()
    diagonal = sparse.diags_array(1.0 / matrix.diagonal())

    def ours(way: Iteration) -> Callable[[], tuple[np.ndarray, int]]:
        def run() -> tuple[np.ndarray, int]:
            outcome = EllipticSolver(axes, way, 1e-6).solve(b, faces)
            return outcome.x.flatten().numpy(), int(outcome.iterations)

        return run

    def conjugate() -> tuple[np.ndarray, int]:
        steps: list[int] = []
        x, _ = cg(matrix, right, rtol=1e-6, M=diagonal, maxiter=20000, callback=lambda _: steps.append(1))
        return x, len(steps)

    ways: dict[str, Callable[[], tuple[np.ndarray, int]]] = {
        "ours: fast transforms": ours(ConjugateGradient(Fast.on(axes, "cpu", torch.float64), 5000)),
        "ours: multigrid": ours(ConjugateGradient(Multigrid())),
        "SciPy's sparse LU": lambda: (splu(matrix.tocsc()).solve(right), 1),
    }
    if cells <= 256:
        ways["SciPy's conjugate gradients, diagonal"] = conjugate
    try:
        import pyamg
    except ImportError:
        print("  (pyamg is not installed here: pip install pyamg)")
    else:

        def amg(make: Callable[..., Any]) -> Callable[[], tuple[np.ndarray, int]]:
            def run() -> tuple[np.ndarray, int]:
                left: list[float] = []
                x = make(matrix).solve(right, tol=1e-6, accel="cg", residuals=left)
                return x, len(left) - 1

            return run

        ways["pyamg: smoothed aggregation, CG"] = amg(pyamg.smoothed_aggregation_solver)
        ways["pyamg: Ruge-Stueben, CG"] = amg(pyamg.ruge_stuben_solver)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(6):
        for name, way in ways.items():
            start = time.process_time()
            x, count = way()
            if turn:  # the first is for caches
                spent[name].append(1e3 * (time.process_time() - start))
            else:
                left = float(np.linalg.norm(right - matrix @ x) / np.linalg.norm(right))
                print(f"  {name:42s} {count:5d} iterations, residual {left:.1e}", flush=True)
    for name, times in spent.items():
        print(f"  contrast {contrast:g}: {name:46s} {float(np.median(times)):9.2f} ms", flush=True)


def assembled(operator: Diffusion) -> sparse.coo_array:
    """Of the only member, between walls."""
    number = np.arange(operator.diagonal.numel()).reshape(operator.diagonal.shape[1:])
    parts = [(number.ravel(), number.ravel(), operator.diagonal.numpy().ravel())]
    for dim, weight in enumerate(operator.weights):
        below, above = np.delete(number, -1, dim).ravel(), np.delete(number, 0, dim).ravel()
        inner = -weight[0].narrow(dim, 1, number.shape[dim] - 1).numpy().ravel()
        parts += [(below, above, inner), (above, below, inner)]
    rows, columns, values = (np.concatenate(one) for one in zip(*parts, strict=True))
    return sparse.coo_array((values, (rows, columns)), shape=(number.size, number.size))


if __name__ == "__main__":
    torch.set_num_threads(1)
    keep_memory()
    for cells in [int(word) for word in sys.argv[1:]] or [256, 512]:
        print(f"{cells} x {cells}", flush=True)
        for contrast in (4.0, 1e4):
            peers(cells, contrast)

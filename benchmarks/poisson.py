"""Speed of elliptic solves, beside SciPy's transforms, its sparse LU and, where it is installed, pyamg:
python benchmarks/poisson.py [cells ...] [--learned]

One member, Neumann sides unless told otherwise. --learned: also trains a cycle on grids of 16 to 64 cells (half a
minute) and counts its iterations on up to 1024.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from scipy import fft, sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from scenegrad.scenes.library import fno_darcy
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Fast, Jacobi
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.iteration import Iteration
from scenegrad.solvers.elliptic.learned.cycle import CycleNet, Learned
from scenegrad.solvers.elliptic.learned.training import train_cycle
from scenegrad.solvers.elliptic.multigrid import Cycles, Multigrid
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.solvers.shared.memory import keep_memory

WALLS = ("neumann", "neumann")


def best(run: Callable[[], object], device: str = "cpu", seconds: float = 1.5) -> float:
    """Shortest time of a call [ms]: of the processor on a CPU, where one thread works and neighbours would lengthen any
    other; on the clock of the wall with a GPU."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    run()
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(found) < 2:
        start = clock()
        for _ in range(4):
            run()
        found.append((clock() - start) / 4)
    return 1e3 * min(found)


def waiting(run: Callable[[], object], device: str) -> Callable[[], object]:
    def both() -> None:
        run()
        if device != "cpu":
            torch.cuda.synchronize()

    return both


def scipy_solve(cells: int) -> Callable[[np.ndarray], np.ndarray]:
    value = (4 * np.sin(np.pi * np.arange(cells) / (2 * cells)) ** 2) * cells**2
    table = value[:, None] + value
    table[0, 0] = np.inf

    def solve(b: np.ndarray) -> np.ndarray:
        waves = fft.dctn(b, norm="ortho")
        waves /= table.astype(b.dtype)
        return fft.idctn(waves, norm="ortho", overwrite_x=True)

    return solve


def constant(cells: int, dtype: torch.dtype, device: str) -> None:
    b = torch.randn(1, cells, cells, dtype=dtype, device=device)
    b -= b.mean()
    for name, ends in (("Neumann", WALLS), ("periodic", ("periodic", "periodic")), ("Dirichlet", ("dirichlet",) * 2)):
        solver = FastPoisson((Axis(cells, 1 / cells, *ends),) * 2, device, dtype)
        report(f"fast transforms, {name}", best(waiting(lambda s=solver: s.solve(b), device), device))
    if device == "cpu":
        peer, samples = scipy_solve(cells), b[0].numpy()
        report("SciPy's cosine transforms, Neumann", best(lambda: peer(samples)))


def porous(cells: int, dtype: torch.dtype, device: str) -> None:
    solver, state, params = compile_scene(fno_darcy(cells=cells), device, str(dtype).removeprefix("torch."))
    faces, b = solver.equation(state, params)
    axes = solver.elliptic.axes
    ways: dict[str, Iteration] = {
        "conjugate gradients with fast transforms": ConjugateGradient(Fast.on(axes, device, dtype)),
        "conjugate gradients with multigrid": ConjugateGradient(Multigrid()),
        "multigrid alone": Cycles(),
    }
    if cells <= 256:
        ways["conjugate gradients with the diagonal"] = ConjugateGradient(Jacobi(), 5000)
    for name, way in ways.items():
        one = EllipticSolver(axes, way, 1e-6)
        count = int(one.solve(b, faces).iterations)
        report(
            f"porous medium: {name}",
            best(waiting(lambda s=one: s.solve(b, faces), device), device),
            f"{count} iterations",
        )
    if dtype == torch.float64 and device == "cpu":
        matrix = assembled(diffusion(axes, faces))
        right = b.flatten().numpy()
        start = time.perf_counter()
        factors = splu(matrix.tocsc())
        begun = 1e3 * (time.perf_counter() - start)
        report("porous medium: SciPy's sparse LU", best(lambda: factors.solve(right)), f"+ {begun:.0f} ms to factorise")
        try:
            import pyamg
        except ImportError:
            return
        start = time.perf_counter()
        levels = pyamg.ruge_stuben_solver(matrix.tocsr())
        begun = 1e3 * (time.perf_counter() - start)
        spent = best(lambda: levels.solve(right, tol=1e-6, accel="cg"))
        report("porous medium: pyamg, Ruge-Stueben with CG", spent, f"+ {begun:.0f} ms to set up")


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


def report(name: str, milliseconds: float, note: str = "") -> None:
    print(f"  {name:58s} {milliseconds:9.2f} ms   {note}", flush=True)


def disk(cells: int, x: float, y: float, radius: float) -> tuple[tuple[Axis, ...], list[Tensor]]:
    """A box around a disk, faces open as far as they lie outside."""
    c, f = (torch.arange(cells) + 0.5) / cells, torch.arange(cells + 1) / cells

    def share(a: Tensor, b: Tensor) -> Tensor:
        return ((((a[:, None] - x) ** 2 + (b - y) ** 2).sqrt() - radius) * cells + 0.5).clamp(0, 1)[None]

    return (Axis(cells, 1 / cells, *WALLS),) * 2, [share(f, c), share(c, f)]


def media(cells: int, seeds: range) -> tuple[tuple[Axis, ...], list[Tensor]]:
    solver, state, params = compile_scene([fno_darcy(cells=cells, seed=seed) for seed in seeds], "cpu")
    return solver.elliptic.axes, list(solver.equation(state, params)[0])


def learned() -> None:
    """float32, residual 1e-5; the media and the cylinder it is asked for are none of those it has seen."""
    torch.manual_seed(0)
    net, rng = CycleNet(), np.random.default_rng(0)

    def operators(step: int) -> Diffusion:
        cells = (16, 32, 64)[step % 3]
        if step // 3 % 2:
            return diffusion(*media(cells, range(1000 + 4 * step, 1004 + 4 * step)))
        some = [disk(cells, *rng.uniform(0.25, 0.75, 2), rng.uniform(0.08, 0.25)) for _ in range(4)]
        return diffusion(some[0][0], [torch.cat(faces) for faces in zip(*(one[1] for one in some), strict=True)])

    def iterations(cells: int) -> tuple[int, int]:
        found = []
        for axes, faces in (media(cells, range(1)), disk(cells, 0.5, 0.5, 0.15)):
            x = torch.linspace(0, 3, cells)
            b = (x[:, None] * (0.4 + 5 / 3 * x)).sin()[None]
            outcome = EllipticSolver(axes, ConjugateGradient(Learned(net), 60), 1e-5).solve(b, faces)
            found.append(int(outcome.iterations))
        return found[0], found[1]

    before = {cells: iterations(cells) for cells in (64, 256)}
    start = time.perf_counter()
    losses = train_cycle(net, operators, steps=240)
    weights = sum(p.numel() for p in net.parameters())
    print(f"learned cycle, {weights} weights, {time.perf_counter() - start:.0f} s of training")
    print(f"  energy of an error that a cycle leaves: {losses[0]:.3g}, after training {np.mean(losses[-20:]):.2g}")
    print(f"  iterations before training (porous medium, cylinder): {before}")
    print(f"  after: { {cells: iterations(cells) for cells in (64, 128, 256, 512, 1024)} }")


if __name__ == "__main__":
    torch.set_num_threads(1)
    keep_memory()
    devices = ["cpu", *(["cuda:0"] if torch.cuda.is_available() else [])]
    for cells in [int(word) for word in sys.argv[1:] if word.isdigit()] or [256, 512]:
        for device in devices:
            for dtype in (torch.float32, torch.float64):
                print(f"{cells} x {cells}, {str(dtype).removeprefix('torch.')}, {device}", flush=True)
                constant(cells, dtype, device)
                porous(cells, dtype, device)
    if "--learned" in sys.argv:
        learned()

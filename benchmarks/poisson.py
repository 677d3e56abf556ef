"""Speed of elliptic solves, beside SciPy's transforms:
python benchmarks/poisson.py [cells ...] [--recycling] [--learned] [--porous]

One member, Neumann sides unless told otherwise. --recycling: also makes datasets with GMRES and with recycled GMRES.
--porous: also counts iterations in media of 12 and 3 by right side, sides and means at faces.
--learned: also trains a cycle on grids of 16 to 64 cells (half a minute) and counts its iterations on up to 1024.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import fft
from torch import Tensor

from scenegrad.generating import generate
from scenegrad.scenes.domain import Boundary, Slip
from scenegrad.scenes.library import darcy, fno_darcy
from scenegrad.scenes.methods import Elliptic
from scenegrad.scenes.porous import LogNormalField, TwoPhases
from scenegrad.scenes.sides import Inflow, Outflow
from scenegrad.scenes.values import MaternField, Uniform
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Fast, Jacobi
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.iteration import Found, Iteration
from scenegrad.solvers.elliptic.learned.cycle import CycleNet, Learned
from scenegrad.solvers.elliptic.learned.recycling import Recycling
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


MEANS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "harmonic": lambda a, b: 2.0 * a * b / (a + b),
    "arithmetic": lambda a, b: 0.5 * (a + b),
    "geometric": lambda a, b: (a * b).sqrt(),
}


def at_faces(k: Tensor, mean: str) -> list[Tensor]:
    """Of values in cells; those of the last cells on the sides."""
    found = []
    for axis in (1, 2):
        n = k.shape[axis]
        lower, upper = k.narrow(axis, 0, n - 1), k.narrow(axis, 1, n - 1)
        inner = MEANS[mean](lower, upper)
        found.append(torch.cat([k.narrow(axis, 0, 1), inner, k.narrow(axis, n - 1, 1)], dim=axis))
    return found


def porous_counts(cells: int) -> None:
    """Iterations to 1e-6 in three media."""
    scenes = [fno_darcy(cells=cells, seed=seed) for seed in range(3)]
    k = compile_scene(scenes, "cpu", "float64")[1].permeability.detach()
    wave = torch.cos(torch.pi * (torch.arange(cells, dtype=torch.float64) + 0.5) / cells)[:, None].expand_as(k)
    rough = torch.randn(k.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for ends, smooth in (("dirichlet", torch.ones_like(k)), ("neumann", wave)):
        axes = (Axis(cells, 1 / cells, ends, ends),) * 2
        way = EllipticSolver(axes, ConjugateGradient(Fast.on(axes, "cpu", torch.float64)), 1e-6)
        for name, b in (("smooth", smooth), ("random", rough - rough.mean((1, 2), keepdim=True))):
            counts = {mean: way.solve(b, at_faces(k, mean)).iterations.tolist() for mean in MEANS}
            print(f"{cells} x {cells}, {ends}, {name} right side: {counts}", flush=True)


def recycling(cells: int, members: int = 6) -> None:
    """Datasets of Darcy's and Helmholtz's equation, made with GMRES and with recycled GMRES."""
    phases = TwoPhases(MaternField(alpha=2.0, tau=3.0))
    through = Boundary(x_lo=Inflow(0.1), x_hi=Outflow(pressure=0.0), y=Slip())
    smooth = LogNormalField(MaternField(alpha=3.0, tau=3.0, scale=3.0))
    families = {
        "Darcy, flow through media of 12 and 3": {"boundary": through, "medium.permeability": phases},
        "Darcy, sources everywhere": {"medium.source": 1.0},
        "Helmholtz, k^2 = 115 to 125": {
            "medium.source": 1.0, "medium.permeability": smooth, "medium.reaction": Uniform(-125.0, -115.0)
        },
    }  # fmt: skip
    tally: list[int] = []
    run = Recycling.run

    def counted(self: Recycling, *given: Any) -> Found:
        found = run(self, *given)
        tally.append(int(found.iterations.sum()))
        return found

    Recycling.run = counted  # type: ignore[method-assign]
    for family, changes in families.items():
        size = cells // 2 if "Helmholtz" in family else cells  # where GMRES still arrives
        spent, counts = {}, {}
        for krylov in ("gmres", "recycled_gmres"):
            scene = darcy(cells=size, source=0.0).replace(
                {**changes, "method": Elliptic(krylov=krylov, tolerance=1e-6)}
            )
            times = []
            for _ in range(3):
                tally.clear()
                with tempfile.TemporaryDirectory() as folder:
                    start = time.process_time()
                    generate(
                        scene, n=members, out=f"{folder}/data", device="cpu", dtype="float64", batch=members,
                        progress=False,
                    )  # fmt: skip
                    times.append(time.process_time() - start)
            spent[krylov], counts[krylov] = float(np.median(times)), sum(tally)
        fewer, faster = (one["gmres"] / one["recycled_gmres"] for one in (counts, spent))
        print(
            f"  {family}, {members} members of {size} x {size}: iterations {counts['gmres']} and "
            f"{counts['recycled_gmres']} ({fewer:.1f} x), seconds {spent['gmres']:.2f} and "
            f"{spent['recycled_gmres']:.2f} ({faster:.1f} x)",
            flush=True,
        )


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
    if "--porous" in sys.argv:
        for cells in (64, 128, 256, 512):
            porous_counts(cells)
    if "--recycling" in sys.argv:
        recycling(64)
    if "--learned" in sys.argv:
        learned()

"""What the forces between charges cost on one thread: molten salt, near pairs and the mesh apart.

python benchmarks/md_charges.py [--device cuda:0] [--cells 8] [--tolerance 1e-4]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import Term

FACES = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))


def salt(cells: int, tolerance: float) -> sc.Scene:
    """Rock salt, shaken; eight ions in a cell of edge 1."""
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    ions = {}
    for name, by, charge in (("Na", 0.0, 1.0), ("Cl", 0.5, -1.0)):
        points = (corners + np.array(FACES) + np.array((by, 0.0, 0.0))).reshape(-1, 3)
        points = points + 0.05 * rng.standard_normal(points.shape)
        ions[name] = sc.Atoms(lattice=sc.Sites(tuple(map(tuple, points.tolist()))), charge=charge)
    return sc.Scene(
        name="salt",
        units="lj",
        domain=sc.Domain.periodic(size=(float(cells),) * 3),
        entities={**ions, "charges": sc.Electrostatics(method=sc.PME(tolerance=tolerance))},
        time=sc.Time(end=1.0),
    )


def works(term: Term, x: torch.Tensor, box: Box, live: Params) -> dict[str, Callable[[], object]]:
    w, out, bar = torch.ones_like(x), torch.zeros_like(x), torch.ones(1, 10, dtype=torch.float64, device=x.device)
    return {
        "force": lambda: term.add_force(x, box, live, out),
        "its adjoint": lambda: term.add_product(x, box, live, w, out),
        "energy and virial": lambda: term.sums(x, box, live),
        "their adjoint": lambda: term.add_sums_adjoint(x, box, live, bar, out),
    }


def best(work: Callable[[], object], device: str, repeats: int) -> float:
    """Shortest of some times [ms]."""
    work()
    times = []
    for _ in range(repeats):
        begin = wait(device)
        work()
        times.append(wait(device) - begin)
    return 1e3 * min(times)


def wait(device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cells", type=int, default=8, help="of the crystal along each edge, eight ions each")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for dtype in ("float64", "float32"):
        solver, state, params = compile_scene(salt(given.cells, given.tolerance), given.device, dtype)
        live = Params({a: v.detach().clone().requires_grad_(a.endswith("charge")) for a, v in params.items()})
        near, mesh = solver.system.forces.terms
        print(f"{given.device} {dtype} N={state.position.shape[1]}, mesh {mesh.mesh.points} of order {mesh.mesh.order}")
        for name, term in (("pairs", near), ("mesh", mesh)):
            work = works(term, state.position.detach().clone(), solver.system.box, live)
            told = [f"{what} {best(one, given.device, given.repeats):.2f} ms" for what, one in work.items()]
            print(f"  {name}: {', '.join(told)}")


if __name__ == "__main__":
    main()

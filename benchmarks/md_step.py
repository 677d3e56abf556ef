"""Speed of molecular dynamics: atom-steps per second of the Lennard-Jones liquid, forward and with gradients.

The rules of the usual bench: rho = 0.8442, T = 1.44 at the start, cutoff 2.5, skin 0.3, dt = 0.005, constant energy.

python benchmarks/md_step.py [--device cuda:0] [--cells 10] [--steps 200]
"""

from __future__ import annotations

import argparse
import time

import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene

DT = 0.005


def liquid(cells: int, cut: str = "force-shift") -> sc.Scene:
    return sc.Scene(
        name="liquid",
        units="lj",
        domain=sc.Domain.periodic(density=0.8442),
        entities={
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(cells, cells, cells)), temperature=1.44),
            "pair": sc.LennardJones(sigma=sc.Parameter(value=1.0), cutoff=2.5),
        },
        method=sc.MolecularDynamics(skin=0.3),
        time=sc.Time(end=1.0, dt=DT),
    )


def wait(device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cells", type=int, default=10, help="of the crystal along each edge, four atoms each")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for dtype in ("float32", "float64"):
        solver, state, params = compile_scene(liquid(given.cells), given.device, dtype)
        frozen, state = params.detach(), map_tensors(torch.Tensor.detach, state)
        state = rollout(solver, state, frozen, 100 * DT, controller=Fixed(DT), probes=()).state  # melt, compile kernels
        atoms, clock, dt = state.position.shape[1], torch.zeros(1).double(), torch.full((1,), DT).double()
        rates, lists = [], []
        for _ in range(given.repeats):
            before, start = int(solver.system.forces.terms[0].neighbours.builds), wait(given.device)
            for _ in range(given.steps):
                state = solver.step(state, frozen, clock, dt).state
            rates.append(atoms * given.steps / (wait(given.device) - start))
            lists.append(given.steps / max(int(solver.system.forces.terms[0].neighbours.builds) - before, 1))
        print(
            f"{given.device} {dtype} N={atoms}: {max(rates) / 1e6:.2f} M atom-steps/s (best of "
            f"{', '.join(f'{rate / 1e6:.2f}' for rate in rates)}), a list lasts {lists[0]:.1f} steps"
        )
        span = given.steps * DT
        start = wait(given.device)
        end = rollout(solver, state, frozen, span, controller=Fixed(DT), probes=()).state
        forward = wait(given.device) - start
        end = rollout(solver, state, params, span, controller=Fixed(DT), probes=()).state
        loss = solver.observe(end, params)["potential_energy"].sum()
        start = wait(given.device)
        loss.backward()
        backward = wait(given.device) - start
        ratio = (forward + backward) / forward
        print(f"  gradient: forward {forward:.3f} s, backward {backward:.3f} s, together {ratio:.2f} x forward")


if __name__ == "__main__":
    main()

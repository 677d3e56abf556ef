"""Speed of molecular dynamics: atom-steps per second of the Lennard-Jones liquid, forward and with gradients.

The rules of the usual bench: rho = 0.8442, T = 1.44 at the start, cutoff 2.5, skin 0.3, dt = 0.005, constant energy;
but lists are made anew when atoms have moved, and none is used for longer than it holds. On a CPU the rate of a core,
which other programs disturb less, is told as well: by the seconds that all threads together have worked.
With --replicas, many clusters of 13 atoms beside each other instead, one launch for all of them.

python benchmarks/md_step.py [--device cuda:0] [--cells 10] [--steps 200] [--threads 2] [--cut plain] [--replicas 4096]
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
            "pair": sc.LennardJones(sigma=1.0 if cut == "plain" else sc.Parameter(value=1.0), cutoff=2.5, cut=cut),
        },
        method=sc.MolecularDynamics(skin=0.3),
        time=sc.Time(end=1.0, dt=DT),
    )


def clusters() -> sc.Scene:
    """Thirteen atoms on an icosahedron in open space."""
    golden = 0.5 * (1.0 + 5.0**0.5)
    edge = 1.1 / 2.0
    ring = [(0.0, a * edge, b * golden * edge) for a in (-1, 1) for b in (-1, 1)]
    points = [(0.0, 0.0, 0.0), *(point[k:] + point[:k] for point in ring for k in range(3))]
    return sc.Scene(
        name="clusters",
        units="lj",
        domain=sc.Domain.unbounded(dim=3),
        entities={
            "A": sc.Atoms(lattice=sc.Sites(tuple(points)), temperature=0.2),
            "pair": sc.LennardJones(cutoff=10.0),
        },
        dynamics=sc.Langevin(temperature=0.2),
        time=sc.Time(end=1.0, dt=DT),
    )


def replicas(given: argparse.Namespace) -> None:
    scenes = [clusters().model_copy(update={"seed": seed}) for seed in range(given.replicas)]
    for dtype in ("float32", "float64"):
        solver, state, params = compile_scene(scenes, given.device, dtype)
        frozen, state = params.detach(), map_tensors(torch.Tensor.detach, state)
        clock, dt = torch.zeros(given.replicas).double(), torch.full((given.replicas,), DT).double()
        best = core = 0.0
        for _ in range(given.repeats + 1):
            start, worked = wait(given.device), time.process_time()
            for _ in range(given.steps):
                state = solver.step(state, frozen, clock, dt).state
            core = max(core, given.replicas * given.steps / (time.process_time() - worked))
            best = max(best, given.replicas * given.steps / (wait(given.device) - start))
        print(
            f"{given.device} {dtype} {given.replicas} x 13 atoms, Langevin: {best / 1e6:.3f} M replica-steps/s, "
            f"{13 * best / 1e6:.2f} M atom-steps/s, {13 * core / 1e6:.2f} M a core"
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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cut", default="force-shift", choices=("force-shift", "switch", "plain"))
    parser.add_argument("--replicas", type=int, default=0, help="of a cluster of 13 atoms, in place of the liquid")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.replicas:
        return replicas(given)
    for dtype in ("float32", "float64"):
        solver, state, params = compile_scene(liquid(given.cells, given.cut), given.device, dtype)
        frozen, state = params.detach(), map_tensors(torch.Tensor.detach, state)
        state = rollout(solver, state, frozen, 100 * DT, controller=Fixed(DT), probes=()).state  # melt, compile kernels
        atoms, clock, dt = state.position.shape[1], torch.zeros(1).double(), torch.full((1,), DT).double()
        rates, cores, lists = [], [], []
        neighbours = solver.system.forces.terms[0].neighbours
        for _ in range(given.repeats):
            before, start, worked = int(neighbours.builds), wait(given.device), time.process_time()
            for _ in range(given.steps):
                state = solver.step(state, frozen, clock, dt).state
            rates.append(atoms * given.steps / (wait(given.device) - start))
            cores.append(atoms * given.steps / (time.process_time() - worked))
            lists.append(given.steps / max(int(neighbours.builds) - before, 1))
        print(
            f"{given.device} {dtype} N={atoms}: {max(rates) / 1e6:.2f} M atom-steps/s (best of "
            f"{', '.join(f'{rate / 1e6:.2f}' for rate in rates)}), "
            f"{max(cores) / 1e6:.2f} M a core, a list lasts {lists[0]:.1f} steps"
        )
        if given.cut == "plain":
            continue  # no gradient sees its jumps
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

"""Speed of many small systems at once: replicas of LJ13 under Langevin dynamics, all in one launch.

python benchmarks/md_replicas.py [--device cuda:0] [--replicas 4096] [--atoms 13] [--steps 50]
"""

from __future__ import annotations

import argparse
import time

import torch

from scenegrad.scenes.library import lj_cluster
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.sampling.members import Members, members


def wait(device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--replicas", type=int, nargs="+", default=[16, 256, 4096])
    parser.add_argument("--atoms", type=int, default=13, choices=(13, 38, 55))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    compile_scene(lj_cluster(given.atoms), given.device, "float32")  # what is loaded once
    print(f"LJ{given.atoms} on {given.device}: million atom-steps/s, and what a step takes")
    for count in given.replicas:
        start = wait(given.device)
        moving = members(lj_cluster(given.atoms), [1.0] * count, 0, None, given.device, "float32")
        compiled = wait(given.device) - start
        moving = moving.moved(3)
        step = min(timed(moving, given.steps, given.device) for _ in range(given.repeats))
        force = min(timed_force(moving, given.steps, given.device) for _ in range(given.repeats))
        rate = count * given.atoms / step / 1e6
        print(
            f"{count:6d} replicas: {rate:8.2f} M atom-steps/s, {1e3 * step:7.3f} ms a step, of which forces "
            f"{1e3 * force:7.3f} ms; compiled in {compiled:.1f} s",
            flush=True,
        )


def timed(moving: Members, steps: int, device: str) -> float:
    start = wait(device)
    moving.moved(steps)
    return (wait(device) - start) / steps


def timed_force(moving: Members, steps: int, device: str) -> float:
    field, x, box = moving.solver.system.forces, moving.state.position, moving.solver.system.box
    total, start = torch.zeros_like(x), wait(device)
    for _ in range(steps):
        for term in field.terms:
            term.add_force(x, box, moving.params, total)
    return (wait(device) - start) / steps


if __name__ == "__main__":
    main()

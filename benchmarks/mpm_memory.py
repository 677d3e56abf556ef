"""Time and memory of gradients through long runs of the material point method, each in a process of its own.

python benchmarks/mpm_memory.py [--threads 1 2] [--cases short long]

short: 20,000 particles, 100 steps; long: 100,000 particles, 2,000 steps; both in 3D on 64^3 cells in float32, with the
gradient by Young's modulus and the first velocity. Memory is what the process grew by after a run of a few steps.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

CASES = {"short": (0.212, 100), "long": (0.363, 2000)}  # edge of the block [m], steps


def block(edge: float) -> sc.Scene:
    """An elastic block thrown at a floor with friction."""
    return sc.Scene(
        name="block",
        domain=sc.Domain(size=(1.0,) * 3, cells=(64,) * 3),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.5, 0.11 + edge / 2), size=(edge,) * 3),
                velocity=sc.Parameter((0.3, 0.0, -1.0)),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e5)),
            ),
            "floor": sc.Wall(normal=(0.0, 0.0, 1.0), offset=0.1, contact=sc.Coulomb(friction=0.4)),
        },
        time=sc.Time(end=1.0),
    )


def of_process(field: str) -> float:
    """VmRSS (now) or VmHWM (at most so far) of this process [MiB]."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def measure(name: str, threads: int) -> None:
    torch.set_num_threads(threads)
    edge, steps = CASES[name]
    solver, state, params = compile_scene(block(edge), "cpu", "float32")
    dt = 0.3 * float(solver.max_dt(state, params))

    def gradient(count: int) -> tuple[float, float]:
        start = time.perf_counter()
        end = rollout(solver, state, params, until=count * dt, controller=Fixed(dt)).state
        middle = time.perf_counter()
        end.position[..., 0].mean().backward(retain_graph=True)
        return middle - start, time.perf_counter() - middle

    gradient(3)
    before, used = of_process("VmRSS"), time.process_time()
    forward, backward = gradient(steps)
    used = time.process_time() - used
    print(
        f"{name:<8}{threads:>8}{state.position.shape[1]:>10}{steps:>7}{forward:>10.2f}{backward:>10.2f}"
        f"{(forward + backward) / forward:>8.2f}{forward + backward:>9.2f}{used:>9.2f}"
        f"{of_process('VmHWM') - before:>10.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cases", nargs="+", default=["short"], choices=[*CASES])
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        measure(options.cases[0], options.threads[0])
        return
    columns = ("threads", 8), ("particles", 10), ("steps", 7), ("forward s", 10), ("backward", 10), ("ratio", 8)
    columns += ("total s", 9), ("CPU s", 9), ("MiB", 10)
    print(f"{'case':<8}" + "".join(f"{name:>{width}}" for name, width in columns), flush=True)
    for case in options.cases:
        for threads in options.threads:
            command = [sys.executable, __file__, "--inner", "--cases", case, "--threads", str(threads)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

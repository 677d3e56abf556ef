"""Time and memory of gradients through long runs of the material point method, each in a process of its own.

python benchmarks/mpm_memory.py [--threads 1 2] [--cases short kept long]

short: 20,000 particles, 100 steps; kept: the same with memory for all states, so that no step is taken again on the way
back; long: 100,000 particles, 2,000 steps; all in 3D on 64^3 cells in float32, with the gradient by Young's modulus and
the first velocity. ratio: forward and backward over forward, in time of the processors, which others on the machine
hardly change; the best of the runs. Memory is what the process grew by after a run of a few steps.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.gradients import Stored
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

CASES = {"short": (0.212, 100, 0.0), "kept": (0.212, 100, 1e9), "long": (0.363, 2000, 0.0)}  # edge [m], steps, memory


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


def measure(name: str, threads: int, repeats: int) -> None:
    torch.set_num_threads(threads)
    edge, steps, memory = CASES[name]
    solver, state, params = compile_scene(block(edge), "cpu", "float32")
    dt = 0.3 * float(solver.max_dt(state, params))

    def gradient(count: int) -> tuple[float, float, float, float]:
        """Forward and backward [s], and the same in time of the processors."""
        times = [(time.perf_counter(), time.process_time())]
        end = rollout(solver, state, params, until=count * dt, controller=Fixed(dt), gradient=Stored(memory)).state
        times.append((time.perf_counter(), time.process_time()))
        end.position[..., 0].mean().backward(retain_graph=True)
        times.append((time.perf_counter(), time.process_time()))
        (a, x), (b, y), (c, z) = times
        return b - a, c - b, y - x, z - y

    gradient(3)
    before = of_process("VmRSS")
    runs = [gradient(steps) for _ in range(repeats)]
    forward, backward, there, back = (min(column) for column in zip(*runs, strict=True))
    print(
        f"{name:<8}{threads:>8}{state.position.shape[1]:>10}{steps:>7}{forward:>10.2f}{backward:>10.2f}"
        f"{(there + back) / there:>8.2f}{forward + backward:>9.2f}{there + back:>9.2f}"
        f"{of_process('VmHWM') - before:>10.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cases", nargs="+", default=["short", "kept"], choices=[*CASES])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        measure(options.cases[0], options.threads[0], options.repeats)
        return
    columns = ("threads", 8), ("particles", 10), ("steps", 7), ("forward s", 10), ("backward", 10), ("ratio", 8)
    columns += ("total s", 9), ("CPU s", 9), ("MiB", 10)
    print(f"{'case':<8}" + "".join(f"{name:>{width}}" for name, width in columns), flush=True)
    for case in options.cases:
        for threads in options.threads:
            command = [sys.executable, __file__, "--inner", "--cases", case, "--threads", str(threads)]
            subprocess.run([*command, "--repeats", str(options.repeats if case != "long" else 1)], check=True)


if __name__ == "__main__":
    main()

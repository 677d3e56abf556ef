"""What looking at a flow costs: its outputs, the diagnostics that every run has, and writing both, of the whole run.

python benchmarks/diagnostics.py [name ...] [--device cuda] [--cells 256]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

import scenegrad.scenes as sc
from scenegrad.engine.files.recorder import Recorder
from scenegrad.engine.run_folder import RunFolder
from scenegrad.engine.simulate import simulate
from scenegrad.engine.solver import Probe
from scenegrad.scenes.library import blast, heated_cavity, kolmogorov, lid_cavity, smoke_plume
from scenegrad.solvers.compile import compile_scene
from scenegrad.watching import watched

SCENES: dict[str, tuple[Callable[..., sc.Scene], float]] = {  # and the share of its time that is run
    "kolmogorov": (kolmogorov, 0.25),
    "smoke_plume": (smoke_plume, 0.1),
    "lid_cavity": (lid_cavity, 0.034),
    "heated_cavity": (heated_cavity, 0.034),
    "blast": (blast, 0.25),
}


def shortened(scene: sc.Scene, share: float) -> sc.Scene:
    """The beginning of a scene, with its frames as far apart as they are."""
    return scene.model_copy(update={"time": scene.time.model_copy(update={"end": share * scene.time.end})})


class Meter:
    """Time of the processor by what it is spent on [s]; on a GPU wall time."""

    def __init__(self, device: str):
        self.device, self.spent, self.count = device, defaultdict[str, float](float), defaultdict[str, int](int)

    def now(self) -> float:
        if self.device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        begin = self.now()
        yield
        self.spent[name] += self.now() - begin
        self.count[name] += 1

    def probe(self, probe: Probe[Any]) -> Probe[Any]:
        def measure(state: Any, params: Any, time: torch.Tensor) -> dict[str, torch.Tensor]:
            with self.of(probe.name):
                return probe.look(state, params, time)

        return replace(probe, now=measure)


def report(name: str, cells: int, device: str) -> None:
    make, share = SCENES[name]
    scene = watched(shortened(make(cells=cells), share))
    solver, state, params = compile_scene(scene, device, "float32")
    meter = Meter(device)
    for probe in solver.program.probes:  # kernels are compiled and tables made before the clock runs
        probe.look(state, params, torch.zeros(1, dtype=torch.float64))
    solver.step(state, params, torch.zeros(1, dtype=torch.float64), 0.1 * solver.max_dt(state, params))
    probes = tuple(meter.probe(p) for p in solver.program.probes)
    object.__setattr__(solver, "program", replace(solver.program, probes=probes))
    write, commit = Recorder.write, Recorder.commit

    def writing(self: Recorder, probe: Probe[Any], *rest: Any) -> None:
        with meter.of(f"writing {probe.name}"):
            write(self, probe, *rest)

    def committing(self: Recorder) -> None:
        with meter.of("committing"):
            commit(self)

    Recorder.write, Recorder.commit = writing, committing  # type: ignore[method-assign, assignment]
    try:
        with tempfile.TemporaryDirectory() as folder, meter.of("run"):
            simulate(solver, state, params, RunFolder(Path(folder)), {"provenance": {}})
    finally:
        Recorder.write, Recorder.commit = write, commit  # type: ignore[method-assign]
    whole = meter.spent.pop("run")
    looking = sum(meter.spent.values())
    frames = meter.count["diagnostics"]
    print(f"{name}, {cells} cells, {device}: {whole:.2f} s, {frames} frames; looking and writing {looking / whole:.1%}")
    for part, seconds in sorted(meter.spent.items(), key=lambda one: -one[1]):
        print(f"    {part:24s} {1e3 * seconds / meter.count[part]:7.2f} ms each, {seconds / whole:6.1%}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(SCENES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cells", type=int, default=256)
    told = parser.parse_args()
    torch.set_num_threads(1)
    for name in told.names or SCENES:
        report(name, told.cells, told.device)


if __name__ == "__main__":
    main()

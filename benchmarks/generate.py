"""Members of an ensemble a second, by how many are simulated side by side and by how many processes.

    python benchmarks/generate.py [--cells 32 64] [--members 16] [--batches 1 4 16] [--workers 2]

Batches are timed by processor time, which other work on the machine disturbs little; processes by the clock, with the
time that they take to start.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import scenegrad as sg


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--cells", type=int, nargs="+", default=[32, 64])
    words.add_argument("--members", type=int, default=16)
    words.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    words.add_argument("--workers", type=int, default=2)
    asked = words.parse_args()
    with TemporaryDirectory() as folder:
        for cells in asked.cells:
            scene = sg.library.kolmogorov(cells=cells, end=1.0, every=0.1).replace({"time.dt": 0.64 / cells})
            for batch in asked.batches:
                rate = asked.members / min(
                    seconds(scene, asked.members, Path(folder), batch=batch)[0] for _ in range(2)
                )
                print(f"{cells}², side by side {batch:3d}: {rate:6.2f} members a second of processor time", flush=True)
            for workers in (1, asked.workers):
                rate = asked.members / seconds(scene, asked.members, Path(folder), workers=workers)[1]
                print(f"{cells}², processes {workers:6d}: {rate:6.2f} members a second by the clock", flush=True)


def seconds(scene: sg.Scene, members: int, folder: Path, **how: int) -> tuple[float, float]:
    """(of this processor, by the clock)."""
    with TemporaryDirectory(dir=folder) as out:
        processor, clock = time.process_time(), time.perf_counter()
        sg.generate(scene, members, out=out, device="cpu", progress=False, **how)
        return time.process_time() - processor, time.perf_counter() - clock


if __name__ == "__main__":
    main()

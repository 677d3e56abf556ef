"""Training step of the Fourier neural operators, beside that of neuraloperator where it is installed.

python benchmarks/fno_step.py [case ...] [--seconds 6], cases as 2d-64-b8-w32 or tfno-2d-64-b8-w32; all unless said.

Equal in modes, width, depth, channels, loss (relative L2) and optimiser (AdamW, the fastest of torch's that takes the
weights). Of the other there are two: as it comes, with its perceptrons after each layer, before and behind, and bare of
all that it can do without: one layer of a spectral convolution and a pointwise map, as in the paper.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.training.losses import relative_l2

DEPTH, RANK, SHARE = 4, 0.55, 0.1  # ours of each axis, theirs of the numbers: equally many weights
CASES = (
    *(f"1d-{n}-b{b}-w{w}" for n in (128, 1024) for b in (1, 8, 16) for w in (32, 64)),
    *(f"2d-{n}-b{b}-w{w}" for n in (64, 128) for b in (1, 8, 16) for w in (32, 64)),
    *(f"3d-32-b{b}-w{w}" for b in (1, 8) for w in (32,)),
    *(f"tfno-2d-64-b{b}-w32" for b in (1, 8, 16)),
)


def training(model: nn.Module, give: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Callable[[], None]:
    """One step of a training."""
    weights = list(model.parameters())
    optimiser = torch.optim.AdamW(weights, lr=1e-3, fused=not any(weight.is_complex() for weight in weights))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        relative_l2(give(x), y).mean().backward()
        optimiser.step()

    return step


def runs_of(case: str) -> dict[str, Callable[[], None]]:
    found = re.fullmatch(r"(tfno-)?(\d)d-(\d+)-b(\d+)-w(\d+)", case)
    if found is None:
        raise SystemExit(f"{case!r} is no case; they are written as 2d-64-b8-w32 or tfno-2d-64-b8-w32.")
    factors, (dim, n, batch, width) = bool(found[1]), map(int, found.groups()[1:])
    half = 4 if dim == 3 else 8  # wavenumbers on each side, and the last axis from 0 to half
    modes, device = (*[half] * (dim - 1), half + 1), "cuda:0" if torch.cuda.is_available() else "cpu"
    x, y = (torch.randn(batch, 1, *[n] * dim, device=device) for _ in range(2))
    told = torch.ones(batch, 1, device=device)
    ours = TFNO(modes, width, ["u"], rank=RANK, depth=DEPTH) if factors else FNO(modes, width, ["u"], depth=DEPTH)
    ours = ours.to(device)
    runs = {"ours": training(ours, lambda u: ours(u, told), x, y)}
    if importlib.util.find_spec("neuralop"):
        from neuralop.models import FNO as Other

        same = {"n_modes": (2 * half,) * dim, "hidden_channels": width, "n_layers": DEPTH}
        same |= {"in_channels": 1, "out_channels": 1, "positional_embedding": None}
        if factors:
            same |= {"factorization": "tucker", "rank": SHARE, "implementation": "factorized"}
        as_it_comes = Other(**same).to(device)
        bare = Other(**same, use_channel_mlp=False, lifting_channel_ratio=0, projection_channel_ratio=1).to(device)
        runs |= {"other": training(as_it_comes, as_it_comes, x, y), "bare": training(bare, bare, x, y)}
    return runs


def shortest(runs: dict[str, Callable[[], None]], seconds: float) -> dict[str, float]:
    """Shortest step of each, taken in turn: neighbours on the machine only ever lengthen one [s]."""
    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu or torch.get_num_threads() > 1 else time.process_time
    for run in runs.values():
        run()
        run()
    found, end = dict.fromkeys(runs, math.inf), time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            start = clock()
            run()
            if gpu:
                torch.cuda.synchronize()
            found[name] = min(found[name], clock() - start)
    return found


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    words = sys.argv[1:]
    seconds = float(words.pop(words.index("--seconds") + 1)) if "--seconds" in words else 6.0
    for case in [word for word in words if word != "--seconds"] or CASES:
        torch.manual_seed(0)
        times = shortest(runs_of(case), seconds)
        line = "  ".join(f"{name} {1e3 * value:8.2f} ms" for name, value in times.items())
        ratios = "  ".join(f"{name}/ours {times[name] / times['ours']:.2f}" for name in times if name != "ours")
        print(f"{case:20s} {line}  {ratios}", flush=True)

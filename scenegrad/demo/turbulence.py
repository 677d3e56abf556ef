"""Third chapter: an ensemble of flows, a network that learns their steps, and what it is worth against the solver."""

from __future__ import annotations

import shutil
import time

import numpy as np
import torch

from scenegrad.demo.figures import learning_figure
from scenegrad.demo.stage import Stage
from scenegrad.generating import generate
from scenegrad.scenes import Scene, library, vary
from scenegrad.surrogates import break_even, compare, train
from scenegrad.surrogates.evaluation.rollouts import carry
from scenegrad.surrogates.recipes.coarse import coarse_solver
from scenegrad.view import compare_fields
from scenegrad.view.report import Chapter, Claim, Picture

__all__ = ["learn_a_flow"]

NEEDED = 10  # learned steps over which the forecast must stay correlated


def learn_a_flow(stage: Stage) -> Chapter:
    recipe, members = ("fno_kolmogorov_small", 12) if stage.small else ("fno_kolmogorov", 64)
    scene = flow(stage.small)
    for name in ("flows", "fno"):  # what an earlier demo left would be taken as it is, and the times be nonsense
        shutil.rmtree(stage.folder / name, ignore_errors=True)
    begin = time.perf_counter()
    data = generate(
        vary(scene, members, seed=7), out=stage.folder / "flows", device=stage.device, batch=4, progress=not stage.quiet
    )
    made = time.perf_counter() - begin
    stage.say("  training")
    begin = time.perf_counter()
    fit = train(recipe, data, out=stage.folder / "fno", device=stage.device, progress=not stage.quiet)
    learned = time.perf_counter() - begin
    stage.say("  evaluating")
    numbers = fit.evaluate(["one_step", "persistence"])
    seen = compare(fit.model, fit.samples)
    cells = scene.domain.cells[0] if scene.domain.cells else 0
    coarser = [n for n in (16, 20, 24, 32, 48, 64) if n <= cells]
    cost = break_even(fit.model, fit.samples, coarse_solver(scene, stage.device), coarser, steps=NEEDED)
    stage.say("\n".join(f"  {line}" for line in str(cost).splitlines()))

    steps = np.arange(1, seen.steps + 1)
    curves = learning_figure(
        steps,
        seen.error.mean(0).numpy(),
        seen.correlated.mean(0).numpy(),
        numbers["persistence"],
        stage.folder / "fno.png",
    )
    window = fit.samples.rollout("test", 0)
    carried = torch.stack([frame["vorticity"][0].cpu() for frame in carry(fit.model, window.to(stage.device))])
    true = torch.stack([frame["vorticity"][0] for frame in window.targets])
    fields = compare_fields(
        true.numpy(), carried.numpy(), stage.folder / "flow.png", times=(seen.dt * steps).tolist(), unit="1/s",
        labels=("solver", "network"),
    )  # fmt: skip
    loose = 4.0 if stage.small else 1.0  # the small form trains for seconds
    cheapest = (
        f"{cost.cheapest}² cells, {1e3 * cost.solver[cost.cheapest][1]:.2f} ms"
        if cost.cheapest is not None
        else f"none up to {cells}² cells"
    )
    return Chapter(
        title="A turbulent flow, learned",
        text=f"{members} Kolmogorov flows from random vorticity, each simulated on {cells}² cells, are the data. A "
        f"Fourier neural operator learns to step {fit.samples.dt:g} s at once, and is then carried along flows that it "
        "has not seen. Its cost is set beside that of the cheapest resolution of the solver itself whose error over "
        f"the same {NEEDED} steps is no larger.",
        pictures=(
            Picture(fields, "Vorticity of a flow that the network has not seen: solver, network, difference."),
            Picture(curves, "Error and correlation of the network carried along held-out flows."),
        ),
        claims=(
            Claim("relative L² error of one step, held out", numbers["one_step"], 0.05 * loose),
            Claim("the same, relative to persistence", numbers["one_step"] / numbers["persistence"], 0.25 * loose**0.5),
            Claim(
                "learned steps with correlation at least 0.8",
                seen.correlation_steps(0.8),
                NEEDED / loose,
                at_most=False,
            ),
        ),
        facts={
            "data": f"{members} trajectories in {made:.1f} s",
            "training": f"{learned:.1f} s, {sum(p.numel() for p in fit.model.parameters()):,} parameters",
            f"error after {NEEDED} steps": f"{cost.error:.3f}",
            "one learned step": f"{1e3 * cost.seconds:.2f} ms",
            "cheapest solver of equal error": cheapest,
            "speed-up over it": "none needed" if cost.speed_up is None else f"{cost.speed_up:.2f}",
        },
    )


def flow(small: bool) -> Scene:
    """Kolmogorov flow, well into its turbulence before the first frame."""
    return library.kolmogorov(cells=32 if small else 64, viscosity=1e-2, end=12.0, every=0.25)

"""Second chapter: the stiffness of a body from how it bounces, by gradient through the simulation."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor

from scenegrad.demo.figures import recovery_figure
from scenegrad.demo.stage import Stage
from scenegrad.engine.optimise import Trial, optimise
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.scenes import Parameter, Scene, library
from scenegrad.solvers.compile import compile_scene
from scenegrad.view.report import Chapter, Claim, Picture

__all__ = ["recover_stiffness"]

TRUE = 4e4  # [Pa]
ADDRESS = "body.material.youngs_modulus"


def recover_stiffness(stage: Stage) -> Chapter:
    solver, state, params = compile_scene(landing(TRUE, stage.small), device=stage.device, dtype="float64")
    seen = rollout(solver, state, params.detach()).outputs["particles"]["position"]
    noise = 0.01 * float((seen - seen[:, :1]).square().mean().sqrt())
    generator = torch.Generator().manual_seed(1)
    observed = seen + noise * torch.randn(seen.shape, generator=generator, dtype=seen.dtype).to(seen)

    def misfit(roll: Rollout) -> Tensor:
        return (roll.outputs["particles"]["position"] - observed).square().mean() / noise**2

    trials: list[Trial] = []

    def watch(trial: Trial) -> None:
        trials.append(trial)
        modulus = float(trial.params[ADDRESS][0])
        stage.say(f"  try {len(trials):2d}: E = {modulus:9.1f} Pa, misfit {trial.value:.5g}, {trial.seconds:.1f} s")

    begin = time.perf_counter()
    solver, state, params = compile_scene(landing(3 * TRUE, stage.small), device=stage.device, dtype="float64")
    best = optimise(solver, state, params, misfit, steps=12, tolerance=1e-7, watch=watch)
    seconds = time.perf_counter() - begin

    found = float(best.params[ADDRESS].detach())
    steps = int(rollout(solver, state, best.params.detach(), probes=()).steps[0])
    moduli, misfits = [float(t.params[ADDRESS][0]) for t in trials], [t.value for t in trials]
    picture = recovery_figure(moduli, misfits, TRUE, stage.folder / "recover.png")
    return Chapter(
        title="Its stiffness, recovered from the bounce",
        text="The positions of all particles are observed while the duck lands, with 1 % noise. Young's modulus is "
        "then sought from a start three times too stiff: L-BFGS-B on its logarithm, each gradient one pass back "
        f"through {steps} steps of fall, contact and large deformation. The observation comes from the same solver, so "
        "what is shown is the gradient, not the model.",
        pictures=(Picture(picture, "Young's modulus and misfit over the evaluations; 1 is the level of the noise."),),
        claims=(Claim("error of Young's modulus", abs(found / TRUE - 1), 0.02),),
        facts={
            "found": f"{found:,.0f} Pa (true {TRUE:,.0f} Pa, start {3 * TRUE:,.0f} Pa)",
            "evaluations": f"{len(trials)} in {seconds:.1f} s",
            "one rollout and its gradient": f"{np.median([t.seconds for t in trials]):.2f} s",
        },
    )


def landing(modulus: float, small: bool) -> Scene:
    """The duck, thrown at the floor."""
    stiffness = Parameter(modulus, bounds=(4e3, 4e5), transform="log")
    cells, end = (20, 0.2) if small else (36, 0.3)
    return library.elastic_drop(youngs_modulus=stiffness, velocity=(0.5, 0.0, -2.0), cells=cells, end=end, every=0.01)

"""The table of attempts tells the same as the run: steps taken and refused, and when."""

import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import CFL, PI
from scenegrad.engine.rollout import rollout
from scenegrad.engine.trials import Trials
from scenegrad.scenes.library import shock_tube
from scenegrad.solvers.compile import compile_scene

TOLERANCE = 1e-6


def test_accepted_attempts_add_up_to_the_run_and_refused_ones_have_errors_beyond_the_tolerance():
    """Two tubes of different gases, so that their steps differ; the first step is far too bold for one of them."""
    scenes = [shock_tube(cells=32, gamma=gamma, end=0.05) for gamma in (1.4, 1.66)]
    solver, state, params = compile_scene(scenes, "cpu", "float64")
    trials = Trials()
    run = rollout(solver, state, params.detach(), controller=PI(tolerance=TOLERANCE, k=3), tried=trials.append)
    table = trials.table()
    assert set(table) == {"time", "dt", "bound", "error", "steps", "accepted"}
    taken = torch.where(table["accepted"], table["steps"], 0)
    assert torch.equal(taken.sum(0), run.steps)
    torch.testing.assert_close(
        (taken * table["dt"]).sum(0), torch.full((2,), 0.05, dtype=torch.float64), rtol=1e-12, atol=0.0
    )
    tried = table["steps"] > 0
    assert bool((tried & ~table["accepted"]).any(0).all()), "no step was refused"
    assert bool((table["accepted"] == (tried & (table["error"] <= TOLERANCE))).all())
    assert bool((table["dt"][tried] <= 0.8 * table["bound"][tried] * (1 + 1e-9)).all())
    assert bool((table["time"].diff(dim=0) >= 0).all())


def test_a_run_is_the_same_when_it_is_watched():
    scene = sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(10.0, 10.0), cells=(8, 8)),
        entities={"gas": sc.Gas(start=sc.IsentropicVortex(strength=2.0))},
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    plain = rollout(solver, state, params.detach(), controller=CFL(0.3))
    trials = Trials()
    watched = rollout(solver, state, params.detach(), controller=CFL(0.3), tried=trials.append)
    assert torch.equal(plain.state.conserved, watched.state.conserved)
    assert bool(torch.isfinite(trials.table()["error"]).all())

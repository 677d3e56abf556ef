"""The ready scenes between walls: each can be begun as it is, runs on a coarse grid, and does what its words say."""

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene

COARSE = {
    "lid_cavity": {"cells": 12, "end": 0.5},
    "channel_flow": {"cells": 8, "end": 1.0},
    "cylinder_wake": {"cells": 20, "end": 0.2},
    "heated_cavity": {"cells": 12, "rayleigh": 1e4, "end": 3.0},
    "rayleigh_benard": {"cells": 8, "end": 3.0},
    "smoke_plume": {"cells": 24, "end": 6.0},
}


@pytest.mark.parametrize("name", COARSE)
def test_a_ready_scene_between_walls_runs(name):
    solver, state, params = compile_scene(getattr(library, name)(**COARSE[name]), "cpu", "float32")
    with torch.no_grad():
        out = rollout(solver, state, params)
    for field in out.state.velocity:
        assert bool(torch.isfinite(field).all())
    assert float(out.state.u.abs().max()) > 1e-3
    # what a solve in single precision leaves, in units of a speed over a cell
    speed = max(float(field.abs().max()) for field in out.state.velocity)
    assert float(solver.observe(out.state, params)["divergence"]) < 1e-3 * speed / min(solver.grid.spacing)


def test_smoke_rises():
    scene = library.smoke_plume(cells=24, end=6.0)
    solver, state, params = compile_scene(scene, "cpu", "float64")

    def height(now) -> float:
        smoke = now.tracers[0, 0]
        return float((smoke.sum(0) * torch.arange(24, dtype=smoke.dtype)).sum() / smoke.sum())

    with torch.no_grad():
        end = rollout(solver, state, params).state
    assert height(end) > height(state) + 0.5


def test_heat_that_enters_a_cavity_leaves_it():
    """Steady convection: as much through the hot wall as through the cold one, and more than by conduction alone."""
    from scenegrad.scenes.outputs import Exchange

    scene = library.heated_cavity(cells=16, rayleigh=1e4, end=25.0)
    sides = {side: Exchange(of="temperature", through=f"boundary.{side}", every=25.0) for side in ("x_lo", "x_hi")}
    solver, state, params = compile_scene(scene.model_copy(update={"outputs": sides}), "cpu", "float64")
    with torch.no_grad():
        out = rollout(solver, state, params)
    hot, cold = (float(out.outputs[side][0, -1]) for side in ("x_lo", "x_hi"))
    assert hot == pytest.approx(-cold, rel=1e-3)
    assert hot / (1e4 * 0.71) ** -0.5 == pytest.approx(2.243, rel=0.05)

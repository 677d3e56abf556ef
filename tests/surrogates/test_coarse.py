"""Coarse solvers of scenes of several methods: exact on the grid of the data, and worse the coarser they are."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import Split, Windows, break_even
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.recipes.coarse import coarse_solver
from scenegrad.surrogates.resampling import cell_resample


class Still(torch.nn.Module):
    """Says that nothing changes."""

    def __init__(self, names):
        super().__init__()
        self.names, self.nothing = names, torch.nn.Parameter(torch.zeros(1))

    def forward(self, state, params, dt):
        return {name: state[name] for name in self.names.outputs}


def burgers():
    scene = sg.library.burgers(cells=48, viscosity=sg.Uniform(low=0.02, high=0.05), end=0.3)
    return scene, Names(("velocity",), ("velocity",), (), {})


def gas():
    hot = sg.GasPatch(sg.Box(center=(0.3,), size=(0.2,)), pressure=2.0)
    scene = sg.Scene(
        name="tube",
        domain=sg.Domain(size=(1.0,), cells=(48,)),
        entities={"gas": sg.Gas(density=1.0, pressure=sg.Uniform(low=0.8, high=1.2), patches=(hot,))},
        boundary=sg.Boundary(default=sg.Slip()),
        time=sg.Time(end=0.3),
        outputs={"fields": sg.Fields(every=0.04, quantities=("density", "velocity", "pressure"))},
    )
    return scene, Names(("density", "velocity", "pressure"), ("density", "velocity", "pressure"), (), {"velocity": 1})


@pytest.mark.parametrize("made", [burgers, gas], ids=lambda made: made.__name__)
def test_a_solver_is_exact_on_its_own_grid_and_worse_on_coarser_ones(made, tmp_path):
    """The parameters of each member are its own, also where the model is not told of them."""
    scene, names = made()
    data = sg.generate(sg.vary(scene, 5, seed=1), out=tmp_path / "data", batch=5, device="cpu", progress=False)
    samples = Windows(data, split=Split(0.0, 0.6)).bind(names, 1)
    cost = break_even(Still(names), samples, coarse_solver(scene), (16, 32, 48), steps=5, repeats=1)
    errors = [cost.solver[cells][0] for cells in (16, 32, 48)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3 < errors[0] < cost.error
    assert cost.cheapest is not None


def test_what_the_solver_does_not_carry_is_named(tmp_path):
    scene, names = burgers()
    data = sg.generate(sg.vary(scene, 2, seed=1), out=tmp_path / "data", batch=2, device="cpu", progress=False)
    samples = Windows(data, split=Split(0.0, 0.5)).bind(names, 1)
    window = samples.rollout("test", 0)
    window.targets[0]["heat"] = window.targets[0]["velocity"]
    with pytest.raises(EngineError, match="The model gives heat; the solver of the scene carries velocity"):
        coarse_solver(scene)(16, window)


def test_means_over_cells_keep_their_sum_and_never_overshoot():
    step = (torch.arange(24, dtype=torch.float64) < 10).double()[None]
    for grid in (6, 8, 12):
        coarse = cell_resample(step, (grid,))
        assert float(coarse.mean()) == pytest.approx(float(step.mean()))
        assert 0.0 <= float(coarse.min()) <= float(coarse.max()) <= 1.0
    line = (torch.arange(12, dtype=torch.float64) + 0.5)[None] / 12
    finer = cell_resample(line, (24,))[0, 1:-1]
    torch.testing.assert_close(finer, (torch.arange(1, 23, dtype=torch.float64) + 0.5) / 24)


def test_a_scene_whose_walls_swing_is_refused():
    """A window of data does not say when it was, so its solver would begin with the wall's velocity of t = 0."""
    scene = sg.library.lid_cavity().replace(
        {"boundary.y_hi": sg.NoSlip(velocity=(sg.Sine(amplitude=1.0, frequency=2.0), 0.0))}
    )
    with pytest.raises(EngineError, match=r"signals of time \(boundary.*velocity.0\)"):
        coarse_solver(scene)

"""Networks that learn by what a solver's equations leave of their outputs."""

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates import FNO, OneStep, Pairs, PhysicsResidual, RelativeL2, train
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.recipes.physics import solver_residual, solver_step

RANDOM = torch.Generator()


def darcy(seeds, cells=16):
    """Permeabilities and pressures of some media [medium, *cells], float64."""
    solver, state, params = compile_scene(
        [library.darcy(cells=cells, seed=seed) for seed in seeds], device="cpu", dtype="float64"
    )
    return state.permeability, rollout(solver, state, params.detach()).state.pressure


class Says:
    """A model that says what it is told to say."""

    def __init__(self, outputs):
        self.outputs = outputs

    def __call__(self, state, params, dt):
        return self.outputs


def window(inputs, targets):
    return Window(inputs, (targets,), {}, torch.ones(len(next(iter(inputs.values()))), dtype=torch.float64))


def test_the_residual_is_nothing_at_the_solution_and_one_at_no_answer():
    a, p = darcy(range(2))
    target = PhysicsResidual(solver_residual(library.darcy(cells=16), dtype="float64"))
    seen = window({"permeability": a}, {"pressure": p})
    at = [float(target(Says({"pressure": s * p}), seen, RelativeL2(), RANDOM)) for s in (0.0, 0.5, 1.0)]
    assert at[0] == pytest.approx(1.0)
    assert at[1] == pytest.approx(0.25, rel=1e-6), "the equation is linear"
    assert at[2] < 1e-12


def test_its_gradient_is_that_of_central_differences():
    a, p = darcy([3])
    target = PhysicsResidual(solver_residual(library.darcy(cells=16), dtype="float64"))
    seen, way = window({"permeability": a}, {"pressure": p}), torch.sin(5.0 * a)

    def value(pressure):
        return target(Says({"pressure": pressure}), seen, RelativeL2(), RANDOM)

    at = (0.3 * p).requires_grad_()
    (slope,) = torch.autograd.grad(value(at), at)
    with torch.no_grad():
        h = 1e-4 * float(p.abs().max())
        difference = float(value(at + h * way) - value(at - h * way)) / (2 * h)
    assert float((slope * way).sum()) == pytest.approx(difference, rel=1e-7)


def test_of_a_flow_it_is_the_distance_from_where_the_solver_goes():
    scene = library.kolmogorov(cells=16)
    _, state, _ = compile_scene([scene] * 2, device="cpu", dtype="float64")
    dt = torch.full((2,), 0.1, dtype=torch.float64)
    before = {"vorticity": state.vorticity}
    after = solver_step(scene, dtype="float64")(before, {}, dt)
    left = solver_residual(scene, dtype="float64")
    assert float(left(before, after, {}, dt)["vorticity"].abs().max()) < 1e-10
    moved = {"vorticity": after["vorticity"] + 0.01}
    torch.testing.assert_close(left(before, moved, {}, dt)["vorticity"], torch.full_like(state.vorticity, 0.1))
    seen = Window(before, (after,), {}, dt)
    both = PhysicsResidual(left, then=OneStep())
    apart = float(RelativeL2()(moved, after).mean())
    alone = float(PhysicsResidual(left)(Says(moved), seen, RelativeL2(), RANDOM))
    assert float(both(Says(moved), seen, RelativeL2(), RANDOM)) == pytest.approx(alone + apart)


def test_an_operator_learns_darcy_s_law_without_a_solution(tmp_path):
    """The pressures of its data are zeros, and those of media it has not seen come out."""
    a, p = (value.float() for value in darcy(range(60), cells=12))
    told = {"permeability": a[:48].numpy()}
    pairs = Pairs.from_arrays(told, {"pressure": (0.0 * p[:48] + p[:48].std() * torch.randn(48, 1, 1)).numpy()})
    torch.manual_seed(0)
    model = FNO((5, 5), 12, ["permeability"], outputs=["pressure"], depth=3, surroundings=Bounded())
    target = PhysicsResidual(solver_residual(library.darcy(cells=12)))
    fit = train(
        model, pairs, out=tmp_path, epochs=40, batch_size=8, learning_rate=8e-3, target=target, device="cpu",
        progress=False,
    )  # fmt: skip
    with torch.no_grad():
        found = fit.model({"permeability": a[48:]}, {}, torch.ones(12))["pressure"]
    error = (found - p[48:]).flatten(1).norm(dim=1) / p[48:].flatten(1).norm(dim=1)
    assert float(error.mean()) < 0.5

"""Fields told by coefficients of waves, and how far a field is from one that is wanted."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.fields.waves import longest_waves


def burgers(start, cells=32, end=0.2, **more) -> sc.Scene:
    return sc.Scene(
        name="waves",
        domain=sc.Domain.periodic(size=(2.0,), cells=(cells,)),
        entities={"flow": sc.Burgers(viscosity=0.05, velocity=start)},
        outputs={"cost": sc.Misfit("velocity", sc.Waves((0.3, 0.1)), every=end), **more},
        time=sc.Time(end=end, dt=0.01),
    )


def test_the_longest_waves_come_first_each_once():
    assert longest_waves(3, 1).tolist() == [[1], [2], [3]]
    assert longest_waves(6, 2).tolist() == [[0, 1], [1, 0], [1, -1], [1, 1], [0, 2], [2, 0]]
    many = longest_waves(400, 2)
    lengths = (many**2).sum(1)
    assert (np.diff(lengths) >= 0).all()
    whole = [(i, j) for i in range(-40, 41) for j in range(-40, 41) if 0 < i * i + j * j < lengths[-1]]
    assert len(whole) == 2 * int((lengths < lengths[-1]).sum()), "none that is shorter is left out"


def test_waves_are_the_sum_of_cosines_and_sines():
    solver, state, _ = compile_scene(burgers(sc.Waves((0.5, -0.2, 0.0, 0.4))), dtype="float64")
    x = 2.0 * torch.arange(32, dtype=torch.float64) / 32
    k = math.pi
    expected = 0.5 * torch.cos(k * x) - 0.2 * torch.sin(k * x) + 0.4 * torch.sin(2 * k * x)
    torch.testing.assert_close(state.field[0, 0], expected)
    seen = solver.program.probes[0].measure(state, {})["misfit"]
    apart = expected - 0.3 * torch.cos(k * x) - 0.1 * torch.sin(k * x)
    torch.testing.assert_close(seen, apart.square().mean()[None])


def test_the_misfit_of_a_vorticity_is_felt_by_every_coefficient():
    start = tuple(0.1 * math.sin(3 * n + 1) for n in range(8))
    scene = sc.Scene(
        name="stir",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(16, 16)),
        entities={"water": sc.Fluid(viscosity=0.01, vorticity=sc.Waves(sc.Parameter(start)))},
        outputs={"cost": sc.Misfit("vorticity", sc.PlaneWave((1, 0)), every=0.5)},
        time=sc.Time(end=0.5, dt=0.05),
    )
    solver, _, params = compile_scene(scene, dtype="float64")
    address = "water.vorticity.coefficients"

    def cost(values):
        told = params.replace({address: values})
        return rollout(solver, solver.program.initial(told), told).outputs["cost"][0, -1]

    values = params[address].detach().requires_grad_()
    (slope,) = torch.autograd.grad(cost(values), values)
    assert slope.shape == (1, 8)
    for entry in range(8):
        h = torch.zeros(1, 8, dtype=torch.float64)
        h[0, entry] = 1e-5
        with torch.no_grad():
            difference = (cost(values + h) - cost(values - h)) / 2e-5
        assert float(slope[0, entry]) == pytest.approx(float(difference), rel=1e-6, abs=1e-10)


def test_members_of_an_ensemble_draw_each_coefficient():
    drawn = sc.vary(burgers(sc.Waves((sc.Uniform(-1.0, 1.0),) * 4)), 8)
    assert set(drawn.values(3)) == {f"flow.velocity.coefficients.{n}" for n in range(4)}
    assert drawn[3].at("flow.velocity.coefficients") == tuple(drawn.values(3).values())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: burgers(sc.Waves((1.0, 2.0, 3.0))), "Give an even number"),
        (lambda: burgers(sc.Waves((1.0,) * 30), cells=16), "carry waves up to 5"),
        (lambda: burgers(sc.Waves((1.0, 0.0)), off=sc.Misfit("height", sc.Waves((1.0, 0.0)), every=0.1)), "no field"),
        (lambda: burgers(sc.Waves((1.0, 0.0)), off=sc.Misfit("velocity", sc.TaylorGreen(), every=0.1)), "plane_wave"),
    ],
)
def test_what_waves_cannot_be_is_refused(made, message):
    with pytest.raises((SceneError, ValueError), match=message):
        compile_scene(made())

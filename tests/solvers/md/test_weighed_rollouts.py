"""Averages over the frames of a rollout as functions of the potential: gradient=Reweighted()."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError


def well(**more) -> sg.Scene:
    """Independent atoms in one harmonic well: <x^2> = T / k along each axis."""
    return sg.Scene(
        name="well",
        domain=sg.Domain.unbounded(dim=2),
        units="lj",
        entities={
            "a": sg.Atoms(lattice=sg.Sites(positions=((0.3, 0.1), (-0.2, 0.2))), mass=1.0, temperature=1.0),
            "well": sg.HarmonicWell(stiffness=sg.Parameter(2.0), center=(0.0, 0.0)),
        },
        outputs={"frames": sg.Particles("position", every=1.0)},
        time=sg.Time(end=400.0, dt=0.05),
        **({"dynamics": sg.Langevin(temperature=1.0, friction=1.0)} | more),
    )


def test_the_mean_over_frames_has_the_derivative_of_the_average():
    """d<x^2>/dk = -T / k^2, over trajectories that forget their start many times."""
    scenes = [well().model_copy(update={"seed": seed}) for seed in range(16)]
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    stiffness = params["well.stiffness"]
    roll = sg.rollout(solver, state, params, gradient=sg.Reweighted())
    plain = sg.rollout(solver, state, params.detach())
    assert torch.equal(roll.outputs["frames"], plain.outputs["frames"])
    assert not roll.outputs["frames"].requires_grad
    average = roll.mean("frames", of=torch.square, first=20).mean()
    torch.testing.assert_close(average.detach(), plain.mean("frames", of=torch.square, first=20).mean())
    (slope,) = torch.autograd.grad(average, stiffness)
    assert float(average.detach()) == pytest.approx(0.5, rel=0.05)
    assert float(slope.sum()) == pytest.approx(-0.25, rel=0.15)


def test_what_comes_from_no_such_distribution_is_refused():
    solver, state, params = sg.compile(well(dynamics=sg.NVE()), device="cpu")
    with pytest.raises(EngineError, match=r"drawn at a temperature"):
        sg.rollout(solver, state, params, gradient=sg.Reweighted())
    learning = sg.Langevin(temperature=sg.Parameter(1.0), friction=1.0)
    solver, state, params = sg.compile(well(dynamics=learning), device="cpu")
    with pytest.raises(EngineError, match=r"dynamics\.temperature also shapes how fast"):
        sg.rollout(solver, state, params, gradient=sg.Reweighted())
    flow, state, params = sg.compile(sg.library.kolmogorov(cells=16), device="cpu")
    with pytest.raises(EngineError, match="draws from no distribution"):
        sg.rollout(flow, state, params, gradient=sg.Reweighted())

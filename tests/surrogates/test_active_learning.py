"""What was rejected is learnt from."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.hybrid.active_learning import Extended, extended, lessons_of
from scenegrad.surrogates.hybrid.checks import CoarseStep
from scenegrad.surrogates.hybrid.safe_stepper import Log, SafeStepper
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.surrogate import Surrogate
from scenegrad.surrogates.training.loop import train

DT = 0.1


def scene(cells: int) -> sg.Scene:
    return sg.Scene(
        name="waves",
        domain=sg.Domain.periodic(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"water": sg.Fluid(viscosity=0.01, vorticity=sg.GaussianField(peak=2.0, width=0.5, rms=1.0))},
        outputs={"fields": sg.Fields("vorticity", every=DT)},
        time=sg.Time(end=4 * DT),
    )


def starts(solver, rms, batch):
    """Fields of the longest waves, of this strength."""
    random = torch.Generator().manual_seed(int(100 * rms))
    cells = next(p.layout.cells for p in solver.program.probes if isinstance(p.layout, Grid))
    made = torch.zeros(batch, *cells)
    x, y = torch.meshgrid(*(torch.arange(n) / n for n in cells), indexing="ij")
    for n, m in ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1)):
        a, b = torch.randn(2, batch, 1, 1, generator=random)
        turn = 2 * torch.pi * (n * x + m * y)
        made = made + a * turn.cos() + b * turn.sin()
    return rms * made / made.flatten(1).std(dim=1)[:, None, None]


@pytest.fixture(scope="module")
def world():
    solver, state, params = sg.compile([scene(16)] * 8, device="cpu")
    coarse, _, _ = sg.compile([scene(10)] * 8, device="cpu")
    return solver, state, params.detach(), coarse


def steps(world, u):
    solver, state, params, _ = world
    with torch.no_grad():
        return rollout(solver, type(state)(u), params, DT, probes=()).state.vorticity


def down(state):
    whole = torch.fft.rfft2(state.vorticity)
    part = torch.cat([whole[:, :5, :6], whole[:, -5:, :6]], dim=1) * (100 / 256)
    return type(state)(torch.fft.irfft2(part, s=(10, 10)))


def test_rejected_steps_are_learnt_from_and_fewer_are_rejected(world, tmp_path):
    """A network taught on weak flows is sent into strong ones; what is rejected there, it learns."""
    solver, state, params, coarse = world
    u = torch.cat([starts(solver, 1.0 + 0.01 * k, 8) for k in range(8)])
    after = torch.cat([steps(world, u[k : k + 8]) for k in range(0, 64, 8)])
    data = Pairs.from_arrays({"vorticity": u.numpy()}, {"vorticity": after.numpy()}, dt=DT, split=Split(0.1, 0.0))
    strong = type(state)(starts(solver, 4.0, 8))
    check, shares = CoarseStep(coarse, down), []
    for turn in range(2):
        torch.manual_seed(0)
        fit = train(
            FNO((5, 5), 16, ["vorticity"], depth=3), data, out=tmp_path / str(turn), epochs=25, batch_size=16,
            learning_rate=5e-3, progress=False, device="cpu",
        )  # fmt: skip
        safe = SafeStepper(Surrogate(fit.model, like=solver), solver, check, threshold=0.4)
        with torch.no_grad():
            rollout(safe, strong, params, probes=())
        shares.append(1.0 - safe.log.accepted)
        if turn == 0:
            lessons = lessons_of(safe.log, DT)
            assert len(lessons.x["vorticity"]) == sum(int((~one.trusted).sum()) for one in safe.log.steps)
            again = steps(world, torch.from_numpy(lessons.x["vorticity"][:8]))
            np.testing.assert_allclose(lessons.y["vorticity"][:8], again.numpy(), rtol=1e-4, atol=1e-4)
            data = extended(data, safe.log, DT)
    assert shares[0] > 0.9
    assert shares[1] < 0.5 * shares[0]


def test_lessons_join_the_training_part_alone(world):
    solver, _, _, _ = world
    u = starts(solver, 1.0, 8).numpy()
    data = Pairs.from_arrays({"vorticity": u}, {"vorticity": 0.5 * u}, dt=DT, split=Split(0.25, 0.25))
    more = Pairs.from_arrays({"vorticity": 9 * u[:3]}, {"vorticity": u[:3]}, dt=DT, split=Split(0.0, 0.0))
    names = FNO((2, 2), 2, ["vorticity"]).names
    plain, both = data.bind(names, 1), Extended(data, more).bind(names, 1)
    assert (both.count("train"), both.count("test")) == (plain.count("train") + 3, plain.count("test"))
    window = both.window("train", [0, plain.count("train") + 1])
    assert np.array_equal(window.inputs["vorticity"][1], 9 * u[1])
    assert torch.equal(both.statistics().input_std, plain.statistics().input_std)
    assert both.hash != plain.hash


def test_lessons_that_do_not_fit_are_refused(world):
    solver, _, _, _ = world
    with pytest.raises(EngineError, match="Nothing was rejected"):
        lessons_of(Log(), DT)
    u = starts(solver, 1.0, 8).numpy()
    data = Pairs.from_arrays({"vorticity": u}, {"vorticity": u}, dt=DT)
    longer = Pairs.from_arrays({"vorticity": u}, {"vorticity": u}, dt=2 * DT, split=Split(0.0, 0.0))
    with pytest.raises(EngineError, match=r"steps 0\.1 .* rejected steps of 0\.2"):
        Extended(data, longer).bind(FNO((2, 2), 2, ["vorticity"]).names, 1)

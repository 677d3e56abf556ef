"""The steps of a run, as a person reads and draws them."""

import numpy as np
import pytest

import scenegrad as sg


def tube(**time):
    return sg.Scene(
        name="tube",
        domain=sg.Domain(size=(1.0,), cells=(16,)),
        entities={"gas": sg.Gas(patches=(sg.GasPatch(sg.Box(center=(0.2,), size=(0.3,)), pressure=2.0),))},
        boundary=sg.Boundary(default=sg.Slip()),
        outputs={"energy": sg.Energy(every=0.05)},
        time=sg.Time(end=0.1, **time),
    )


@pytest.fixture
def run(tmp_path):
    return sg.run(tube(tolerance=1e-6, controller="h211b"), tmp_path / "run", device="cpu", progress=False)


def test_a_run_knows_every_attempt(run):
    steps = run.steps
    assert int(steps.steps[steps.accepted].sum()) == run.record["steps"]
    assert int((~steps.accepted).sum()) == run.record["rejected"] > 0
    assert bool((steps.error[steps.accepted] <= 1e-6).all())
    assert bool((steps.error[~steps.accepted] > 1e-6).all())
    assert bool((steps.dt <= 0.8 * steps.bound * (1 + 1e-6)).all())
    assert f"{run.record['rejected']} refused" in repr(steps)


def test_steps_are_drawn(run):
    pytest.importorskip("matplotlib")
    assert run.plot_steps().read_bytes()[:4] == b"\x89PNG"


def test_a_run_at_a_fraction_of_the_bound_has_its_steps_too(tmp_path):
    steps = sg.run(tube(cfl=0.3), tmp_path / "run", device="cpu", progress=False).steps
    assert bool(steps.accepted.all())
    assert np.all(steps.dt <= 0.3 * steps.bound * (1 + 1e-6))
    assert float((steps.dt * steps.steps).sum()) == pytest.approx(0.1, rel=1e-12)


def test_a_folder_from_before_says_that_it_has_none(run):
    (run.folder / "steps.csv").unlink()
    with pytest.raises(sg.FileError, match=r"holds no steps\.csv"):
        _ = run.steps


def test_a_controller_without_a_tolerance_is_refused():
    with pytest.raises(ValueError, match="controller='pid' without a tolerance"):
        sg.Time(end=1.0, controller="pid")


def test_a_scene_chooses_controller_and_steps_in_common():
    control = sg.compile(tube(tolerance=1e-6, controller="h312b", steps="shared"), device="cpu")[0].program.controller
    assert isinstance(control, sg.InStep)
    assert control.controller.filter.ratios == (3 / 8, 1 / 8)
    assert isinstance(sg.compile(tube(dt=1e-3, steps="shared"), device="cpu")[0].program.controller, sg.Fixed)

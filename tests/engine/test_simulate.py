"""One run in one folder: stopped anywhere, it goes on to the same result; whatever goes wrong, the folder says so."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from scenegrad.engine.controllers import PI, Fixed
from scenegrad.engine.errors import DiskFull, Diverged, FileError, Interrupted, OutputInUse
from scenegrad.engine.files.recorded import open_outputs
from scenegrad.engine.files.steps import read_steps
from scenegrad.engine.lock import Lock
from scenegrad.engine.progress import Lines, Quiet, progress_for
from scenegrad.engine.rollout import rollout
from scenegrad.engine.run_folder import RunFolder
from scenegrad.engine.simulate import simulate
from scenegrad.engine.state import with_tensors
from scenegrad.engine.trials import Trials

ABOUT = {"identity": {"scene": "abc", "dtype": "float64"}, "provenance": {"scene": "{}"}}


class StopAt(Quiet):
    """Presses Ctrl-C when a time has come."""

    def __init__(self, time):
        self.time = time

    def update(self, done, steps):
        if done >= self.time:
            os.kill(os.getpid(), 2)


def start(make_pendulum, folder, **how):
    controller = how.pop("controller", Fixed(0.01, steps=7))
    solver, state, params = make_pendulum(controller=controller, every=0.3, end=3.0)
    simulate(solver, state, params, RunFolder(folder), ABOUT, **how)
    return open_outputs(folder)["height"]


def test_a_run_records_what_a_rollout_measures(make_pendulum, run_folder):
    run_folder.mkdir()
    output = start(make_pendulum, run_folder)
    roll = rollout(*make_pendulum(controller=Fixed(0.01, steps=7), every=0.3, end=3.0))
    assert np.array_equal(np.asarray(output), roll.outputs["height"][0].detach().numpy())
    assert np.array_equal(output.time, roll.times["height"].numpy())
    record = RunFolder(run_folder).read()
    assert record["status"] == "done"
    assert record["steps"] == int(roll.steps[0])
    assert record["frames"] == {"height": 11}


@pytest.mark.parametrize("controller", [Fixed(0.01, steps=7), PI(tolerance=1e-4, k=2)], ids=str)
@pytest.mark.parametrize("moments", [[1.0], [0.0, 0.4, 2.99]], ids=str)
def test_an_interrupted_run_goes_on_to_the_same_result(make_pendulum, tmp_path, controller, moments):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = start(make_pendulum, tmp_path / "whole", controller=controller)
    for moment in moments:
        with pytest.raises(Interrupted, match=r"Start the same run again"):
            start(make_pendulum, tmp_path / "parts", controller=controller, progress=StopAt(moment))
        record = RunFolder(tmp_path / "parts").read()
        assert record["status"] == "interrupted"
        assert moment <= record["time"] <= moment + 0.31
    parts = start(make_pendulum, tmp_path / "parts", controller=controller)
    assert np.array_equal(np.asarray(parts), np.asarray(whole))
    assert np.array_equal(parts.time, whole.time)
    assert np.array_equal(parts.steps, whole.steps)
    assert RunFolder(tmp_path / "parts").read()["steps"] == RunFolder(tmp_path / "whole").read()["steps"]
    assert (tmp_path / "parts" / "steps.csv").read_bytes() == (tmp_path / "whole" / "steps.csv").read_bytes()


def test_the_folder_of_a_run_holds_every_attempt_at_a_step(make_pendulum, run_folder):
    """The first step is far too bold for so strict a tolerance."""
    run_folder.mkdir()
    control = PI(tolerance=1e-6, k=2)
    start(make_pendulum, run_folder, controller=control)
    trials = Trials()
    rollout(*make_pendulum(controller=control, every=0.3, end=3.0), tried=trials.append)
    steps, record = read_steps(run_folder), RunFolder(run_folder).read()
    for name, column in trials.table().items():
        assert getattr(steps, name) == pytest.approx(column[:, 0].numpy(), rel=1e-8), name
    assert int((~steps.accepted).sum()) == record["rejected"] > 0
    assert int(steps.steps[steps.accepted].sum()) == record["steps"]
    assert steps.time[0] == 0.0
    assert float((steps.dt * steps.steps)[steps.accepted].sum()) == pytest.approx(3.0, rel=1e-12)


def test_frames_beyond_the_checkpoint_are_written_again(make_pendulum, tmp_path, monkeypatch):
    """The process dies without a word long after its last checkpoint."""
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = start(make_pendulum, tmp_path / "whole")
    with pytest.raises(Interrupted):
        start(make_pendulum, tmp_path / "parts", progress=StopAt(0.9))

    class Death(Exception): ...

    class DieAt(Quiet):
        def update(self, done, steps):
            if done >= 2.4:
                raise Death

    with pytest.raises(Death):
        start(make_pendulum, tmp_path / "parts", progress=DieAt())
    assert len(open_outputs(tmp_path / "parts")["height"]) == 9  # the checkpoint counts 4
    parts = start(make_pendulum, tmp_path / "parts")
    assert np.array_equal(np.asarray(parts), np.asarray(whole))
    assert (tmp_path / "parts" / "steps.csv").read_bytes() == (tmp_path / "whole" / "steps.csv").read_bytes()


def test_a_diverged_run_keeps_its_frames_and_says_where(make_pendulum, run_folder):
    run_folder.mkdir()
    solver, state, params = make_pendulum(every=0.3, end=3.0)
    plain = solver.step

    def blow_up(state, params, time, dt):
        after = plain(state, params, time, dt)
        if float(time[0]) > 1.0:
            return type(after)(with_tensors(after.state, {"rate": after.state.rate * torch.inf}), after.error)
        return after

    solver.step = blow_up
    with pytest.raises(Diverged, match=r"rate of member 0 is not finite .*\nEverything up to t = 0\.9"):
        simulate(solver, state, params, RunFolder(run_folder), ABOUT)
    record = RunFolder(run_folder).read()
    assert record["status"] == "diverged"
    assert "rate of member 0 is not finite" in record["error"]
    assert len(open_outputs(run_folder)["height"]) == 4
    assert float(read_steps(run_folder).time[-1]) <= 1.01, "the attempt that went wrong is the last line"
    assert not list(run_folder.glob("*.part.*"))


def test_an_unreadable_checkpoint_is_refused_and_nothing_is_touched(make_pendulum, run_folder):
    run_folder.mkdir()
    with pytest.raises(Interrupted):
        start(make_pendulum, run_folder, progress=StopAt(1.0))
    (run_folder / "checkpoint.h5").write_bytes(b"rubbish")
    before = (run_folder / "series.part.h5").read_bytes()
    with pytest.raises(FileError, match=r"checkpoint\.h5 cannot be used.*--overwrite"):
        start(make_pendulum, run_folder)
    assert (run_folder / "series.part.h5").read_bytes() == before


def test_a_checkpoint_of_other_shapes_is_refused(make_pendulum, run_folder):
    run_folder.mkdir()
    with pytest.raises(Interrupted):
        start(make_pendulum, run_folder, progress=StopAt(1.0))
    solver, state, params = make_pendulum(dtype=torch.float32)
    with pytest.raises(FileError, match=r"needs angle \(1, 1\) torch\.float32, it holds \(1, 1\) torch\.float64"):
        simulate(solver, state, params, RunFolder(run_folder), ABOUT)


def test_a_full_disk_stops_the_run_which_then_goes_on(make_pendulum, tmp_path, monkeypatch):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = start(make_pendulum, tmp_path / "whole")
    frames = []

    def free_bytes(path):
        frames.append(path)
        return 10 if len(frames) > 6 else 10**9

    with monkeypatch.context() as patch:
        patch.setattr("scenegrad.engine.files.disk.free_bytes", free_bytes)
        with pytest.raises(DiskFull, match=r"only 10 bytes are free"):
            start(make_pendulum, tmp_path / "parts")
    assert len(open_outputs(tmp_path / "parts")["height"]) > 2
    assert np.array_equal(np.asarray(start(make_pendulum, tmp_path / "parts")), np.asarray(whole))


# ---- the folder


def test_a_folder_in_use_names_the_process(tmp_path):
    with held(tmp_path / "lock") as pid, pytest.raises(OutputInUse, match=rf"in use by process {pid}\b"):
        Lock(tmp_path / "lock").claim()
    lock = Lock(tmp_path / "lock")
    lock.claim()  # the holder was killed: its claim ended with it
    lock.release()
    assert not (tmp_path / "lock").exists()


@contextmanager
def held(path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom scenegrad.engine.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1]))\nlock.claim()\nprint('held', flush=True)\nsys.stdin.read()"
    )
    pipe, command = subprocess.PIPE, [sys.executable, "-c", code, str(path)]
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    child.stdout.readline()
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def test_a_folder_with_another_run_is_refused(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write({"identity": {"scene": "abc", "dtype": "float32"}})
    folder.refuse_another({"scene": "abc", "dtype": "float32"})
    with pytest.raises(OutputInUse, match=r"another run \(scene abc, now xyz\).*--out.*--overwrite"):
        folder.refuse_another({"scene": "xyz", "dtype": "float32"})


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.h5").write_text("mine")
    folder = RunFolder(tmp_path)
    with pytest.raises(OutputInUse, match=r"not empty and holds no run \(but thesis\.h5\)"):
        folder.refuse_another({"scene": "abc"})
    folder.write({"files": ["fields.vtkhdf"]})
    (tmp_path / "fields.part.vtkhdf").write_text("half")
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.h5"]


def test_run_json_appears_whole(tmp_path):
    folder = RunFolder(tmp_path)
    for n in range(3):
        folder.write({"n": n})
        assert json.loads((tmp_path / "run.json").read_text())["n"] == n
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


# ---- progress


class Page:
    def __init__(self, terminal=False):
        self.lines, self.terminal = [], terminal

    def write(self, text):
        self.lines += [text] if text.strip() else []

    def flush(self): ...

    def isatty(self):
        return self.terminal


def test_a_plain_line_every_ten_seconds_tells_speed_and_time_left(monkeypatch):
    monkeypatch.setattr("scenegrad.engine.progress.PATIENCE", 600.0)  # of a machine; the clock is ours
    page, now = Page(), [0.0]
    lines = Lines(page, clock=lambda: now[0])
    lines.start("drop", total=2.0, done=1.0)  # half was done by an earlier process
    for n in range(1, 26):
        now[0] = float(n)
        lines.update(1.0 + n / 100, 10 * n)
    lines.stop()
    assert page.lines == ["drop: 55 %, 10 steps/s, 1 min 30 s left", "drop: 60 %, 10 steps/s, 1 min 20 s left"]


def test_a_terminal_gets_a_bar_and_a_machine_that_tests_gets_nothing(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    page = Page(terminal=True)
    bar = progress_for(True, page)
    bar.say("drop: material_point")
    bar.start("drop", total=2.0)
    bar.update(1.0, 10)
    bar.say("member 3 diverged")
    bar.update(2.0, 20)
    bar.stop()
    text = "".join(page.lines)
    assert "drop: material_point" in text
    assert "member 3 diverged" in text
    monkeypatch.setenv("CI", "true")
    assert isinstance(progress_for(True, Page()), Quiet)
    assert isinstance(progress_for(False, page), Quiet)

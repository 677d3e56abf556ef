"""A run is watched while another process computes it, and does not notice."""

import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.view import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.growing import Growing, wait_for_frames

PAUSES = (10, 20, 30)  # frames after which the simulation waits until they were seen, however busy the machine is
RUN = f"""
import sys, time
from pathlib import Path
import scenegrad as sg
from scenegrad.engine.files.recorder import Recorder

commit = Recorder.commit
def slowly(self):
    commit(self)
    time.sleep(0.01)  # as long as a larger simulation would take
    while self.frames["fields"] in {PAUSES} and not Path(sys.argv[2], str(self.frames["fields"])).exists():
        time.sleep(0.01)
Recorder.commit = slowly
sg.run(sg.library.decaying_turbulence(cells=16, peak=2.0, end=0.2), out=sys.argv[1], progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="refused on Windows")
def test_a_simulation_is_watched_while_it_runs_and_does_not_notice(tmp_path: Path) -> None:
    watched, alone, marks = tmp_path / "watched", tmp_path / "alone", tmp_path / "marks"
    watched.mkdir()
    marks.mkdir()
    said: list[str] = []
    command = [sys.executable, "-c", RUN, str(watched), str(marks)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as simulation:
        while simulation.poll() is None and not (watched / "run.json").exists():
            time.sleep(0.05)
        assert simulation.poll() in (None, 0), simulation.stderr.read() if simulation.stderr else ""
        growing = wait_for_frames(watched, "vorticity", said.append)
        seen: list[int] = []
        patience = time.monotonic() + 600
        while not growing.complete and time.monotonic() < patience:
            time.sleep(0.002)
            if growing.news() or not seen:
                frames = growing.frames
                seen.append(len(frames.times))
                (marks / str(seen[-1])).touch()
                assert np.isfinite(frames.values("vorticity", seen[-1] - 1)).all()
                assert np.ptp(frames.values("vorticity", seen[-1] - 1)) > 1.0, "a frame that counts is not there yet"
            assert simulation.poll() in (None, 0), simulation.stderr.read() if simulation.stderr else ""
        assert simulation.wait(600) == 0
    assert seen == sorted(seen)
    assert set(PAUSES) <= set(seen), f"it was seen with {seen} frames only"
    assert len(growing.frames.times) == 41

    sg.run(sg.library.decaying_turbulence(cells=16, peak=2.0, end=0.2), out=alone, progress=False)
    undisturbed = open_frames(alone)
    for index in range(41):
        same = np.array_equal(growing.frames.values("vorticity", index), undisturbed.values("vorticity", index))
        assert same, f"frame {index} differs from that of a run that nobody watched"
    growing.close()
    undisturbed.close()


def test_a_frame_that_is_being_written_is_waited_for(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both by who comes before the first one is there, and by who has seen some."""
    samples.write_flat_field(run_folder, [np.eye(8), 2 * np.eye(8)])
    (file,) = run_folder.glob("*.vtkhdf")
    whole = file.read_bytes()
    (run_folder / "run.json").write_text('{"status": "running"}')
    file.write_bytes(whole[: len(whole) // 2])
    growing = wait_for_frames(run_folder, None, lambda _: file.write_bytes(whole))
    assert len(growing.frames.times) == 2

    file.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr("scenegrad.view.growing.time.sleep", lambda _: file.write_bytes(whole))
    assert growing.news()
    assert len(growing.frames.times) == 2
    growing.close()


def test_who_waits_for_a_run_waits_for_one_that_is_under_way_only(run_folder: Path, samples: ModuleType) -> None:
    with pytest.raises(ViewError, match="There is no run"):
        wait_for_frames(run_folder, None, print)
    samples.write_block(run_folder, side=2)
    (run_folder / "run.json").write_text('{"status": "running"}')
    with pytest.raises(ViewError, match="Did you mean 'speed'"):
        wait_for_frames(run_folder, "sped", print)


def test_watching_is_refused_where_it_would_hurt(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_block(run_folder, side=2)
    monkeypatch.setattr("scenegrad.view.growing.sys.platform", "win32")
    with pytest.raises(ViewError, match="on Windows"):
        Growing(run_folder)

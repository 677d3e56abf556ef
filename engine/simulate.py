"""One simulation into one folder: marches, records, checkpoints, and goes on where an earlier process stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from signal import SIGINT
from typing import Any

import torch

from scenegrad.engine.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from scenegrad.engine.errors import Diverged, EngineError, Interrupted
from scenegrad.engine.files.recorder import Recorder
from scenegrad.engine.files.steps import STEPS, StepFile
from scenegrad.engine.loop import Clock, due_times, march
from scenegrad.engine.progress import Progress, Quiet
from scenegrad.engine.remembering import begun
from scenegrad.engine.run_folder import RunFolder
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, batch_size
from scenegrad.engine.stopping import Asked, asked_to_stop

__all__ = ["simulate"]


def simulate(
    solver: Solver,
    state: Any,
    params: Params,
    folder: RunFolder,
    about: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    checkpoint_every: float = 30.0,
    unit: str = "steps",
) -> None:
    """Runs the program of a solver (a batch of one) and leaves outputs, run.json and a checkpoint in the folder.

    about: what run.json says besides, with `provenance`, which every file carries too. checkpoint_every: wall time [s].
    unit: what progress counts, such as Work("steps", 4096, "particle-steps"). The caller holds the lock of the folder.
    Raises Diverged or Interrupted after everything was put in order.
    """
    if batch_size(state) != 1:
        raise EngineError(
            f"One folder holds one simulation; got a batch of {batch_size(state)}. Use generate for many."
        )
    Simulation(solver, params, folder, about, progress or Quiet(), checkpoint_every, unit).run(state)


class Simulation:
    def __init__(
        self,
        solver: Solver,
        params: Params,
        folder: RunFolder,
        about: Mapping[str, Any],
        progress: Progress,
        checkpoint_every: float,
        unit: str,
    ):
        self.solver, self.params, self.folder, self.about = solver, params.detach(), folder, about
        self.progress, self.checkpoint_every, self.unit = progress, checkpoint_every, unit
        program = solver.program
        self.due = due_times(program.probes, 0.0, program.end)
        self.recorder = Recorder(folder.path, program.probes, about.get("provenance", {}), program.time_unit)
        self.tried = StepFile(folder.path)
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.begin = time.monotonic()

    def run(self, state: Any) -> None:
        self.last = self.pick_up(begun(self.solver, state))
        self.first_steps = int(self.last.clock.steps[0])
        self.earlier, self.saved = self.last.seconds, time.monotonic()
        self.note("running")
        self.progress.start(
            self.folder.path.name, self.solver.program.end, float(self.last.clock.time[0]), unit=self.unit
        )
        try:
            with asked_to_stop() as asked, torch.no_grad():
                self.march(asked)
            self.save()
            self.recorder.seal()
            self.note("done")
        except Diverged as error:
            self.save()
            self.recorder.seal()
            self.note("diverged", str(error))
            raise Diverged(
                f"{error}\nEverything up to t = {self.reached:.6g} is in {self.folder.path}.", error.members
            ) from error
        except KeyboardInterrupt as error:
            self.save()
            self.note("interrupted", f"stopped at t = {self.reached:.6g}")
            raise Interrupted(
                f"Stopped at t = {self.reached:.6g} of {self.solver.program.end:.6g}. "
                f"Start the same run again to go on from there: {self.folder.path} holds a checkpoint.",
                error.signal if isinstance(error, Interrupted) else SIGINT,
            ) from error
        except Exception as error:
            self.note_if_possible("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            self.progress.stop()
            self.recorder.close()

    @property
    def reached(self) -> float:
        return float(self.last.clock.time[0])

    def pick_up(self, state: Any) -> Checkpoint:
        """The last checkpoint, with the outputs cut back to it; or the beginning."""
        self.folder.sweep()
        if self.folder.checkpoint.is_file():
            found = read_checkpoint(self.folder.checkpoint, state)
            self.recorder.resume(found.frames)
            self.tried.resume(found.attempts)
            return found
        self.recorder.restart()
        self.tried.restart()
        return Checkpoint(state, Clock.start(1), 0, {}, 0.0)

    def march(self, asked: Asked) -> None:
        start = self.last
        pauses = [moment for moment, _ in self.due[start.pause :]]
        controller = self.solver.program.controller
        for moment in march(
            self.solver, start.state, self.params, controller, pauses, start.clock, tried=self.tried.append
        ):
            pause = self.last.pause
            if moment.pause is not None:
                pause = start.pause + moment.pause
                self.record(pause, moment.state, int(moment.clock.steps[0]))
                pause += 1
            self.last = Checkpoint(
                moment.state, moment.clock, pause, self.recorder.frames, self.seconds, self.tried.count
            )
            self.progress.update(self.reached, int(moment.clock.steps[0]) - self.first_steps)
            if time.monotonic() - self.saved > self.checkpoint_every:
                self.save()
            if asked.is_set():
                raise Interrupted("Stopped.", asked.signal)

    def record(self, pause: int, state: Any, step: int) -> None:
        when, indices = self.due[pause]
        for index in indices:
            probe = self.solver.program.probes[index]
            seen = probe.look(state, self.params, torch.tensor([when], dtype=torch.float64))
            self.recorder.write(probe, when, step, seen)
        if indices:
            self.recorder.commit()
            self.tried.flush()

    @property
    def seconds(self) -> float:
        """Wall time spent on the run, by earlier processes too [s]."""
        return self.earlier + time.monotonic() - self.begin

    def save(self) -> None:
        """Outputs first: a checkpoint never counts frames or steps that are not on the disk."""
        begin = time.monotonic()
        self.recorder.sync()
        self.tried.sync()
        write_checkpoint(self.folder.checkpoint, self.last)
        self.saved = time.monotonic()
        self.checkpoint_every = max(self.checkpoint_every, 20.0 * (self.saved - begin))  # at most 5 % of the time

    def note(self, status: str, error: str | None = None) -> None:
        clock = self.last.clock
        self.folder.write(
            {
                "status": status,
                **self.about,
                "error": error,
                "time": self.reached,
                "end": self.solver.program.end,
                "steps": int(clock.steps[0]),
                "rejected": int(clock.rejected[0]),
                "frames": dict(self.last.frames),
                "wall_seconds": round(self.last.seconds, 3),
                "started": self.started,
                "files": [*self.recorder.names, STEPS],
            }
        )

    def note_if_possible(self, status: str, error: str) -> None:
        """On a full disk the old run.json stays, which is still right about everything but the end."""
        with suppress(EngineError):
            self.note(status, error)

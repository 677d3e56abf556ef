"""Many members into one dataset: in this process, in several, or wherever an executor takes them."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from signal import SIGINT
from typing import Any

import torch

from scenegrad.engine.dataset_folder import DatasetFolder, Outcome
from scenegrad.engine.errors import DiskFull, Diverged, Interrupted
from scenegrad.engine.lock import Lock
from scenegrad.engine.progress import Progress, Quiet
from scenegrad.engine.stopping import stopped_at_once
from scenegrad.engine.workers import WorkerDied, by_executor, by_processes, refuse_endless_spawning

__all__ = ["Job", "blocks_of_share", "generate_members", "outcomes"]

AGAIN = ("missing", "damaged", "failed")  # what is made when generate is called again
ONE_AT_A_TIME = threading.Lock()
Simulate = Callable[[tuple[int, ...], tuple[int, ...]], None]


@dataclass(frozen=True)
class Job:
    """Members that are simulated side by side, and those of them whose shards are wanted.

    A block is always simulated as a whole: where the last digits depend on the size of a batch, a restart in the middle
    of a block would change them.
    """

    members: tuple[int, ...]
    wanted: tuple[int, ...]


def blocks_of_share(count: int, batch: int, share: tuple[int, int]) -> list[tuple[int, ...]]:
    """Members in blocks of `batch`; share (i, n) of a job array has every n-th block from the i-th on."""
    blocks = [tuple(range(k, min(k + batch, count))) for k in range(0, count, batch)]
    return blocks[share[0] :: share[1]]


def generate_members(
    simulate: Simulate,
    folder: DatasetFolder,
    about: Mapping[str, Any],
    *,
    workers: int = 1,
    batch: int = 1,
    threads: int = 1,
    executor: Executor | None = None,
    share: tuple[int, int] = (0, 1),
    progress: Progress | None = None,
    unit: str = "members",
) -> list[Outcome]:
    """Makes every member that is not there yet; returns how those fared that were tried.

    simulate(members, wanted): runs members side by side and writes the shards of those that are wanted, or raises and
    writes none; pickled where processes do it. about: what the manifest says, with `identity` and `n`. Members that
    diverged are not tried again: they would once more. Ctrl-C and SIGTERM raise Interrupted when all is in order.
    """
    refuse_endless_spawning()
    folder.make()
    folder.refuse_another(about["identity"])
    blocks = blocks_of_share(about["n"], batch, share)
    mine = [i for block in blocks for i in block]
    lock = Lock(folder.path / ("lock" if share == (0, 1) else f"lock-{share[0]}-of-{share[1]}"))
    lock.claim()
    tried: list[Outcome] = []
    shown = progress or Quiet()
    try:
        with stopped_at_once() as asked:
            folder.write(about)
            status = folder.status(about["n"])
            jobs = [Job(block, tuple(i for i in block if status[i] in AGAIN)) for block in blocks]
            jobs = [job for job in jobs if job.wanted]
            folder.sweep(mine)
            done = len(mine) - sum(len(job.wanted) for job in jobs)
            shown.start(folder.path.name, len(mine), done, unit=unit, first="the first members are under way")
            for job, found in carried_out(partial(outcomes, simulate), jobs, workers, threads, executor):
                fates = as_outcomes(job, found)
                for outcome in fates:
                    folder.record(outcome)
                    if outcome.status != "ok":
                        shown.say(f"member {outcome.member} {outcome.status}: {outcome.error.splitlines()[0]}")
                tried += fates
                done += len(job.wanted)
                shown.update(done, len(tried))
                asked.refuse()
    except KeyboardInterrupt as error:
        made = folder.status(about["n"])
        raise Interrupted(
            f"Stopped with {sum(made[i] == 'ok' for i in mine)} of {len(mine)} members in {folder.path}. Call generate "
            f"again, in the same words, to make the others.",
            error.signal if isinstance(error, Interrupted) else SIGINT,
        ) from error
    finally:
        shown.stop()
        folder.sweep(mine)
        folder.write(about, sum(outcome.seconds for outcome in tried))
        lock.release()
    return tried


def as_outcomes(job: Job, found: list[Outcome] | WorkerDied) -> list[Outcome]:
    return [Outcome(i, "failed", str(found)) for i in job.wanted] if isinstance(found, WorkerDied) else found


def carried_out(
    work: Callable[[Job], list[Outcome]], jobs: Sequence[Job], workers: int, threads: int, executor: Executor | None
) -> Iterator[tuple[Job, list[Outcome] | WorkerDied]]:
    if executor is None and workers > 1:
        yield from by_processes(work, jobs, workers, threads)
        return
    turn = partial(in_turn, work, threads)
    if executor is not None:
        yield from by_executor(turn, jobs, executor)
    else:
        yield from ((job, turn(job)) for job in jobs)


def in_turn(work: Callable[[Job], list[Outcome]], threads: int, job: Job) -> list[Outcome]:
    """With as many threads of torch as the bytes depend on, and one job at a time in each process: executors may have
    threads for workers, which what Warp and torch keep for a whole process does not allow for."""
    with ONE_AT_A_TIME:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return work(job)
        finally:
            torch.set_num_threads(before)


def outcomes(simulate: Simulate, job: Job) -> list[Outcome]:
    """Simulates a block and, where that fails, its members one by one: companions of a failure come through.

    A full disk is nobody's fault in particular and stops the whole ensemble.
    """
    begun = time.perf_counter()
    try:
        simulate(job.members, job.wanted)
        share = (time.perf_counter() - begun) / len(job.wanted)
        return [Outcome(i, "ok", seconds=share) for i in job.wanted]
    except DiskFull:
        raise
    except Exception as error:
        if len(job.members) > 1:
            return [outcome for i in job.wanted for outcome in outcomes(simulate, Job((i,), (i,)))]
        status = "diverged" if isinstance(error, Diverged) else "failed"
        why = str(error) or type(error).__name__
        return [Outcome(job.members[0], status, why, traceback.format_exc(), time.perf_counter() - begun)]

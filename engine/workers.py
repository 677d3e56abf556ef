"""Jobs carried out by processes that may die: the pool is made anew, and the job that killed it is found out."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from scenegrad.engine.errors import EngineError

__all__ = ["WorkerDied", "by_executor", "by_processes", "refuse_endless_spawning"]

AT_ONCE = 1024  # jobs that an executor is given beforehand: more than workers, few enough to be called back
Job = TypeVar("Job")
Result = TypeVar("Result")


class WorkerDied(Exception):
    """The process that did a job ended in the middle of it, or an executor gave the job up."""


def by_executor(
    work: Callable[[Job], Result], jobs: Sequence[Job], executor: Executor, at_once: int = AT_ONCE
) -> Iterator[tuple[Job, Result | WorkerDied]]:
    """Results as they come, from an executor that looks after its own workers.

    A job that it gives up, as Dask does with one whose workers died three times, has WorkerDied as its result; errors
    of ours are for whoever asked. What is not begun when somebody stops is called back.
    """
    waiting, under_way = deque(jobs), dict[Future[Result], Job]()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                job = waiting.popleft()
                under_way[executor.submit(work, job)] = job
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                job = under_way.pop(future)
                try:
                    result: Result | WorkerDied = future.result()
                except (EngineError, BrokenExecutor, CancelledError):
                    raise
                except Exception as error:
                    result = WorkerDied(f"{type(error).__name__}: {error}")
                yield job, result
    except (BrokenExecutor, CancelledError) as error:
        raise EngineError(
            f"The executor broke, or its cluster is gone ({type(error).__name__}: {error}). What is finished is kept; "
            f"call generate again to go on."
        ) from error
    finally:
        for future in under_way:
            future.cancel()


def by_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int, threads: int, retries: int = 2
) -> Iterator[tuple[Job, Result | WorkerDied]]:
    """Results as they come, from fresh processes on this machine.

    A pool breaks as a whole when one of its workers dies. The jobs that were under way are then tried alone, one after
    the other; one whose process dies `retries` times more is given up.
    """
    waiting, suspects, deaths = deque(jobs), deque[Job](), Counter[Job]()
    while waiting or suspects:
        alone = bool(suspects)
        under_way: dict[Future[Result], Job] = {}
        with pool_of(1 if alone else min(workers, len(waiting)), threads) as pool:
            try:
                yield from results(work, suspects if alone else waiting, pool, 1 if alone else workers, under_way)
            except BrokenProcessPool:
                guilty = len(under_way) == 1
                for job in under_way.values():
                    deaths[job] += guilty
                    if deaths[job] > retries:
                        yield job, WorkerDied(f"its process died {deaths[job]} times (out of memory, or killed)")
                    else:
                        suspects.append(job)


def results(
    work: Callable[[Job], Result],
    queue: deque[Job],
    executor: Executor,
    at_once: int,
    under_way: dict[Future[Result], Job],
) -> Iterator[tuple[Job, Result]]:
    """Keeps `at_once` jobs under way; what is left in `under_way` when the executor breaks has no result."""
    while queue or under_way:
        while queue and len(under_way) < at_once:
            future = executor.submit(work, queue[0])
            under_way[future] = queue.popleft()
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result()
            yield under_way.pop(future), result


@contextmanager
def pool_of(workers: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    """Spawned processes on a leash: they end when this process lets go of it, or dies."""
    context = multiprocessing.get_context("spawn")
    end, leash = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker, initargs=(end, threads))
    finished = False
    try:
        yield pool
        finished = True
    finally:
        if not finished:
            leash.close()
        pool.shutdown(wait=True, cancel_futures=True)
        leash.close()
        end.close()


def start_worker(leash: Connection, threads: int) -> None:
    """Ctrl-C is for the parent to see; the number of threads is fixed, for the bytes depend on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, args=(leash,), daemon=True).start()
    import torch

    torch.set_num_threads(threads)


def end_with_parent(leash: Connection) -> None:
    try:
        leash.recv()
    except (EOFError, OSError):
        os._exit(1)


def refuse_endless_spawning() -> None:
    """A script without a main guard is imported by its own workers, which would start workers in turn."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise EngineError(
            "generate(workers=...) starts processes that import your script again. Put the calls of your script under "
            "`if __name__ == '__main__':`."
        )

"""A Dask cluster as the executor of `generate`: found by its address, and asked whether its workers are fit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad import __version__
from scenegrad.engine.device import same_devices
from scenegrad.engine.errors import EngineError
from scenegrad.engine.record import commit, device_name, library_versions

__all__ = ["Cluster", "dask_cluster"]

WAIT = 60  # seconds that the first worker may take to join


@dataclass(frozen=True)
class Cluster:
    """What `generate` needs of one. workers: what each told of itself, by its address."""

    executor: Executor
    workers: Mapping[str, Mapping[str, Any]]

    def device(self, asked: str) -> tuple[str, str]:
        """The kind of device on which all members are made, "cpu" or "cuda", and its name."""
        return same_devices(asked, {address: told["gpus"] for address, told in self.workers.items()})


@contextmanager
def dask_cluster(address: str, folder: Path) -> Iterator[Cluster]:
    """The workers that a Dask scheduler has; refused in words where one would make other bytes, or make them elsewhere.

    A task whose worker dies is done by another, three times at most; one that raises is tried twice more.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError("A cluster needs Dask: pip install 'scenegrad[cluster]'.") from error
    try:
        client = Client(address, timeout="30s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"No Dask scheduler answers at {address}: {error}. Start one with `dask scheduler --host 127.0.0.1`, and "
            f"give the address that it prints, such as tcp://127.0.0.1:8786."
        ) from error
    try:
        workers = asked_workers(client, address, folder)
        executor = client.get_executor(retries=2, pure=False)
        try:
            yield Cluster(executor, workers)
        finally:
            executor.shutdown(wait=False)
    finally:
        client.close(timeout=5)


def asked_workers(client: Any, address: str, folder: Path) -> dict[str, Mapping[str, Any]]:
    first = client.submit(int, 0, pure=False)  # clusters that adapt begin with none, and start some when there is work
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except TimeoutError as error:
        raise EngineError(
            f"No worker has joined the scheduler at {address} within {WAIT} s. Start some with "
            f"`dask worker {address} --nworkers 2 --nthreads 1`."
        ) from error
    finally:
        first.cancel()
    mark = folder / f"lock-seen-{os.getpid()}"
    try:
        mark.touch()
        told: dict[str, Any] = client.run(about_worker, str(mark.absolute()), on_error="return")
    finally:
        mark.unlink(missing_ok=True)
    here = about_worker(str(mark))
    refused = [line for worker, found in sorted(told.items()) for line in faults(worker, found, here, folder)]
    if refused:
        raise EngineError(
            "Not every worker of the cluster is fit:\n- " + "\n- ".join(refused[:8]) + "\nThe same member would not be "
            "the same bytes everywhere. Install the same versions on all workers, or leave those workers out."
        )
    return told


def about_worker(mark: str) -> dict[str, Any]:
    """Runs on each worker: its versions, its GPUs, and whether it sees a file that was just made."""
    import torch

    gpus = [device_name(f"cuda:{n}") for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    versions = {"scenegrad": __version__, "commit": commit(), **library_versions()}
    return {"versions": versions, "gpus": gpus, "sees": Path(mark).exists()}


def faults(worker: str, told: Any, here: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Why a worker is not fit, one line each."""
    if isinstance(told, BaseException):
        yield f"{worker} cannot tell about itself ({type(told).__name__}: {told}); is scenegrad installed there?"
        return
    theirs, ours = told["versions"], here["versions"]
    for name in ours:
        if theirs.get(name) != ours[name] and (name != "commit" or None not in (theirs.get(name), ours[name])):
            yield f"{worker} has {name} {theirs.get(name)}, here it is {ours[name]}"
    if not told["sees"]:
        yield f"{worker} does not see the folder {folder.absolute()}: it must lie on a disk that all of them share"

"""Trainings of equal cost: how many epochs fit into a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.atomic import write_text
from scenegrad.surrogates.data.samples import Data, Samples
from scenegrad.surrogates.known import build_model
from scenegrad.surrogates.model import Model
from scenegrad.surrogates.training.checkpoint import checkpoint_in, read_checkpoint
from scenegrad.surrogates.training.curricula import curriculum_of
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import OneStep

__all__ = ["Trained", "clock", "train_within"]

TRIED = 4  # batches that are timed


@dataclass(frozen=True)
class Trained:
    """seconds: of the training, of a processor on the CPU, of the wall elsewhere."""

    fit: Fit
    seconds: float


def train_within(seconds: float, model: Model, data: Data, settings: Settings, *, out: Path, device: str) -> Trained:
    """As many epochs as fit into this time, one at least; 0 leaves those of the settings. A schedule ends with them.
    The same training that is in the folder already is taken as it is, and gone on with, to the same bits, where it was
    interrupted; another one is refused."""
    spent = out / "spent.json"
    samples = data.bind(model.names, settings.target.horizon if settings.target else 1)
    asked = {"network": model.config(), "settings": settings.plain(), "data": samples.hash, "within": seconds}
    asked = json.loads(json.dumps(asked))
    if spent.is_file():
        told = json.loads(spent.read_text())
        if other := [what for what in asked if told["asked"].get(what) != asked[what]]:
            raise EngineError(
                f"{out} holds a training of other {' and '.join(other)}. Take another folder, or delete this one."
            )
        if told["seconds"] is not None:
            return Trained(Fit.load(out, data), told["seconds"])
    else:
        many = max(1, int(seconds / seconds_of_epoch(model, samples, settings, device))) if seconds else settings.epochs
        told = {"asked": asked, "epochs": many, "seconds": None}  # another measurement would be another schedule
        out.mkdir(parents=True, exist_ok=True)
        write_text(spent, json.dumps(told))
    chosen = replace(settings, epochs=told["epochs"])
    before, now = steps_in(out), clock(device)
    begun = now()
    fit = train(model, data, out=out, settings=chosen, device=device, progress=False, resume=True)
    taken, steps = now() - begun, steps_in(out)
    # What an interrupted part took is not known: its steps count as those since then.
    taken = taken * steps / (steps - before) if steps > before else fit.history[-1].seconds
    write_text(spent, json.dumps(told | {"seconds": taken}))
    return Trained(fit, taken)


def steps_in(out: Path) -> int:
    """How far a training in this folder has come."""
    path = checkpoint_in(out)
    return int(read_checkpoint(path)["step"]) if path.is_file() else 0


def seconds_of_epoch(model: Model, samples: Samples, settings: Settings, device: str) -> float:
    """By a few batches of the last lesson, their gradients included, after one to warm up."""
    fresh = build_model(model.config())
    dressed: Any = fresh.dressed(samples.statistics(), samples.dt, samples.grid).to(device)
    target = curriculum_of(settings.target or dressed.objective or OneStep()).aim
    random, now, times = torch.Generator().manual_seed(0), clock(device), []
    size = min(settings.batch_size, samples.count("train"))
    for number in range(TRIED + 1):
        begun = now()
        window = samples.window("train", range(size)).to(device)
        target(dressed, window, settings.loss, random).backward()
        if number:
            times.append(now() - begun)
    return sorted(times)[len(times) // 2] * samples.count("train") / size


def clock(device: str) -> Callable[[], float]:
    """[s]: what a process used where processors are shared, what a device took otherwise."""
    if not str(device).startswith("cuda"):
        return time.process_time

    def wall() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return wall

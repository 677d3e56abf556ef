"""The training loop."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from scenegrad.engine.errors import Diverged, EngineError, Interrupted, OutputInUse
from scenegrad.engine.files.atomic import write_text
from scenegrad.engine.lock import Lock
from scenegrad.engine.progress import Work, progress_for
from scenegrad.engine.stopping import asked_to_stop
from scenegrad.surrogates.data.samples import Data, Samples
from scenegrad.surrogates.data.windows import Trajectories, Windows
from scenegrad.surrogates.known import build_model
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.training.checkpoint import (
    chance,
    read_checkpoint,
    refuse_another,
    restore_chance,
    write_checkpoint,
)
from scenegrad.surrogates.training.curricula import Curriculum, curriculum_of
from scenegrad.surrogates.training.fit import Epoch, Fit
from scenegrad.surrogates.training.gradients import Gradient
from scenegrad.surrogates.training.judge import Judge
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.processes import Processes, together
from scenegrad.surrogates.training.recipe import Recipe, read_recipe
from scenegrad.surrogates.training.record import record
from scenegrad.surrogates.training.sampler import Sampler
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import OneStep, Target

__all__ = ["train"]


def train(
    model: Model | Recipe | str | Path,
    data: Data | Trajectories,
    *,
    out: str | Path,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    loss: Loss | None = None,
    target: Target | Curriculum | None = None,
    precision: str | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "auto",
    parallel: str = "ddp",
    resume: bool = False,
    save_every: float = 60.0,
    progress: Any = True,
    watch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Fits a network to data, and leaves it with all that belongs to it in the folder `out`.

    model: a network (a copy is trained, from the weights it has), or a recipe, or the path or name of one.
    data: Windows(...) of trajectories, Pairs, or the trajectories themselves, cut as the recipe says or frame by frame.
    settings: in place of the recipe's; single ones can be named. parallel: how the processes that torchrun starts share
    the work, "ddp" or "fsdp". resume: go on from the checkpoint in `out`, to the same weights, bit for bit on the CPU,
    as without the interruption. save_every: seconds between checkpoints within an epoch; there is one after each.
    watch: is shown each epoch.
    """
    recipe = read_recipe(model) if isinstance(model, str | Path) else model if isinstance(model, Recipe) else None
    chosen = settings or (recipe.settings if recipe else Settings())
    named: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    named |= {"loss": loss, "target": target, "precision": precision, "seed": seed}
    chosen = replace(chosen, **{name: value for name, value in named.items() if value is not None})
    torch.manual_seed(chosen.seed)
    made = recipe.build() if recipe else model
    assert not isinstance(made, str | Path | Recipe)
    if not hasattr(data, "bind"):
        data = recipe.windows(data) if recipe else Windows(data)
    samples = data.bind(made.names, chosen.target.horizon if chosen.target else 1)
    processes = together(device, parallel)
    folder, leads = Path(out), processes.rank == 0
    lock = Lock(folder / "train.lock")
    if leads:
        lock.claim()
    try:
        training = Training(made, samples, chosen, processes, folder)
        training.begin(resume)
        training.run(save_every, progress_for(progress if leads else False), watch if leads else None)
        return Fit(training.trained(), tuple(training.history), samples, training.path)
    finally:
        lock.release()
        processes.leave()


class Training:
    """All that changes while a network is trained, and how it is written down."""

    def __init__(self, model: Model, samples: Samples, settings: Settings, processes: Processes, folder: Path):
        self.samples, self.settings, self.processes, self.device = samples, settings, processes, processes.device
        self.path, self.log = folder / "checkpoint.pt", folder / "log.jsonl"
        if samples.count("train") == 0:
            raise EngineError("There is nothing to train on: the training part is empty.")
        fresh = build_model(model.config())
        fresh.load_state_dict(model.state_dict())
        self.model: Dressed = fresh.dressed(samples.statistics(), samples.dt, samples.grid).to(self.device)
        self.curriculum, self.place = curriculum_of(settings.target or self.model.objective or OneStep()), 0
        self.sampler = Sampler.fresh(samples.count("train"), settings.batch_size, settings.seed)
        self.random = torch.Generator().manual_seed(settings.seed + 1)
        self.step, self.losses = 0, torch.zeros((), dtype=torch.float64, device=self.device)
        self.seconds, self.history, self.best = 0.0, list[Epoch](), dict[str, torch.Tensor]()

    def begin(self, resume: bool) -> None:
        """Goes on from the checkpoint, where there is one, or makes a new beginning."""
        found = self.found(resume)
        self.processes.wait()  # nobody writes before everybody has read
        if found:
            self.model.load_state_dict(found["weights"])
        self.judge = Judge(self.model, self.samples, self.settings, self.processes)
        if self.settings.compile:
            for network in (module for module in self.model.modules() if isinstance(module, Operator)):
                network.compile()
        settings = self.settings
        self.gradient = Gradient(self.model, settings.loss, settings.precision, settings.accumulate, self.processes)
        self.weights = [value for value in self.model.parameters() if value.requires_grad]
        self.optimiser = settings.optimiser.over(self.weights, settings.learning_rate)
        self.average = {n: v.detach().clone() for n, v in self.model.state_dict().items()} if settings.average else {}
        if found:
            self.restore(found)

    def found(self, resume: bool) -> dict[str, Any] | None:
        """What the checkpoint holds, if it is one of this training."""
        if self.processes.rank == 0:
            for stray in self.path.parent.glob("*.part*"):  # of a process that was killed while it wrote
                stray.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        if not resume:
            raise OutputInUse(
                f"{self.path.parent} already holds a training. Continue it with resume=True, or use another folder."
            )
        content = read_checkpoint(self.path)
        refuse_another(content["identity"], self.identity(), self.path)
        return content

    def identity(self) -> dict[str, Any]:
        """What must not change between the parts of an interrupted training."""
        return {"model": self.model.config(), "settings": self.settings.plain(), "data": self.samples.hash}

    def restore(self, content: Mapping[str, Any]) -> None:
        """All but the weights, which are there before processes share them."""
        parted, state = self.processes.parted, content["optimiser"]
        of = {i: {k: parted(v, self.weights[i]) for k, v in kept.items()} for i, kept in state["state"].items()}
        self.optimiser.load_state_dict({**state, "state": of})
        self.average = {n: parted(v.to(self.device), self.average[n]) for n, v in content["average"].items()}
        self.best, self.place = dict(content["best"]), content["place"]
        self.gradient.scaler.load_state_dict(content["scaler"])
        self.sampler.restore(content["sampler"])
        self.random.set_state(content["random"])
        restore_chance(content["chance"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.losses = content["losses"].to(self.device) * (self.processes.rank == 0)
        self.history = [Epoch(**line) for line in content["history"]]

    def save(self) -> None:
        """Between two steps of the optimiser, so that no gradient is half added up."""
        whole = self.processes.whole
        content = {
            "identity": self.identity(),
            "record": record(self.device, self.processes.size),
            "model": self.model.config(),
            "weights": whole(self.model.state_dict()),
            "average": whole(self.average),
            "best": self.best,
            "optimiser": whole(self.optimiser.state_dict()),
            "scaler": self.gradient.scaler.state_dict(),
            "sampler": self.sampler.state(),
            "place": self.place,
            "random": self.random.get_state(),
            "chance": chance(),
            "cut": self.samples.cut,
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
            "history": [asdict(epoch) for epoch in self.history],
            "parts": {part: [self.samples.keys[i] for i in these] for part, these in self.samples.parts.items()},
        }
        if self.processes.rank == 0:
            write_checkpoint(self.path, content)
            # Written whole from the history: a line that a crash left without its checkpoint cannot survive.
            write_text(self.log, "".join(json.dumps(asdict(epoch)) + "\n" for epoch in self.history))

    @property
    def steps(self) -> int:
        return self.settings.epochs * self.sampler.batches

    @property
    def finished(self) -> bool:
        stop = self.settings.stop
        return self.step >= self.steps or (stop is not None and stop.over(self.errors))

    @property
    def errors(self) -> list[float]:
        return [epoch.validation for epoch in self.history if epoch.validation is not None]

    def run(self, save_every: float, progress: Any, watch: Callable[[Epoch], None] | None) -> None:
        unit = Work("steps", self.settings.batch_size, "examples")
        progress.start("training", float(self.steps), float(self.step), unit=unit)
        first, begun, saved = self.step, time.perf_counter() - self.seconds, time.perf_counter()
        try:
            with asked_to_stop() as asked:
                while not self.finished:
                    self.one_step()
                    progress.update(float(self.step), self.step - first)
                    self.seconds = time.perf_counter() - begun
                    stop, due = self.processes.agreed(asked.is_set(), time.perf_counter() - saved >= save_every)
                    if self.sampler.exhausted:
                        self.close_epoch(begun)
                        if watch is not None:
                            watch(self.history[-1])
                    elif stop or due:
                        self.mean_loss()
                    else:
                        continue
                    self.save()
                    saved = time.perf_counter()
                    if stop and not self.finished:
                        raise Interrupted(
                            f"Stopped after step {self.step} of {self.steps}. Train again with resume=True, or "
                            f"--resume, to go on from there: {self.path} holds all of it.",
                            asked.signal,
                        )
        finally:
            progress.stop()
        self.processes.wait()

    def one_step(self) -> None:
        self.place = self.curriculum.onward(self.place, self.step / self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        target, scaler = self.curriculum.lesson(self.place), self.gradient.scaler
        self.losses += self.gradient.add(self.samples, self.sampler.draw(), target, self.random)
        scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.weights, self.settings.gradient_norm)
        scaler.step(self.optimiser)
        scaler.update()
        self.step += 1
        decay = self.settings.average
        share = (1.0 - decay) / (1.0 - decay**self.step)  # of a mean of what was learnt, not of where it began
        for name, now in self.model.state_dict().items() if self.average else ():
            mean = self.average[name]
            mean.lerp_(now, share) if mean.is_floating_point() else mean.copy_(now)

    def rate(self) -> float:
        return self.settings.learning_rate * self.settings.schedule(self.step, self.steps)

    def close_epoch(self, begun: float) -> None:
        loss, rate = self.mean_loss(), self.optimiser.param_groups[0]["lr"]
        self.losses.zero_()
        self.sampler.shuffle()
        self.place = self.curriculum.after_epoch(self.place, loss)
        epoch = Epoch(
            len(self.history) + 1, loss, self.judge.validation(self.kept()), rate, time.perf_counter() - begun
        )
        self.seconds = epoch.seconds
        self.history.append(epoch)
        stop, errors = self.settings.stop, self.errors
        if stop is not None and stop.best(errors) == len(errors) - 1:
            self.best = {name: value.detach().cpu().clone() for name, value in self.kept().items()}

    def mean_loss(self) -> float:
        """Over the epoch so far. Raises Diverged where it or the weights are not finite: such are never saved."""
        total = self.processes.total(self.losses)
        self.losses = total * (self.processes.rank == 0)
        loss = float(total) / (self.step - len(self.history) * self.sampler.batches)
        whole = self.processes.whole
        if math.isfinite(loss) and all(bool(whole(value.detach()).isfinite().all()) for value in self.weights):
            return loss
        kept = "the last checkpoint is kept as it was" if self.path.exists() else "there is no checkpoint yet"
        raise Diverged(
            f"The loss is {loss:g} after step {self.step}, in epoch {len(self.history) + 1}, and it or the weights are "
            f"not finite. A smaller learning_rate than {self.settings.learning_rate:g} is the usual cure; {kept}."
        )

    def trained(self) -> Dressed:
        """The model as it is kept: of the best epoch, or the running mean of the weights, where there is such."""
        return self.judge.model(self.best or self.kept())

    def kept(self) -> dict[str, torch.Tensor]:
        """The weights that are judged after an epoch, whole."""
        return self.processes.whole(self.average or self.model.state_dict())

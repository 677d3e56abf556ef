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

from scenegrad.engine.device import pick_device
from scenegrad.engine.errors import Diverged, EngineError, OutputInUse
from scenegrad.engine.files.atomic import write_text
from scenegrad.engine.progress import progress_for
from scenegrad.engine.run_folder import Lock
from scenegrad.surrogates.data.samples import Data, Samples
from scenegrad.surrogates.data.windows import Trajectories, Windows
from scenegrad.surrogates.known import build_dressed, build_model
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.training.checkpoint import chance, read_checkpoint, restore_chance, write_checkpoint
from scenegrad.surrogates.training.fit import Epoch, Fit
from scenegrad.surrogates.training.losses import Loss, relative_l2
from scenegrad.surrogates.training.recipe import Recipe, read_recipe
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
    target: Target | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "auto",
    resume: bool = False,
    save_every: float = 60.0,
    progress: Any = True,
    watch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Fits a network to data, and leaves it with all that belongs to it in the folder `out`.

    model: a network (a copy is trained, from the weights it has), or a recipe, or the path or name of one.
    data: Windows(...) of trajectories, Pairs, or the trajectories themselves, cut as the recipe says or frame by frame.
    settings: in place of the recipe's; single ones can be named. resume: go on from the checkpoint in `out`, to the
    same weights, bit for bit on the CPU, as without the interruption. save_every: seconds between checkpoints within an
    epoch; there is one after each. watch: is shown each epoch.
    """
    recipe = read_recipe(model) if isinstance(model, str | Path) else model if isinstance(model, Recipe) else None
    chosen = settings or (recipe.settings if recipe else Settings())
    named: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    named |= {"loss": loss, "target": target, "seed": seed}
    chosen = replace(chosen, **{name: value for name, value in named.items() if value is not None})
    where = pick_device(device)
    torch.manual_seed(chosen.seed)
    made = recipe.build() if recipe else model
    assert not isinstance(made, str | Path | Recipe)
    if not hasattr(data, "bind"):
        data = recipe.windows(data) if recipe else Windows(data)
    samples = data.bind(made.names, chosen.target.horizon if chosen.target else 1)
    folder = Path(out)
    lock = Lock(folder / "train.lock")
    lock.claim()
    try:
        training = Training(made, samples, chosen, where, folder)
        training.begin(resume)
        training.run(save_every, progress_for(progress), watch)
    finally:
        lock.release()
    return Fit(training.trained(), tuple(training.history), samples, training.path)


class Training:
    """All that changes while a network is trained, and how it is written down."""

    def __init__(self, model: Model, samples: Samples, settings: Settings, device: str, folder: Path):
        self.samples, self.settings, self.device = samples, settings, device
        self.path, self.log = folder / "checkpoint.pt", folder / "log.jsonl"
        if samples.count("train") == 0:
            raise EngineError("There is nothing to train on: the training part is empty.")
        fresh = build_model(model.config())
        fresh.load_state_dict(model.state_dict())
        self.model: Dressed = fresh.dressed(samples.statistics(), samples.dt, samples.grid).to(device)
        self.target = settings.target or self.model.objective or OneStep()
        self.weights = [value for value in self.model.parameters() if value.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.weights, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.sampler = Sampler.fresh(samples.count("train"), settings.batch_size, settings.seed)
        self.random = torch.Generator().manual_seed(settings.seed + 1)
        self.average = {n: v.detach().clone() for n, v in self.model.state_dict().items()} if settings.average else {}
        self.step, self.losses, self.seconds = 0, torch.zeros((), dtype=torch.float64, device=device), 0.0
        self.history: list[Epoch] = []

    @property
    def steps(self) -> int:
        return self.settings.epochs * self.sampler.batches

    def identity(self) -> dict[str, Any]:
        """What must not change between the parts of an interrupted training."""
        return {
            "model": self.model.config(),
            "settings": self.settings.plain(),
            "data": self.samples.hash,
        }

    def begin(self, resume: bool) -> None:
        for stray in self.path.parent.glob("*.part*"):  # of a process that was killed while it wrote
            stray.unlink(missing_ok=True)
        if not self.path.exists():
            return
        if not resume:
            raise OutputInUse(
                f"{self.path.parent} already holds a training. Continue it with resume=True, or use another folder."
            )
        content = read_checkpoint(self.path)
        refuse_another(content["identity"], self.identity(), self.path)
        self.model.load_state_dict(content["weights"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.average = {name: value.to(self.device) for name, value in content["average"].items()}
        self.sampler.restore(content["sampler"])
        self.random.set_state(content["random"])
        restore_chance(content["chance"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.losses = content["losses"].to(self.device)
        self.history = [Epoch(**line) for line in content["history"]]

    def save(self) -> None:
        write_checkpoint(
            self.path,
            {
                "identity": self.identity(),
                "model": self.model.config(),
                "weights": self.model.state_dict(),
                "average": self.average,
                "optimiser": self.optimiser.state_dict(),
                "sampler": self.sampler.state(),
                "random": self.random.get_state(),
                "chance": chance(),
                "cut": self.samples.cut,
                "step": self.step,
                "losses": self.losses,
                "seconds": self.seconds,
                "history": [asdict(epoch) for epoch in self.history],
                "parts": {part: [self.samples.keys[i] for i in these] for part, these in self.samples.parts.items()},
            },
        )
        # Written whole from the history: a line that a crash left without its checkpoint cannot survive.
        write_text(self.log, "".join(json.dumps(asdict(epoch)) + "\n" for epoch in self.history))

    def run(self, save_every: float, progress: Any, watch: Callable[[Epoch], None] | None) -> None:
        progress.start("training", float(self.steps), float(self.step))
        first, begun, saved = self.step, time.perf_counter() - self.seconds, time.perf_counter()
        try:
            while self.step < self.steps:
                self.one_step()
                progress.update(float(self.step), self.step - first)
                self.seconds = time.perf_counter() - begun
                if self.sampler.exhausted:
                    self.close_epoch(begun)
                    if watch is not None:
                        watch(self.history[-1])
                elif time.perf_counter() - saved < save_every:
                    continue
                else:
                    self.mean_loss()
                self.save()
                saved = time.perf_counter()
        finally:
            progress.stop()

    def one_step(self) -> None:
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate(self.step, self.steps)
        window = self.samples.window("train", self.sampler.draw()).to(self.device)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        value = self.target(self.model, window, settings.loss, self.random)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, settings.gradient_norm)
        self.optimiser.step()
        self.losses += value.detach()
        self.step += 1
        if self.average:
            for name, now in self.model.state_dict().items():
                self.average[name].lerp_(now, 1.0 - settings.average)

    def close_epoch(self, begun: float) -> None:
        loss = self.mean_loss()
        rate = self.settings.rate(self.step - 1, self.steps)
        self.losses.zero_()
        self.sampler.shuffle()
        epoch = Epoch(len(self.history) + 1, loss, self.validation(), rate, time.perf_counter() - begun)
        self.seconds = epoch.seconds
        self.history.append(epoch)

    def mean_loss(self) -> float:
        """Over the epoch so far. Raises Diverged where it or the weights are not finite: such are never saved."""
        loss = float(self.losses) / (self.step - len(self.history) * self.sampler.batches)
        if math.isfinite(loss) and all(bool(value.isfinite().all()) for value in self.weights):
            return loss
        kept = "the last checkpoint is kept as it was" if self.path.exists() else "there is no checkpoint yet"
        raise Diverged(
            f"The loss is {loss:g} after step {self.step}, in epoch {len(self.history) + 1}, and it or the weights are "
            f"not finite. A smaller learning_rate than {self.settings.learning_rate:g} is the usual cure; {kept}."
        )

    def validation(self) -> float | None:
        """On the validation part, where there is one: relative L2 after one step, the mean over the outputs.

        For a model with an objective of its own it is that, with the same noise every time.
        """
        count = self.samples.count("validation")
        if count == 0:
            return None
        picks = range(0, count, max(1, count // 64))  # enough to see it fall
        window = self.samples.window("validation", picks).to(self.device)
        model = self.trained()
        with torch.no_grad():
            if model.objective:
                return float(model.objective(model, window, self.settings.loss, torch.Generator().manual_seed(0)))
            outputs = model(window.inputs, window.params, window.dt)
        return float(torch.stack([relative_l2(outputs[n], true) for n, true in window.targets[0].items()]).mean())

    def trained(self) -> Dressed:
        """The model as it stands: the running mean of the weights where there is one."""
        if not self.average:
            return self.model.eval()
        model = build_dressed(self.model.config()).to(self.device)
        model.load_state_dict(self.average)
        return model.eval()


def refuse_another(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """A checkpoint goes on only as the same training of the same network on the same data."""
    differences = [name for name in wanted if found.get(name) != wanted[name]]
    if not differences:
        return
    details = []
    for name in differences:
        before, now = found.get(name), wanted[name]
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            details += [f"{name}.{k}: {before.get(k)!r} before, {now[k]!r} now" for k in now if before.get(k) != now[k]]
        else:
            details.append(f"{name}: {before!r} before, {now!r} now")
    raise EngineError(
        f"{path} belongs to another training ({'; '.join(details)}). Resume with what it began with, or train into "
        f"another folder."
    )

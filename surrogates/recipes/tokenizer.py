"""Chaos in words: a tokenizer of a field, and a transformer that goes on telling it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.rollout import rollout
from scenegrad.scenes.library import kuramoto_sivashinsky
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.evaluation.spectrum import power_spectrum, spectrum_error
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.tokens.model import Reconstruction, TokenModel, WhatFollows
from scenegrad.surrogates.training.loop import train
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["Tokenizer"]


@dataclass(frozen=True)
class Tokenizer(Study):
    """The slope of the equation of Kuramoto and Sivashinsky. members: trajectories, a quarter of which nothing learns
    from; frames of each, `every` apart after `settled` of time; a step is `lead` of them. words: epochs of the
    tokenizer; sentences: of the transformer. steps: that it goes on telling, at this temperature. lost: limit of what
    the tokenizer loses, relative L2; apart: of the error of the spectrum after a long tale, mean |log10|."""

    title: ClassVar[str] = "Chaos in words"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "cells": 32, "size": 22.0, "members": 16, "frames": 40, "widths": (16, 32), "levels": (8, 5, 5),
            "width": 32, "layers": 1, "words": 12, "sentences": 10, "steps": 10, "lost": 0.3, "apart": 0.5,
        },
        "cpu": {},
        "gpu": {
            "cells": 256, "size": 128.0, "members": 1024, "frames": 400, "widths": (64, 128, 128), "width": 384,
            "layers": 8, "heads": 8, "words": 100, "sentences": 100, "batch_size": 128, "steps": 1000,
        },
    }  # fmt: skip

    cells: int = 64
    size: float = 32.0
    members: int = 48
    frames: int = 120
    every: float = 1.0
    settled: float = 60.0
    widths: tuple[int, ...] = (24, 48, 48)
    levels: tuple[int, ...] = (8, 5, 5, 5)
    width: int = 64
    layers: int = 2
    heads: int = 4
    words: int = 4
    sentences: int = 8
    batch_size: int = 64
    learning_rate: float = 3e-3
    steps: int = 28
    lead: int = 4
    temperature: float = 0.5
    lost: float = 0.1
    apart: float = 0.2
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        fields = self.data(stage)
        known, unseen = fields.split([self.members - self.members // 4, self.members // 4])
        before, after = (part.flatten(0, 1) for part in (known[:, : -self.lead], known[:, self.lead :]))
        data = Pairs.from_arrays({"slope": before.numpy()}, {"slope": after.numpy()}, dt=self.every * self.lead,
                                 split=Split(0.0, 0.0))  # fmt: skip
        torch.manual_seed(self.seed)
        network: Any = TokenModel(
            ["slope"], (self.cells,), widths=self.widths, levels=self.levels, width=self.width, layers=self.layers,
            heads=self.heads, temperature=self.temperature,
        )  # fmt: skip
        seconds = []
        for name, target, epochs in (
            ("words", Reconstruction(), self.words),
            ("sentences", WhatFollows(), self.sentences),
        ):
            fit = train(
                network, data, out=stage.folder / name, target=target, epochs=epochs, batch_size=self.batch_size,
                learning_rate=self.learning_rate, seed=self.seed, device="cpu", progress=False, resume=True,
            )  # fmt: skip
            seconds.append(fit.history[-1].seconds)
            stage.say(f"  {name}: {epochs} epochs in {seconds[-1]:.0f} s, {fit.history[-1].loss:.3f}")
            network = fit.model.network  # type: ignore[attr-defined]  # it is a TokenStepper
        return self.judged(stage, fit.model, unseen[:, :: self.lead], seconds, fit.history[-1].loss)

    def data(self, stage: Stage) -> Tensor:
        """Slopes [member, frame, x] of the solver; what is there already is used again."""
        made_of = (self.members, self.frames, self.cells, self.size, self.every, self.settled, self.seed)
        place: Path = stage.folder / f"slopes_{'_'.join(f'{one:g}' for one in made_of)}.npz"
        if place.is_file():
            return torch.from_numpy(np.load(place)["slopes"])
        scene = kuramoto_sivashinsky(self.cells, self.size)
        scenes = [scene.model_copy(update={"seed": 1000 * self.seed + n}) for n in range(self.members)]
        solver, state, params = compile_scene(scenes, device="cpu", dtype="float64")
        probe = next(probe for probe in solver.program.probes if probe.name == "fields")
        k = 2j * np.pi / self.size * np.arange(self.cells // 2 + 1)
        frames = []
        state = rollout(solver, state, params, self.settled, probes=()).state
        for _ in range(self.frames):
            state = rollout(solver, state, params, self.every, probes=()).state
            height = probe.measure(state, params)["height"].numpy()
            frames.append(np.fft.irfft(k * np.fft.rfft(height), n=self.cells))
        slopes = np.stack(frames, axis=1).astype(np.float32)
        place.parent.mkdir(parents=True, exist_ok=True)
        np.savez(place, slopes=slopes)
        return torch.from_numpy(slopes)

    def judged(self, stage: Stage, model: Any, unseen: Tensor, seconds: list[float], surprise: float) -> Chapter:
        said, count = unseen.flatten(0, 1), min(self.steps, unseen.shape[1] - 1)
        with torch.no_grad():
            read = model.fields(model.tokens({"slope": said}), {"slope": said})["slope"]
            torch.manual_seed(self.seed)
            present, told = {"slope": unseen[:, 0]}, [unseen[:, 0]]
            for _ in range(self.steps):
                present = model(present, {}, torch.full((len(unseen),), self.every * self.lead))
                told.append(present["slope"])
        tale = torch.stack(told, dim=1)
        lost = float((read - said).norm() / said.norm())
        late, true = tale[:, count // 2 : count + 1].flatten(0, 1), unseen[:, count // 2 : count + 1].flatten(0, 1)
        half = len(unseen) // 2
        floor = spectrum_error(unseen[:half].flatten(0, 1), unseen[half:].flatten(0, 1), 1)
        apart, spread = spectrum_error(late, true, 1), float(late.std() / true.std())
        w1, least = sliced_wasserstein(late, true), sliced_wasserstein(*evened(unseen[:half], unseen[half:]))
        one = tale[:, 1] - unseen[:, 1]
        stayed = unseen[:, 1] - unseen[:, 0]
        words = model.network.codec.quantiser.tokens
        used = len(model.tokens({"slope": said}).unique())
        table = Table(
            "What is told, against the solver",
            ("", "told", "two sets of the solver"),
            (
                (
                    "one step, root mean square by that of standing still",
                    f"{float(one.norm() / stayed.norm()):.3f}",
                    "-",
                ),
                (f"spectrum from step {count // 2} to {count}, mean |log10|", f"{apart:.3f}", f"{floor:.3f}"),
                ("sliced W1 there", f"{w1:.3f}", f"{least:.3f}"),
                ("spread there, by the solver's", f"{spread:.3f}", "1"),
            ),
        )
        claims = (
            Claim("what the tokenizer loses of fields it has not seen, relative L2", lost, self.lost),
            Claim("surprise at a token by that of one drawn evenly", surprise / float(np.log(words)), 0.9),
            Claim("error of the spectrum of the tale, mean |log10|", apart, self.apart),
            Claim("spread of the tale by that of the solver, away from one", abs(spread - 1.0), 0.25),
        )
        numbers = np.arange(1, self.cells // 2 + 1)
        curves = [
            Curve(numbers, power_spectrum(field, 1).mean(0)[1:].numpy(), name, style, colour)
            for name, field, style, colour in (
                ("solver", true, "-", "soft"),
                ("tokenizer", read, "--", 1),
                ("told", late, "-", 0),
            )
        ]
        rows = [
            Row("solver", [f[: count + 1].T.numpy() for f in unseen[:3]], like=[unseen[0].numpy()]),
            Row("told", [f[: count + 1].T.numpy() for f in tale[:3]], like=[unseen[0].numpy()]),
        ]
        pictures = (
            Picture(plot_tiles(rows, stage.folder / "tales.png"),
                    "Slopes over space (across) and time (upwards): the solver, and what is told from the same start."),
            Picture(plot_panels([Panel(curves, x="wavenumber", y="power", log="xy")], stage.folder / "spectra.png"),
                    "Spectra of the solver, of its fields through the tokenizer, and of the second half of the tales."),
        )  # fmt: skip
        return Chapter(
            self.title,
            "A tokenizer turns every patch of a chaotic field into one of a few hundred words, each a few numbers "
            "rounded to a few values. A transformer reads the words of a frame and says those of the next, one by one, "
            "each given all before it; so it goes on, from its own words.\n\n"
            "Single paths cannot be kept in chaos: what is asked is that the fields stay those of the equation.",
            pictures,
            claims,
            (table,),
            facts={
                "words in use": f"{used} of {words}",
                "training": f"{seconds[0]:.0f} s of words, {seconds[1]:.0f} s of sentences",
            },
        )


def evened(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """As many frames of each."""
    flat_a, flat_b = a.flatten(0, 1), b.flatten(0, 1)
    count = min(len(flat_a), len(flat_b))
    return flat_a[:count], flat_b[:count]

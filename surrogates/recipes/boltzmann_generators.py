"""Boltzmann generators of DW4 and LJ13: equivariant flows taught by samples, judged by exact weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes import library
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.boltzmann.annealing import annealed_smc
from scenegrad.surrogates.boltzmann.bases import CenteredNormal
from scenegrad.surrogates.boltzmann.energies import energy_w2, energy_w2_floor
from scenegrad.surrogates.boltzmann.generator import ParticleGenerator
from scenegrad.surrogates.boltzmann.moves import MALA
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.weights import Energy, Weighted, forward_effective_share, importance
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.recipes.scene_energies import scene_energy, shape_of
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.loop import train
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["DW4", "LJ13", "BoltzmannGenerator"]

REFERENCE = files("scenegrad.assets") / "reference" / "md"


@dataclass(frozen=True)
class BoltzmannGenerator(Study):
    """samples: of the target, by annealing from normal particles, for training and test. spread: standard deviation of
    a coordinate of the normal particles [length]. move, moves: step [length^2] and number of MALA at each stage.
    drawn: samples of the flow. weighed: how many of them get a density, which takes as many transposed derivatives as
    there are coordinates. learned: the effective share that is asked of the flow."""

    samples: int = 20000
    spread: float = 2.0
    move: float = 0.03
    moves: int = 20
    width: int = 64
    layers: int = 3
    reach: float = 10.0
    steps: int = 10
    epochs: int = 50
    batch_size: int = 256
    learning_rate: float = 3e-3
    average: float = 0.99
    drawn: int = 1000
    weighed: int = 1000
    learned: float = 0.5
    seed: int = 0

    system: ClassVar[str]

    @property
    def scene(self) -> Scene:
        raise NotImplementedError

    def measured(self) -> dict[str, float]:
        """Energies of the target by long Monte Carlo elsewhere: mean, sem (its standard error) and std [kT]."""
        raise NotImplementedError

    def run(self, stage: Stage) -> Chapter:
        scene, random = self.scene, torch.Generator().manual_seed(self.seed)
        energy = scene_energy(scene, stage.device)
        shape = shape_of(scene)
        target = self.target(stage, energy, shape, random)
        random = torch.Generator().manual_seed(self.seed + 1)  # the same, whether the samples were there or not
        stage.say(f"  training on {len(target)} samples")
        split = Split(validation=0.05, test=0.25)
        torch.manual_seed(self.seed)
        model = ParticleGenerator(
            *shape, temperature=float(target.var(unbiased=False)), width=self.width, layers=self.layers,
            reach=self.reach, steps=self.steps,
        )  # fmt: skip
        fit = train(
            model, Pairs.from_arrays({}, {"position": target.numpy()}, split=split), out=stage.folder / "training",
            epochs=self.epochs, batch_size=self.batch_size, settings=self.settings(), device=stage.device,
            resume=True, progress=not stage.quiet,
        )  # fmt: skip
        unseen = target[fit.samples.parts["test"]]
        return self.judged(stage, fit.model, energy, target, unseen, random, fit.history[-1].seconds)

    def settings(self) -> Any:
        from scenegrad.surrogates.training.settings import Settings

        return Settings(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, average=self.average,
            seed=self.seed,
        )  # fmt: skip

    def target(self, stage: Stage, energy: Energy, shape: tuple[int, int], random: torch.Generator) -> Tensor:
        """Samples of the target [sample, particle, dim], kept beside what is learnt of them."""
        made_of = (self.samples, self.spread, self.move, self.moves, self.seed)
        path = stage.folder / f"samples_{'_'.join(f'{one:g}' for one in made_of)}.npy"
        if path.is_file():
            return torch.from_numpy(np.load(path, allow_pickle=False))
        stage.say(f"  annealing {self.samples} members from normal particles")
        base = CenteredNormal(*shape, temperature=self.spread**2)
        found = annealed_smc(
            NormalizingFlow(base).double(), energy, self.samples, move=MALA(self.move, self.moves), random=random
        )
        drawn = found.weighted(energy(found.x).detach()).resampled(random)
        drawn = drawn[torch.randperm(len(drawn), generator=random)].cpu()
        np.save(path, drawn.numpy())
        return drawn

    def judged(
        self, stage: Stage, model: Any, energy: Energy, target: Tensor, unseen: Tensor, random: torch.Generator,
        seconds: float,
    ) -> Chapter:  # fmt: skip
        flow = model.flow.double()
        with torch.no_grad():
            everywhere = energy(target).detach().cpu()
            x, log_density = flow.sample(self.weighed, random)
            forward = forward_effective_share(
                -energy(unseen[: self.weighed]).detach() - flow.log_density(unseen[: self.weighed].to(flow.like))
            )
            alone = energy(flow.draw(self.drawn, random)).detach().cpu()
        weighted = importance(x, log_density, energy, 1.0)

        def log_target(y: Tensor) -> Tensor:
            return -energy(y).to(y)

        move = MALA(self.move, 5 * self.moves)
        onward, _, _ = move(weighted.resampled(random), log_target, flow.base.noise, random)
        moved = energy(onward).detach().cpu()
        floor = energy_w2_floor(everywhere, min(self.drawn, len(everywhere) // 2), random=random)
        floor_weighed = energy_w2_floor(everywhere, min(self.weighed, len(everywhere) // 2), random=random)
        known = self.measured()
        w2 = energy_w2(moved, everywhere)
        rows: tuple[tuple[str | float, ...], ...] = (
            (f"{self.drawn} samples of the flow", energy_w2(alone, everywhere)),
            (f"{self.weighed} with their weights", energy_w2(weighted.energies, everywhere, weighted.share)),
            (f"{self.weighed} resampled by them and moved", w2),
            (f"{self.drawn} of the target", floor.mean),
            (f"{self.weighed} of the target", floor_weighed.mean),
        )
        return Chapter(
            f"{self.system}: a Boltzmann generator",
            f"An equivariant continuous flow, matched to samples of exp(-U / kT) for {seconds:.0f} s, and what its "
            "samples are worth: by themselves, with their exact weights, and resampled by these and moved on by "
            "Langevin steps that are accepted or refused. Energies are in kT; W2 is the Wasserstein-2 distance of "
            "their distribution from that of the target.",
            (self.picture(stage, everywhere, alone, weighted),),
            (*self.claims(everywhere), *self.learnt(weighted.effective, w2 / floor_weighed.mean)),
            (
                Table("Energies", ("samples", "W2 of energies"), rows),
                Table("Published, W2 of energies", ("method", "W2 of energies", "source"), tuple(self.published())),
            ),
            {
                "floor of W2": f"{floor.mean:.3f} +- {floor.std:.3f} of {floor.count} samples",
                "effective share": f"{weighted.effective:.3f} of {self.weighed} samples, {forward:.3f} forward",
                "mean energy": f"{float(weighted.mean(weighted.energies)):.3f} weighted, {float(everywhere.mean()):.3f}"
                f" of the target, {known['mean']:.3f}({known['sem']:.3f}) by Monte Carlo elsewhere",
                "training": f"{seconds:.0f} s",
            },
        )  # fmt: skip

    def claims(self, energies: Tensor) -> tuple[Claim, ...]:
        """What is claimed of the samples that the flow learns from."""
        known, source = self.measured(), "HMC, assets/reference/md/sampling_targets.json"
        off = abs(float(energies.mean()) - known["mean"])
        spread = float(energies.std()) / known["std"]
        error = (known["sem"] ** 2 + float(energies.var()) / len(energies)) ** 0.5
        few = (2 * len(energies)) ** -0.5  # standard error of a spread of so many
        return (
            Claim("mean energy of the target, in standard errors from the reference", off / error, 4.0, source=source),
            Claim("deviation of their spread, relative", abs(spread - 1.0), max(0.1, 4.0 * few), source=source),
        )

    def learnt(self, effective: float, floors: float) -> tuple[Claim, ...]:
        """What is claimed of the flow, where something is asked of it."""
        if not self.learned:
            return ()
        return (
            Claim("effective share of samples of the flow", effective, self.learned, at_most=False),
            Claim("W2 of energies of what was moved on, in floors of as many", floors, 2.0),
        )

    def published(self) -> Sequence[tuple[str | float, ...]]:
        rows = json.loads((REFERENCE / "sampling_published.json").read_text())
        return [
            (row["method"], row["value"], row["source"])
            for row in rows
            if row["system"] == self.system and row["metric"] == "energy_W2"
        ]

    def picture(self, stage: Stage, target: Tensor, alone: Tensor, weighted: Weighted) -> Picture:
        edges = edges_of(target)
        curves = (
            density(target, edges, "target", "soft"),
            density(alone, edges, "flow", 1),
            density(weighted.energies, edges, "flow, with weights", 0, weighted.share),
        )
        path = plot_panels([Panel(curves, x="energy [kT]", y="density")], stage.folder / "energies.png")
        return Picture(
            path, f"Energies of {self.system}: the target, samples of the flow, and those with their weights"
        )


@dataclass(frozen=True)
class DW4(BoltzmannGenerator):
    title = "A Boltzmann generator of four particles in double wells"
    system = "DW4"
    presets: ClassVar = {
        "small": {
            "samples": 2000, "moves": 10, "width": 16, "layers": 2, "epochs": 20, "batch_size": 128, "drawn": 400,
            "weighed": 200, "steps": 6, "learned": 0.02,
        },
        "cpu": {},
        "gpu": {"samples": 200000, "width": 128, "layers": 4, "epochs": 400, "batch_size": 1024, "drawn": 10000,
                "weighed": 10000, "steps": 20, "learned": 0.8},
    }  # fmt: skip

    @property
    def scene(self) -> Scene:
        return library.dw4()

    def measured(self) -> dict[str, float]:
        return targets()["DW4"]["measured"]


@dataclass(frozen=True)
class LJ13(BoltzmannGenerator):
    """Every pair counts twice, as in the published samples; the oscillator has the stiffness 1."""

    title = "A Boltzmann generator of thirteen Lennard-Jones atoms"
    system = "LJ13"
    presets: ClassVar = {
        "small": {
            "samples": 400, "spread": 0.7, "move": 5e-4, "moves": 10, "reach": 4.0, "width": 12, "layers": 1,
            "epochs": 2, "batch_size": 64, "drawn": 50, "weighed": 8, "steps": 4, "learned": 0.0,
        },
        "cpu": {
            "samples": 4000, "spread": 0.7, "move": 5e-4, "moves": 40, "reach": 4.0, "width": 48, "epochs": 40,
            "batch_size": 128, "weighed": 32, "steps": 8, "learned": 0.0,
        },
        "gpu": {
            "samples": 200000, "spread": 0.7, "move": 5e-4, "moves": 40, "reach": 4.0, "width": 128, "layers": 4,
            "epochs": 400, "batch_size": 512, "drawn": 10000, "weighed": 10000, "steps": 20, "learned": 0.5,
        },
    }  # fmt: skip

    @property
    def scene(self) -> Scene:
        return library.lj_cluster(13)

    def measured(self) -> dict[str, float]:
        return targets()["LJ13"]["measured"]["LJ13_double_c1"]


def edges_of(values: Tensor) -> np.ndarray:
    """Of 49 intervals that hold nearly all values, and as much again by a third above them."""
    low, high = (float(values.quantile(q)) for q in (0.0005, 0.9995))
    return np.linspace(low, high + 0.3 * (high - low), 50)


def density(values: Tensor, edges: np.ndarray, label: str, colour: int | str, share: Tensor | None = None) -> Curve:
    """How often values [sample] lie between edges, each as often as its share says."""
    weights = torch.full_like(values, 1.0 / len(values)) if share is None else share
    heights, _ = np.histogram(values.cpu().numpy(), edges, weights=weights.cpu().numpy())
    return Curve(0.5 * (edges[1:] + edges[:-1]), heights / np.diff(edges), label, colour=colour)


def targets() -> dict[str, Any]:
    return json.loads((REFERENCE / "sampling_targets.json").read_text())

"""Other processes between distributions: Poisson flows on media with heavy tails, and light Schroedinger bridges."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.flows.light_bridge import LightBridge
from scenegrad.surrogates.flows.poisson import FromPoissonField
from scenegrad.surrogates.flows.samplers import Heun
from scenegrad.surrogates.flows.starts import FromNoise, Start
from scenegrad.surrogates.recipes.brownian_drops import Drops, bound, covariance
from scenegrad.surrogates.recipes.drawn_media import ALL, DrawnMedia
from scenegrad.surrogates.recipes.outflow import smooth_medium
from scenegrad.surrogates.training.loop import train
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["Processes"]

NOISE = "Gaussian noise"
WALK = 50  # steps of the bridge to its half

Part = tuple[tuple[Picture, ...], tuple[Claim, ...], Table]


@dataclass(frozen=True)
class Processes(DrawnMedia):
    """extras: D of the Poisson flows, in rising order; all have the network, the seed and the `epochs` of the flow from
    Gaussian noise. bits: to which the weights of each are rounded, to see what a flawed network does. near, colour:
    limits of the distance of the flow of `judged`, one of the extras, and of the error of its spectrum, in units of
    those of two sets of the truth. like_noise: of what the largest D and Gaussian noise differ by, in the same units.
    forgives: of the judged flow's distance after rounding by that of Gaussian noise.

    particles: of the drops. parts: of the mixtures of the bridges. there, midway: limits of the distance of their ends
    and of their halves, in units of that of two sets of particles. knows: of the error in where particles came from.
    gaussian: of that in the covariance between Gaussians, for each of `tempers`, epsilons by that of the solver."""

    title: ClassVar[str] = "Poisson flows and Schroedinger bridges"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            **DrawnMedia.small, "epochs": 7,
            "extras": (16.0, 2048.0), "judged": 16.0, "near": 4.0, "colour": 20.0, "forgives": 2.0,
            "particles": 1024, "dt": 0.01, "bridge_epochs": 15, "tempers": (1.0,), "there": 4.0, "midway": 4.0,
            "knows": 0.3, "gaussian": 0.15,
        },
        "cpu": {},
        "gpu": {
            **DrawnMedia.large, "widths": (64, 128, 128), "epochs": 200,
            "extras": (1.0, 8.0, 64.0, 128.0, 2048.0, 65536.0), "particles": 16384,
        },
    }  # fmt: skip

    epochs: int = 10
    extras: tuple[float, ...] = (1.0, 8.0, 64.0, 2048.0)
    judged: float = 64.0
    steps: int = 8
    bits: int = 5
    near: float = 2.0
    colour: float = 2.0
    like_noise: float = 0.5
    forgives: float = 1.1
    particles: int = 4096
    dt: float = 0.0025
    parts: int = 12
    bridge_epochs: int = 30
    tempers: tuple[float, ...] = (0.3, 1.0, 3.0)
    there: float = 1.5
    midway: float = 1.5
    knows: float = 0.1
    gaussian: float = 0.05

    def run(self, stage: Stage) -> Chapter:
        parts = [self.poisson(stage), self.bridges(stage)]
        return Chapter(
            self.title,
            TEXT,
            tuple(picture for pictures, _, _ in parts for picture in pictures),
            tuple(claim for _, claims, _ in parts for claim in claims),
            tuple(table for _, _, table in parts),
        )

    def poisson(self, stage: Stage) -> Part:
        media = self.media(smooth_medium(self.cells))
        truth = media.truth

        def apart(made: Tensor) -> tuple[float, ...]:
            tail = float(np.quantile(made.numpy(), 0.999) / np.quantile(truth.numpy(), 0.999))
            return *media.apart(made), tail, float((made < 0.0).double().mean())

        starts: dict[str, Start] = {f"D = {extra:g}": FromPoissonField(extra) for extra in self.extras}
        starts[NOISE] = FromNoise()
        found, rounded, shown = {}, {}, {"truth": truth}
        for name, start in starts.items():
            fit = self.learnt(stage, name, self.fresh(start=start, sampler=Heun(self.steps)), media.data, self.epochs)
            shown[name] = self.draw(fit.model, self.drawn)
            found[name] = apart(shown[name])
            rounded[name] = apart(self.draw(coarsened(fit.model, self.bits), self.drawn))[0]
            stage.say(f"  {name}: {fit.history[-1].seconds:.0f} s of training, W1 {found[name][0]:.3f}")
        floor, one, most = apart(media.other), f"D = {self.judged:g}", f"D = {self.extras[-1]:g}"
        claims = (
            Claim(f"W1 of the Poisson flow, {one}, by that of two sets of media", found[one][0] / floor[0], self.near),
            Claim(f"error of its spectrum, {one}, by that of two sets of media", found[one][2] / floor[2], self.colour),
            Claim(f"what W1 of {most} and of Gaussian noise differ by, by that of two sets of media",
                  abs(found[most][0] - found[NOISE][0]) / floor[0], self.like_noise),
            Claim(f"W1 by that of Gaussian noise, weights of {self.bits} bits, {one}",
                  rounded[one] / rounded[NOISE], self.forgives),
        )  # fmt: skip
        rows: list[tuple[str | float, ...]] = [(name, *values, rounded[name]) for name, values in found.items()]
        table = Table(
            f"Media of {self.cells}² cells drawn with {2 * self.steps} evaluations, held against {self.drawn} unseen "
            "ones; distances in standard deviations",
            ("start", "sliced W1", "sliced W2", "spectrum", "99.9 % quantile by the truth's", "cells below zero",
             f"W1, weights of {self.bits} bits"),
            (*rows, ("two sets of media", *floor, "-")),
        )  # fmt: skip
        tiles = [
            Row(name, list(made[:7].numpy()), like=list(truth[:64].numpy()), name="k") for name, made in shown.items()
        ]
        path = plot_tiles(tiles, stage.folder / "media.png")
        return (Picture(path, "Permeabilities: of the scene, and drawn from the same noise."),), claims, table

    def bridges(self, stage: Stage) -> Part:
        drops = Drops(((-1.2, -0.7), (1.2, -0.7), (0.0, 1.3)), (0.5, 0.3, 0.2), 0.2, 1.0, 0.1, 0.4, self.dt)
        model: Any = self.bridge(stage, drops, 1.0, "drops")
        (early, middle, late), others = (drops.seen(self.particles, 4 * self.seed + n, stage.device) for n in (2, 3))
        torch.manual_seed(self.seed)
        ends, half = self.ends(model, late), drops.squeeze * self.halfway(model, late)
        rows: list[tuple[str | float, ...]] = []
        far = []
        for name, made, true, other in (("ends", ends, early, others[0]), ("halves", half, middle, others[1])):
            values = [sliced_wasserstein(a, true, p) for p in (1.0, 2.0) for a in (made, other, late)]
            rows += [(name, f"W{p}", *values[3 * p - 3 : 3 * p]) for p in (1, 2)]
            far.append(values[0] / values[1])
        guess, truth = self.expected(model, late), drops.origin(late)
        lost = float((guess - truth).square().mean().sqrt() / truth.std())
        claims = [
            Claim("W1 of the bridge's ends by that of two sets of particles", far[0], self.there),
            Claim("W1 of the bridge at its half by that of two sets of particles", far[1], self.midway),
            Claim(
                "where each particle came from, mean of the bridge against Bayes' rule, relative L2", lost, self.knows
            ),
        ]
        alone = Drops(((0.0, 0.0),), (1.0,), 0.2, 1.0, 0.1, 0.4, self.dt)
        new = alone.seen(self.particles, 4 * self.seed + 2, stage.device)[2]
        for temper in self.tempers:
            found = covariance(self.expected(self.bridge(stage, alone, temper, f"gaussian_{temper:g}"), new), new)
            exact = bound(new.var().item(), alone.variance(alone.early, alone.width**2), temper * alone.epsilon)
            claims.append(Claim(f"covariance between Gaussians, {temper:g} times the solver's epsilon, relative error",
                                abs(found / exact - 1.0), self.gaussian))  # fmt: skip
            rows.append((f"Gaussians, {temper:g} epsilon", "covariance", found, "-", exact))
        caption = f"Bridges from late to early, {self.particles} new particles; covariances beside the closed form"
        table = Table(caption, ("", "", "bridge", "two sets of particles", "as they are late, or exact"), tuple(rows))
        return (scatter(stage.folder / "drops.png", late, half, middle, ends, early),), tuple(claims), table

    def bridge(self, stage: Stage, drops: Drops, temper: float, name: str) -> Any:
        """From late to early positions of particles of two runs, so that no two belong together."""
        early = drops.seen(self.particles, 4 * self.seed, stage.device)[0]
        late = drops.seen(self.particles, 4 * self.seed + 1, stage.device)[2].flip(0)
        torch.manual_seed(self.seed)
        epsilon = temper * drops.epsilon / float(early.std()) ** 2
        data = Pairs.from_arrays({"x": late.numpy()}, {"x": early.numpy()}, split=ALL)
        fit = train(
            LightBridge(["x"], 2, parts=self.parts, epsilon=epsilon), data, out=stage.folder / name, batch_size=128,
            epochs=self.bridge_epochs, learning_rate=0.05, seed=self.seed, device=stage.device, progress=False,
            resume=True,
        )  # fmt: skip
        stage.say(f"  bridge of {name}: {fit.history[-1].seconds:.0f} s of training")
        return fit.model

    def ends(self, model: Any, late: Tensor) -> Tensor:
        with torch.no_grad():
            like = model.scales.output_mean
            return model({"x": late.to(like)}, {}, torch.ones(len(late)).to(like))["x"].cpu()

    def expected(self, model: Any, late: Tensor) -> Tensor:
        """The mean of its ends: on the mean the process goes on as it begins, for its drift is a martingale."""
        like = model.scales.output_mean
        x = model.begin(torch.zeros(len(late), 1, 2).to(like), {"x": late.to(like)}).flatten(1)
        with torch.no_grad():
            ends = x + model.bridge.potential.drift(x, torch.zeros_like(x[:, 0]))
            return model.scales.read(ends[:, None], {"x": late.to(like)})["x"].cpu()

    def halfway(self, model: Any, late: Tensor) -> Tensor:
        """Where the process is at s = 1/2, walked by its drift."""
        bridge, like, h = model.bridge, model.scales.output_mean, 0.5 / WALK
        x = model.begin(torch.zeros(len(late), 1, 2).to(like), {"x": late.to(like)}).flatten(1)
        with torch.no_grad():
            for n in range(WALK):
                noise = torch.randn(x.shape).to(x)
                x = x + h * bridge.potential.drift(x, torch.full_like(x[:, 0], n * h))
                x = x + (h * bridge.epsilon) ** 0.5 * noise
            return model.scales.read(x[:, None], {"x": late.to(like)})["x"].cpu()


def coarsened(model: Any, bits: int) -> Any:
    """The model with every matrix of weights rounded to so many bits, the largest kept."""
    rough = copy.deepcopy(model)
    with torch.no_grad():
        for weight in rough.parameters():
            if weight.ndim > 1:
                unit = weight.abs().max() / (2 ** (bits - 1) - 1)
                weight.copy_((weight / unit).round() * unit)
    return rough


def scatter(path: Path, late: Tensor, half: Tensor, middle: Tensor, ends: Tensor, early: Tensor) -> Picture:
    clouds = {"late": late, "half, bridge": half, "half, solver": middle, "early, bridge": ends, "early, solver": early}
    every = -(-len(late) // 1500)  # they stand in the order of their drops
    panels = [
        Panel([Curve(x[::every, 0], x[::every, 1], style=".", colour=i)], name, "x", "y")
        for i, (name, x) in enumerate(clouds.items())
    ]
    return Picture(plot_panels(panels, path, columns=3), "Particles back in time: the bridge and the solver.")


TEXT = """Poisson flows (PFGM++) learn to draw permeabilities whose logarithm is a Gaussian field, so that a few cells
are far more permeable than the rest. Each starts from another number D of extra dimensions of its electric field, the
tails of its noise heavier the fewer they are; network, seed and steps of training are those of the flow from Gaussian
noise. The fewer bits there are for its weights, the more a network gets wrong: small D is said to forgive more of that
[Xu et al. 2023, arXiv:2302.04265].

Light Schroedinger bridges lead drops of Brownian particles in a trap back in time, from where they are late to where
they were early. The two sets of particles are of two runs, so that no example tells which particle went where. Yet of
all joint laws with these ends that of the solver is the one nearest to free Brownian motion of a known variance, which
is what the bridge looks for. So it shall also know where each particle came from, which Bayes' rule says exactly, and
where particles are at half of the time, which it has never seen."""

"""Inverse design by guided generation: porous media that share out their outflow as somebody wishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.guidance import Guided
from scenegrad.surrogates.flows.samplers import Heun, Sampler
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.recipes.outflow import Outflow, smooth_medium
from scenegrad.surrogates.recipes.porous_media import permeabilities
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.loop import train
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["GuidedDesign"]


@dataclass(frozen=True)
class GuidedDesign(Study):
    """wish: shares of the outflow through the halves of x_lo, x_hi, y_lo and y_hi. designs: guided draws, in
    guided_steps and with `settle` more at the end; each is given so many solves, two for every gradient, and the best
    of the same number of media drawn at random stands beside it. missed: its error, as a part of that of the best.
    like: how far designs are from media of the scene that have no wish to meet, in units of how far the best are."""

    title: ClassVar[str] = "Guided design"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "cells": 8, "examples": 512, "widths": (8, 16), "batch_size": 32, "epochs": 6, "designs": 6,
            "guided_steps": 16, "settle": 2, "missed": 0.5, "like": 2.0,
        },
        "cpu": {},
        "gpu": {"cells": 64, "examples": 16384, "widths": (64, 128, 128), "batch_size": 128, "epochs": 200,
                "designs": 64, "guided_steps": 64},
    }  # fmt: skip

    wish: tuple[float, ...] = (0.20, 0.15, 0.05, 0.10, 0.18, 0.12, 0.12, 0.08)
    cells: int = 16
    examples: int = 2048
    widths: tuple[int, ...] = (16, 32)
    batch_size: int = 64
    epochs: int = 10
    learning_rate: float = 3e-3
    designs: int = 12
    guided_steps: int = 24
    settle: int = 4
    reach: float = 1.0
    missed: float = 0.1
    like: float = 1.5
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        scene, outflow = smooth_medium(self.cells), Outflow(smooth_medium(self.cells))
        logs = permeabilities(scene, self.examples, 10**6 * self.seed).log()
        data = Pairs.from_arrays({}, {"log_permeability": logs.numpy()}, split=Split(0.0, 0.0))
        torch.manual_seed(self.seed)
        operator = UNet(2, self.widths, [], outputs=["log_permeability"], blocks=1, surroundings=Bounded())
        fit = train(
            Flow(operator, sampler=Heun(8)), data, out=stage.folder / "flow", epochs=self.epochs,
            batch_size=self.batch_size, learning_rate=self.learning_rate, seed=self.seed, device="cpu", progress=False,
            resume=True,
        )  # fmt: skip
        model: Any = fit.model
        wish = torch.tensor(self.wish)

        def missed(found: Tensor) -> Tensor:
            return (outflow(found.exp()) - wish).square().sum(dim=1)

        def wished(end: Tensor) -> Tensor:
            return missed(model.scales.read(end, {})["log_permeability"])

        free = self.draw(model, Heun(8))
        guided = self.draw(model, Guided(wished, self.guided_steps, self.reach, self.settle))
        budget = outflow.solves // self.designs + 1  # and one that verifies
        errors = missed(guided).sqrt()
        others = permeabilities(scene, budget * self.designs, 10**6 * self.seed + self.examples).log()
        best, which = missed(others).sqrt().view(self.designs, budget).min(dim=1)
        chosen = others.view(self.designs, budget, *others.shape[1:])[torch.arange(self.designs), which]
        apart = [sliced_wasserstein(made, others[: self.designs]) for made in (guided, chosen, free)]
        shares = outflow(guided.exp())
        pictures = self.pictures(stage, guided, free, chosen, shares, outflow(chosen.exp()), others)
        median, median_best = float(errors.median()), float(best.median())
        table = Table(
            f"Distance from the wished shares, {budget} solves each",
            ("", "median", "best", "worst", "sliced W1 to media of the scene"),
            (
                ("guided", median, float(errors.min()), float(errors.max()), apart[0]),
                (f"best of {budget} media", median_best, float(best.min()), float(best.max()), apart[1]),
                ("unguided", *(float(v) for v in spread(missed(free).sqrt())), apart[2]),
            ),
        )
        claims = (
            Claim(f"error of a guided design by that of the best of {budget} media, medians",
                  median / median_best, self.missed),
            Claim("worst guided design by the median best of media", float(errors.max()) / median_best, 1.0),
            Claim("distance of guided designs from media of the scene, by that of the best of media",
                  apart[0] / apart[1], self.like),
        )  # fmt: skip
        return Chapter(
            self.title,
            "A flow has learnt what media look like, and nothing of what flows through them. While it draws, each of "
            "its steps also goes down the slope of what is wished, the solver's adjoint behind it: the outflow through "
            "eight parts of the sides shall have given shares.\n\n"
            "What comes out is verified by the solver, and stands beside the best of as many media of the scene as "
            "solves were spent. The guided draws remain media like the others, and each is a different one.",
            pictures,
            claims,
            (table,),
            facts={"training": f"{fit.history[-1].seconds:.0f} s"},
        )

    def draw(self, model: Any, sampler: Sampler) -> Tensor:
        """Logarithms of permeability, from the same noise every time."""
        like = model.scales.output_mean
        noise = torch.randn(self.designs, 1, self.cells, self.cells, generator=torch.Generator().manual_seed(1)).to(
            like
        )
        model.flow.sampler = sampler
        with torch.no_grad():
            return model({}, {}, torch.ones(self.designs), noise=noise)["log_permeability"]

    def pictures(
        self, stage: Stage, guided: Tensor, free: Tensor, chosen: Tensor, shares: Tensor, best: Tensor, like: Tensor
    ) -> tuple[Picture, ...]:
        scale = [field.numpy() for field in like[:64]]
        names = ("unguided", "guided", "best of as many")
        rows = [
            Row(name, [field.numpy() for field in fields[:7]], name="ln permeability", like=scale)
            for name, fields in zip(names, (free, guided, chosen), strict=True)
        ]
        places = list(range(1, len(self.wish) + 1))
        curves = [
            Curve(places, one.numpy(), "best of as many" if not n else "", "--", "soft") for n, one in enumerate(best)
        ]
        curves += [Curve(places, one.numpy(), "guided" if not n else "", "-", 0) for n, one in enumerate(shares)]
        panel = Panel(
            [*curves, Curve(places, self.wish, "wish", "o", 1)], x="part of the sides", y="share of the outflow"
        )
        return (
            Picture(plot_tiles(rows, stage.folder / "media.png"),
                    "Draws from the same noise, without and with guidance, and the best of as many media as solves."),
            Picture(plot_panels([panel], stage.folder / "shares.png"), "Shares of the outflow along the sides."),
        )  # fmt: skip


def spread(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return values.median(), values.min(), values.max()

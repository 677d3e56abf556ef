"""The flow of the first Fourier neural operators: ten seconds of a vorticity, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import fno_navier_stokes
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.grids import Torus
from scenegrad.surrogates.operators.space_time import SpaceTimeFNO
from scenegrad.surrogates.recipes.function_pairs import (
    LearntPairs,
    at_points,
    facts_of,
    frames_of,
    learning_curve,
    of_grids,
    transfer,
)
from scenegrad.surrogates.recipes.published_scheme import crank_nicolson_euler
from scenegrad.surrogates.training.losses import relative_l2
from scenegrad.view.plots import Row, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage

__all__ = ["NavierStokesFNO"]

PAST = 10  # frames that go in


@dataclass(frozen=True)
class NavierStokesFNO(LearntPairs):
    """fine: cells of the solver along each edge. cells: those trained on; tested: all that are tested on, each divides
    `fine`. dt: of the solver [s]. end: of the runs, of which a frame a second is seen [s]. together: runs that the
    solver makes at a time. modes: along both axes and in time. checked: of the members that are run by the published
    scheme, too, on `cells`, for `checked_until` [s] in steps of `checked_dt`. limit: over all frames that come out. For
    the rest see LearntPairs."""

    title: ClassVar[str] = "Vorticity of viscosity 1e-3 by a Fourier neural operator of space and time"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "fine": 32, "cells": 16, "tested": (16, 32), "dt": 0.02, "end": 14.0, "members": 14, "test": 4,
            "modes": (4, 4, 2), "width": 8, "depth": 2, "batch": 4, "seconds": 0.0, "epochs": 40,
            "checked": 4, "checked_until": 0.5, "checked_dt": 1e-3, "limit": 0.5,
        },
        "cpu": {},
        "gpu": {
            "dt": 5e-3, "end": 50.0, "members": 1000, "test": 200, "modes": (12, 12, 8), "width": 32, "batch": 10,
            "seconds": 0.0, "epochs": 500, "learning_rate": 1e-3, "together": 100, "checked_until": 10.0,
            "checked_dt": 1e-4, "limit": 0.0086,
        },
    })  # fmt: skip

    fine: int = 128
    cells: int = 64
    tested: tuple[int, ...] = (64, 128)
    dt: float = 1e-2
    end: float = 20.0
    together: int = 8
    members: int = 32
    test: int = 8
    modes: tuple[int, ...] = (8, 8, 4)
    width: int = 16
    batch: int = 4
    seconds: float = 100.0
    checked: int = 8
    checked_until: float = 1.0
    checked_dt: float = 5e-4
    limit: float = 0.06

    def run(self, stage: Stage) -> Chapter:
        data = self.data(stage)
        pairs = self.pairs(data)
        torch.manual_seed(self.seed)
        model = SpaceTimeFNO(
            self.modes, self.width, ["past"], outputs=["future"], depth=self.depth, surroundings=Torus((1, 1)),
            components={"past": PAST, "future": pairs[self.cells].y["future"].shape[-1]},
        )  # fmt: skip
        made, errors = self.learnt(stage, model, pairs, self.cells)
        until = f"t = {PAST + 1} to {self.end:g}"
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=(self.drawn(made.fit.model, pairs, stage), learning_curve(made.fit, stage.folder / "loss.png")),
            claims=(
                Claim(f"relative L2 at {self.cells}^2, {until}", errors[self.cells], self.limit, source=OF_PRESET),
                transfer(errors, self.cells, next(n for n in self.tested if n > self.cells)),
                Claim(
                    f"largest distance of {self.checked} members from the published scheme at t = "
                    f"{self.checked_until:g}",
                    self.from_published(stage),
                    1e-3,
                    source="Li et al. 2021, arXiv:2010.08895, appendix A.3",
                ),
            ),
            tables=(of_grids(errors, self.cells),),
            facts=facts_of(made, model, f", {self.members} runs"),
        )

    def scene(self, cells: int, end: float, every: float = 1.0) -> Scene:
        return fno_navier_stokes(cells=cells, end=end, every=every).replace({"time.dt": self.dt})

    def data(self, stage: Stage) -> Dataset:
        ensemble = vary(self.scene(self.fine, self.end), self.members + self.test, seed=self.seed)
        return generate(ensemble, out=stage.folder / "data", device=stage.device, batch=self.together, progress=False)

    def pairs(self, data: Dataset) -> dict[int, Pairs]:
        """By cells: t = 1 to 10, and the frames after them, as components."""
        w = frames_of(data, "vorticity", slice(1, None))
        split = SplitByPlace((), tuple(range(self.members, self.members + self.test)))
        found = {}
        for n in sorted({self.cells, *self.tested}):
            seen = at_points(w, n, 2).transpose(0, 2, 3, 1)
            found[n] = Pairs.from_arrays({"past": seen[..., :PAST]}, {"future": seen[..., PAST:]}, split=split)
        return found

    def from_published(self, stage: Stage) -> float:
        """Largest relative L2 between runs from the starts of the first members, by the solver on the cells that are
        trained on and by the published scheme there."""
        scene, until = self.scene(self.cells, self.checked_until, self.checked_until), self.checked_until
        out = stage.folder / "checked"
        made = generate(
            vary(scene, self.checked, seed=self.seed), out=out, device=stage.device, dtype="float64", batch=8,
            progress=False,
        )  # fmt: skip
        w = torch.from_numpy(frames_of(made, "vorticity", slice(None))).double().to(stage.device)
        again = crank_nicolson_euler(w[:, 0], 1e-3, 0.1, self.checked_dt, round(until / self.checked_dt))
        return float(relative_l2(again, w[:, -1]).max())

    def drawn(self, model: Dressed, pairs: Mapping[int, Pairs], stage: Stage) -> Picture:
        window = pairs[self.cells].bind(model.names, 1).window("test", [0]).to(stage.device)
        with torch.no_grad():
            found = model(window.inputs, window.params, window.dt)["future"].cpu()[0]
        true = window.targets[0]["future"].cpu()[0]
        last = true.shape[-1] - 1
        at = sorted({round(last * share) for share in (0.0, 0.33, 0.67, 1.0)})

        def row(label: str, values: torch.Tensor, **more: Any) -> Row:
            return Row(label, [values[..., n].numpy() for n in at], name="vorticity", unit="1/s", **more)

        rows = [
            Row("solver", row("", true).fields, [f"t = {PAST + 1 + n} s" for n in at], "vorticity", "1/s"),
            row("network", found, like=row("", true).fields),
            row("difference", found - true),
        ]
        return Picture(plot_tiles(rows, stage.folder / "vorticity.png"), "One run of the test part.")


SOURCE = "Li et al. 2021, arXiv:2010.08895, table 1: FNO-3D 0.0086 with N = 1000, T = 50, 500 epochs"
OF_PRESET = f"the limit is that of the preset; {SOURCE}"

TEXT = """
Vorticities on a unit torus under a steady force, viscosity 1e-3, from Gaussian fields. A Fourier neural operator of
space and time is given the frames at t = 1 to 10 and gives all later ones at once [Li et al. 2021, arXiv:2010.08895,
section 5.3, FNO-3D].

The runs are made by exponential Runge-Kutta steps of order four; some are held against the scheme of first order by
which the published data were made.
"""

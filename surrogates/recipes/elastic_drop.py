"""A soft body that falls and bounces: a network on a mesh of its particles, one without, and the solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.engine.dataset import Dataset
from scenegrad.generating import generate
from scenegrad.scenes import LogUniform, Uniform, vary
from scenegrad.scenes.library import elastic_drop
from scenegrad.scenes.vary import Ensemble
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.particles.gns import GNS
from scenegrad.surrogates.particles.mesh_graph_net import MeshGraphNet, mesh_between
from scenegrad.surrogates.particles.operator import ParticleOperator
from scenegrad.surrogates.particles.surrogate import ParticleSurrogate
from scenegrad.surrogates.particles.targets import RandomWalk
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.particle_runs import Run, draw_runs, members_of, run_solver, run_surrogate
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.settings import Settings
from scenegrad.view.report import Chapter, Claim, Stage, Table

__all__ = ["ElasticDrop"]

STIFFNESS = "body.material.youngs_modulus"
STILL = ("affine", "deformation", "history")
FLOOR, FAR = 0.1, float("inf")


@dataclass(frozen=True)
class ElasticDrop(Study):
    """cells: of the solver in a metre; edges of the mesh are up to `reach` of them long, and the network without a mesh
    sees as far. members: throws, of which `test` judge. seconds: that each training may take; 0 takes `epochs`. noise:
    see RandomWalk."""

    title: ClassVar[str] = "Elastic drop: networks with and without a mesh in the solver's place"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "members": 7, "test": 2, "end": 0.25, "seconds": 0.0, "epochs": 12, "width": 16, "rounds": 1,
        },
        "cpu": {},
        "gpu": {
            "cells": 32, "members": 300, "test": 30, "seconds": 3600.0, "width": 128, "rounds": 15,
        },
    })  # fmt: skip

    cells: int = 8
    members: int = 40
    test: int = 4
    end: float = 0.4
    every: float = 0.01
    reach: float = 0.9
    seconds: float = 80.0
    epochs: int = 1
    width: int = 32
    rounds: int = 3
    noise: float = 0.1
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        throws = ParticleTrajectories.of(self.data(stage), "particles")
        made = {name: self.trained(name, network, throws, stage) for name, network in self.networks(throws).items()}
        test = members_of(self.ensemble(), range(self.members - self.test, self.members), stage.device)
        steps = throws.position[0].shape[0] - 1
        true = run_solver("solver", test, throws.dt, steps, stage.device)
        runs = [true]
        for name, trained in made.items():
            surrogate: Any = ParticleSurrogate(trained.fit.model, like=test[0], still=STILL)
            runs.append(run_surrogate(name, surrogate, test, steps, stage.device))
        shown = [steps // 3, 2 * steps // 3, steps]
        caption = (
            "A throw that none of the networks has seen, from the side: the solver and those that stand in for it."
        )
        return Chapter(
            self.title,
            TEXT,
            pictures=(draw_runs(stage.folder / "throws.png", runs, 0, shown, self.every, caption, 16.0),),
            claims=self.claims(runs),
            tables=(self.table(runs, made),),
            facts={
                "data": f"{self.members} throws of {throws.position[0].shape[1]} particles, {self.test} to judge by"
            },
        )

    def ensemble(self) -> Ensemble:
        scene = elastic_drop(
            cells=self.cells,
            youngs_modulus=LogUniform(2e4, 8e4),
            velocity=(Uniform(0.0, 1.0), Uniform(-0.3, 0.3), Uniform(-1.0, 0.0)),
            end=self.end,
            every=self.every,
        )
        return vary(scene, self.members, seed=self.seed)

    def data(self, stage: Stage) -> Dataset:
        return generate(self.ensemble(), out=stage.folder / "data", device=stage.device, batch=8, progress=False)

    def networks(self, throws: ParticleTrajectories) -> dict[str, ParticleOperator]:
        torch.manual_seed(self.seed)
        rest, sight = throws.position[0][0], self.reach / self.cells
        said: dict[str, Any] = {
            "rounds": self.rounds, "components": {"position": 3}, "history": 2,
            "walls": ((-FAR, -FAR, FLOOR), (FAR, FAR, FAR)),
        }  # fmt: skip
        mesh = mesh_between(rest, sight)
        return {
            "with the mesh": MeshGraphNet(
                self.width, 0.4 / self.cells, rest.tolist(), mesh, ["position"], [STIFFNESS], **said
            ),
            "without": GNS(self.width, sight, ["position"], [STIFFNESS], **said),
        }

    def trained(self, name: str, network: ParticleOperator, throws: ParticleTrajectories, stage: Stage) -> Trained:
        last = tuple(range(self.members - self.test, self.members))
        settings = Settings(
            epochs=self.epochs, batch_size=4, learning_rate=3e-3, target=RandomWalk(self.noise),
            average=0.995 if self.seconds else 0.9, seed=self.seed,
        )  # fmt: skip
        windows = Windows(throws, split=SplitByPlace((0,), last))
        out = stage.folder / name.replace(" ", "_")
        return train_within(self.seconds, network, windows, settings, out=out, device=stage.device)

    def claims(self, runs: list[Run]) -> tuple[Claim, ...]:
        true, meshed, _ = runs
        if not self.seconds:
            return (
                Claim(
                    "the body holds together: error of its shape [cells]", shape_error(meshed, true) * self.cells, 0.5
                ),
                Claim("no particle far below the floor [cells]", below(meshed) * self.cells, 2.0),
            )
        return (
            Claim("error with the mesh", meshed.error(true), 0.05),
            Claim("error of the path of its middle", middle(meshed).error(middle(true)), 0.05),
            Claim("no particle far below the floor [cells]", below(meshed) * self.cells, 1.0),
        )

    def table(self, runs: list[Run], made: Mapping[str, Trained]) -> Table:
        true = runs[0]
        spent: list[str | float] = ["", *(trained.seconds for trained in made.values())]
        rows: list[tuple[str | float, ...]] = [
            (
                run.name, run.error(true), middle(run).error(middle(true)), shape_error(run, true), below(run),
                1e3 * run.seconds, taken,
            )
            for run, taken in zip(runs, spent, strict=True)
        ]  # fmt: skip
        columns = (
            "", "error", "of its middle", "shape [m]", "below the floor [m]", "ms per learned step", "training [s]",
        )  # fmt: skip
        return Table(f"{true.position.shape[2]} particles, {len(true.position)} throws", columns, tuple(rows))


def middle(run: Run) -> Run:
    """The centre of the body alone."""
    return Run(run.name, run.position.mean(2, keepdim=True), run.seconds)


def shape_error(run: Run, true: Run) -> float:
    """Root mean square of how far particles are from where they should be around the centre of the body [m]."""

    def around(x: Tensor) -> Tensor:
        return x - x.mean(2, keepdim=True)

    return float((around(run.position) - around(true.position)).square().sum(-1).mean().sqrt())


def below(run: Run) -> float:
    """How far the lowest particle of all gets below the floor [m]."""
    return max(0.0, FLOOR - float(run.position[..., -1].min()))


TEXT = """A rubber duck is thrown at a floor with friction, bounces and slides, solved by material points; its stiffness
and its velocity are drawn at random. A mesh is laid between its particles, by Delaunay, and a network on this mesh
learns how it moves: edges tell how two particles lie now and at rest, so that the network sees how the body is deformed
[Pfaff et al. 2021, arXiv:2010.03409]. Another network sees only who is near [Sanchez-Gonzalez et al. 2020,
arXiv:2002.09405] and has the same rounds, width and time to learn. Both know the last velocity of each particle, the
stiffness, and how far the floor is.

The error is the mean square of how far particles are from where the solver has them, over that of how far they went.
Times are of one processor. A body of so few particles is solved in a few steps for each learned one: here no network is
faster than the solver, and none is meant to be."""

"""A flow that draws where atoms are fifty steps later, and what such steps make of a liquid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, with_tensors
from scenegrad.generating import generate
from scenegrad.scenes import Uniform, vary
from scenegrad.scenes.library import lj_fluid
from scenegrad.scenes.vary import Ensemble
from scenegrad.solvers.md.potential_energy import forces, potential_energy
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.samplers import Heun
from scenegrad.surrogates.particles.gns import GNS
from scenegrad.surrogates.particles.neighbours import apart, close_pairs
from scenegrad.surrogates.particles.surrogate import ParticleSurrogate
from scenegrad.surrogates.recipes.budget import Trained, clock, train_within
from scenegrad.surrogates.recipes.particle_runs import Compiled, members_of
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.settings import Settings
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["TimeCoarsenedMD"]

Move = Callable[[Any, Any, Params], Any]  # of the solver, the state and its params to the state after a step

TEMPERATURE = "Ar.temperature"
MELTING = 2.0  # [time]
SHELLS = 60  # of the radial distribution


@dataclass(frozen=True)
class Seen:
    """What a way of stepping makes of the liquid. g: radial distribution [shell]; energy: potential, of an atom, its
    median and spread over frames and members; msd: mean square displacement [length^2]. seconds: of one step of
    one member."""

    name: str
    g: Tensor
    energy: float
    spread: float
    msd: Tensor  # after 1, 2, ... steps
    dt: float  # that a step stands for
    seconds: float


@dataclass(frozen=True)
class TimeCoarsenedMD(Study):
    """cells: of the crystal that the liquid is melted from, 4 cells^3 atoms. friction: of the bath; a step is `every`,
    a few times 1/friction long, so that places alone tell what comes next. members: liquids, at temperatures between
    1.2 and 1.8, of which `test` judge, over `steps` steps. relax: Brownian steps of dt after each learned one, in the
    way that is mended. heun: steps of a draw, of two evaluations each. seconds: that the
    training may take; 0 takes `epochs`."""

    title: ClassVar[str] = "Time-coarsened molecular dynamics: a flow in steps of fifty"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 2, "sight": 1.7, "cutoff": 1.8, "members": 4, "test": 1, "end": 6.0, "steps": 6, "seconds": 0.0,
            "epochs": 10, "width": 16, "rounds": 1, "heun": 2,
        },
        "cpu": {},
        "gpu": {"cells": 6, "members": 64, "test": 8, "end": 100.0, "seconds": 3600.0, "width": 128, "rounds": 6},
    })  # fmt: skip

    cells: int = 3
    friction: float = 10.0
    every: float = 0.25
    dt: float = 0.005
    cutoff: float = 2.5
    sight: float = 2.0
    members: int = 20
    test: int = 4
    end: float = 12.0
    steps: int = 30
    relax: int = 5
    heun: int = 3
    seconds: float = 60.0
    epochs: int = 1
    width: int = 32
    rounds: int = 3
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        trained = self.trained(self.data(stage), stage)
        test = members_of(self.ensemble(), range(self.members - self.test, self.members), stage.device)
        surrogate: Any = ParticleSurrogate(trained.fit.model, like=test[0])
        begun = self.melted(test)

        def learned(solver: Any, state: Any, params: Params) -> Any:
            state = rollout(surrogate, state, params, self.every, probes=()).state
            return with_tensors(state, {"velocity": thermal(state.velocity, params[TEMPERATURE])})

        def blind(solver: Any, state: Any, params: Params) -> Any:
            """As far as atoms go on the mean, whatever is in their way."""
            far = trained.fit.model.scales.output_change[0].to(state.position)
            noise = torch.randn(state.position.shape, dtype=state.position.dtype).to(state.position)
            return with_tensors(state, {"position": state.position + far * noise})

        torch.manual_seed(self.seed)
        seen = [
            self.seen("solver", begun, self.solved, 0, stage),
            self.seen("flow", begun, learned, 0, stage),
            self.seen(f"flow and {self.relax} Brownian steps", begun, learned, self.relax, stage),
            self.seen(f"blind and {self.relax} Brownian steps", begun, blind, self.relax, stage),
        ]
        return Chapter(
            self.title,
            TEXT,
            pictures=(self.picture(seen, stage.folder),),
            claims=self.claims(seen),
            tables=(self.table(seen, trained),),
            facts={
                "data": f"{self.members} liquids of {begun[1].position.shape[1]} atoms, {self.test} to judge by",
                "steps of the solver in one": f"{self.every / self.dt:.0f}",
            },
        )

    def ensemble(self) -> Ensemble:
        scene = lj_fluid(
            cells=self.cells,
            temperature=Uniform(1.2, 1.8),
            friction=self.friction,
            end=self.end,
            dt=self.dt,
            warmup=MELTING,
        )
        scene = scene.replace(
            {"outputs.traj.every": self.every, "pair.cutoff": self.cutoff, "outputs.rdf.r_max": 0.49 * self.edge}
        )
        return vary(scene, self.members, seed=self.seed)

    @property
    def edge(self) -> float:
        """Of the box, at the density 0.6 of the scene."""
        return (4 * self.cells**3 / 0.6) ** (1 / 3)

    def data(self, stage: Stage) -> Dataset:
        return generate(self.ensemble(), out=stage.folder / "data", device=stage.device, batch=8, progress=False)

    def trained(self, data: Dataset, stage: Stage) -> Trained:
        torch.manual_seed(self.seed)
        network = GNS(
            self.width, self.sight, ["position"], [TEMPERATURE], rounds=self.rounds, wrap=(self.edge,) * 3,
            components={"position": 3},
        )  # fmt: skip
        last = tuple(range(self.members - self.test, self.members))
        settings = Settings(
            epochs=self.epochs, batch_size=8, learning_rate=2e-3, average=0.995 if self.seconds else 0.9, seed=self.seed
        )
        windows = Windows(data, probe="traj", split=SplitByPlace((0,), last))
        flow = Flow(network, sampler=Heun(self.heun))
        return train_within(self.seconds, flow, windows, settings, out=stage.folder / "flow", device=stage.device)

    def melted(self, test: Compiled) -> Compiled:
        """After the warm-up of the scene."""
        solver, state, params = test
        with torch.no_grad():
            return solver, rollout(solver, state, params.detach(), MELTING, probes=()).state, params

    def solved(self, solver: Any, state: Any, params: Params) -> Any:
        return rollout(solver, state, params, self.every, probes=()).state

    def seen(self, name: str, begun: Compiled, step: Move, relax: int, stage: Stage) -> Seen:
        """Steps of one kind, each with some Brownian ones after it."""
        solver, state, params = begun
        now = clock(stage.device)
        places, energies, spent = [state.position], [], 0.0
        with torch.no_grad():
            for _ in range(self.steps):
                since = now()
                state = step(solver, state, params.detach())
                for _ in range(relax):
                    state = self.pushed(solver, state, params)
                spent += now() - since
                places.append(state.position)
                energies.append(potential_energy(solver, state, params) / state.position.shape[1])
        x, u = torch.stack(places, 1).cpu(), torch.stack(energies, 1).cpu()
        drift = x - x.mean(2, keepdim=True)
        msd = torch.stack([(drift[:, k:] - drift[:, :-k]).square().sum(-1).mean() for k in range(1, self.steps)])
        g, dt = self.radial(x[:, 1:]), self.every + relax * self.dt
        return Seen(name, g, float(u.median()), float(u.std()), msd, dt, spent / (self.steps * len(x)))

    def pushed(self, solver: Any, state: Any, params: Params) -> Any:
        """A Brownian step of dt, its force tamed where atoms overlap [Hutzenthaler, Jentzen & Kloeden 2012]:
        x' = x + h F / (1 + h |F| / d) + sqrt(2 T h) noise,   h = dt / friction, d = 0.1."""
        h, temperature = self.dt / self.friction, params[TEMPERATURE].to(state.position).view(-1, 1, 1)
        force = forces(solver, state, params).to(state.position)
        drift = h * force / (1.0 + h * force.norm(dim=-1, keepdim=True) / 0.1)
        noise = torch.randn(force.shape, dtype=force.dtype).to(force)
        return with_tensors(state, {"position": state.position + drift + (2.0 * temperature * h).sqrt() * noise})

    def radial(self, x: Tensor) -> Tensor:
        """g(r) up to half of the box, over all members and frames."""
        flat, reach = x.flatten(0, 1), 0.499 * self.edge
        wrap = (self.edge,) * 3
        pairs = close_pairs(flat, reach, wrap)
        r = apart(pairs, flat, flat, wrap).norm(dim=1)
        count = torch.histc(r, SHELLS, 0.0, reach)
        edges = torch.linspace(0.0, reach, SHELLS + 1)
        volume = 4.0 / 3.0 * torch.pi * edges.pow(3).diff()
        atoms = flat.shape[1]
        return count / (len(flat) * 0.5 * atoms * (atoms - 1) * volume / self.edge**3)

    def diffusion(self, seen: Seen) -> float:
        """D = msd / (6 t) over ten steps, or as many as there are."""
        k = min(10, len(seen.msd))
        return float(seen.msd[k - 1]) / (6.0 * k * seen.dt)

    def claims(self, seen: list[Seen]) -> tuple[Claim, ...]:
        true, flow, mended, blind = seen
        if not self.seconds:
            gain = distance(flow, true) / distance(mended, true)
            return (
                Claim("g(r) with Brownian steps, mean distance", distance(mended, true), 0.3),
                Claim("the flow's own over that with Brownian steps", gain, 1.0, False),
            )
        drift = abs(self.diffusion(mended) / self.diffusion(true) - 1.0)
        return (
            Claim("g(r) of the flow alone, mean distance", distance(flow, true), 0.15),
            Claim("g(r) with Brownian steps, mean distance", distance(mended, true), 0.06),
            Claim(
                "g(r) with Brownian steps over that of blind ones", distance(mended, true) / distance(blind, true), 1.0
            ),
            Claim("diffusion with Brownian steps, relative error", drift, 0.15),
        )

    def table(self, seen: list[Seen], trained: Trained) -> Table:
        rows: list[tuple[str | float, ...]] = [
            (one.name, distance(one, seen[0]), one.energy, one.spread, self.diffusion(one), 1e3 * one.seconds)
            for one in seen
        ]
        columns = ("", "g(r), mean distance", "energy of an atom", "its spread", "diffusion", "ms per step")
        caption = f"Steps of {self.every:g}, {self.steps} of them; the training took {trained.seconds:.0f} s"
        return Table(caption, columns, tuple(rows))

    def picture(self, seen: list[Seen], folder: Path) -> Picture:
        reach = 0.499 * self.edge
        r = (torch.arange(SHELLS) + 0.5) * reach / SHELLS
        t = torch.arange(1, self.steps)
        panels = [
            Panel([Curve(r, one.g, one.name, colour=i) for i, one in enumerate(seen)], "g(r)", "r"),
            Panel(
                [Curve(one.dt * t, one.msd, one.name, colour=i) for i, one in enumerate(seen)],
                "mean square displacement",
                "t",
            ),
        ]
        path = plot_panels(panels, folder / "liquid.png")
        return Picture(path, "The liquid as the solver makes it and as learned steps do.")


def distance(one: Seen, true: Seen) -> float:
    """Mean of |g - g_true| over the shells."""
    return float((one.g - true.g).abs().mean())


def thermal(velocity: Tensor, temperature: Tensor) -> Tensor:
    """Drawn from Maxwell's distribution, for unit masses: a step that knows places only leaves velocities open."""
    spread = temperature.to(velocity).view(-1, 1, 1).sqrt()
    return spread * torch.randn(velocity.shape, dtype=velocity.dtype).to(velocity)


TEXT = """A Lennard-Jones liquid in a strongly damped bath is shown fifty steps of its solver at a time. A flow learns
to draw where its atoms are after these, given where they are and the temperature: its network is a graph network in a
box that repeats, so that the draws turn with the order of the atoms and shift with them. In the manner of
time-coarsened dynamics [Klein et al. 2023, Timewarp, arXiv:2302.01170; Schreiner et al. 2023, arXiv:2305.18046], but
with nothing that accepts or refuses its moves: what is drawn is the flow's own distribution, not Boltzmann's. The
density of a draw would tell how to correct that; in hundreds of dimensions its divergence costs as many evaluations as
there are coordinates.

So the flow is held against its solver by what the liquid becomes over many steps: its radial distribution, its energy,
its diffusion. A third way takes a few Brownian steps after each learned one; these push apart atoms that were
drawn too close to each other. To see what is theirs and what the flow's, a fourth way has no network: its atoms go as
far as they do on the mean, in any direction, before the same Brownian steps."""

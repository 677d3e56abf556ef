"""Unbiased weights without Jacobians: one taught flow, weighed by divergences, by random signs and by disturbances.

The weights by disturbances are those of [Peng & Gao 2025, Nature Communications 16, arXiv:2407.10666], step by step as
in [Peng & Gao 2026, arXiv:2601.21177].
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.perturbed import Perturbed
from scenegrad.surrogates.boltzmann.weights import Energy, Weighted, importance
from scenegrad.surrogates.recipes.boltzmann_generators import DW4, density, edges_of
from scenegrad.view.plots import Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["FlowPerturbation"]


@dataclass(frozen=True)
class FlowPerturbation(DW4):
    """probes: random signs of Hutchinson's estimates, one way of weighing for each. disturbed: steps of the disturbed
    flows, likewise. size: of a disturbance, its median [length]. chunk: how many samples are weighed at a time. apart:
    the most standard errors that unbiased weights claim from exact ones, and the least that those of the fewest random
    signs do."""

    title = "Unbiased weights without Jacobians: a disturbed flow"
    presets: ClassVar = {
        "small": {
            **DW4.presets["small"], "learning_rate": 5e-3, "weighed": 400, "probes": (1,), "disturbed": (10,),
            "apart": 4.0,
        },
        "cpu": {"samples": 12000, "epochs": 30, "weighed": 2000},
        "gpu": {**DW4.presets["gpu"], "weighed": 100000, "chunk": 10000, "disturbed": (20, 40)},
    }  # fmt: skip

    probes: tuple[int, ...] = (1, 4)
    disturbed: tuple[int, ...] = (10, 20)
    size: float = 1e-2
    chunk: int = 1000
    apart: float = 3.0

    def judged(
        self, stage: Stage, model: Any, energy: Energy, target: Tensor, unseen: Tensor, random: torch.Generator,
        seconds: float,
    ) -> Chapter:  # fmt: skip
        flow = model.flow.double()
        velocity, base, seed = flow.bijections[0].velocity, flow.base, int(torch.randint(2**31, (), generator=random))
        with torch.no_grad():
            everywhere = energy(target).detach().cpu()

        def weigh(bijection: Continuous | Perturbed) -> Way:
            return weighed(NormalizingFlow(base, bijection).to(flow.like), energy, self.weighed, self.chunk, seed)

        exact = weigh(Continuous(velocity, steps=self.steps))
        signs = {n: weigh(Continuous(velocity, steps=self.steps, probes=n, random=random)) for n in self.probes}
        kicks = {
            n: weigh(Perturbed(velocity, steps=n, size=self.size, along=base, random=random)) for n in self.disturbed
        }
        ways = {
            "exact divergences": exact,
            **{f"{n} random signs" if n > 1 else "1 random sign": way for n, way in signs.items()},
            **{f"disturbed, {n} steps": way for n, way in kicks.items()},
        }
        known = self.measured()
        rows = tuple(
            (
                name, way.weighted.effective, way.weighted.log_z - exact.weighted.log_z, way.weighted.log_z_error,
                way.mean - known["mean"], way.mean_error, way.evaluations, way.evaluations / way.weighted.effective,
                1e3 * way.seconds / self.weighed,
            )
            for name, way in ways.items()
        )  # fmt: skip
        columns = (
            "weights by", "effective share", "ln Z, from exact", "its standard error", "mean energy, from reference",
            "its standard error", "evaluations", "of an effective sample", "ms of processor",
        )  # fmt: skip
        return Chapter(
            f"{self.system}: weights without Jacobians",
            f"One equivariant continuous flow, matched to samples of exp(-U / kT) for {seconds:.0f} s, and its samples "
            f"({self.weighed} each way, out of the same normal particles) weighed by exact divergences, one transposed "
            "derivative for each coordinate; by Hutchinson's estimates of them, one for each array of random signs; "
            "and by disturbing every step forth and back, without any. The estimates are right on the average for the "
            "logarithm of a weight, and so too large for the weight; disturbances are right for the weight. "
            "Evaluations of the network, of one sample; a transposed derivative counts as one.",
            (self.drawn_ways(stage, everywhere, exact, ways),),
            (*self.claims(everywhere), *self.unbiased(exact, signs[min(signs)], kicks)),
            (Table("Weights, energies in kT", columns, rows),),
            {"training": f"{seconds:.0f} s"},
        )

    def unbiased(self, exact: Way, fewest: Way, kicks: dict[int, Way]) -> tuple[Claim, ...]:
        known = self.measured()

        def off(way: Way) -> float:
            errors = (way.weighted.log_z_error, exact.weighted.log_z_error)
            return apart(way.weighted.log_z - exact.weighted.log_z, *errors)

        found = [
            Claim(
                "ln Z by the fewest random signs, in standard errors from exact divergences",
                off(fewest), self.apart, at_most=False,
            ),
            Claim("evaluations of the shortest disturbed flow, of those of exact divergences",
                  kicks[min(kicks)].evaluations / exact.evaluations, 0.5),
        ]  # fmt: skip
        for n, way in kicks.items():
            by = f"by a flow disturbed in {n} steps, in standard errors from"
            found += [
                Claim(f"ln Z {by} exact divergences", off(way), self.apart),
                Claim(f"mean energy {by} exact divergences",
                      apart(way.mean - exact.mean, way.mean_error, exact.mean_error), self.apart),
                Claim(f"mean energy {by} the reference", apart(way.mean - known["mean"], way.mean_error, known["sem"]),
                      self.apart, source="HMC, assets/reference/md/sampling_targets.json"),
            ]  # fmt: skip
        return tuple(found)

    def drawn_ways(self, stage: Stage, target: Tensor, exact: Way, ways: dict[str, Way]) -> Picture:
        edges, log_z = edges_of(target), exact.weighted.log_z
        most = max(float(way.weighted.log_weights.max()) for way in ways.values()) - log_z
        between = np.linspace(-8.0, most + 0.1, 40)
        energies = [
            density(target, edges, "target", "soft"),
            density(exact.weighted.energies, edges, "flow, without weights", len(ways)),
        ]
        weights = []
        for n, (name, way) in enumerate(ways.items()):
            if "sign" not in name:
                energies.append(density(way.weighted.energies, edges, name, n, way.weighted.share))
            weights.append(density(way.weighted.log_weights - log_z, between, name, n))
        path = plot_panels(
            [Panel(energies, x="energy [kT]", y="density"), Panel(weights, x="ln (w / Z)", y="density")],
            stage.folder / "weights.png",
        )
        return Picture(
            path,
            f"Left: energies of {self.system}, the target and samples of one flow with their weights, where these are "
            "right on the average. Right: the logarithms of all weights, by Z of exact divergences; samples that "
            "random signs take for far too heavy are to the right",
        )


@dataclass(frozen=True)
class Way:
    """Samples weighed one way. evaluations: of the network, of one sample, with its transposed derivatives. seconds: of
    processor time, for all of them."""

    weighted: Weighted
    evaluations: float
    seconds: float

    @property
    def mean(self) -> float:
        """Of the energy."""
        return float(self.weighted.mean(self.weighted.energies))

    @property
    def mean_error(self) -> float:
        """One standard deviation of it, of samples that are independent."""
        return float((self.weighted.share * (self.weighted.energies - self.mean)).square().sum().sqrt())


def weighed(flow: NormalizingFlow, energy: Energy, count: int, chunk: int, seed: int) -> Way:
    """Samples out of the base by `seed`, whatever comes behind it."""
    bijection: Any = flow.bijections[0]
    random, asked = torch.Generator().manual_seed(seed), 0

    def ask(module: Any, given: tuple[Tensor, ...], found: Tensor) -> None:
        nonlocal asked
        asked += len(given[0])

    counting, began = bijection.velocity.register_forward_hook(ask), time.process_time()
    with torch.no_grad():
        parts = [flow.sample(min(chunk, count - n), random) for n in range(0, count, chunk)]
    seconds = time.process_time() - began
    counting.remove()
    x, log_density = (torch.cat(part) for part in zip(*parts, strict=True))
    derivatives = len(bijection.directions(x)) if isinstance(bijection, Continuous) else 0
    found = importance(x, log_density, energy, 1.0, chunk)
    moved = Weighted(found.x.cpu(), found.log_weights.cpu(), found.energies.cpu())
    return Way(moved, asked / count * (1 + derivatives), seconds)


def apart(difference: float, *errors: float) -> float:
    return abs(difference) / math.hypot(*errors)

"""Flows that draw in one step and in few: every way to them at one cost, on random media of two phases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from scenegrad.scenes.library import darcy
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.flows.acceleration import Accelerated, ConstantAcceleration
from scenegrad.surrogates.flows.couplings import MinibatchOT
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.maps import EulerianMap, LagrangianMap, MeanFlow, ProgressiveMap
from scenegrad.surrogates.flows.more_samplers import Jumps
from scenegrad.surrogates.flows.objectives import FlowMatching, Reflow
from scenegrad.surrogates.flows.samplers import RK4, Euler, Heun, Sampler
from scenegrad.surrogates.flows.schedules import schedule
from scenegrad.surrogates.flows.teachers import remember
from scenegrad.surrogates.recipes.drawn_media import DrawnMedia
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.targets import Target
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["OneStepFlows"]

EVALUATIONS = (1, 2, 4, 16)
PLAIN, STRAIGHT, BENT = "flow matching", "reflow", "constant acceleration"

# What an example costs in one step of training, in evaluations of the network: one, and two more for the way back; a
# derivative along a direction doubles what it is taken of. Of the maps half the batch learns the velocity, at 3.
COSTS = {
    PLAIN: 3.0,
    "minibatch OT": 3.0,
    STRAIGHT: 3.0,
    BENT: 3.5,  # velocity 3, acceleration 1 + 3
    "Lagrangian map": 5.0,  # 1 + 2 * 3
    "Eulerian map": 5.0,  # 1 + 2 * 3
    "progressive map": 4.0,  # 2 + 3
    "mean flow": 3.5,  # 2 + 2: the derivative is taken as it is
}
OBJECTIVES: dict[str, Target] = {
    PLAIN: FlowMatching(),
    "minibatch OT": FlowMatching(MinibatchOT()),
    "Lagrangian map": LagrangianMap(),
    "Eulerian map": EulerianMap(),
    "progressive map": ProgressiveMap(),
    "mean flow": MeanFlow(),
}
ERRORS = ("sliced W1 [standard deviations]", "sliced W2 [standard deviations]", "spectrum, mean |log10 of the ratio|")

FLOOR = "two sets of the truth"

Measured = tuple[float, ...]  # of ERRORS


@dataclass(frozen=True)
class OneStepFlows(DrawnMedia):
    """steps: of flow matching; every other method has as many as cost the same evaluations of the network. Reflow and
    constant acceleration spend half of that on a teacher, and what its `pairs` leave on what they learn by them. near:
    limit of W1 of reflow in one step, in units of that of two sets of the truth. gain: of the mean W1 of the one-step
    methods in one step, as a part of that of flow matching; bent: of W1 of constant acceleration with two evaluations,
    likewise. among: times of which schedules choose. columns: of pictures. without: methods that are left out."""

    title: ClassVar[str] = "Flows in one step"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            **DrawnMedia.small, "steps": 80, "pairs": 128, "near": 5.0, "gain": 0.95, "bent": 1.5, "among": 8,
            "columns": 3,
            "without": ("Lagrangian map", "Eulerian map"),
        },
        "cpu": {},
        "gpu": {
            **DrawnMedia.large, "widths": (64, 128, 128, 128), "steps": 40000, "pairs": 16384,
        },
    }  # fmt: skip

    steps: int = 512
    pairs: int = 1024
    near: float = 2.0
    gain: float = 0.5
    bent: float = 1.0
    among: int = 24
    columns: int = 7
    without: tuple[str, ...] = ()

    def run(self, stage: Stage) -> Chapter:
        media = self.media(darcy(cells=self.cells))
        fits = dict(self.trained(stage, media.data))
        found: dict[tuple[str, int], Measured] = {}
        shown: dict[str, Tensor] = {}
        for name, fit in fits.items():
            for count in EVALUATIONS:
                if sampler := sampler_of(name, count):
                    made = self.drawn_by(fit, sampler, self.drawn)
                    found[name, count] = media.apart(made)
                    shown[f"{name}, {count}"] = made
        return self.chapter(stage, fits, media.apart(media.other), found, {"truth": media.truth, **shown})

    def trained(self, stage: Stage, data: Pairs) -> Iterator[tuple[str, Fit]]:
        budget = 3.0 * self.steps * self.batch_size

        def learn(name: str, flow: Flow, cost: float, spend: float, target: Target | None = None) -> Fit:
            epochs = max(1, round(spend / cost / self.examples))
            fit = self.learnt(stage, name, flow, data, epochs, target)
            stage.say(f"  {name}: {epochs} epochs in {fit.history[-1].seconds:.0f} s")
            return fit

        for name in (name for name in OBJECTIVES if name not in self.without):
            yield name, learn(name, self.fresh(objective=OBJECTIVES[name]), COSTS[name], budget)
        teacher = learn("teacher", self.fresh(objective=FlowMatching()), 3.0, 0.5 * budget)
        teacher.model.flow.sampler = Heun(8)  # type: ignore[attr-defined]  # it is a FlowStepper
        pairs = remember(teacher.model, teacher.samples, self.pairs)  # type: ignore[arg-type]
        left = max(0.5 * budget - 16.0 * self.pairs, 0.1 * budget)
        yield STRAIGHT, learn(STRAIGHT, teacher.model.flow, COSTS[STRAIGHT], left, Reflow(pairs))  # type: ignore[attr-defined]
        bent = self.fresh(objective=ConstantAcceleration())
        yield BENT, learn(BENT, bent, COSTS[BENT], left, ConstantAcceleration(pairs))

    def drawn_by(self, fit: Fit, sampler: Sampler, count: int) -> Tensor:
        model: Any = fit.model
        model.flow.sampler = sampler
        return self.draw(model, count)

    def scheduled(self, fit: Fit) -> tuple[Table, float]:
        """How far even and found times end from where the flow itself does; the largest ratio of the two."""
        exact, rows, worst = self.drawn_by(fit, RK4(32), 128), [], 0.0
        for sampler in (Euler(4), Euler(8), Heun(2), Heun(4)):
            best = schedule(fit, sampler, among=self.among, batch=32).model.flow.sampler  # type: ignore[attr-defined]
            even, found = (
                float((self.drawn_by(fit, chosen, 128) - exact).square().mean().sqrt() / exact.std())
                for chosen in (sampler, best)
            )
            times = " ".join(f"{s:.2f}" for s in best.times)
            rows.append((type(sampler).__name__, str(sampler.evaluations), even, found, times))
            worst = max(worst, found / even)
        caption = "Distance from the ends of the flow matched, root mean square in standard deviations, new noise"
        return Table(caption, ("sampler", "NFE", "even times", "found times", "found"), tuple(rows)), worst

    def chapter(
        self,
        stage: Stage,
        fits: dict[str, Fit],
        floor: Measured,
        found: dict[tuple[str, int], Measured],
        shown: dict[str, Tensor],
    ) -> Chapter:
        timed, worst = self.scheduled(fits[PLAIN])
        tables = [
            Table(
                f"{what[:1].upper()}{what[1:]}; two sets of the truth: {floor[i]:.3f}",
                ("method", *(f"NFE {n}" for n in EVALUATIONS), "seconds"),
                tuple(
                    (
                        name,
                        *(f"{found[name, n][i]:.3f}" if (name, n) in found else "-" for n in EVALUATIONS),
                        f"{fit.history[-1].seconds:.0f}",
                    )
                    for name, fit in fits.items()
                ),
            )
            for i, what in enumerate(ERRORS)
        ]
        straight, plain = found[STRAIGHT, 1][0], found[PLAIN, 1][0]
        learned = [found[name, 1][0] for name in fits if name not in (PLAIN, "minibatch OT", BENT)]
        claims = (
            Claim("W1 of reflow in one step by that of two sets of the truth", straight / floor[0], self.near),
            Claim("mean W1 of reflow and maps in one step by that of flow matching",
                  sum(learned) / len(learned) / plain, self.gain),
            Claim("W1 of constant acceleration in one step, NFE 2, by that of flow matching",
                  found[BENT, 2][0] / found[PLAIN, 2][0], self.bent),
            Claim("W1 of minibatch OT by that of flow matching in one step", found["minibatch OT", 1][0] / plain, 1.0),
            # Found for one noise and judged by another: where even times are as good as any, chance decides.
            Claim("found times by even times, the worst of four samplers", worst, 1.05),
        )  # fmt: skip
        return Chapter(
            self.title,
            "Every method learns to draw the permeability of the porous media of one scene, and each is given the same "
            "number of evaluations of one network to learn it, teachers and their pairs included. Then each draws with "
            "1, 2, 4 and 16 evaluations; constant acceleration needs two for a step.\n\n"
            "The tables say how far what is drawn is from media that no method has seen, and what two such sets are "
            "from each other: nothing can be below that for long.",
            self.pictures(stage, floor, found, shown),
            claims,
            (*tables, timed),
        )

    def pictures(
        self, stage: Stage, floor: Measured, found: dict[tuple[str, int], Measured], shown: dict[str, Tensor]
    ) -> tuple[Picture, ...]:
        names = [name for name in COSTS if name not in self.without]
        once = [f"{name}, {2 if name == BENT else 1}" for name in names]
        like = list(shown["truth"].numpy())
        rows = [Row(name, list(shown[name][: self.columns].numpy()), like=like) for name in ("truth", *once)]
        panels = []
        for i, what in enumerate(ERRORS):
            curves = []
            for number, name in enumerate(names):
                counts = [n for n in EVALUATIONS if (name, n) in found]
                curves.append(
                    Curve(counts, [found[name, n][i] for n in counts], name, "o-" if number < 6 else "x--", number)
                )
            panels.append(Panel(curves, what, "evaluations of the network", log="xy", levels={FLOOR: floor[i]}))
        return (
            Picture(plot_tiles(rows, stage.folder / "one_step.png"),
                    "One step of each from the same noise, below media of the scene; the number is of evaluations."),
            Picture(plot_panels(panels, stage.folder / "errors.png", columns=3), "Errors over evaluations a draw."),
        )  # fmt: skip


def sampler_of(name: str, evaluations: int) -> Sampler | None:
    """With so many evaluations a draw; constant acceleration has none of one."""
    if name == BENT:
        return Accelerated(evaluations - 1) if evaluations > 1 else None
    return Jumps(evaluations) if name.endswith(("map", "mean flow")) else Euler(evaluations)

"""What an evaluation found: numbers of each model, tables of them side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.surrogates.evaluation.cost import Cost, Spent
from scenegrad.surrogates.evaluation.examination import Examination
from scenegrad.surrogates.training.fit import Fit

__all__ = ["Evaluation", "Judged"]


@dataclass(frozen=True)
class Judged:
    """One model. parts: by name. cost: beside the solver, or why there is none. finer: error of one step on data of a
    finer grid over that on its own, with the points of that grid."""

    label: str
    fit: Fit
    parts: Mapping[str, Examination]
    spent: Spent
    cost: Cost | str
    finer: tuple[tuple[int, ...], float, float] | None = None

    @property
    def weights(self) -> int:
        return sum(weight.numel() for weight in self.fit.model.parameters())

    def numbers(self, part: str) -> dict[str, float]:
        """All of a part, with the costs where the part is the one that they were measured on."""
        found = dict(self.parts[part].numbers)
        if part == "test":
            found |= self.costs()
            if self.finer is not None:
                found |= {"finer_one_step": self.finer[1], "finer_ratio": self.finer[2]}
        return found

    def costs(self) -> dict[str, float]:
        """Times in ms and s; nan where a number does not exist, such as a break-even that never comes."""
        nan = float("nan")
        found = {"data_seconds": nan if self.spent.data is None else self.spent.data}
        found["training_seconds"] = self.spent.training
        if isinstance(self.cost, str):
            return found
        steps = self.parts["test"].along.steps
        own, equal = (self.cost.solves_to_repay(self.spent, steps, c) for c in (self.cost.finest, None))
        return found | {
            "ms_per_step": 1e3 * self.cost.seconds,
            "cheapest_cells": nan if self.cost.cheapest is None else float(self.cost.cheapest),
            "speed_up": nan if self.cost.speed_up is None else self.cost.speed_up,
            "break_even_solves": nan if equal is None else equal,
            "speed_up_over_own_grid": self.cost.solver[self.cost.finest][1] / self.cost.seconds,
            "break_even_solves_own_grid": nan if own is None else own,
        }

    def table(self) -> dict[str, Any]:
        """Plain data for JSON; what is not a number is null."""
        return {
            "model": str(self.fit.path),
            "kind": kind_of(self.fit),
            "weights": self.weights,
            "step": self.fit.samples.dt,
            "grid": list(self.fit.samples.grid),
            "epochs": len(self.fit.history),
            "trajectories": {part: len(these) for part, these in self.fit.samples.parts.items()},
            "parts": {part: {k: finite(v) for k, v in self.numbers(part).items()} for part in self.parts},
            "curves": {part: curves_of(seen) for part, seen in self.parts.items()},
            "cost": self.cost if isinstance(self.cost, str) else {str(n): list(v) for n, v in self.cost.solver.items()},
        }


@dataclass(frozen=True)
class Evaluation:
    """Models side by side; `print` shows a table of all that was measured."""

    models: tuple[Judged, ...]
    data: str
    hash: str
    seconds: float

    @property
    def columns(self) -> list[tuple[str, dict[str, float]]]:
        """Numbers by name, for each model and each part that it was judged on."""
        several = len(self.models) > 1
        return [
            (f"{judged.label} {part}" if several else part, judged.numbers(part))
            for judged in self.models
            for part in judged.parts
        ]

    def rows(self) -> list[tuple[str, list[float | None]]]:
        """Each number by name, in each of the columns; None where it was not measured."""
        names = dict.fromkeys(name for _, numbers in self.columns for name in numbers)
        return [(name, [numbers.get(name) for _, numbers in self.columns]) for name in names]

    def table(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "hash": self.hash,
            "seconds": self.seconds,
            "models": {judged.label: judged.table() for judged in self.models},
        }

    def __str__(self) -> str:
        lines = [["", *(label for label, _ in self.columns)]]
        lines += [[name, *("" if v is None else f"{v:.4g}" for v in values)] for name, values in self.rows()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        body = [
            "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            for line in lines
        ]
        notes = [f"{judged.label}: {judged.cost}" for judged in self.models if isinstance(judged.cost, str)]
        return "\n".join([*body, *notes])

    def report(self, out: str | Path) -> Path:
        """Writes one HTML page with its pictures inside."""
        from scenegrad.reporting import write_evaluation

        return write_evaluation(self, Path(out))


def kind_of(fit: Fit) -> str:
    network = fit.model.config()["network"]
    return str(network.get("operator", network).get("kind")) + (" flow" if network.get("kind") == "flow" else "")


def curves_of(seen: Examination) -> dict[str, Any]:
    """Means over the trajectories after each step."""
    along = seen.along
    found = {"error": along.error, "correlation": along.correlated, "vrmse": along.vrmse}
    if along.draws > 1:
        found |= {"crps": along.crps, "error_of_mean": along.of_mean}
    table: dict[str, Any] = {name: [finite(v) for v in values.mean(dim=0).tolist()] for name, values in found.items()}
    if along.draws > 1:
        table["spread_skill"] = [finite(v) for v in along.spread_skill.tolist()]
        table["ranks"] = along.ranks[-1].tolist()
    return {"time": [along.dt * (step + 1) for step in range(along.steps)], **table}


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

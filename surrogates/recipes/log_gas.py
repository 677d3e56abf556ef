"""A gas told by logarithms, in which whatever a network says is a gas.

Pressures are told in atmospheres and densities in kg/m^3, so that both logarithms are of order one where air is, and
an error relative to them says as much of the pressure as of the density.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.surrogates.data.derived import Derived

__all__ = ["FIELDS", "UNITS", "InLogs", "Logs"]

FIELDS = ("log_density", "velocity", "log_pressure")
LOG = "log_"
UNITS = {"density": 1.0, "pressure": 101325.0}  # [kg/m^3], [Pa]


@dataclass(frozen=True)
class Logs(Derived):
    """The trajectories of a gas, with log_density and log_pressure beside its fields."""

    @property
    def probes(self) -> Sequence[str]:
        return self.data.probes

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.data.hash} in logarithms of {UNITS}".encode()).hexdigest()

    def quantities(self, probe: str) -> Iterable[str]:
        there = list(self.data.quantities(probe))
        return [*there, *[LOG + name for name in ("density", "pressure") if name in there]]

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        plain = quantity.removeprefix(LOG)
        values = self.data.read(member, probe, plain, frames)
        return values if plain == quantity else np.log(values / UNITS[plain])


class InLogs:
    """The solver of a gas, whose states are told by FIELDS; all else is the solver's own."""

    def __init__(self, solver: Any):
        self.solver = solver

    def __getattr__(self, name: str) -> Any:
        if name == "solver" or name.startswith("__"):  # a copy asks before there is one
            raise AttributeError(name)
        return getattr(self.solver, name)

    def fields(self, state: Any, params: Params) -> dict[str, Tensor]:
        plain = self.solver.fields(state, params)
        return {n: logarithm(plain, n.removeprefix(LOG)) if n.startswith(LOG) else plain[n] for n in FIELDS}

    def with_fields(self, state: Any, params: Params, fields: Mapping[str, Tensor], time: Tensor) -> Any:
        return self.solver.with_fields(state, params, dict(plainly(n, v) for n, v in fields.items()), time)


def logarithm(plain: Mapping[str, Tensor], name: str) -> Tensor:
    return (plain[name] / UNITS[name]).log()


def plainly(name: str, value: Tensor) -> tuple[str, Tensor]:
    """The quantity behind a field, and its values in SI units."""
    quantity = name.removeprefix(LOG)
    return quantity, value.exp() * UNITS[quantity] if name.startswith(LOG) else value

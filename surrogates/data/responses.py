"""Numbers that a scene gives for the parameters that it is given, and their gradients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.pairs import Pairs, PairSamples
from scenegrad.surrogates.data.samples import Pull, Window
from scenegrad.surrogates.data.split import AnySplit, Split, fingerprint
from scenegrad.surrogates.operators.names import Names

if TYPE_CHECKING:
    from scenegrad.engine.dataset import Dataset

__all__ = ["ResponseSamples", "Responses"]


@dataclass(frozen=True)
class Responses:
    """x: parameters by address, [member] or [member, entry]. y: numbers by name [member]. slopes: dy/dx by name and
    address, shaped as x; of those numbers that have them."""

    x: Mapping[str, np.ndarray]
    y: Mapping[str, np.ndarray]
    slopes: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    split: AnySplit = field(default_factory=Split)

    def __post_init__(self) -> None:
        for name, table in self.slopes.items():
            for address, slope in table.items():
                if name not in self.y or address not in self.x or slope.shape != self.x[address].shape:
                    raise EngineError(
                        f"The gradient of {name} by {address} has shape {slope.shape}, and there are "
                        f"{', '.join(f'{a} {v.shape}' for a, v in self.x.items())} and {', '.join(self.y)}. It needs "
                        f"the shape of what it is taken by."
                    )

    @staticmethod
    def of(data: Dataset, outcomes: Sequence[str] | None = None, split: AnySplit | None = None) -> Responses:
        """What generate(..., of=..., gradients=...) recorded: all its numbers, or those of these names, of all that was
        drawn. Entries of a vector come together as one."""
        if not data.outcomes:
            raise EngineError(
                f"{data.path} holds no numbers of its members. Let generate record them: "
                f'of=(Final("cost.misfit"),), gradients=("water.viscosity",).'
            )
        chosen = list(outcomes or data.outcomes)
        x = vectors(data.parameters)
        y = {name: data.outcome(name).astype(np.float64) for name in chosen}
        slopes = {n: {a: data.gradients(n, a) for a in data.gradient_addresses(n) if a in x} for n in chosen}
        whole = {name: table for name, table in slopes.items() if table}
        return Responses(x, y, whole, split or Split())

    def without_gradients(self) -> Responses:
        return replace(self, slopes={})

    def first(self, count: int) -> Responses:
        """The first members."""
        return replace(
            self,
            x={name: values[:count] for name, values in self.x.items()},
            y={name: values[:count] for name, values in self.y.items()},
            slopes={n: {a: values[:count] for a, values in table.items()} for n, table in self.slopes.items()},
        )

    def bind(self, names: Names, horizon: int) -> ResponseSamples:
        return ResponseSamples(self, names, horizon)


def vectors(drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Numbers by address; "a.b.0", "a.b.1", ... as one vector "a.b" [member, entry]."""
    found: dict[str, dict[int, np.ndarray]] = {}
    for address, values in drawn.items():
        stem, _, last = address.rpartition(".")
        found.setdefault(stem if last.isdigit() else address, {})[int(last) if last.isdigit() else -1] = values
    made = {}
    for address, entries in found.items():
        if -1 in entries:
            made[address] = entries[-1]
        elif sorted(entries) == list(range(len(entries))):
            made[address] = np.stack([entries[n] for n in range(len(entries))], axis=1)
        else:  # some entries stand still
            made |= {f"{address}.{n}": values for n, values in entries.items()}
    return made


class ResponseSamples(PairSamples):
    """Responses for one network: pairs without a grid, and one pull for each output that has its gradient."""

    def __init__(self, data: Responses, names: Names, horizon: int):
        Pairs({}, {}, {}).refuse_more(names, horizon)
        super().__init__(Pairs(data.x, data.y, data.x, 1.0, data.split), names)
        self.responses = data
        known = (*names.fields, *names.parameters)
        self.slopes = {
            name: {a: np.asarray(data.slopes[name][a], dtype=np.float32) for a in known if a in data.slopes[name]}
            for name in names.outputs
            if name in data.slopes
        }
        for name, table in self.slopes.items():
            for address, slope in table.items():
                if not np.isfinite(slope).all():
                    raise EngineError(f"The gradient of {name} by {address} has values that are not finite.")

    @property
    def hash(self) -> str:
        slopes = {f"{name} by {a}": values for name, table in self.slopes.items() for a, values in table.items()}
        return hashlib.sha256(f"{super().hash} {fingerprint(slopes)}".encode()).hexdigest()

    def window(self, part: str, picks: Sequence[int]) -> Window:
        plain = super().window(part, picks)
        places = [self.parts[part][pick] for pick in picks]
        pulls = []
        for name, table in self.slopes.items():
            directions = {o: torch.full_like(v, float(o == name)) for o, v in plain.targets[0].items()}
            pulls.append(Pull(directions, {a: torch.from_numpy(values[places]) for a, values in table.items()}))
        return replace(plain, pulls=tuple(pulls))

    def rollout(self, part: str, pick: int) -> Window:
        return self.window(part, [pick])


def gradient_of(model: Any, x: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A number as a trained model gives it [member], and its derivatives by address."""
    given = {a: torch.tensor(v, dtype=torch.float32).requires_grad_() for a, v in x.items()}
    count = len(next(iter(x.values())))
    fields = {a: given[a] for a in model.names.fields}
    values = model(fields, {a: given[a] for a in model.names.parameters}, torch.ones(count))[name]
    slopes = torch.autograd.grad(values.sum(), list(given.values()), allow_unused=True)
    found = {a: torch.zeros_like(given[a]) if s is None else s for a, s in zip(given, slopes, strict=True)}
    return values.detach().numpy(), {a: s.numpy() for a, s in found.items()}

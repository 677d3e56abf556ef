"""What every network has in common: what it speaks of, and how it is written down."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypedDict, Unpack

from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.constraints import CONSTRAINTS, Constraint, Keeping
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import PREDICTIONS, Acceleration, Change, Next, Prediction
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.stepper import Stepper

__all__ = ["Operator", "Said"]


class Said(TypedDict, total=False):
    """What may be said of every network by name.

    outputs: what it gives; the fields themselves, carried forward in time, unless said otherwise. components: how many,
    of those fields that are vectors; they are [batch, *grid, component], scalars [batch, *grid]. history: how many
    frames it is given, the newest included. predicts: the Change() over a step, the Next() value, or the
    Acceleration(). constraints: what its outputs obey whatever it has learnt, such as [DivergenceFree("velocity")].
    """

    outputs: Sequence[str] | None
    components: Mapping[str, int] | None
    history: int
    predicts: Prediction | None
    constraints: Sequence[Constraint]


class Operator(nn.Module):
    """A network between channels of order one: `forward(u, constants)` maps [batch, channels in, *grid] and
    [batch, constants] to [batch, channels out, *grid].

    A point cloud is a grid of one axis, whose positions are a field among the others. The constants are the parameters,
    each of order one, and the length of the step in units of the trained one.

    To write one, take a subclass whose constructor begins with its own sizes, goes on with fields, parameters, and ends
    in **said: it hands the latter to super().__init__ and keeps its own under their names; then it can be written into
    a checkpoint and a recipe. choices: of arguments that are objects, the kinds that there are.
    """

    kind: ClassVar[str]
    choices: ClassVar[Mapping[str, Iterable[type]]] = {}
    scales: ClassVar[type[Scales]] = Scales  # between its channels and physical units

    names: Names
    predicts: Prediction
    constraints: tuple[Constraint, ...]

    def __init__(self, fields: Sequence[str], parameters: Sequence[str] = (), **said: Unpack[Said]):
        """fields: what it is given, by name. parameters: addresses of the numbers that it is told beside the step."""
        super().__init__()
        outputs, components = said.get("outputs") or fields, said.get("components") or {}
        history = said.get("history", 1)
        self.names = Names(tuple(fields), tuple(outputs), tuple(parameters), dict(components), history)
        self.predicts = said.get("predicts") or (Change() if self.names.carries_forward else Next())
        if not self.names.outputs:
            raise EngineError(f"{type(self).__name__} got neither fields nor outputs; it needs at least one name.")
        if isinstance(self.predicts, Change) and not self.names.carries_forward:
            raise EngineError(
                f"{type(self).__name__} got predicts=Change(): {', '.join(self.names.outputs)} must be among the "
                f"fields; take Next()."
            )
        if isinstance(self.predicts, Acceleration) and not (self.names.carries_forward and history > 1):
            raise EngineError(
                f"{type(self).__name__} got predicts=Acceleration(), which needs its outputs among its fields, and a "
                f"history of 2 or more; it got history={history}."
            )
        self.constraints = tuple(said.get("constraints") or ())
        if strangers := [one.field for one in self.constraints if one.field not in self.names.outputs]:
            raise EngineError(
                f"{type(self).__name__} got constraints on {', '.join(strangers)}; it gives "
                f"{', '.join(self.names.outputs)}."
            )
        if vectors := [o.field for o in self.constraints if isinstance(o, Keeping) and self.names.is_vector(o.field)]:
            raise EngineError(
                f"{type(self).__name__} got Keeping({vectors[0]!r}), which is a vector: the mean that is kept is that "
                f"of a scalar [batch, *grid]. Name its components as fields of their own."
            )

    @property
    def channels_in(self) -> int:
        return self.names.width(self.names.inputs)

    @property
    def channels_out(self) -> int:
        return self.names.width(self.names.outputs)

    @property
    def constants(self) -> int:
        return len(self.names.parameters) + 1  # and the step

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        raise NotImplementedError

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> Stepper:
        """With the scales of the data: fields in physical units to fields in physical units."""
        return Stepper(self, statistics, dt, grid)

    def config(self) -> dict[str, Any]:
        """All that `build` needs to make the same network with other weights, as plain data."""
        names = self.names
        own = {name: spell(getattr(self, name)) for name in arguments(type(self)) if name not in SAID}
        said = {
            "fields": list(names.fields),
            "parameters": list(names.parameters),
            "outputs": list(names.outputs),
            "components": dict(names.components),
            "history": names.history,
            "predicts": spell(self.predicts),
            "constraints": [spell(one) for one in self.constraints],
        }
        return {"kind": self.kind, **own, **said}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> Self:
        """From plain data, as in a recipe; what is left out takes its default."""
        table = {name: value for name, value in config.items() if name != "kind"}
        for name, among in {"predicts": PREDICTIONS, **cls.choices}.items():
            if isinstance(table.get(name), str | Mapping):
                table[name] = choose(table[name], among, name)
        if "constraints" in table:
            table["constraints"] = [
                choose(one, CONSTRAINTS, "constraints") if isinstance(one, str | Mapping) else one
                for one in table["constraints"]
            ]
        allowed = list(dict.fromkeys([*arguments(cls), *SAID]))
        if strangers := [name for name in table if name not in allowed]:
            raise EngineError(
                f"A model of kind {cls.kind!r} got {', '.join(strangers)}; it takes {', '.join(allowed)}."
            )
        try:
            return cls(**table)
        except TypeError as error:
            raise EngineError(f"A model of kind {cls.kind!r} cannot be made: {error}.") from error


SAID = ("fields", "parameters", *Said.__annotations__)


def arguments(of: type[Operator]) -> list[str]:
    """Names of the arguments of its constructor."""
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(of.__init__).parameters.values()
    return [one.name for one in found if one.name != "self" and one.kind not in variable]

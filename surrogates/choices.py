"""Choices are objects; in files they are tables with a `kind` and the object's own arguments."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from scenegrad.engine.errors import EngineError

__all__ = ["choose", "spell"]


def spell(choice: Any) -> Any:
    """A frozen dataclass as plain data: OneStep() becomes {"kind": "one_step"}.

    Fields that do not compare (field(compare=False)), such as a solver that a target asks, are not data and are left
    out.
    """
    if not dataclasses.is_dataclass(choice):
        return [spell(item) for item in choice] if isinstance(choice, tuple) else choice
    return {"kind": kind_of(type(choice))} | {
        field.name: spell(getattr(choice, field.name)) for field in dataclasses.fields(choice) if field.compare
    }


def choose(plain: Mapping[str, Any] | str, among: Iterable[type], what: str, parts: Iterable[type] = ()) -> Any:
    """Undoes `spell`; a bare string is a kind with its default arguments. what: names the choice in messages. parts:
    what a choice may be made of, besides others of its like."""
    table = {"kind": plain} if isinstance(plain, str) else dict(plain)
    kinds = {kind_of(kind): kind for kind in among}
    kind = table.pop("kind", None)
    if kind not in kinds:
        raise EngineError(f"{what} got kind {kind!r}; there are: {', '.join(kinds)}.")
    allowed = [field.name for field in dataclasses.fields(kinds[kind])]
    if strangers := [name for name in table if name not in allowed]:
        raise EngineError(
            f"{what} of kind {kind!r} got {', '.join(strangers)}; it takes {', '.join(allowed) or 'none'}."
        )

    def read(value: Any) -> Any:
        if isinstance(value, Mapping):
            return choose(value, (*among, *parts), what)
        return tuple(map(read, value)) if isinstance(value, list) else value

    values = {name: read(value) for name, value in table.items()}
    try:
        return kinds[kind](**values)
    except TypeError as error:
        raise EngineError(f"{what} of kind {kind!r}: {error}.") from error


def kind_of(choice: type) -> str:
    """OneStep is "one_step", MinibatchOT "minibatch_ot", RK4 "rk4"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", choice.__name__).lower()

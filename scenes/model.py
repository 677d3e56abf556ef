"""The base of everything in a scene: frozen, validated, refusing what it does not know."""

from __future__ import annotations

from typing import Any, ClassVar

import pydantic

__all__ = ["Model"]


class Model(pydantic.BaseModel):
    """A frozen record. `positional` names the fields that may be given without their name, in order.

    A last entry that starts with '*' collects the remaining positional values in a tuple.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    positional: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any):
        names = self.positional
        for place, value in enumerate(args):
            if place >= len(names):
                raise TypeError(
                    f"{type(self).__name__} takes {len(names)} positional value(s) ({', '.join(names) or 'none'}), "
                    f"got {len(args)}; name the others."
                )
            if names[place].startswith("*"):
                kwargs.setdefault(names[place][1:], args[place:])
                break
            if names[place] in kwargs:
                raise TypeError(f"{type(self).__name__} got {names[place]!r} twice, by place and by name.")
            kwargs[names[place]] = value
        super().__init__(**kwargs)

"""The base of everything in a scene: frozen, validated, refusing what it does not know."""

from __future__ import annotations

from typing import Any, ClassVar

import pydantic

from scenegrad.scenes.problems import spoken

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
                said = [name for name in type(self).model_fields if name != "kind"]  # which follows from the class
                taken = f"{', '.join(names)} by place" if names else "nothing by place"
                raise TypeError(
                    f"{type(self).__name__} takes {taken}, and got {len(args)} values without a name. "
                    f"Name the others; there are {', '.join(said)}."
                )
            if names[place].startswith("*"):
                kwargs.setdefault(names[place][1:], args[place:])
                break
            if names[place] in kwargs:
                raise TypeError(f"{type(self).__name__} got {names[place]!r} twice, by place and by name.")
            kwargs[names[place]] = value
        try:
            super().__init__(**kwargs)
        except pydantic.ValidationError as error:
            raise spoken(error, type(self).model_fields) from None

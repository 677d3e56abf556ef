"""What members of a batch have in common: a description with its numbers left out."""

from __future__ import annotations

import pydantic

from scenegrad.scenes.signals import Table
from scenegrad.scenes.values import Parameter

__all__ = ["structure_of"]


def structure_of(part: object) -> object:
    """Part of a scene without its numbers: what kernels and lists of addresses depend on.

    The spacing of a table is kept, which is a choice and not a number that learns.
    """
    if isinstance(part, Parameter):
        return structure_of(part.value)
    if isinstance(part, pydantic.BaseModel):
        found = {field: structure_of(getattr(part, field)) for field in type(part).model_fields}
        return {**found, "every": part.every} if isinstance(part, Table) else found
    if isinstance(part, dict):
        return {key: structure_of(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [structure_of(value) for value in part]
    return "a number" if isinstance(part, float) else part

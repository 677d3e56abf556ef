"""What pydantic found wrong with a table, in words: where it stands in the scene, and if a value is of another type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scenegrad.scenes.errors import closest, nearest

__all__ = ["is_misfit", "place_of", "spoken"]


def place_of(path: tuple[Any, ...]) -> list[str]:
    """The address without the types that were tried: of a union, and of its member, which follows it."""
    named = [str(p) for p in path]
    before = ["", *named]
    place = [p for p, union in zip(named, before, strict=False) if not union.startswith("tagged-union")]
    place = [p for p in place if not p.startswith(("function-", "tagged-union", "tuple[", "float"))]
    place = [p for p in place if p not in ("parameter", "uniform", "log_uniform", "normal", "choice", "Parameter")]
    return place[1:] if place[:1] == ["entities"] else place


def is_misfit(kind: str) -> bool:
    """Whether a value is none of what is allowed; other problems are of a value that is."""
    return kind in ("kind", "union_tag_invalid") or kind.endswith("_type")


def spoken(error: ValidationError, allowed: Iterable[str]) -> ValidationError:
    """The same problems of one part, in our words: an unknown name with what it may have been meant for, nothing that
    follows from another problem, no links to what is not about scenes. allowed: names that the part knows."""
    known, lines = list(allowed), []
    problems = error.errors(include_url=False)
    unknown = [str(one["loc"][0]) for one in problems if one["type"] == "extra_forbidden" and len(one["loc"]) == 1]
    meant = {closest(name, known) for name in unknown}
    for one in problems:
        kind, place, message = one["type"], one["loc"], one["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden" and len(place) == 1:
            kind, name = "unknown_key", str(place[0])
            message = f"unknown key {name!r}.{nearest(name, known)} Known: {', '.join(known)}."
        elif kind == "missing":
            if len(place) == 1 and place[0] in meant:
                continue  # it was misspelt
            message = "is missing"
        elif kind == "tuple_type":
            message = "several values are needed here, in brackets"
        elif kind == "model_attributes_type" and any(o["loc"][:-1] == place[:-1] and o is not one for o in problems):
            continue  # a number would do as well, and that none was given is told beside
        context = one["ctx"] if kind == "union_tag_invalid" else None
        told = PydanticCustomError(kind, message, context)
        lines.append(InitErrorDetails(type=told, loc=place, input=one["input"]))
    return ValidationError.from_exception_data(error.title, lines)

"""Families of interchangeable scene parts: shapes, materials, potentials, ... found by their `kind` in a file.

A class that derives from a family and gives its `kind` a default joins that family by being defined; this is also how
a user's own material or potential becomes part of the scene language.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from scenegrad.scenes.errors import nearest
from scenegrad.scenes.model import Model

__all__ = ["Kind"]


class Kind(Model):
    """Base of a family. `family` is its name in messages; `members` its kinds by name."""

    family: ClassVar[str]
    members: ClassVar[dict[str, type[Kind]]]
    kind: str

    @classmethod
    def is_family(cls) -> bool:
        return "family" in cls.__dict__

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if cls.is_family():
            cls.members = {}
        else:
            name = cls.model_fields["kind"].default
            if not isinstance(name, str):
                raise TypeError(f"{cls.__name__} needs a kind, such as kind: Literal['{cls.__name__.lower()}'] = ...")
            taken = cls.members.get(name)
            if taken is not None and is_ours(taken) and (taken.__module__, taken.__name__) != (
                cls.__module__, cls.__name__,
            ):  # fmt: skip
                raise TypeError(
                    f"{cls.__name__} cannot be the {cls.family} {name!r}: scenegrad has one, {taken.__name__}. "
                    f"Give it a kind of its own."
                )
            cls.members[name] = cls

    @classmethod
    def pick(cls, value: Any) -> Kind:
        """An instance, or the one that a table with a `kind` describes."""
        if isinstance(value, cls):
            return value
        known = ", ".join(cls.members)
        if not isinstance(value, dict) or "kind" not in value:
            given = (
                type(value).__name__ if not isinstance(value, dict) else f"a table with {', '.join(value) or 'nothing'}"
            )
            article = "an" if cls.family[0] in "aeiou" else "a"
            raise PydanticCustomError(
                "kind", "{article} {family} is needed here, got {given}; its kind is one of: {known}",
                {"article": article, "family": cls.family, "given": given, "known": known},
            )  # fmt: skip
        name = value["kind"]
        if not isinstance(name, str) or name not in cls.members:
            raise PydanticCustomError(
                "kind", "unknown {family} {name}; known: {known}.{hint} One of your own is known once its "
                "code is loaded: --plugin FILE, or import it.",
                {"family": cls.family, "name": repr(name), "known": known, "hint": nearest(str(name), cls.members)},
            )  # fmt: skip
        return cls.members[name].model_validate(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if not cls.is_family():
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls.pick,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda part, info: part.model_dump(mode=info.mode), info_arg=True
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if not cls.is_family():
            return handler(schema)
        return {"family": cls.__name__}  # families contain each other: `schema` ties the knots


def is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "scenegrad"

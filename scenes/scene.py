"""The scene: everything that is simulated, as one frozen value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, model_validator

from scenegrad.scenes.address import find, leaves, replaced
from scenegrad.scenes.atoms import Dynamics
from scenegrad.scenes.domain import AXES, Boundary, Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.methods import Method
from scenegrad.scenes.model import Model
from scenegrad.scenes.outputs import Output
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import (
    Choice,
    GaussianField,
    LogUniform,
    MaternField,
    NoiseField,
    Normal,
    Parameter,
    RandomField,
    Uniform,
    Vector,
    number,
    vector,
)

__all__ = ["SCHEMA_VERSION", "Scene", "explain"]

SCHEMA_VERSION = 1
NUMBERS = (Uniform, LogUniform, Normal, Choice)
TABLES = (Parameter, Uniform, LogUniform, Normal, Choice, GaussianField, MaternField, NoiseField)  # in files


class Scene(Model):
    """A physical scene. Entities and outputs have unique names, which are their addresses everywhere else.

    units: of all numbers; "SI"; or of atoms alone "lj" (reduced: energies in epsilon, lengths in sigma, masses in m),
    "metal" (eV, Angstrom, ps) or "real" (kcal/mol, Angstrom, fs), with masses in u, charges in e, temperatures in K, or
    "nbody" (lengths, masses and times L, M, T in which the constant of gravity is as it is given, 1 in most cases).
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    domain: Domain
    entities: Annotated[Mapping[str, Entity], Field(min_length=1)]
    time: Time
    outputs: Mapping[str, Output] = {}
    boundary: Boundary = Boundary()
    gravity: Vector | None = None  # [m/s^2]
    dynamics: Dynamics | None = None
    method: Method | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    units: Literal["SI", "lj", "metal", "real", "nbody"] = "SI"
    schema_version: Literal[1] = 1

    @model_validator(mode="after")
    def names_are_fit(self) -> Scene:
        taken = type(self).model_fields
        for name in self.entities:
            if name in taken or not is_name(name):
                raise ValueError(
                    f"an entity is called {name!r}; its name is the first part of an address, so it needs letters, "
                    f"digits, - or _, and none of {', '.join(sorted(taken))}"
                )
        for name in self.outputs:
            if not is_name(name):
                raise ValueError(
                    f"an output is called {name!r}; its name is part of an address and of the name of a file, so it "
                    f"needs letters, digits, - or _"
                )
        return self

    @model_validator(mode="after")
    def one_dimension(self) -> Scene:
        dims = {"domain": self.domain.dim} | {name: entity.dim() for name, entity in self.entities.items()}
        if self.gravity is not None:
            dims["gravity"] = len(vector(self.gravity))
        for name, entity in self.entities.items():
            for field in ("velocity", "buoyancy"):
                value = getattr(entity, field, None)
                if isinstance(value, Parameter) and not isinstance(value.value, tuple) and self.domain.dim == 1:
                    raise ValueError(
                        f"{name}.{field} is a vector, even in one dimension: write Parameter(({value.value:g},))"
                    )
                if isinstance(value, tuple | Parameter):
                    dims[f"{name}.{field}"] = len(vector(value))
        found = {name: dim for name, dim in dims.items() if dim is not None}
        if len(set(found.values())) > 1:
            raise ValueError(
                "every part of a scene has the same number of dimensions, but here are "
                + ", ".join(f"{name}: {dim}" for name, dim in found.items())
            )
        return self

    @model_validator(mode="after")
    def sides_are_complete(self) -> Scene:
        if self.domain.dim is None or self.domain.mesh is not None or self.boundary == Boundary():
            return self
        missing = [
            f"{AXES[axis]}_{side}"
            for axis in range(self.domain.dim)
            for side in ("lo", "hi")
            if not self.domain.wraps[axis] and self.boundary.face(axis, side) is None
        ]
        if missing:
            raise ValueError(f"boundary leaves out {', '.join(missing)}; name them, or give a default= for the rest")
        return self

    @property
    def dim(self) -> int:
        """Number of space dimensions."""
        dims = [self.domain.dim, *(entity.dim() for entity in self.entities.values())]
        found = next((d for d in dims if d is not None), None)
        return 3 if found is None else found

    def parts(self) -> dict[str, Any]:
        """The named roots of all addresses: entities by their own name, then the other fields."""
        return {
            **self.entities,
            **{name: getattr(self, name) for name in type(self).model_fields if name != "entities"},
        }

    def at(self, address: str) -> Any:
        """The value at a dotted address, such as "block.material.density"."""
        return find(self.parts(), address)

    def parameters(self) -> dict[str, Parameter]:
        """Every value whose gradient is wanted, by address."""
        return dict(self.leaves(Parameter))

    def distributions(self) -> dict[str, Any]:
        """Every value that an ensemble draws, by address; those of which a random field is made too."""
        found = dict(self.leaves(*NUMBERS, RandomField))
        return found | dict(self.leaves(*NUMBERS)) if found else found

    def leaves(self, *kinds: type) -> list[tuple[str, Any]]:
        return [found for name, part in self.parts().items() for found in leaves(part, kinds, name)]

    def replace(self, values: Mapping[str, Any]) -> Scene:
        """The same scene with the values at some addresses replaced, validated anew."""
        table = self.model_dump(mode="json")
        for address, value in values.items():
            path = address.split(".")
            if path[0] in self.entities:
                path = ["entities", *path]
            self.at(address.rpartition(".")[0]) if "." in address else self.at(address)
            plain = value.model_dump(mode="json") if isinstance(value, Model) else value
            table = replaced(table, path, plain)
        return Scene.parse(table)

    def median(self) -> Scene:
        """The scene with every distribution at its median and every random field on the scene's own seed."""
        drawn: dict[str, Any] = {}
        for address, value in self.distributions().items():
            if isinstance(value, RandomField):
                if value.seed is None:
                    drawn[f"{address}.seed"] = self.seed
            else:
                drawn[address] = number(value)
        return self.replace(drawn) if drawn else self

    @property
    def hash(self) -> str:
        """SHA-256 of the meaning of the scene; the same from Python, TOML and JSON, wherever its mesh files lie."""
        return hashlib.sha256(
            json.dumps(forget_paths(self.model_dump(mode="json")), sort_keys=True).encode()
        ).hexdigest()

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Scene:
        """A scene from plain tables, with every problem told in words."""
        try:
            return cls.model_validate(table)
        except pydantic.ValidationError as error:
            raise SceneError(explain(error, table)) from error

    def save(self, path: str | Path) -> Path:
        """Writes the scene as .toml or .json."""
        from scenegrad.scenes.files import save_scene

        return save_scene(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Scene:
        """Reads a scene from .toml, .json or .py."""
        from scenegrad.scenes.files import load_scene

        return load_scene(path)


def is_name(text: str) -> bool:
    return text.replace("_", "a").replace("-", "a").isalnum()


def forget_paths(table: Any) -> Any:
    """A file that is known by its fingerprint may lie anywhere."""
    if isinstance(table, dict):
        known = bool(table.get("sha256"))
        return {key: forget_paths(value) for key, value in table.items() if not (known and key == "path")}
    return [forget_paths(entry) for entry in table] if isinstance(table, list) else table


def explain(error: pydantic.ValidationError, table: Any = None) -> str:
    """One line per problem: address, what was given, what is allowed, and the nearest name where one is unknown."""
    lines: dict[str, list[str]] = {}
    misfits: set[str] = set()  # where a value is of none of the allowed types
    for problem in error.errors():
        place = [
            str(p) for p in problem["loc"] if not str(p).startswith(("function-", "tagged-union", "tuple[", "float"))
        ]
        place = [p for p in place if p not in ("parameter", "uniform", "log_uniform", "normal", "choice", "Parameter")]
        if place[:1] == ["entities"]:
            place = place[1:]
        address = ".".join(place) or error.title
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            allowed = allowed_names(problem["loc"], table)
            message = f"unknown key {place[-1]!r}.{nearest(place[-1], allowed)}" + (
                f" Known: {', '.join(allowed)}." if allowed else ""
            )
        elif problem["type"] == "missing":
            message = "is missing"
        elif isinstance(given := problem.get("input"), str | int | float) and str(given) not in message:
            message = f"{message} (given: {given!r})"
        lines.setdefault(address, [])
        if problem["type"].endswith("_type"):
            misfits.add(address)
        if message not in lines[address]:
            lines[address].append(message)
    # Of a value that may be of several types, the one that fits best has its problem deeper down.
    beside = {a for a in misfits if len(lines[a]) == 1 and any(b.startswith(f"{a}.") for b in lines)}
    return "\n".join(f"{a}: {'; or '.join(messages)}" for a, messages in lines.items() if a not in beside)


def allowed_names(path: tuple[Any, ...], table: Any) -> list[str]:
    """Field names of the part of the table in which the unknown key at `path` was found."""
    part: Any = table
    for name in path[:-1]:
        inside = isinstance(part, Mapping) or (isinstance(part, list | tuple) and isinstance(name, int))
        part = part[name] if inside and (not isinstance(part, Mapping) or name in part) else part
    by_place: dict[tuple[Any, ...], type[Model]] = {
        (): Scene,
        ("domain",): Domain,
        ("time",): Time,
        ("boundary",): Boundary,
    }
    by_kind = {kind: member for family in Kind.__subclasses__() for kind, member in family.members.items()}
    by_kind |= {cls.model_fields["kind"].default: cls for cls in TABLES}
    kind = part.get("kind") if isinstance(part, Mapping) else None
    found = by_place.get(path[:-1]) or by_kind.get(str(kind))
    return list(found.model_fields) if found else []

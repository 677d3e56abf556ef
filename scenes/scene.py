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
from scenegrad.scenes.mesh_file import MeshFile
from scenegrad.scenes.methods import Method
from scenegrad.scenes.model import Model
from scenegrad.scenes.outputs import Output
from scenegrad.scenes.problems import is_misfit, place_of
from scenegrad.scenes.shapes import Mesh
from scenegrad.scenes.sources import Points, Splats
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import (
    Choice,
    LogUniform,
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
DEEPEST = 64
ENDS = ("", "_lo", "_hi")  # of a side, after the name of its axis
NUMBERS = (Uniform, LogUniform, Normal, Choice)


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
        names = [axis + end for axis in AXES[self.domain.dim :] for end in ENDS]
        if beyond := [name for name in names if getattr(self.boundary, name) is not None]:
            raise ValueError(
                f"boundary names {', '.join(beyond)}, but the scene has sides along "
                f"{' and '.join(AXES[: self.domain.dim])} alone; leave {'them' if len(beyond) > 1 else 'it'} out"
            )
        missing = [
            f"{AXES[axis]}_{side}"
            for axis in range(self.domain.dim)
            for side in ("lo", "hi")
            if not self.domain.wraps[axis] and self.boundary.face(axis, side) is None
        ]
        if missing:
            raise ValueError(f"boundary leaves out {', '.join(missing)}; name them, or give a default= for the rest")
        return self

    @model_validator(mode="after")
    def metres_where_files_are_in_metres(self) -> Scene:
        if self.units != "SI":
            for address, file in self.leaves(Mesh, MeshFile, Points, Splats):
                if file.units is not None:
                    raise ValueError(
                        f"{address} has units={file.units!r}, which become metres, and the scene has "
                        f"units={self.units!r}. Give a scale= in place of the units."
                    )
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
        refuse_depth(table)
        try:
            return cls.model_validate(table)
        except pydantic.ValidationError as error:
            raise SceneError(explain(error)) from error

    def save(self, path: str | Path) -> Path:
        """Writes the scene as .toml or .json."""
        from scenegrad.scenes.files import save_scene

        return save_scene(self, path)

    @classmethod
    def load(cls, path: str | Path, *, outside_files: bool = False) -> Scene:
        """Reads a scene from .toml, .json or .py; see `load_scene`."""
        from scenegrad.scenes.files import load_scene

        return load_scene(path, outside_files=outside_files)


def refuse_depth(table: Any) -> None:
    """What is nested deeper than any scene would end in the depth of the interpreter."""
    waiting: list[tuple[Any, int]] = [(table, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise SceneError(f"The tables of the scene are nested more than {DEEPEST} deep; no part of a scene is.")
        inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
        waiting += [(one, depth + 1) for one in inner if isinstance(one, Mapping | list | tuple)]


def is_name(text: str) -> bool:
    return text.replace("_", "a").replace("-", "a").isalnum()


def forget_paths(table: Any) -> Any:
    """A file that is known by its fingerprint may lie anywhere."""
    if isinstance(table, dict):
        known = bool(table.get("sha256"))
        return {key: forget_paths(value) for key, value in table.items() if not (known and key == "path")}
    return [forget_paths(entry) for entry in table] if isinstance(table, list) else table


def explain(error: pydantic.ValidationError) -> str:
    """One line per problem: address, what was given, what is allowed, and the nearest name where one is unknown."""
    lines: dict[str, list[str]] = {}
    problems = [(place_of(problem["loc"]), problem) for problem in error.errors()]
    told = {".".join(place) for place, problem in problems if not is_misfit(problem["type"])}
    for place, problem in problems:
        address = ".".join(place) or error.title
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "union_tag_invalid":
            if address in told:  # it is of another type, which has something to say
                continue
            tag, known = problem["ctx"]["tag"], problem["ctx"]["expected_tags"].replace("'", "")
            message = f"unknown kind {tag!r}.{nearest(tag, known.split(', '))} Known: {known}"
        elif problem["type"] != "unknown_key" and lacks(message, given := problem.get("input")):
            message = f"{message} (given: {given!r})"
        lines.setdefault(address, [])
        if message not in lines[address]:
            lines[address].append(message)
    # Of a value that may be of several types, the one that fits best has its problem deeper down.
    beside = {a for a in lines if a not in told and any(b.startswith(f"{a}.") for b in lines)}
    return "\n".join(f"{a}: {'; or '.join(messages)}" for a, messages in lines.items() if a not in beside)


def lacks(message: str, given: Any) -> bool:
    """Whether what was given is short enough to be told, and is not told yet."""
    return isinstance(given, str | int | float) and str(given) not in message

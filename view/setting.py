"""What surrounds the data: the box, the floor, the units, as far as the scene in the file tells."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.lengths import stretch

__all__ = ["MeshBody", "Setting", "Solid", "Wall", "plain", "setting_of"]


@dataclass(frozen=True)
class Wall:
    """Matter is kept where normal . x >= offset."""

    normal: tuple[float, ...]
    offset: float


@dataclass(frozen=True)
class MeshBody:
    """A body that a mesh file gives its shape; see `scenes.shapes.Mesh`. index: its place among the bodies."""

    name: str
    index: int
    path: str
    scale: float = 1.0
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    center: tuple[float, ...] | None = None
    up: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Solid:
    """A collider, a rigid body, or an obstacle in a fluid, in tables as they stand in the file; see `scenes.colliders`
    and `scenes.fluids`.

    rotation: at the start, about x, then y, then z [degree]. motion: prescribed. floats: whether matter moves it."""

    name: str
    shape: Mapping[str, Any]
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    motion: Mapping[str, Any] | None = None
    floats: bool = False


@dataclass(frozen=True)
class Setting:
    """name: of the scene. size: edges of the box [0, size]; None where nobody knows, or where there is no box.

    dim: 2 or 3, where the scene tells. endless: the world has no sides. up: against gravity."""

    name: str = ""
    size: tuple[float, ...] | None = None
    dim: int | None = None
    endless: bool = False
    periodic: tuple[bool, ...] = ()
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    walls: tuple[Wall, ...] = ()
    bodies: tuple[str, ...] = ()
    elastic_meshes: tuple[MeshBody, ...] = ()
    solids: tuple[Solid, ...] = ()
    length_unit: str = ""
    time_unit: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)  # the whole scene, as it stands in the file

    @property
    def box(self) -> NDArray[np.float64] | None:
        """Lowest and highest corner of the box [2, 3]; flat in two dimensions."""
        if self.size is None:
            return None
        corners = np.zeros((2, 3))
        corners[1, : len(self.size)] = self.size
        return corners


def setting_of(text: str | bytes | None) -> Setting:
    """The setting from a scene as JSON; an empty one where there is none.

    It is read as a plain table and not as a `Scene`: a picture is also wanted where the mesh of a body has moved away,
    or where a material was registered by a program that is not running now."""
    if not text:
        return Setting()
    table: dict[str, Any] = json.loads(text)
    domain = table.get("domain") or {}
    size = domain.get("size")
    wrap = domain.get("wrap", False)
    entities: dict[str, Any] = table.get("entities") or {}
    bodies = {name: part for name, part in entities.items() if part.get("kind") in ("body", "springs")}
    dim = len(size) if size else 3
    units = table.get("units", "SI")
    return Setting(
        name=table.get("name", ""),
        size=tuple(map(float, size)) if size else None,
        dim=len(size) if size else domain.get("dimensions"),
        endless=domain.get("dimensions") is not None,
        periodic=tuple(wrap) if isinstance(wrap, list) else (bool(wrap),) * dim,
        up=against(plain(table.get("gravity"))),
        walls=tuple(
            Wall(tuple(map(float, part["normal"])), float(plain(part.get("offset", 0.0)) or 0.0))
            for part in entities.values()
            if part.get("kind") == "wall"
        )
        + tuple(half_space(part["shape"]) for part in entities.values() if is_wall(part)),
        solids=tuple(
            solid(name, part) for name, part in entities.items() if part.get("kind") in SOLIDS and not is_wall(part)
        ),
        bodies=tuple(bodies),
        elastic_meshes=tuple(
            mesh_body(name, index, part["shape"])
            for index, (name, part) in enumerate(bodies.items())
            if part.get("shape", {}).get("kind") == "mesh" and part.get("material", {}).get("kind") in ELASTIC
        ),
        length_unit={"SI": "m", "lj": "σ", "nbody": "L"}.get(units, "Å"),
        time_unit={"SI": "s", "lj": "τ", "metal": "ps", "real": "fs", "nbody": "T"}.get(units, ""),
        table=table,
    )


ELASTIC = (  # materials whose neighbours stay neighbours, so that a surface can follow them
    "neo_hookean", "fixed_corotated", "st_venant_kirchhoff_hencky", "viscoelastic", "muscle", "learned",
)  # fmt: skip


SOLIDS = ("collider", "rigid_body", "obstacle")  # kinds of entities that are drawn as solids


def is_wall(part: Mapping[str, Any]) -> bool:
    """Whether a collider is a half space that stands still."""
    is_half_space = part.get("kind") == "collider" and part["shape"].get("kind") == "half_space"
    return is_half_space and not part.get("motion") and not part.get("rotation")


def half_space(shape: Mapping[str, Any]) -> Wall:
    size = math.hypot(*shape["normal"])
    return Wall(tuple(float(n) / size for n in shape["normal"]), float(shape.get("offset", 0.0)))


def solid(name: str, part: Mapping[str, Any]) -> Solid:
    turn = part.get("rotation")
    x, y, z = map(float, turn if isinstance(turn, list | tuple) else (0.0, 0.0, turn or 0.0))
    return Solid(name, part["shape"], (x, y, z), part.get("motion"), part["kind"] == "rigid_body")


def mesh_body(name: str, index: int, shape: Mapping[str, Any]) -> MeshBody:
    center = plain(shape.get("center"))
    rotation = shape.get("rotation") or (0.0, 0.0, 0.0)
    x, y, z = map(float, rotation)
    scale = stretch(float(shape.get("scale", 1.0)), shape.get("units"))
    place = tuple(center) if center else None
    return MeshBody(name, index, shape["path"], scale, (x, y, z), place, shape.get("up"), shape.get("group"))


def plain(value: Any) -> Any:
    """The number or list behind a leaf of a scene: a Parameter is its value, and a distribution leaves none."""
    if isinstance(value, Mapping):
        return value.get("value")
    if isinstance(value, list | tuple):
        inner = [plain(entry) for entry in value]
        return None if any(entry is None for entry in inner) else inner
    return value


def against(gravity: Any) -> tuple[float, float, float]:
    """The upward direction in three dimensions."""
    if not gravity or len(gravity) != 3 or not any(gravity):
        return (0.0, 0.0, 1.0)
    x, y, z = (-float(g) / math.hypot(*gravity) for g in gravity)
    return (x + 0.0, y + 0.0, z + 0.0)

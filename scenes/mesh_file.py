"""Mesh files that a scene is computed on."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from scenegrad.scenes.lengths import Axis, FromFile, Length
from scenegrad.scenes.model import Model
from scenegrad.scenes.source_file import fingerprinted, within
from scenegrad.system import bounded_memory

__all__ = ["MeshFile"]

MED = {"TR3": "triangle", "TR6": "triangle6", "TE4": "tetra", "T10": "tetra10"}


class MeshFile(Model, FromFile):
    """Triangles in the plane or tetrahedra in space, and tags on their boundary, from a file that meshio reads.

    Tags are the names of physical groups (.msh), or the numbers that the file gives to the elements of the boundary.
    scale: what the coordinates are multiplied with. units: of the numbers in the file, which become metres; without it
    they are lengths of the scene. up: the axis of tetrahedra in the file that becomes z. sha256 is filled in on reading
    and checked ever after.
    """

    positional = ("path",)
    path: str
    units: Length | None = None
    up: Axis | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            *,
            units: Length | None = None,
            up: Axis | None = None,
            scale: float = 1.0,
            sha256: str = "",
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "mesh file")

    @model_validator(mode="after")
    def has_elements(self) -> MeshFile:
        if dimension(self.path, self.sha256) == 2 and self.up not in (None, "z"):
            raise ValueError(f"MeshFile got up={self.up!r} for {self.path}, which is flat and has no axis to turn up.")
        return self

    @property
    def dim(self) -> int:
        """That of its largest elements."""
        return dimension(self.path, self.sha256)


@cache
def dimension(path: str, sha256: str) -> int:
    try:
        kinds = kinds_in(Path(path))
    except (Exception, SystemExit) as error:  # meshio leaves the interpreter where it should raise
        raise unfit(path, f"cannot be read: {str(error) or 'meshio found no mesh in it'}") from error
    if any(kind.startswith("tetra") for kind in kinds):
        return 3
    if any(kind.startswith("triangle") for kind in kinds):
        return 2
    raise unfit(path, f"holds no triangles or tetrahedra, only {', '.join(sorted(kinds)) or 'nothing'}")


def kinds_in(path: Path) -> set[str]:
    """Names of the elements, as meshio has them. Formats that lead to other files, or whose numbers may be far more
    than their bytes, are asked for these names alone."""
    match path.suffix.lower():
        case ".xdmf" | ".xmf":
            parts = ElementTree.parse(path).iter("Topology")
            names = {str(part.get("TopologyType") or part.get("Type")).lower() for part in parts}
            if "mixed" not in names:
                return {"tetra" if name.startswith("tetra") else name for name in names}
            items = [part for part in ElementTree.parse(path).iter("DataItem") if part.get("Format") != "XML"]
            for name in {str(part.text).strip().rpartition(":")[0] for part in items}:
                if not name or not within(path.parent / name, path.parent):
                    raise ValueError(f"it names the file {name!r}, which is not in its folder")
        case ".inp":
            found = re.findall(r"(?im)^\s*\*element\b.*\btype\s*=\s*(\w+)", path.read_text("utf-8", "replace"))
            return {"tetra" if "3D" in name.upper() else "triangle" for name in found}
        case ".med":
            import h5py

            with h5py.File(path, "r", locking=False) as file:
                names = set[str]()
                file.visit(lambda name: names.update(name.split("/")))
            return {MED[name] for name in names & set(MED)}
    import meshio

    with bounded_memory(path):
        data = meshio.read(path)
    return {block.type for block in data.cells if len(block.data)}


def unfit(path: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("mesh", "mesh file {path} {why}", {"path": repr(path), "why": why})

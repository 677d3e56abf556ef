"""Mesh files that a scene is computed on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from scenegrad.scenes.model import Model
from scenegrad.scenes.source_file import fingerprinted

__all__ = ["MeshFile"]


class MeshFile(Model):
    """Triangles in the plane or tetrahedra in space, and tags on their boundary, from a file that meshio reads.

    Tags are the names of physical groups (.msh), or the numbers that the file gives to the elements of the boundary.
    scale: what the coordinates are multiplied with. sha256 is filled in on reading and checked ever after.
    """

    positional = ("path",)
    path: str
    scale: Annotated[float, Field(gt=0)] = 1.0
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(self, path: str, *, scale: float = 1.0, sha256: str = "") -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "mesh file")

    @model_validator(mode="after")
    def has_elements(self) -> MeshFile:
        dimension(self.path, self.sha256)
        return self

    @property
    def dim(self) -> int:
        """That of its largest elements."""
        return dimension(self.path, self.sha256)


@cache
def dimension(path: str, sha256: str) -> int:
    import meshio

    try:
        kinds = {block.type for block in meshio.read(path).cells if len(block.data)}
    except (Exception, SystemExit) as error:  # meshio leaves the interpreter where it should raise
        raise unfit(path, f"cannot be read: {str(error) or 'meshio found no mesh in it'}") from error
    if any(kind.startswith("tetra") for kind in kinds):
        return 3
    if any(kind.startswith("triangle") for kind in kinds):
        return 2
    raise unfit(path, f"holds no triangles or tetrahedra, only {', '.join(sorted(kinds)) or 'nothing'}")


def unfit(path: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("mesh", "mesh file {path} {why}", {"path": repr(path), "why": why})

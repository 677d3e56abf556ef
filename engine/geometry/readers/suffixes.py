"""Which reader reads which file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scenegrad.engine.errors import FileError, MeshError
from scenegrad.engine.geometry.readers import abaqus, by_meshio, obj, off, ply, stl, vtk
from scenegrad.engine.geometry.readers.elements import Elements, damaged

__all__ = ["SUFFIXES", "read_elements"]

READERS: dict[str, Callable[[Path], Elements]] = {
    ".stl": stl.read,
    ".obj": obj.read,
    ".ply": ply.read,
    **dict.fromkeys((".gltf", ".glb", ".vtp", ".vtu", ".vtk"), vtk.read),
    ".msh": by_meshio.read,
    **dict.fromkeys((".xdmf", ".xmf", ".med"), by_meshio.read),
    ".inp": abaqus.read,
    ".off": off.read,
    **dict.fromkeys((".bdf", ".nas", ".mesh", ".su2"), by_meshio.read),
}
SUFFIXES = tuple(READERS)


def read_elements(path: Path) -> Elements:
    """What a mesh file holds. Readers check what they know to check; what else goes wrong in damaged bytes is said in
    one way here."""
    try:
        with np.errstate(all="ignore"):
            return READERS[path.suffix.lower()](path)
    except MeshError:
        raise
    except FileError as error:
        raise damaged(path, str(error).removeprefix(f"{path} ")) from error
    except MemoryError as error:
        raise damaged(path, "it asks for more memory than there is") from error
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, struct.error) as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from error

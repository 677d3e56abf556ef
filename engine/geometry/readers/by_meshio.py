"""Formats of finite-element programs, read by meshio, which prints and leaves the interpreter where it should raise."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.files.guarded import open_guarded
from scenegrad.engine.geometry.readers.elements import CORNERS, Block, Elements, Indices, collected, damaged
from scenegrad.engine.geometry.readers.links import check_xdmf
from scenegrad.engine.geometry.readers.marks import NUMBERS, ZERO_IS_NONE
from scenegrad.system import bounded_memory

__all__ = ["asked", "groups_of", "read"]

DIMENSION = {"line": 1, "triangle": 2, "quad": 2, "tetra": 3, "hexahedron": 3}


def read(path: Path) -> Elements:
    data = asked(path)
    marks = groups_of(data)
    return collected(path, data.points, blocks(data, marks))


def blocks(data: Any, marks: list[dict[str, Indices]]) -> Iterator[Block]:
    for block, groups in zip(data.cells, marks, strict=True):
        yield block.type, np.asarray(block.data), groups


def asked(path: Path) -> Any:
    """What meshio reads. Files that hold HDF5 or name such files are looked at first."""
    import meshio

    linked = check_xdmf(path) if path.suffix.lower() in (".xdmf", ".xmf") else [path] * (path.suffix.lower() == ".med")
    for file in linked:
        open_guarded(file).close()
    with complaints() as heard:
        try:
            with bounded_memory(path):
                data = meshio.read(path)
        except MemoryError as problem:  # numbers of nodes index an array that is as long as the largest of them
            raise damaged(path, "it asks for far more memory than it has bytes") from problem
        except (Exception, SystemExit) as problem:
            raise damaged(path, "\n".join([*heard(), str(problem)])) from problem
        if not len(data.points) or "cannot handle" in "".join(heard()):  # it would drop those elements and go on
            raise damaged(path, "\n".join(heard()) or "meshio found no mesh in it")
    return data


def groups_of(data: Any) -> list[dict[str, Indices]]:
    """Of each block, the rows of each group: physical groups, families and sets by their names, others by numbers."""
    found: list[dict[str, Indices]] = [{} for _ in data.cells]
    column = next((name for name in NUMBERS if name in data.cell_data), None)
    families = getattr(data, "cell_tags", {})
    for index, block in enumerate(data.cells):
        if column is not None:
            values = np.asarray(data.cell_data[column][index]).reshape(-1).astype(np.int64)
            size = DIMENSION.get(CORNERS.get(block.type, ("", []))[0], 0)
            names = {int(row[0]): name for name, row in data.field_data.items() if int(row[1]) == size}
            marked = values[values != 0] if column in ZERO_IS_NONE else values
            for value in np.unique(marked).tolist():
                for name in families.get(value, [names.get(value, str(value))]):
                    add(found[index], str(name), np.flatnonzero(values == value))
        for name, members in data.cell_sets.items():
            if not name.startswith("gmsh:") and index < len(members) and members[index] is not None:
                add(found[index], name, np.asarray(members[index], dtype=np.int64))
    return found


def add(groups: dict[str, Indices], name: str, rows: Indices) -> None:
    if len(rows):
        groups[name] = np.union1d(groups.get(name, rows[:0]), rows)


@contextlib.contextmanager
def complaints() -> Iterator[Callable[[], list[str]]]:
    """Collect what a reader prints, logs and warns of, instead of showing it; what comes out tells it."""
    logged: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        logged.append(record.getMessage())
        return False

    printed, root = io.StringIO(), logging.getLogger()
    root.addFilter(keep)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lambda: [*logged, printed.getvalue()]
    finally:
        root.removeFilter(keep)

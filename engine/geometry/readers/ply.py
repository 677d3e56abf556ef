"""PLY: a table of vertices, and lists of the corners of faces."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np

from scenegrad.engine.errors import FileError, MeshError
from scenegrad.engine.files.ply import KINDS, ORDERS, header, read_vertices
from scenegrad.engine.geometry.readers.elements import Elements, collected, damaged
from scenegrad.engine.geometry.readers.polygons import cut

__all__ = ["read"]

CORNERS = ("vertex_indices", "vertex_index")
Property = tuple[str, str, str]  # name, type of the number of entries or "", type of an entry


def read(path: Path) -> Elements:
    try:
        vertices = read_vertices(path)
        if not {"x", "y", "z"} <= set(vertices.names):
            raise damaged(path, f"its vertices have no x, y, z but {', '.join(vertices.names)}")
        faces = read_faces(path)
    except FileError as error:
        raise error if isinstance(error, MeshError) else damaged(path, str(error)) from error
    points = vertices.columns("x", "y", "z")
    return collected(path, points, [("triangle", cut(points, faces)[0], {})])


def read_faces(path: Path) -> list[list[int]]:
    """The corners of each face."""
    with path.open("rb") as file:
        lines = header(path, file)
        form = next(words[1] for words in lines if words[:1] == ["format"])
        for name, count, properties in elements(path, lines):
            if count > path.stat().st_size:  # each takes a byte at least
                raise damaged(path, f"it promises {count} of the element {name!r}")
            rows = text_rows(path, file, count, properties) if form == "ascii" else (
                binary_rows(path, file, count, properties, ORDERS[form])
            )  # fmt: skip
            if name == "face":
                return rows
    return []


def elements(path: Path, lines: list[list[str]]) -> list[tuple[str, int, list[Property]]]:
    found: list[tuple[str, int, list[Property]]] = []
    for words in lines:
        match words:
            case ["element", name, count] if count.isdigit():
                found.append((name, int(count), []))
            case ["property", "list", size, kind, name] if found and size in KINDS and kind in KINDS:
                if KINDS[size][0] == "f":
                    raise damaged(path, f"the number of entries of {name!r} is of the type {size}")
                found[-1][2].append((name, KINDS[size], KINDS[kind]))
            case ["property", kind, name] if found and kind in KINDS:
                found[-1][2].append((name, "", KINDS[kind]))
            case ["element" | "property", *_]:
                raise damaged(path, f"its header has the line {' '.join(words)[:80]!r}")
            case _:
                pass
    return found


def text_rows(path: Path, file: io.BufferedReader, count: int, properties: list[Property]) -> list[list[int]]:
    rows = []
    for _ in range(count):
        words, at, row = file.readline().split(), 0, []
        if len(words) < len(properties):
            raise damaged(path, "it was cut short")
        for name, size, _kind in properties:
            length = int(words[at]) if size else 1
            entries = words[at + bool(size) : at + bool(size) + length]
            if length < 0 or len(entries) != length:
                raise damaged(path, f"a list of {name!r} is shorter than it says")
            at += bool(size) + length
            if name in CORNERS:
                row = [int(entry) for entry in entries]
        rows.append(row)
    return rows


def binary_rows(
    path: Path, file: io.BufferedReader, count: int, properties: list[Property], order: str
) -> list[list[int]]:
    if not any(size for _, size, _ in properties):
        fixed = np.dtype([(f"{n}", order + kind) for n, (_, _, kind) in enumerate(properties)])
        if len(file.read(fixed.itemsize * count)) < fixed.itemsize * count:
            raise damaged(path, "it was cut short")
        return []
    start, content = 0, file.read()
    alike = rows_of_one_length(content, count, properties, order)
    if alike is not None:
        file.seek(file.tell() - len(content) + alike.nbytes)
        place = next((f"{n}" for n, (name, _, _) in enumerate(properties) if name in CORNERS), None)
        return alike[place].astype(np.int64).tolist() if place else []
    rows = []
    for _ in range(count):
        row: list[int] = []
        for name, size, kind in properties:
            length = 1
            if size:
                (length,) = struct.unpack_from(order + CODES[size], content, start)
                start += int(size[1])
            width = int(kind[1]) * length
            if length < 0 or start + width > len(content):
                raise damaged(path, "it was cut short, or a list is longer than the file")
            if name in CORNERS:
                row = [int(v) for v in struct.unpack_from(f"{order}{length}{CODES[kind]}", content, start)]
            start += width
        rows.append(row)
    file.seek(file.tell() - len(content) + start)
    return rows


CODES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}


def rows_of_one_length(content: bytes, count: int, properties: list[Property], order: str) -> np.ndarray | None:
    """The whole table at once, where every list is as long as the first one of its property; nearly all files."""
    fields: list[tuple[str, str] | tuple[str, str, int]] = []
    for n, (_, size, kind) in enumerate(properties):
        if not size:
            fields.append((f"{n}", order + kind))
            continue
        start = np.dtype(fields).itemsize if fields else 0
        if start + int(size[1]) > len(content):
            return None
        (length,) = struct.unpack_from(order + CODES[size], content, start)
        if not 0 <= length <= len(content):
            return None
        fields += [(f"count {n}", order + size), (f"{n}", order + kind, length)]
    dtype = np.dtype(fields)
    if not count or dtype.itemsize * count > len(content):
        return None
    table = np.frombuffer(content, dtype, count)
    return table if all((table[n] == table[n][0]).all() for n in dtype.names or () if n.startswith("count")) else None

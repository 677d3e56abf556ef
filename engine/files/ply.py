"""Points in .ply files: a table with one row a vertex, its properties in any order and of any number."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import appearing

__all__ = ["Vertices", "read_vertices", "write_vertices"]

KINDS = {  # names of the types in the header, old and new, and those of numpy
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4",
    "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
NAMES = {kind: name for name, kind in reversed(KINDS.items())}
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
LONGEST = 1 << 16  # bytes of a header; what has none for so long is no .ply


@dataclass(frozen=True)
class Vertices:
    """rows: a structured array [vertex] with one field a property, in the order of the file."""

    rows: NDArray[np.void]
    comments: tuple[str, ...] = ()  # lines of the header that begin with `comment` or `obj_info`

    @property
    def names(self) -> tuple[str, ...]:
        return self.rows.dtype.names or ()

    def columns(self, *names: str) -> NDArray[np.float64]:
        """Some properties side by side [vertex, name]."""
        with np.errstate(invalid="ignore"):  # of numbers that are none, which whoever reads them looks for
            return np.stack([self.rows[name].astype(np.float64) for name in names], axis=1)


def read_vertices(path: str | Path) -> Vertices:
    """The element `vertex` of a .ply file, text or binary; what follows it (faces, ...) is passed over."""
    path = Path(path)
    with path.open("rb") as file:
        lines = header(path, file)
        form, count, fields, comments = understood(path, lines)
        dtype = np.dtype([(name, ORDERS[form] + kind) for name, kind in fields])
        if count > path.stat().st_size:  # each takes more than a byte: what is not there must not be made room for
            raise FileError(f"{path} promises {count} vertices and has {path.stat().st_size} bytes. Bring it anew.")
        if form == "ascii":
            rows = from_text(path, file, count, dtype)
        else:
            rows = np.fromfile(file, dtype, count)
    if len(rows) < count:
        raise FileError(f"{path} promises {count} vertices and holds {len(rows)}: it was cut short. Bring it anew.")
    return Vertices(rows.astype(dtype.newbyteorder("=")), comments)


def header(path: Path, file: io.BufferedReader) -> list[list[str]]:
    """The words of each line up to `end_header`."""
    lines: list[list[str]] = []
    while file.tell() < LONGEST:
        line = file.readline(LONGEST)
        words = line.decode("ascii", errors="replace").split()
        if not lines and words != ["ply"]:
            break
        if words == ["end_header"]:
            return lines
        if not line:
            break
        lines.append(words or [""])
    raise FileError(f"{path} is no .ply file: it has no header from `ply` to `end_header`.")


def understood(path: Path, lines: list[list[str]]) -> tuple[str, int, list[tuple[str, str]], tuple[str, ...]]:
    """Form, number of vertices, (name, type) of their properties, comments."""
    form, count, element, fields, comments = "", 0, "", [], []
    for words in lines[1:]:
        match words:
            case ["format", name, *_] if name in ORDERS:
                form = name
            case ["element", "vertex", number] if number.isdigit() and not element:
                element, count = "vertex", int(number)
            case ["element", name, *_]:
                if not element:
                    raise FileError(
                        f"{path} begins with the element {name!r}; its vertices must come first. Packed exports of "
                        f"splats do this: save it as a plain .ply."
                    )
                element = name
            case ["property", kind, name] if kind in KINDS and element == "vertex":
                fields.append((name, KINDS[kind]))
            case ["property", *_] if element == "vertex":
                raise FileError(f"{path} has the property {' '.join(words[1:])!r} on vertices; only numbers are read.")
            case ["comment" | "obj_info", *_]:
                comments.append(" ".join(words))
            case _:
                pass
    names = [name for name, _ in fields]
    if not form or not fields or len(set(names)) < len(names):
        raise FileError(f"{path} has a damaged header: format {form or 'unknown'}, properties {', '.join(names)}.")
    return form, count, fields, tuple(comments)


def from_text(path: Path, file: io.BufferedReader, count: int, dtype: np.dtype) -> NDArray[np.void]:
    lines = list(islice((line for line in file if line.strip()), count))
    if not lines:
        return np.empty(0, dtype)
    try:
        numbers = np.loadtxt(lines, ndmin=2, encoding="ascii")
    except ValueError as error:
        raise FileError(f"{path} cannot be read as text: {error}.") from error
    if len(numbers) and numbers.shape[1] != len(dtype.names or ()):
        raise FileError(f"{path} has {numbers.shape[1]} numbers a row for {len(dtype.names or ())} properties.")
    rows = np.empty(len(numbers), dtype)
    for name, column in zip(dtype.names or (), numbers.T, strict=True):
        rows[name] = column
    return rows


def write_vertices(path: str | Path, vertices: Vertices) -> None:
    """Binary, little endian; the file appears whole or not at all."""
    path = Path(path)
    fields = [(name, vertices.rows.dtype[name].str[1:]) for name in vertices.names]
    text = [
        "ply", "format binary_little_endian 1.0", *vertices.comments, f"element vertex {len(vertices.rows)}",
        *(f"property {NAMES[kind]} {name}" for name, kind in fields), "end_header", "",
    ]  # fmt: skip
    rows = vertices.rows.astype([(name, "<" + kind) for name, kind in fields])
    with appearing(path, rows.nbytes) as part:
        part.write_bytes("\n".join(text).encode("ascii", errors="replace") + rows.tobytes())

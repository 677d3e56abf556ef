"""INP: the parts of Abaqus input files that tell a mesh, and its sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scenegrad.engine.geometry.readers.elements import Elements, collected, damaged, unsupported
from scenegrad.engine.geometry.readers.links import below

__all__ = ["read"]

SHAPES = (  # what the name of an element type begins with, by the number of its nodes
    (re.compile(r"[CDFI]?C?3D(\d+)"),
     {4: "tetra", 10: "tetra10", 8: "hexahedron", 20: "hexahedron20", 27: "hexahedron27", 6: "wedge", 15: "wedge15",
      5: "pyramid", 13: "pyramid13"}),
    (re.compile(r"(?:CP[SE]G?|CAX|CGAX|DC2D|DCAX|AC2D|ACAX|S|STRI|M3D|R3D|SFM3D|DS)(\d+)"),
     {3: "triangle", 6: "triangle6", 65: "triangle6", 4: "quad", 8: "quad8", 9: "quad9"}),
    (re.compile(r"SC(\d+)"), {6: "wedge", 8: "hexahedron"}),
    (re.compile(r"(?:T[23]D|RB2D|R2D|DC1D)(\d+)"), {2: "line", 3: "line3"}),
    (re.compile(r"B[23](\d)"), {1: "line", 2: "line3", 3: "line"}),
)  # fmt: skip
NODES = {
    "line": 2, "line3": 3, "triangle": 3, "triangle6": 6, "quad": 4, "quad8": 8, "quad9": 9, "tetra": 4, "tetra10": 10,
    "hexahedron": 8, "hexahedron20": 20, "hexahedron27": 27, "wedge": 6, "wedge15": 15, "pyramid": 5, "pyramid13": 13,
}  # fmt: skip
DEEPEST = 8  # files that include each other


def read(path: Path) -> Elements:
    """*NODE, *ELEMENT, *ELSET and *INCLUDE of files beside it. A flat model is one of the plane z = 0."""
    nodes: dict[int, list[float]] = {}
    blocks: list[tuple[str, list[int], list[list[int]]]] = []
    sets: dict[str, list[int]] = {}
    nested: dict[str, list[str]] = {}
    for keyword, options, rows in sections(path, path):
        match keyword:
            case "NODE":
                for row in rows:
                    number, *x = row.split(",")
                    nodes[int(number)] = ([float(v) for v in x if v.strip()] + [0.0, 0.0, 0.0])[:3]
            case "ELEMENT":
                kind = kind_of(path, options.get("TYPE", ""))
                numbers = [int(word) for row in rows for word in row.split(",") if word.strip()]
                width = NODES[kind] + 1
                if len(numbers) % width:
                    raise damaged(path, f"elements of the type {options.get('TYPE')} have {width - 1} nodes each")
                cells = [numbers[n : n + width] for n in range(0, len(numbers), width)]
                blocks.append((kind, [cell[0] for cell in cells], [cell[1:] for cell in cells]))
                if "ELSET" in options:
                    sets.setdefault(options["ELSET"], []).extend(cell[0] for cell in cells)
            case "ELSET" if "ELSET" in options:
                members, names = members_of(path, rows, "GENERATE" in options)
                sets.setdefault(options["ELSET"], []).extend(members)
                nested.setdefault(options["ELSET"], []).extend(names)
            case _:
                pass
    for name, others in nested.items():
        sets[name] += [number for other in others for number in sets.get(other, [])]
    place = {number: row for row, number in enumerate(nodes)}
    points = np.array(list(nodes.values()), dtype=np.float64).reshape(-1, 3)
    return collected(
        path,
        points,
        [
            (kind, np.array([[place[n] for n in cell] for cell in cells], dtype=np.int64), marks(numbers, sets))
            for kind, numbers, cells in blocks
        ],
    )


def marks(numbers: list[int], sets: dict[str, list[int]]) -> dict[str, np.ndarray]:
    mine = np.array(numbers, dtype=np.int64)
    return {name: np.flatnonzero(np.isin(mine, members)) for name, members in sets.items()}


def sections(path: Path, top: Path, depth: int = 0) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Keyword in capitals, its options, and the lines up to the next one; included files stand where they are named."""
    if depth > DEEPEST:
        raise damaged(top, "its files include each other without end")
    keyword, options, rows = "", dict[str, str](), list[str]()
    lines = re.sub(r"(?m)^(\*[^*\n].*,)[ \t]*\n", r"\1", path.read_text("utf-8", "replace")).splitlines()
    if depth == 0 and not any(line.startswith("*") for line in lines):
        raise damaged(top, "it has no keywords")
    for raw in lines:
        line = raw.strip()
        if line.startswith("**") or not line:
            continue
        if not line.startswith("*"):
            rows.append(line)
            continue
        yield keyword, options, rows
        words = [word.strip() for word in line[1:].split(",")]
        keyword, rows = " ".join(words[0].upper().split()), []
        pairs = (word.partition("=") for word in words[1:] if word)
        options = {name.strip().upper(): value.strip().strip('"') for name, _, value in pairs}
        if keyword == "INCLUDE":
            yield from sections(below(top, options.get("INPUT", "")), top, depth + 1)
    yield keyword, options, rows


def kind_of(path: Path, type_: str) -> str:
    for pattern, names in SHAPES:
        found = pattern.match(type_.upper())
        if found and int(found.group(1)) in names:
            return names[int(found.group(1))]
    raise unsupported(path, type_ or "an element without TYPE=")


def members_of(path: Path, rows: list[str], generate: bool) -> tuple[list[int], list[str]]:
    """Numbers of elements, and names of other sets."""
    numbers: list[int] = []
    names: list[str] = []
    for row in rows:
        words = [word.strip() for word in row.split(",") if word.strip()]
        if generate:
            first, last, step = [int(word) for word in words] + [1] * (3 - len(words))
            if step < 1 or (last - first) // step > 100_000_000:
                raise damaged(path, f"a set is generated by {row!r}")
            numbers += range(first, last + 1, step)
            continue
        for word in words:
            numbers.append(int(word)) if word.isdigit() else names.append(word.strip('"'))
    return numbers, names

"""Meshes of others: what is in them, a clean copy, and a scene to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.errors import EngineError, MeshError
from scenegrad.engine.files.atomic import appearing, write_text
from scenegrad.engine.geometry import SUFFIXES, Mesh, check_watertight, read_mesh
from scenegrad.engine.geometry.mending import mended
from scenegrad.engine.geometry.readers import read_elements
from scenegrad.importing.kind import Imported, Kind
from scenegrad.scenes.lengths import LENGTHS, axes

__all__ = ["MESHES", "mesh_report", "write_mesh"]

Groups = Mapping[str, Mapping[str, np.ndarray]]

LIKELY = (  # the largest edge of a part of some centimetres to some metres: units by the number that stands for it
    (3.0, 3e4, "mm"),
    (0.0, 3.0, "m"),
)
SCENE = """\
# A body with the shape of {source}, that falls on the floor of a box.
#
#   scenegrad check {file}          is it right, and what would it cost?
#   scenegrad run {file}
#   scenegrad view RUN
#
# {note}
name = "{name}"
gravity = {gravity}

[domain]
size = {size}                       # edges of the box [m]
cells = {cells}                     # of the grid along each edge

[entities.body]
kind = "body"

[entities.body.shape]
kind = "mesh"
path = "{path}"
units = "{units}"                          # of the numbers in the file: {known}
{up}center = {center}                     # where the middle of its box comes to lie [m]

[entities.body.material]
kind = "neo_hookean"                    # of rubber: Young's modulus [Pa], Poisson's ratio, density [kg/m^3]
youngs_modulus = 1e5
poisson_ratio = 0.3
density = 1000.0

[time]
end = {end}                             # [s]

[outputs.particles]
kind = "particles"
quantities = ["velocity"]
every = {every}                         # [s]
"""


def is_mesh(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def mesh_report(path: Path) -> dict[str, Any]:
    """What a mesh file holds, as plain values; lengths in units of the file."""
    elements = read_elements(path)
    mesh = read_mesh(path)
    low, high = mesh.bounds
    told: dict[str, Any] = {
        "file": str(path),
        "holds": kind_of(mesh),
        "vertices": len(mesh.vertices),
        "triangles": len(mesh.triangles),
        "cells": {kind: len(rows) for kind, rows in mesh.cells.items()},
        "groups": {name: sum(map(len, of.values())) for name, of in elements.groups.items()},
        "watertight": bool(mesh.is_watertight),
        "low": low.tolist(),
        "high": high.tolist(),
        "likely_units": likely_units(path, mesh),
        "sha256": mesh.sha256,
    }
    try:
        check_watertight(mesh)
        told["volume"] = mesh.volume
    except MeshError as error:
        told["fault"] = str(error)
    return told


def kind_of(mesh: Mesh) -> str:
    if mesh.dim == 2:
        return "outline" if "line" in mesh.cells else "region of the plane"
    return "volume mesh" if mesh.cells else "surface"


def likely_units(path: Path, mesh: Mesh) -> str:
    """glTF is in metres, by its specification. Of others, the unit in which the shape would be of a size to hold."""
    if path.suffix.lower() in (".gltf", ".glb"):
        return "m"
    edge = float(np.ptp(mesh.bounds, axis=0).max())
    return next((unit for low, high, unit in LIKELY if low < edge <= high), "um")


def take_mesh(path: Path, out: Path | None) -> Imported:
    """out: a .toml for a starter scene beside a clean copy of the mesh, or a mesh file for the copy alone; without it
    the file is only told of."""
    told = mesh_report(path)
    if out is None:
        return Imported("mesh", (), in_words(told), told)
    mesh, done = mended(read_mesh(path))
    groups = read_elements(path).groups if mesh.cells else {}
    if out.suffix.lower() in WRITTEN:
        write_mesh(mesh, out, groups)
        return Imported("mesh", (out,), in_words(told, done, mesh, (out,)), told | {"mended": done})
    if out.suffix not in ("", ".toml") and not out.is_dir():
        raise EngineError(
            f"A mesh is written as {' '.join(WRITTEN)}, or with a scene as .toml or into a folder, not as {out.name!r}."
        )
    target = out if out.suffix == ".toml" else out / f"{path.stem}.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    check_watertight(mesh)
    beside = target.with_name(f"{target.stem}.{'msh' if mesh.cells else 'stl'}")
    if beside.exists() and beside.samefile(path):
        beside = path
    else:
        write_mesh(mesh, beside, groups)
    write_text(target, starter(path, beside, target, mesh, str(told["likely_units"])))
    return Imported("mesh", (target, beside), in_words(told, done, mesh, (target, beside)), told | {"mended": done})


def starter(source: Path, beside: Path, target: Path, mesh: Mesh, units: str) -> str:
    """A scene in a box three times as large as the body, on a grid with sixteen cells along its longest edge."""
    factor = LENGTHS[units]
    up = "y" if source.suffix.lower() in (".gltf", ".glb") else None
    edges = factor * np.ptp(mesh.bounds, axis=0)
    if up:
        edges = np.abs(axes(up, "") @ edges)
    dx = float(f"{edges.max() / 16:.2g}")
    cells = np.maximum(np.ceil(3 * edges / dx), 16).astype(int)
    size = [float(f"{dx * n:.6g}") for n in cells]
    end = float(f"{2 * (size[-1] / 9.81) ** 0.5:.2g}")
    return SCENE.format(
        source=source.name,
        file=target.name,
        name="".join(c if c.isalnum() else "-" for c in source.stem).strip("-") or "body",
        note="The material is rubber to begin with, and the units are a guess by the size: put what is right in place.",
        gravity=[0.0, -9.81] if mesh.dim == 2 else [0.0, 0.0, -9.81],
        size=size,
        cells=cells.tolist(),
        path=beside.name,
        units=units,
        known=", ".join(LENGTHS),
        up=f'up = "{up}"                                # the axis of the file that points up\n' if up else "",
        center=[float(f"{edge / 2:.6g}") for edge in size],
        end=end,
        every=end / 50,
    )


def in_words(
    told: dict[str, Any], done: list[str] | None = None, mesh: Mesh | None = None, paths: tuple[Path, ...] = ()
) -> str:
    edges = [high - low for low, high in zip(told["low"], told["high"], strict=True)]
    low = ", ".join(f"{x:.4g}" for x in told["low"])
    cells = ", ".join(f"{count} {kind}" for kind, count in told["cells"].items())
    lines = [
        f"{told['file']}: {told['holds']}, {told['vertices']} vertices, {told['triangles']} triangles"
        + (f", {cells}" if cells else ""),
        f"extent       {' x '.join(f'{edge:.4g}' for edge in edges)}, from ({low})",
        f'units        likely {told["likely_units"]}: units = "{told["likely_units"]}"',
        f"watertight   {'yes' if told['watertight'] else 'no'}"
        + (f", volume {told['volume']:.6g}" if "volume" in told else ""),
        f"groups       {', '.join(f'{name} ({count})' for name, count in told['groups'].items()) or 'none'}",
    ]
    if "fault" in told and mesh is None:
        lines.append(told["fault"])
    if mesh is not None:
        lines += [f"mended       {one}" for one in done or ()]
        if not mesh.is_watertight:
            lines.append("             it is not watertight yet, and cannot be filled")
        lines.append(f"written      {', '.join(map(str, paths))}")
    return "\n".join(lines)


WRITTEN = (".stl", ".obj", ".ply", ".vtu", ".msh", ".inp", ".med", ".off")


def write_mesh(mesh: Mesh, path: Path, groups: Groups | None = None) -> None:
    """In the format of the suffix; it appears whole or not at all. Groups of volume elements are written to .msh."""
    import meshio

    points = mesh.vertices if mesh.dim == 3 else np.pad(mesh.vertices, ((0, 0), (0, 1)))
    known = mesh.cells or {"triangle": mesh.triangles}
    cells = [(kind, np.asarray(rows, dtype=np.int32)) for kind, rows in known.items()]  # some formats know no others
    ways: dict[str, dict[str, Any]] = {".stl": {"binary": True}, ".msh": {"file_format": "gmsh22"}}
    physical = marked(mesh, groups) if groups and path.suffix.lower() == ".msh" else {}
    with appearing(path) as part:
        meshio.write(part, meshio.Mesh(points, cells, **physical), **ways.get(path.suffix.lower(), {}))


def marked(mesh: Mesh, groups: Groups) -> dict[str, Any]:
    """Physical groups by number and name; of several that an element is in, the last."""
    numbers = {kind: np.zeros(len(rows), dtype=np.int64) for kind, rows in mesh.cells.items()}
    names = {}
    for number, (name, members) in enumerate(groups.items(), 1):
        for kind in members.keys() & numbers.keys():
            numbers[kind][members[kind]] = number
            names[name] = np.array([number, mesh.dim])
    columns = [*numbers.values()]
    return {"cell_data": {"gmsh:physical": columns, "gmsh:geometrical": columns}, "field_data": names}


MESHES = (
    Kind(
        "mesh",
        f"a mesh: {' '.join(SUFFIXES)}",
        "a report; with --out body.toml a clean copy and a scene with it, with --out part.stl the copy alone",
        is_mesh,
        take_mesh,
    ),
)

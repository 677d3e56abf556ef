"""Shapes as glTF 2.0, .gltf with everything inside or .glb: what browsers, Blender and slides can turn in space.

Source: Khronos Group, glTF 2.0 Specification, 2021. Lengths are as in the scene; there, y points up, so that what has
another upward direction is turned.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.files.atomic import appearing

__all__ = ["Piece", "write_gltf"]

ARRAY, ELEMENTS = 34962, 34963  # what a part of the buffer is for
FLOAT, UNSIGNED = 5126, 5125  # kinds of numbers
LINES, TRIANGLES = 1, 4


@dataclass(frozen=True)
class Piece:
    """points [n, 3]; cells: corners of triangles [m, 3] or ends of lines [m, 2]; colours: red, green, blue and opacity
    of each point [n, 4], from 0 to 1, as screens show them. lit: whether light falls on it. normals [n, 3]."""

    name: str
    points: NDArray[np.floating]
    cells: NDArray[np.integer]
    colours: NDArray[np.floating]
    normals: NDArray[np.floating] | None = None
    lit: bool = True


class Buffer:
    """The numbers of all pieces in one row of bytes."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: NDArray[Any], kind: str, target: int) -> int:
        """The number of the accessor. kind: SCALAR, VEC3 or VEC4."""
        data = np.ascontiguousarray(array, dtype="<u4" if target == ELEMENTS else "<f4")
        view = {"buffer": 0, "byteOffset": len(self.bytes), "byteLength": data.nbytes, "target": target}
        told: dict[str, Any] = {
            "bufferView": len(self.views), "componentType": UNSIGNED if target == ELEMENTS else FLOAT,
            "count": len(data), "type": kind,
        }  # fmt: skip
        if kind == "VEC3":  # wanted of positions
            told |= {"min": data.min(axis=0).tolist(), "max": data.max(axis=0).tolist()}
        self.views.append(view)
        self.accessors.append(told)
        self.bytes += data.tobytes()
        return len(self.accessors) - 1


def write_gltf(path: Path, pieces: Sequence[Piece], up: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> Path:
    """Writes the file, which appears when it is complete. up: direction in the scene."""
    buffer = Buffer()
    meshes, materials = [], []
    for piece in pieces:
        opaque = bool(np.min(piece.colours[:, 3]) > 0.999)
        materials.append(material(piece.lit, opaque))
        attributes = {
            "POSITION": buffer.add(piece.points, "VEC3", ARRAY),
            "COLOR_0": buffer.add(linear(piece.colours), "VEC4", ARRAY),
        }
        if piece.normals is not None:
            attributes["NORMAL"] = buffer.add(piece.normals, "VEC3", ARRAY)
        part = {
            "attributes": attributes, "indices": buffer.add(piece.cells.ravel(), "SCALAR", ELEMENTS),
            "mode": LINES if piece.cells.shape[1] == 2 else TRIANGLES, "material": len(materials) - 1,
        }  # fmt: skip
        meshes.append({"name": piece.name, "primitives": [part]})
    nodes: list[dict[str, Any]] = [{"name": mesh["name"], "mesh": number} for number, mesh in enumerate(meshes)]
    nodes.append({"name": "scene", "children": list(range(len(meshes))), "rotation": upright(up)})
    table = {
        "asset": {"version": "2.0", "generator": "scenegrad"}, "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0, "scenes": [{"nodes": [len(nodes) - 1]}], "nodes": nodes, "meshes": meshes, "materials": materials,
        "accessors": buffer.accessors, "bufferViews": buffer.views,
    }  # fmt: skip
    data = packed(table, bytes(buffer.bytes)) if path.suffix.lower() == ".glb" else told(table, bytes(buffer.bytes))
    with appearing(path, len(data)) as unfinished:
        unfinished.write_bytes(data)
    return path


def material(lit: bool, opaque: bool) -> dict[str, Any]:
    """White, for the points have their colours, dull, and seen from both sides."""
    found: dict[str, Any] = {
        "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.7}, "doubleSided": True,
    }  # fmt: skip
    if not opaque:
        found["alphaMode"] = "BLEND"
    return found if lit else found | {"extensions": {"KHR_materials_unlit": {}}}


def linear(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    """From colours as screens show them to amounts of light [IEC 61966-2-1]."""
    found = np.array(colours, dtype=np.float64)
    red_green_blue = found[:, :3]
    found[:, :3] = np.where(
        red_green_blue <= 0.04045, red_green_blue / 12.92, ((red_green_blue + 0.055) / 1.055) ** 2.4
    )
    return found


def upright(up: tuple[float, float, float]) -> list[float]:
    """The rotation x, y, z, w that takes `up` to +y."""
    a, b = np.asarray(up, dtype=np.float64) / np.linalg.norm(up), np.array([0.0, 1.0, 0.0])
    if a @ b < -1 + 1e-9:
        return [1.0, 0.0, 0.0, 0.0]
    turn = np.array([*np.cross(a, b), 1 + a @ b])
    return [float(part) for part in turn / np.linalg.norm(turn)]


def told(table: dict[str, Any], data: bytes) -> bytes:
    """As text, with the numbers in it."""
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    return json.dumps(table | {"buffers": [{"byteLength": len(data), "uri": uri}]}).encode()


def packed(table: dict[str, Any], data: bytes) -> bytes:
    """As bytes: a head, the text, the numbers, each filled up to multiples of four."""
    text = json.dumps(table | {"buffers": [{"byteLength": len(data)}]}).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    parts = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    return struct.pack("<III", 0x46546C67, 2, 12 + len(parts)) + parts

"""Other files that a mesh file names: they lie in its folder, or are not read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.readers.elements import damaged

__all__ = ["below", "check_gltf", "check_xdmf"]


def below(path: Path, named: str) -> Path:
    """The file that a mesh file names, in or below its folder; links are followed first."""
    folder = path.parent.resolve()
    try:
        found = (folder / named).resolve()
        inside = found.is_relative_to(folder) and found.is_file()
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise MeshError(
            f"{path} names the file {named[:200]!r}, which is not in the folder {folder} or below it, and nothing else "
            f"is read. Put it there, and name it by where it lies from {path.name}."
        )
    return found


def check_xdmf(path: Path) -> list[Path]:
    """The HDF5 files that an .xdmf names, all of which may be read."""
    try:
        items = list(ElementTree.parse(path).iter("DataItem"))
    except ElementTree.ParseError as error:
        raise damaged(path, str(error)) from error
    found = []
    for item in items:
        text = (item.text or "").strip()
        match item.get("Format", "XML"):
            case "HDF":
                found.append(below(path, text.rpartition(":")[0]))
            case "Binary":
                raise MeshError(f"{path} keeps numbers in the raw file {text!r}; write it anew with HDF5 or XML.")
            case _:
                pass
    return list(dict.fromkeys(found))


def check_gltf(path: Path) -> None:
    """Buffers lie in the file itself or beside it."""
    content = path.read_bytes()
    if path.suffix.lower() == ".glb":
        length = int.from_bytes(content[12:16], "little")
        if content[:4] != b"glTF" or 20 + length > len(content):
            raise damaged(path, "it has no head of a .glb")
        content = content[20 : 20 + length]
    try:
        table = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    if not isinstance(table, dict) or "asset" not in table:
        raise damaged(path, "it has no `asset`")
    for part in [*listed(table, "buffers"), *listed(table, "images")]:
        uri = part.get("uri")
        if isinstance(uri, str) and not uri.startswith("data:"):
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", uri):
                raise MeshError(f"{path} names {uri[:200]!r}; only files in its folder are read.")
            below(path, unquote(uri))


def listed(table: dict[str, object], name: str) -> list[dict[str, object]]:
    rows = table.get(name, [])
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

"""Every value of a scene has a dotted address: the name of its entity or field, then the fields down to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.model import Model

__all__ = ["find", "leaves", "replaced"]

PLAIN = frozenset({float, int, bool, str, type(None)})


def children(part: Any) -> dict[str, Any]:
    """Named parts one level down; empty for a plain value."""
    if isinstance(part, Model):
        return {name: getattr(part, name) for name in type(part).model_fields}
    if isinstance(part, Mapping):
        return dict(part)
    if isinstance(part, tuple | list):
        return {str(index): entry for index, entry in enumerate(part)}
    return {}


def leaves(part: Any, kinds: tuple[type, ...], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(address, value) of everything below `part` that is one of `kinds`."""
    if isinstance(part, kinds):
        yield prefix, part
        return
    passed = PLAIN.difference(kinds)
    if isinstance(part, tuple | list) and all(type(entry) in passed for entry in part):  # points, tables
        return
    for name, child in children(part).items():
        if type(child) not in passed:
            yield from leaves(child, kinds, f"{prefix}.{name}" if prefix else name)


def find(root: Mapping[str, Any], address: str) -> Any:
    """The value at an address below the named parts of `root`."""
    part: Any = root
    walked: list[str] = []
    for name in address.split("."):
        if isinstance(part, Model) and name in type(part).model_fields:
            part = getattr(part, name)
            walked.append(name)
            continue
        below = children(part)
        if name not in below:
            where = f"{'.'.join(walked)} has" if walked else "the scene has"
            raise SceneError(
                f"There is nothing at {address!r}: {where} {', '.join(below) or 'no parts'}.{nearest(name, below)}"
            )
        part = below[name]
        walked.append(name)
    return part


def replaced(table: Any, path: list[str], value: Any) -> Any:
    """A copy of nested dicts and lists with the entry at `path` replaced; a dict may get a new one, a list may not."""
    if not path:
        return value
    name, *rest = path
    if isinstance(table, Mapping):
        return {**table, name: replaced(table.get(name, {}), rest, value)}
    below = children(table)
    if name not in below:
        raise SceneError(
            f"There is nothing to replace at {'.'.join(path)!r} of {table!r}: it has "
            f"{', '.join(below) or 'no parts, so give it as a whole'}."
        )
    index = int(name)
    return [*table[:index], replaced(table[index], rest, value), *table[index + 1 :]]

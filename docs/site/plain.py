"""Docstrings as they are written here, plain text with `code`, as reStructuredText; fields of scenes as tables.

A docstring keeps its paragraphs and lists; what is indented stays as it stands, and no star, bar or underscore of a
formula means anything.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from functools import cache
from typing import Any, Literal, get_args, get_origin

import pydantic
from sphinx.application import Sphinx

__all__ = ["ALIASES", "escaped", "fields", "paragraphs", "setup"]

ITEM = re.compile(r"(-|\d+\.) ")
ALIASES = {  # what types of fields take
    "Scalar": "number",
    "Positive": "number > 0",
    "NonNegative": "number ≥ 0",
    "PoissonRatio": "-1 < number < 0.5",
    "Vector": "vector",
    "Degrees": "angle, or angles",
    "Random": "random field",
}
LIMITS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def escaped(text: str) -> str:
    """One line of prose: what stands in backticks is code, all else is meant as it is written."""
    parts = re.split(r"`([^`]+)`", text)
    prose = [re.sub(r"([\\*_|<>`])", r"\\\1", part) for part in parts[::2]]
    code = [f"\\ ``{part}``\\ " for part in parts[1::2]]
    return "".join(a + b for a, b in zip(prose, [*code, ""], strict=True)).strip()


def paragraphs(text: str) -> list[str]:
    """A docstring, without the indentation of its code, as lines of reStructuredText."""
    lines: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        rows = block.split("\n")
        if any(row.startswith((" ", "|")) and not ITEM.match(rows[0]) for row in rows):
            head = [row for row in rows if not row.startswith((" ", "|"))]
            if rows[: len(head)] == head:  # prose, then what is indented below it
                lines += [*map(escaped, head), ""] if head else []
                rows = rows[len(head) :]
            lines += ["::", "", *(f"    {row}" for row in textwrap.dedent("\n".join(rows)).split("\n")), ""]
            continue
        for row in rows:
            if item := ITEM.match(row):
                lines += ["", item[0] + escaped(row[item.end() :])]
            elif row.startswith(" "):
                lines.append("  " + escaped(row))
            else:
                lines.append(escaped(row))
        lines.append("")
    return lines


@cache
def written(kind: type) -> dict[str, tuple[str, str]]:
    """Annotation and comment of every field, as the source of the class has them."""
    source = textwrap.dedent(inspect.getsource(kind))
    rows = source.split("\n")
    found = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            comments = [row.split("  # ", 1)[1] for row in rows[node.lineno - 1 : node.end_lineno] if "  # " in row]
            found[node.target.id] = (ast.unparse(node.annotation), " ".join(comments))
    return found


def spelled(annotation: Any, source: str) -> str:
    """What a field takes, in words as short as the source."""
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    text = source
    for name, words in ALIASES.items():
        text = re.sub(rf"\b{name}\b", words, text)

    def limited(match: re.Match[str]) -> str:
        limits = [f"{LIMITS[k]} {v}" for k, v in re.findall(r"(gt|ge|lt|le)=([-\w.]+)", match[2])]
        return " ".join([match[1], ", ".join(limits)]).strip()

    text = re.sub(r"Annotated\[(.+?), Field\(([^()]*)\)\]", limited, text)
    text = re.sub(r"Literal\[([^\]]*)\]", lambda match: match[1].replace(", ", " | "), text)
    return text.replace(" | None", "").replace(", ...]", ", …]")


def default(value: Any) -> str:
    if value is pydantic.fields.PydanticUndefined:
        return "needed"
    if value is None:
        return "—"
    text = repr(value) if not callable(value) else value.__name__
    return text if len(text) <= 40 else text[:39] + "…"


def fields(kind: type[pydantic.BaseModel]) -> list[str]:
    """The fields of a model as a table: name, what it takes, default, unit and meaning."""
    sources: dict[str, tuple[str, str]] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, pydantic.BaseModel) and base is not pydantic.BaseModel:
            sources |= written(base)
    rows = []
    for name, field in kind.model_fields.items():
        if name == "kind":
            continue
        annotation, comment = sources.get(name, ("", ""))
        takes = spelled(field.annotation, annotation)
        given = field.default if field.default_factory is None else field.default_factory()  # type: ignore[call-arg]
        rows.append((f"``{name}``", f"``{takes}``", f"``{default(given)}``", escaped(comment)))
    if not rows:
        return []
    lines = ["", ".. list-table::", "   :header-rows: 1", "   :class: fields", ""]
    for row in [("field", "takes", "default", "unit, meaning"), *rows]:
        lines += [f"   {'* ' if k == 0 else '  '}- {cell}".rstrip() for k, cell in enumerate(row)]
    kinds = kind.model_fields.get("kind")
    if kinds is not None and isinstance(kinds.default, str):
        lines += ["", f'In a file: ``kind = "{kinds.default}"``.']
    return [*lines, ""]


def attributes(kind: type) -> list[str]:
    """The fields of a dataclass that a comment explains, with shape and unit, as a list."""
    sources: dict[str, tuple[str, str]] = {}
    for base in reversed(kind.__mro__):
        if dataclasses.is_dataclass(base):
            sources |= written(base)
    known = {field.name: sources.get(field.name, ("", "")) for field in dataclasses.fields(kind)}
    rows = [(name, *row) for name, row in known.items() if row[1] and not name.startswith("_")]
    if not rows:
        return []
    lines = ["", ".. list-table::", "   :class: fields", ""]
    for name, annotation, comment in rows:
        lines += [f"   * - ``{name}``", f"     - ``{annotation}``", f"     - {escaped(comment)}"]
    return [*lines, ""]


def arguments(thing: Any) -> list[str]:
    """Names that a thing is given by."""
    if isinstance(thing, type) and issubclass(thing, pydantic.BaseModel):
        return list(thing.model_fields)
    try:
        return [name for name in inspect.signature(thing).parameters if name != "self"]
    except (TypeError, ValueError):
        return []


def marked(lines: list[str], names: list[str]) -> list[str]:
    """Where prose says `steps: iterations, ...` the name of the argument is seen."""
    if not names:
        return lines
    name = "|".join(re.escape(escaped(one)) for one in sorted(names, key=len, reverse=True))
    said = re.compile(rf"(^|[.;,] )({name}): ")
    return [line if line.startswith("    ") else said.sub(r"\1**\2**: ", line) for line in lines]


def docstring(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = marked(paragraphs("\n".join(lines)), arguments(thing))
    if what != "class" or not isinstance(thing, type):
        return
    if issubclass(thing, pydantic.BaseModel):
        lines += fields(thing)
    elif dataclasses.is_dataclass(thing):
        lines += attributes(thing)


def signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, arguments: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Of a model the arguments by place, then those by name: the table below says the rest."""
    if what != "class" or not (isinstance(thing, type) and issubclass(thing, pydantic.BaseModel)):
        return None
    places = list(getattr(thing, "positional", ()))
    by_place = {place.lstrip("*") for place in places}
    named = {k: field for k, field in thing.model_fields.items() if k != "kind" and k not in by_place}
    if places and named and not places[-1].startswith("*"):
        places.append("*")
    shown = [*places, *(k if field.is_required() else f"{k}=…" for k, field in named.items())]
    return f"({', '.join(shown)})", None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True}

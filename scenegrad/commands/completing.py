"""What a shell offers when Tab is pressed: nothing that takes long is loaded, and no code of a user is run."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

__all__ = ["addresses", "devices", "families", "files", "precisions", "recipes", "scenes", "starters"]

HERE = Path(__file__).resolve().parents[1]
SCENE_FILES = (".toml", ".py", ".json")


def scenes(context: CompletionContext) -> list[str]:
    """Ready scenes by name, and files."""
    return [*ready_names(), *files(context.incomplete, SCENE_FILES)]


def recipes(context: CompletionContext) -> list[str]:
    known = (home("surrogates") / "recipes").glob("*.toml")
    return [*(path.stem for path in sorted(known)), *files(context.incomplete, (".toml",))]


def starters(context: CompletionContext) -> Mapping[str, str]:
    from scenegrad.starting import KINDS

    return KINDS


def families(context: CompletionContext) -> list[str]:
    """Of solvers that can be verified."""
    return list(value_of(HERE / "verification" / "registry.py", "FAMILIES"))


def devices(context: CompletionContext) -> list[str]:
    return ["auto", "cpu", "cuda", "cuda:0"]


def precisions(context: CompletionContext) -> list[str]:
    return ["float32", "float64"]


def addresses(context: CompletionContext) -> list[str]:
    """Of every number of the scene that stands before, as `address=value`; of a scene in Python none, as it would have
    to be run."""
    said = context.get("scene")
    source = str(said.value) if said is not None and said.value is not None else ""
    try:
        return [f"{place}={value}" for place, value in leaves(table_of(source))]
    except Exception:  # a completion has nobody to tell
        return []


def table_of(source: str) -> dict[str, Any]:
    path = Path(source)
    if path.suffix == ".toml":
        return tomllib.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".json":
        import json

        return dict(json.loads(path.read_text(encoding="utf-8")))
    if source not in ready_names():
        return {}
    from scenegrad.sources import ready_scenes

    return dict(ready_scenes()[source]().model_dump(mode="json"))


def leaves(table: Any, address: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers and words of nested tables by address."""
    if isinstance(table, Mapping):
        for name, part in table.items():
            below = f"{address}.{name}" if address else ("" if name == "entities" else name)
            yield from leaves(part, below)
    elif isinstance(table, int | float | str):
        yield address, str(table).lower() if isinstance(table, bool) else table


def ready_names() -> list[str]:
    """What scenes.library offers, read and not imported."""
    return list(value_of(home("scenes") / "library" / "__init__.py", "__all__"))


def value_of(path: Path, name: str) -> Any:
    """What a module of ours assigns to a name, as far as it is written out."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    return ()


def home(folder: str) -> Path:
    """Of a sub-package, installed or in a checkout."""
    return HERE / folder if (HERE / folder).is_dir() else HERE.parent / folder


def files(begun: str, suffixes: Iterable[str]) -> list[str]:
    """Folders and files with such suffixes that begin so."""
    folder, _, name = begun.rpartition("/")
    place = Path(folder or ("/" if begun.startswith("/") else "."))
    if not place.is_dir():
        return []
    found = [p for p in sorted(place.iterdir()) if p.name.startswith(name) and not p.name.startswith(".")]
    prefix = f"{folder}/" if folder or begun.startswith("/") else ""
    return [f"{prefix}{p.name}/" if p.is_dir() else f"{prefix}{p.name}" for p in found
            if p.is_dir() or p.suffix in suffixes]  # fmt: skip

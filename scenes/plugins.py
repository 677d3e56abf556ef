"""Code of one's own beside the package: how it is loaded when a user names it, and which of it a scene uses."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.model import Model

__all__ = ["Plugin", "all_plugins", "load_plugin", "plugins_of", "run_file"]


@dataclass(frozen=True)
class Plugin:
    """A module of a user, by its name, and the file that it was made of; None where there is none, as in a notebook."""

    module: str
    path: Path | None

    @property
    def source(self) -> str:
        """What `load_plugin` takes in another process."""
        return str(self.path) if self.path is not None else self.module

    @property
    def sha256(self) -> str:
        """Of the file as it was when this was first asked."""
        return digest(self.path) if self.path is not None else ""


@cache
def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


NAMED: dict[str, Plugin] = {}  # by the name of the module, in the order of loading


def load_plugin(name: str | Path) -> ModuleType:
    """Runs the code of a user, whose kinds and laws are known from then on: a file `my_material.py`, or the dotted name
    of an installed module. What is loaded already is not run again.

    This is the only way besides a scene in Python by which naming something runs code; nothing in a scene, a run or a
    dataset does so.
    """
    text = str(name)
    if text.endswith(".py"):
        path = Path(text).resolve()
        known = [module for module in list(sys.modules.values()) if file_of(module) == path]
        module = known[0] if known else carefully(path)
    else:
        module = from_name(text)
    NAMED[module.__name__] = Plugin(module.__name__, file_of(module))
    return module


def carefully(path: Path) -> ModuleType:
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise SceneError(f"There is no plugin file {str(path)!r}.{nearest(path.name, beside)}")
    try:
        return run_file(path)
    except Exception as error:
        raise SceneError(f"The plugin {path} does not run: {type(error).__name__}: {error}") from error


def run_file(path: Path) -> ModuleType:
    """The module that a file makes when it runs, kept among the others so that other processes can make it too.

    Its folder goes to the end of the search path, as the file may import its neighbours.
    """
    path = path.resolve()
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    name = re.sub(r"\W", "_", path.stem)
    there = file_of(sys.modules[name]) if name in sys.modules else origin(name)
    if there not in (None, path) or (there is None and name in sys.modules):
        name = f"{name}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def origin(name: str) -> Path | None:
    """The file that an import of this name would find."""
    spec = importlib.util.find_spec(name)
    return None if spec is None else Path(spec.origin or name).resolve()


def file_of(module: object) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # of the name, or of the module
        raise SceneError(
            f"The plugin {name!r} cannot be imported: {error}. Give a file that ends in .py, or an installed module."
        ) from error


def plugins_of(scene: Model) -> tuple[Plugin, ...]:
    """Whose code a scene needs: the modules of the kinds in it that are not of this package."""
    modules = dict.fromkeys(kind.__module__ for kind in kinds_in(scene))
    own = [name for name in modules if name.partition(".")[0] != "scenegrad"]
    return tuple(Plugin(name, file_of(sys.modules.get(name))) for name in own)


def all_plugins(scene: Model) -> tuple[Plugin, ...]:
    """These, and what was named besides: it may have registered laws by name."""
    return tuple(dict.fromkeys([*plugins_of(scene), *NAMED.values()]))


def kinds_in(part: Any) -> Iterator[type]:
    if isinstance(part, Model):
        yield type(part)
        for name in type(part).model_fields:
            yield from kinds_in(getattr(part, name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from kinds_in(value)
    elif isinstance(part, tuple) and part and not isinstance(part[0], float | int | str):
        for value in part:
            yield from kinds_in(value)

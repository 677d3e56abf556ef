"""Recipes: a network, the cut of the data and the settings of its training, in one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.scenes.errors import nearest
from scenegrad.surrogates.data.windows import Trajectories, Windows
from scenegrad.surrogates.known import build_model
from scenegrad.surrogates.model import Model
from scenegrad.surrogates.training.settings import Settings

__all__ = ["Recipe", "read_recipe"]

SHELF = Path(__file__).parent.parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """model and cut: plain tables, as models and Windows take them. settings: of the training."""

    model: dict[str, Any]
    cut: dict[str, Any]
    settings: Settings

    def build(self) -> Model:
        return build_model(self.model)

    def windows(self, data: Trajectories) -> Windows:
        return Windows.again(data, self.cut)


def read_recipe(path: str | Path) -> Recipe:
    """From a TOML file, or by the name of one that comes with the package, such as "fno_kolmogorov"."""
    place = Path(path)
    if not place.is_file():
        place = SHELF / Path(path).with_suffix(".toml").name
    if not place.is_file():
        known = sorted(file.stem for file in SHELF.glob("*.toml"))
        raise FileError(
            f"There is no recipe {str(path)!r}.{nearest(str(path), known)} Give the path of a TOML file, or one of: "
            f"{', '.join(known)}."
        )
    try:
        table = tomllib.loads(place.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{place} is not valid TOML: {error}.") from error
    try:
        return from_table(table)
    except EngineError as error:
        raise EngineError(f"{place}: {error}") from error


def from_table(table: dict[str, Any]) -> Recipe:
    if strangers := [name for name in table if name not in ("model", "data", "training")]:
        raise EngineError(f"A recipe got {', '.join(strangers)}; its tables are model, data and training.")
    if "model" not in table:
        raise EngineError("A recipe needs a table [model] with kind, modes, width and fields.")
    cut = dict(table.get("data", {}))
    recipe = Recipe(dict(table["model"]), cut, Settings.read(table.get("training", {})))
    recipe.build()  # a wrong model is refused here, with the name of the file
    return recipe

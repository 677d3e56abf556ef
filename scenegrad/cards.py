"""`card`: what a dataset is, as one page with its pictures and as JSON, left in its folder."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.card_pictures import parameter_picture, sample_pictures, series_picture, spectrum_picture
from scenegrad.engine.dataset import Dataset, open_dataset
from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.atomic import write_json
from scenegrad.scenes.files import save_scene
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.data.card import describe
from scenegrad.view.report import Chapter, Picture, Table, write_report

__all__ = ["card"]


def card(dataset: Dataset | str | Path, *, licence: str | None = None) -> Path:
    """Writes card.html, card.json and scene.toml into the folder of a dataset; returns the page.

    licence: of the data, such as "CC-BY-4.0"; it is kept in card.json, and stays when the card is written again.
    """
    data = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
    if not data.members:
        raise EngineError(f"{data!r} has no member that came through, so there is nothing to tell of it.")
    known = data.path / "card.json"
    before = json.loads(known.read_text()).get("licence") if known.is_file() else None
    told = describe(data, licence or before or "not stated")
    if not imported(data):
        save_scene(Scene.parse(data.scene_table), data.path / "scene.toml")
    write_json(known, told)
    with tempfile.TemporaryDirectory() as folder:
        made = chapters(data, told, Path(folder))
        lead = f"{told['members']['ok']} trajectories of the scene {told['name']!r}; licence: {told['licence']}."
        return write_report(f"Dataset {told['name']}", lead, made, "", data.path / "card.html", alone=True)


def chapters(data: Dataset, told: dict[str, Any], folder: Path) -> list[Chapter]:
    members = ", ".join(f"{count} {status}" for status, count in told["members"].items() if count)
    seconds = told["seconds"]
    facts = {
        "members": members,
        "hash": told["hash"],
        "size on disk": size_of(told["bytes"]),
        "time of its simulations": "not recorded" if seconds is None else f"{seconds:.1f} s, all processes together",
        **{f"of which {kind}": f"{spent:.1f} s" for kind, spent in told["costs"].items() if spent > 0.05},
        "method": f"{told['made_with']['method']}, {told['identity']['dtype']} on {told['made_with']['device']}",
        "version": f"{told['made_with']['version']}, commit {told['made_with']['commit']}",
        "licence": told["licence"],
    }
    made = [
        Chapter("At a glance", "How to load it:", code=told["load"], facts=facts),
        Chapter(
            "What was varied", "Drawn once for each member; all else is the same in all of them.",
            tables=(varied_table(told),), pictures=tuple(parameter_picture(data, folder)),
        ),
        Chapter(
            "Fields",
            f"Of all frames, points and components of {told['members_looked_at']} members.",
            tables=(field_table(told),),
            pictures=(*sample_pictures(data, folder), *spectrum_picture(data, folder), *series_picture(data, folder)),
        ),
        Chapter("Parts", *parts_of(told)),
        *origin_of(data, told),
    ]  # fmt: skip
    if told["failures"]:
        rows = tuple((str(one["member"]), one["status"], one["error"]) for one in told["failures"])
        made.append(Chapter("Who did not come through", "", tables=(Table("", ("member", "status", "why"), rows),)))
    return made


def imported(data: Dataset) -> bool:
    """Whether it came from elsewhere, so that there is no scene of it."""
    return "imported" in data.manifest["identity"]


def origin_of(data: Dataset, told: dict[str, Any]) -> list[Chapter]:
    if imported(data):
        text = "It was not simulated here, so there is no scene of it; this reads the same file again."
        return [Chapter("Where it is from", text, code=told["remake"])]
    text = "The same members come out, on the same kind of device; the size of a batch may change their last digits."
    scene = (data.path / "scene.toml").read_text()
    return [
        Chapter("How to make it again", text, code=told["remake"]),
        Chapter("Scene", "All of it, as it stands in scene.toml beside this page.", code=scene),
    ]


def varied_table(told: dict[str, Any]) -> Table:
    rows = tuple(
        (address, spoken(found.get("distribution", {})), found["least"], found["greatest"], found["mean"])
        for address, found in told["varied"].items()
    )
    return Table("", ("address", "distribution", "least", "greatest", "mean"), rows)


def spoken(distribution: dict[str, Any]) -> str:
    if not distribution:
        return "of its own"
    rest = ", ".join(f"{key} {value:g}" if isinstance(value, float | int) else f"{key} {value}"
                     for key, value in distribution.items() if key != "kind")  # fmt: skip
    return f"{str(distribution.get('kind', '')).replace('_', ' ')}: {rest}"


def field_table(told: dict[str, Any]) -> Table:
    rows = [
        (
            f"{probe}.{name}", found["unit"], " x ".join(map(str, found["shape"])) or "1",
            f"{one['frames']} from {one['from']:g} to {one['to']:g}", found["mean"], found["std"], found["least"],
            found["greatest"], float(found["not_finite"]),
        )
        for probe, one in told["outputs"].items()
        for name, found in one["quantities"].items()
    ]  # fmt: skip
    columns = ("quantity", "unit", "shape", "frames", "mean", "std", "least", "greatest", "not finite")
    return Table("", columns, tuple(rows))


def parts_of(told: dict[str, Any]) -> tuple[str, tuple[Picture, ...], tuple[()], tuple[Table, ...]]:
    split = told["split"]
    if "none" in split:
        return str(split["none"]), (), (), ()
    rows = tuple((part, float(len(these)), listed(these)) for part, these in split["members"].items())
    how = ", ".join(f"{key} {value:g}" for key, value in split["how"].items() if key != "kind")
    text = f"What a training takes unless it is told otherwise ({how}). What a trajectory is decides its part."
    return text, (), (), (Table("", ("part", "members", "which"), rows),)


def listed(members: list[int], most: int = 24) -> str:
    return ", ".join(map(str, members[:most])) + (" ..." if len(members) > most else "")


def size_of(count: float) -> str:
    power = min(int(np.log(max(count, 1)) / np.log(1024)), 4)
    return f"{count / 1024**power:.3g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"

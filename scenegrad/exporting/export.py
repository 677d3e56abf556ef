"""`export`: finds what is meant, asks whether the format has room for it, and lets it be written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.disk import disk_errors
from scenegrad.engine.files.recorded import Output, open_member, open_outputs
from scenegrad.exporting.format import DatasetFormat, OutputFormat
from scenegrad.exporting.known import FORMATS
from scenegrad.exporting.recording import Recording, chosen_frames, family
from scenegrad.scenes.errors import nearest

if TYPE_CHECKING:
    from scenegrad.runs import Run

__all__ = ["export"]


def export(
    source: Run | Dataset | str | Path,
    to: str,
    out: str | Path | None = None,
    *,
    frames: int | slice | str | None = None,
    output: str | None = None,
    member: int | None = None,
) -> list[Path]:
    """Writes a run, a dataset or one of their files in another format, and returns the files.

    to: the name of a format, one of FORMATS. out: a folder, or a file where there is one output to write; `export` in
    the folder of the source if left out. frames: a number, a slice, or its text "0:100:10"; all that are committed if
    left out, also of a run that was killed. output: its name; all that the format has room for if left out. member: of
    a dataset; all that came through if left out.
    """
    if to not in FORMATS:
        raise EngineError(f"There is no format {to!r}.{nearest(to, FORMATS)} There are: {', '.join(FORMATS)}.")
    format, path = FORMATS[to], located(source)
    data = source if isinstance(source, Dataset) else dataset_in(path)
    if isinstance(format, DatasetFormat):
        if data is None:
            raise EngineError(
                f"{to} is written from a dataset, and {path} is a run or a file. Its frames go to "
                f"{', '.join(f.name for f in FORMATS.values() if isinstance(f, OutputFormat))}; or make a dataset of "
                f"its scene: scenegrad generate {made_from(path)} -n 8 --out DATA."
            )
        if member is not None:
            raise EngineError(f"{to} holds all members of a dataset together; leave out member={member}.")
        chosen = one_of(data, format, output)
        folder = Path(out) if out is not None else path / "export" / to
        with disk_errors(folder, 0):
            return format.write(data, chosen, frames, folder)
    if data is None and member is not None:
        raise EngineError(f"{path} is no dataset and has no members; leave out member={member}.")
    made = []
    for label, outputs in sources(path, data, member).items():
        made += [(label, Recording(o, chosen_frames(frames, len(o)))) for o in fitting(path, outputs, format, output)]
    places = named(made, format, Path(out) if out is not None else folder_of(path) / "export")
    written = []
    for (_, recording), place in zip(made, places, strict=True):
        with disk_errors(place, 0):
            place.parent.mkdir(parents=True, exist_ok=True)
            written += format.write(recording, place)
    return written


def located(source: Run | Dataset | str | Path) -> Path:
    if isinstance(source, Dataset):
        return source.path
    path = source if isinstance(source, str | Path) else source.folder
    if not Path(path).exists():
        raise FileError(f"{path} is not there. Give the folder of a run or of a dataset, or one of their files.")
    return Path(path)


def dataset_in(path: Path) -> Dataset | None:
    return Dataset(path) if (path / "manifest.json").is_file() else None


def folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def sources(path: Path, data: Dataset | None, member: int | None) -> dict[str, Mapping[str, Output]]:
    """Outputs by name, by the label of their member; of a run the label is empty."""
    if data is not None:
        members = data.members if member is None else [member]
        if not members:
            raise FileError(f"{data!r} has no finished member yet. Run generate again to make them.")
        for i in members:
            data.file(i)  # tells in words what is wrong with it
        return {f"m{i:05d}_": open_member(data.folder.shard(i)) for i in members}
    if path.is_file():
        return {"": open_member(path)}
    if not (path / "run.json").is_file():
        raise FileError(f"{path} holds neither a run nor a dataset: there is no run.json and no manifest.json.")
    return {"": open_outputs(path)}


def fitting(path: Path, outputs: Mapping[str, Output], format: OutputFormat, asked: str | None) -> list[Output]:
    """Those of which at least one frame is committed and that the format has room for."""
    there = {name: o for name, o in outputs.items() if len(o)}
    if asked is not None and asked not in outputs:
        raise EngineError(f"{path} has no output {asked!r}; it has {', '.join(outputs) or 'none'}.")
    if not there:
        raise FileError(f"{path} holds no complete frame yet; let its run go on until it has written its first.")
    found = [o for name, o in there.items() if (asked is None or name == asked) and o.kind in format.kinds]
    if not found:
        meant = [o for name, o in there.items() if asked is None or name == asked]
        kinds = sorted({o.kind for o in meant}) or ["series"]
        others = [f.name for f in FORMATS.values() if isinstance(f, OutputFormat) and set(kinds) & set(f.kinds)]
        raise EngineError(
            f"{format.name} holds {format.holds}; {path} has "
            f"{', '.join(f'{o.name} ({family(o.kind)})' for o in meant) or 'no frames'}. "
            f"Those go to {', '.join(others)}."
        )
    return found


def made_from(path: Path) -> str:
    """The scene of a run, as a command names it."""
    scene = folder_of(path) / "scene.toml"
    return shlex.quote(str(scene)) if scene.is_file() else "SCENE"


def one_of(data: Dataset, format: DatasetFormat, asked: str | None) -> str:
    """The output of a dataset that is meant, where the format has room for it."""
    kinds = {name: data.table(name)[2] for name in data.tables}
    if asked is not None and asked not in kinds:
        raise EngineError(f"{data.path} has no output {asked!r}; it has {', '.join(kinds)}.")
    found = [name for name, kind in kinds.items() if kind in format.kinds and asked in (None, name)]
    if not found:
        held = ", ".join(f"{name} ({family(kind)})" for name, kind in kinds.items() if asked in (None, name))
        raise EngineError(f"{format.name} holds {format.holds}; {data.path} has {held}.")
    if len(found) > 1:
        raise EngineError(f"{data.path} has {', '.join(found)} for {format.name}; say which one with --output.")
    return found[0]


def named(made: list[tuple[str, Recording]], format: OutputFormat, out: Path) -> list[Path]:
    """Where each output goes: the file that was asked for, or a file of its own in the folder that was."""
    if out.suffix == format.suffix and not out.is_dir():
        if len(made) > 1:
            raise EngineError(
                f"{out} is one file, and there are {len(made)} outputs to write: "
                f"{', '.join(label + r.name for label, r in made[:6])}. Name one with --output, or give a folder."
            )
        return [out]
    return [out / f"{label}{recording.name}{format.suffix}" for label, recording in made]

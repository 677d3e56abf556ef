"""HDF5 files of strangers: what they claim and where they lead is looked at before a number is read.

A file of a few kilobytes can claim 10^15 numbers, hold chunks that swell a million times, or show data of other files
of the machine as its own. Each would take the memory, or tell what is no business of whoever made the file.
"""

from __future__ import annotations

import math
from pathlib import Path

import h5py

from scenegrad.engine.errors import FileError

__all__ = ["guarded", "open_file", "open_guarded"]

FREE = 1 << 28  # bytes that any data set may have
RATIO = 200  # beyond that: bytes in memory for each byte on the disk; physical fields compress by 2 to 20
OBJECTS = 1_000_000  # groups and data sets in one file
SMALL = 1 << 24  # bytes of an attribute


def open_guarded(path: str | Path) -> h5py.File:
    """The file, open for reading, in which every data set has been looked at; FileError where one is unfit."""
    try:
        return guarded(open_file(Path(path)))
    except OSError as error:
        raise FileError(f"{path} cannot be read as HDF5 ({error}).") from error


def guarded(file: h5py.File) -> h5py.File:
    """The same open file; where it is unfit it is closed, and FileError says why."""
    path = Path(file.filename)
    try:
        check_all(file, path)
    except FileError:
        file.close()
        raise
    except (RuntimeError, OSError, LookupError, ValueError, TypeError, OverflowError) as error:
        file.close()
        raise FileError(f"{path} is a damaged HDF5 file ({type(error).__name__}: {error}).") from error
    return file


def open_file(path: Path) -> h5py.File:
    """Readable while another process still writes it, or this one."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError:  # of a file that this process has open: HDF5 wants the same locking again
        return h5py.File(path, "r")


def check_all(file: h5py.File, path: Path) -> None:
    """Every group and data set that the file itself holds. What a soft link leads to is met where it is."""
    seen: set[int] = set()
    waiting = [h5py.h5g.open(file.id, b"/")]
    while waiting:
        group = waiting.pop()
        links: list[tuple[bytes, int, int]] = []
        group.links.iterate(lambda name, info, to=links: to.append((name, info.type, info.u)), info=True)
        check_attributes(group, path)
        for name, kind, address in links:
            if kind == h5py.h5l.TYPE_EXTERNAL:
                refuse_outside(path, text(name), text(group.links.get_val(name)[0]))
            if kind != h5py.h5l.TYPE_HARD or address in seen:
                continue
            seen.add(address)
            if len(seen) > OBJECTS:
                raise FileError(f"{path} holds more than {OBJECTS} groups and data sets; this is no file of fields.")
            thing = h5py.h5o.open(group, name)
            if isinstance(thing, h5py.h5g.GroupID):
                waiting.append(thing)
            elif isinstance(thing, h5py.h5d.DatasetID):
                check_attributes(thing, path)
                check_dataset(thing, path)


def check_dataset(dataset: h5py.h5d.DatasetID, path: Path) -> None:
    """Refuse one data set whose numbers are not there or lie elsewhere."""
    shape, width = dataset.shape or (), dataset.get_type().get_size()
    plan, stored = dataset.get_create_plist(), dataset.get_storage_size()
    for number in range(plan.get_external_count()):
        refuse_outside(path, named(dataset), text(plan.get_external(number)[0]))
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        sources = {plan.get_virtual_filename(n) for n in range(plan.get_virtual_count())} - {"."}
        for source in sources:
            if not is_member(path.parent / source):
                refuse_outside(path, named(dataset), source)
        files = [path, *(path.parent / source for source in sources)]
        stored += sum(file.stat().st_size for file in files if file.is_file())
    claimed = math.prod(shape) * width
    if claimed > FREE and claimed > RATIO * stored:
        raise FileError(
            f"{path} claims {' x '.join(map(str, shape))} numbers in {named(dataset)}, {claimed:.2g} bytes, and holds "
            f"{stored} bytes of them. More than {RATIO} times what is on the disk is not taken into memory. If it is "
            f"true, write it anew without compression, as `h5repack -f NONE` does."
        )
    if plan.get_layout() == h5py.h5d.CHUNKED and math.prod(plan.get_chunk()) * width > max(FREE, RATIO * stored):
        raise FileError(
            f"{path} holds {named(dataset)} in chunks of {plan.get_chunk()}, more than is taken into memory."
        )


def check_attributes(thing: h5py.h5g.GroupID | h5py.h5d.DatasetID, path: Path) -> None:
    for number in range(h5py.h5a.get_num_attrs(thing)):
        found = h5py.h5a.open(thing, index=number)
        if found.get_space().get_simple_extent_npoints() * found.get_type().get_size() > SMALL:
            raise FileError(f"{path} has an attribute of {named(thing)} of more than {SMALL:g} bytes.")


def named(thing: h5py.h5g.GroupID | h5py.h5d.DatasetID) -> str:
    return text(h5py.h5i.get_name(thing) or b"an object without a name")


def text(name: bytes | str) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def is_member(path: Path) -> bool:
    """Whether a file is a member of a dataset that was made here, which a view without a copy points to."""
    there = path.resolve()
    return there.parent.name == "shards" and (there.parent.parent / "manifest.json").is_file()


def refuse_outside(path: Path, name: str, other: str) -> None:
    """Data that a file shows as its own may lie beside it, and nowhere else."""
    folder = path.parent.resolve()
    if not (folder / other).resolve().is_relative_to(folder):
        raise FileError(
            f"{path} shows {name} from {other!r}, which lies outside {folder}. A file of data leads to nothing but "
            f"files beside it; copy the other file there and link it anew."
        )

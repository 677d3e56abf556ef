"""A file of a stranger that claims what it does not hold, or leads elsewhere, is refused before memory is taken."""

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.guarded import open_guarded


def absurd(file: h5py.File, tmp: Path) -> None:
    file.create_dataset("t0_fields/u", (10**5, 10**5, 10**5), "f4", chunks=(1, 100, 100))


def absurd_and_contiguous(file: h5py.File, tmp: Path) -> None:
    file.create_dataset("u", (10**15,), "f8")


def bomb(file: h5py.File, tmp: Path) -> None:
    file.create_dataset("u", data=np.zeros((64, 1024, 1024), dtype="f8"), chunks=(1, 1024, 1024), compression=9)


def wide_chunks(file: h5py.File, tmp: Path) -> None:
    file.create_dataset("u", (1,), "f8", chunks=(2**28,), maxshape=(None,))


def outside_link(file: h5py.File, tmp: Path) -> None:
    file["u"] = h5py.ExternalLink(str(tmp / "secret.h5"), "/x")


def outside_link_by_dots(file: h5py.File, tmp: Path) -> None:
    file["deep/u"] = h5py.ExternalLink("../secret.h5", "/x")


def outside_raw(file: h5py.File, tmp: Path) -> None:
    file.create_dataset("u", (4,), "f8", external=[(str(tmp / "secret.h5"), 0, 32)])


def outside_virtual(file: h5py.File, tmp: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp / "secret.h5"), "x", (4,))
    file.create_virtual_dataset("u", layout)


def absurd_virtual(file: h5py.File, tmp: Path) -> None:
    layout = h5py.VirtualLayout((10**12,), "f8")
    layout[:4] = h5py.VirtualSource("beside.h5", "x", (4,))
    file.create_virtual_dataset("u", layout)


CASES: list[tuple[Callable[[h5py.File, Path], None], str]] = [
    (absurd, r"claims 100000 x 100000 x 100000 numbers in /t0_fields/u, 4e\+15 bytes, and holds 0 bytes"),
    (absurd_and_contiguous, "claims 1000000000000000 numbers"),
    (bomb, r"claims 64 x 1024 x 1024 numbers in /u.*h5repack"),
    (wide_chunks, "in chunks of"),
    (outside_link, "secret.h5', which lies outside"),
    (outside_link_by_dots, r"\.\./secret.h5', which lies outside"),
    (outside_raw, "secret.h5', which lies outside"),
    (outside_virtual, "secret.h5', which lies outside"),
    (absurd_virtual, "claims 1000000000000 numbers"),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    for file in (tmp_path / "secret.h5", tmp_path / "home" / "beside.h5"):
        with h5py.File(file, "w") as made:
            made["x"] = np.arange(4.0)
    return tmp_path / "home"


@pytest.mark.parametrize(("make", "words"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_what_is_unfit_is_refused_by_every_reader(make: Callable, words: str, home: Path) -> None:
    from scenegrad.engine.files.open_files import OpenFiles
    from scenegrad.importing import import_file
    from scenegrad.surrogates.data.formats.the_well import TheWell
    from scenegrad.view.committed import open_hdf5

    path = home / "data.h5"
    with h5py.File(path, "w") as file:
        make(file, home.parent)
    assert path.stat().st_size < 1e6
    for read in (open_guarded, OpenFiles().open, TheWell, import_file, open_hdf5):
        with pytest.raises(FileError, match=words):
            read(path)


def test_what_lies_beside_and_what_is_there_is_read(home: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("beside.h5", "x", (4,))
    with h5py.File(home / "data.h5", "w") as file:
        file.create_virtual_dataset("seen", layout)
        file["linked"] = h5py.ExternalLink("beside.h5", "/x")
        file["own/x"] = np.random.default_rng(0).random(100)
        file["own/again"] = file["own/x"]
        file["own/round"] = file["own"]
        file["empty"] = h5py.Empty("f4")
        file.create_dataset("grows", (0, 64, 64), "f4", maxshape=(None, 64, 64), chunks=(1, 64, 64), compression=1)
    with open_guarded(home / "data.h5") as file:
        assert file["seen"][:].tolist() == file["linked"][:].tolist() == [0, 1, 2, 3]


def test_a_damaged_file_is_refused_and_ends_nothing(home: Path) -> None:
    random = np.random.default_rng(0)
    whole = (home / "beside.h5").read_bytes()
    for _ in range(300):
        content = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for place in random.integers(0, len(content), random.integers(0, 8)):
            content[place] = random.integers(0, 256)
        (home / "damaged.h5").write_bytes(bytes(content))
        with suppress(FileError):
            open_guarded(home / "damaged.h5").close()


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_arrays_that_claim_what_is_not_there_or_would_run_code_are_refused(name: str, tmp_path: Path) -> None:
    from scenegrad.engine.files.arrays import read_array

    class Danger:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "ran"),)

    objects = np.array([Danger(), None], dtype=object)
    file = tmp_path / name
    np.savez(file, x=objects) if name.endswith("z") else np.save(file, objects)
    with pytest.raises(FileError, match="objects"):
        read_array(file)
    assert not (tmp_path / "ran").exists()

    head = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**9)}
    with (tmp_path / "claim.npy").open("wb") as out:
        np.lib.format.write_array_header_1_0(out, head)
        out.write(bytes(64))
    if name.endswith("z"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.write(tmp_path / "claim.npy", "x.npy")
    else:
        file.write_bytes((tmp_path / "claim.npy").read_bytes())
    with pytest.raises(FileError, match="claims 1000000 x 1000000000 numbers"):
        read_array(file)

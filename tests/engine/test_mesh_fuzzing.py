"""Damaged files of meshes, points, splats and molecules are refused in words, and end no process."""

import random
import re
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest
import pyvista

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import given, settings
from hypothesis import strategies as st

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.splats import Splats, read_splats
from scenegrad.engine.geometry import read_mesh, read_points
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.molecule_files import read_molecules

SLOWEST = 30.0  # [s] of a processor for one file
NUMBERS = [b"-1", b"0", b"", b"999999999", b"99999999999999999999", b"4294967295", b"1e308", b"nan", b"1000000000000"]
BYTES = [b"\xff" * 8, b"\0" * 8, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"*INCLUDE, INPUT=/etc/passwd\n", b"\n"]
PDB = """\
CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1           1
ATOM      1  O   HOH A   1       1.000   2.000   3.000  1.00  0.00           O
ATOM      2  H1  HOH A   1       1.957   2.000   3.000  1.00  0.00           H
CONECT    1    2
END
"""
GRO = """\
water
2
    1SOL     OW    1   0.100   0.200   0.300
    1SOL    HW1    2   0.195   0.200   0.300
 2.0 2.0 2.0
"""
EXTXYZ = '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 pbc="T T T"\nO 1 2 3\nH 2 2 3\n'
LAMMPS = """\
two atoms

2 atoms
1 bonds
1 atom types
1 bond types

0 9 xlo xhi
0 9 ylo yhi
0 9 zlo zhi

Masses

1 15.999

Atoms # full

1 1 1 0.1 1.0 2.0 3.0
2 1 1 -0.1 2.0 2.0 3.0

Bonds

1 1 1 2
"""


@cache
def samples(folder: Path) -> dict[str, list[Path]]:
    """Whole files of each kind, by suffix."""
    ball = pyvista.Icosphere(nsub=1)
    points, triangles = np.asarray(ball.points, dtype=float), np.asarray(ball.regular_faces)
    made: dict[str, list[Path]] = {suffix: [] for suffix in ("stl", "ply", "vtp", "vtk")}
    for suffix, files in made.items():
        for binary in (True, False):
            files.append(folder / f"{binary}.{suffix}")
            ball.save(files[-1], binary=binary)
    ball.save(folder / "a.obj")
    grid = pyvista.ImageData(dimensions=(2, 2, 2)).cast_to_unstructured_grid().triangulate()
    tetra = np.asarray(grid.cells_dict[10])
    marks = [np.repeat([1, 2], len(tetra))[: len(tetra)]]
    solid = meshio.Mesh(np.asarray(grid.points, dtype=float), [("tetra", tetra)])
    tagged = meshio.Mesh(solid.points, solid.cells, cell_data={"gmsh:physical": marks, "gmsh:geometrical": marks})
    for binary in (True, False):
        made.setdefault("msh", []).append(folder / f"{binary}.msh")
        meshio.write(made["msh"][-1], tagged, file_format="gmsh22", binary=binary)
    grid.save(folder / "a.vtu")
    for suffix in ("xdmf", "inp", "med", "su2", "mesh"):
        meshio.write(folder / f"a.{suffix}", solid)
    meshio.write(folder / "a.off", meshio.Mesh(points, {"triangle": triangles}))
    for suffix in ("obj", "vtu", "xdmf", "inp", "med", "su2", "mesh", "off"):
        made[suffix] = [folder / f"a.{suffix}"]
    table = np.column_stack([points, np.full(len(points), 0.1)])
    np.save(folder / "a.npy", points)
    np.savez(folder / "a.npz", position=points, volume=table[:, 3])
    np.savetxt(folder / "a.csv", table, delimiter=",", header="x,y,z,volume", comments="")
    Splats.of(points, 0.01 * np.eye(3), degree=1).save(folder / "a.splats.ply")
    for name, text in (("a.pdb", PDB), ("a.gro", GRO), ("a.extxyz", EXTXYZ), ("a.data", LAMMPS)):
        (folder / name).write_text(text)
    for suffix in ("npy", "npz", "csv", "splats.ply", "pdb", "gro", "extxyz", "data"):
        made[suffix] = [folder / f"a.{suffix}"]
    return made


READERS: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys(("stl", "obj", "ply", "msh", "xdmf", "inp", "med", "su2", "mesh", "off"), read_mesh),
    **dict.fromkeys(("npy", "npz", "csv"), read_points),
    "splats.ply": read_splats,
    **dict.fromkeys(("pdb", "gro", "extxyz", "data"), lambda path: read_molecules(path, "real")),
}
BY_VTK = ("vtp", "vtk", "vtu")  # a process each


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut short, bits turned, numbers in the text replaced, pieces put elsewhere."""
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4])):
        if not made:
            break
        at = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                del made[at:]
            case 1:
                for _ in range(chance.choice([1, 4, 16])):
                    made[chance.randrange(len(made))] = chance.randrange(256)
            case 2:
                numbers = list(re.finditer(rb"\d+", bytes(made)))
                if numbers:
                    found = chance.choice(numbers)
                    made[found.start() : found.end()] = chance.choice(NUMBERS)
            case 3:
                made[at : at + chance.choice([1, 4, 8])] = chance.choice(BYTES)
            case 4:
                other = chance.randrange(len(made))
                made[at:at] = made[other : other + chance.randrange(64)]
    return bytes(made)


def told_in_words(read: Callable[[Path], Any], path: Path) -> None:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = "read"
        try:
            read(path)
        except (EngineError, SceneError) as error:
            message = str(error).strip()
    assert message
    assert "Traceback" not in message
    assert time.process_time() - start < SLOWEST


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return samples(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("suffix", READERS)
def test_damaged_bytes_are_refused_in_words(suffix: str, whole: dict[str, list[Path]], tmp_path: Path) -> None:
    for file in whole[suffix]:
        READERS[suffix](file)

    @given(st.integers(0, 2**32))
    def one(seed: int) -> None:
        chance = random.Random(seed)
        path = tmp_path / f"damaged.{suffix}"
        path.write_bytes(damaged(chance.choice(whole[suffix]).read_bytes(), chance))
        told_in_words(READERS[suffix], path)

    one()


@pytest.mark.parametrize("suffix", BY_VTK)
def test_damage_that_would_end_the_process_of_vtk_is_refused(
    suffix: str, whole: dict[str, list[Path]], tmp_path: Path
) -> None:
    @settings(max_examples=max(1, settings().max_examples // 30))
    @given(st.integers(0, 2**32))
    def one(seed: int) -> None:
        chance = random.Random(seed)
        path = tmp_path / f"damaged.{suffix}"
        path.write_bytes(damaged(chance.choice(whole[suffix]).read_bytes(), chance))
        told_in_words(read_mesh, path)

    one()


def test_a_node_of_a_huge_number_takes_no_memory(tmp_path: Path) -> None:
    import resource

    from scenegrad.scenes import Domain

    path = tmp_path / "huge.msh"
    nodes = "1 0 0 0\n2 1 0 0\n3 0 1 0\n2000000000 0 0 1\n"
    path.write_text(
        f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n4\n{nodes}$EndNodes\n"
        "$Elements\n1\n1 4 2 1 1 1 2 3 4\n$EndElements\n"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineError, match="more memory"):
        read_mesh(path)
    with pytest.raises(ValueError, match="mesh file"):
        Domain.meshed(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000


def test_a_file_that_ends_after_its_name_ends_the_reader_too(tmp_path: Path) -> None:
    (tmp_path / "x.off").write_text("OFF\n")
    with pytest.raises(EngineError, match="does not tell how many"):
        read_mesh(tmp_path / "x.off")


def test_a_reader_that_dies_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scenegrad.engine.geometry.readers import vtk

    child = tmp_path / "vtk_child.py"
    child.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(vtk, "__file__", str(tmp_path / "vtk.py"))
    (tmp_path / "x.vtu").write_text("<VTKFile/>")
    with pytest.raises(EngineError, match="VTK ended with the signal 6"):
        read_mesh(tmp_path / "x.vtu")

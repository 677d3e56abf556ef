"""What single formats can hold beyond plain triangles: polygons, second order, groups, files beside them."""

import struct
from pathlib import Path

import meshio
import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import check_watertight, read_mesh
from scenegrad.engine.geometry.readers.polygons import cut
from scenegrad.engine.geometry.tagged import read_tagged

CUBE = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float)
QUADS = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]


def two_boxes() -> meshio.Mesh:
    """Two unit cubes of tetrahedra, two apart, under the physical groups rotor (1) and stator (2)."""
    grid = pyvista.ImageData(dimensions=(2, 2, 2)).cast_to_unstructured_grid().triangulate()
    points, tetra = np.asarray(grid.points, dtype=float), np.asarray(grid.cells_dict[10])
    both = np.concatenate([points, points + np.array([3.0, 0.0, 0.0])])
    marks = np.repeat([1, 2], len(tetra))
    return meshio.Mesh(
        both,
        [("tetra", np.concatenate([tetra, tetra + len(points)]))],
        cell_data={"gmsh:physical": [marks], "gmsh:geometrical": [marks]},
        field_data={"rotor": np.array([1, 3]), "stator": np.array([2, 3])},
    )


def msh_4(mesh: meshio.Mesh, path: Path, binary: bool) -> None:
    """MSH 4.1 with an entity for each group."""
    (tetra,), points = [block.data for block in mesh.cells], mesh.points
    half = len(tetra) // 2
    names = '$PhysicalNames\n2\n3 1 "rotor"\n3 2 "stator"\n$EndPhysicalNames\n'
    entities = "".join(f"{n} 0 0 0 1 1 1 1 {n} 0\n" for n in (1, 2))
    nodes = "".join(f"{n + 1}\n" for n in range(len(points))) + "".join(f"{x} {y} {z}\n" for x, y, z in points)
    rows = [f"3 {n} 4 {half}\n" + "".join(
        f"{(n - 1) * half + k + 1} {' '.join(str(v + 1) for v in row)}\n" for k, row in enumerate(part)
    ) for n, part in ((1, tetra[:half]), (2, tetra[half:]))]  # fmt: skip
    if not binary:
        path.write_text(
            f"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n{names}$Entities\n0 0 0 2\n{entities}$EndEntities\n"
            f"$Nodes\n1 {len(points)} 1 {len(points)}\n3 1 0 {len(points)}\n{nodes}$EndNodes\n"
            f"$Elements\n2 {len(tetra)} 1 {len(tetra)}\n{''.join(rows)}$EndElements\n"
        )
        return
    q, i, d = "<" + "Q" * 4, "<i", "<3d"
    body = b"$MeshFormat\n4.1 1 8\n" + struct.pack(i, 1) + b"\n$EndMeshFormat\n" + names.encode()
    body += b"$Entities\n" + struct.pack(q, 0, 0, 0, 2)
    for n in (1, 2):
        body += struct.pack("<i6dQiQ", n, 0, 0, 0, 1, 1, 1, 1, n, 0)
    body += b"\n$EndEntities\n$Nodes\n" + struct.pack(q, 1, len(points), 1, len(points))
    body += struct.pack("<3iQ", 3, 1, 0, len(points)) + struct.pack(f"<{len(points)}Q", *range(1, len(points) + 1))
    body += b"".join(struct.pack(d, *x) for x in points) + b"\n$EndNodes\n$Elements\n"
    body += struct.pack(q, 2, len(tetra), 1, len(tetra))
    for n, part in ((1, tetra[:half]), (2, tetra[half:])):
        body += struct.pack("<3iQ", 3, n, 4, half)
        body += b"".join(struct.pack("<5Q", (n - 1) * half + k + 1, *(row + 1)) for k, row in enumerate(part))
    path.write_bytes(body + b"\n$EndElements\n")


def write(name: str, path: Path) -> None:
    mesh = two_boxes()
    match name:
        case "msh 2.2 text" | "msh 2.2 binary":
            meshio.write(path, mesh, file_format="gmsh22", binary=name.endswith("binary"))
        case "msh 4.1 text" | "msh 4.1 binary":
            msh_4(mesh, path, name.endswith("binary"))
        case "inp":
            half = len(mesh.cells[0].data) // 2
            text = "*Heading\n a comment\n** another\n*NODE, NSET=all\n"
            text += "".join(f"{n + 10}, {x}, {y}, {z}\n" for n, (x, y, z) in enumerate(mesh.points))
            rows = [f"{k + 100}, " + ", ".join(str(v + 10) for v in row) for k, row in enumerate(mesh.cells[0].data)]
            text += "*element, type=c3d4\n" + "\n".join(rows[:half]) + "\n"  # a block without a set before one with
            text += "*ELEMENT, TYPE=C3D4, ELSET=stator\n" + "\n".join(rows[half:]) + "\n"
            text += f"*ELSET, ELSET=first, GENERATE\n100, {100 + half - 1}, 1\n*ELSET,\n ELSET=rotor\nfirst\n"
            path.write_text(text + "*MATERIAL, NAME=steel\n*DENSITY\n7800.,\n")
        case "med":
            marks = mesh.cell_data["gmsh:physical"][0]
            family = meshio.Mesh(mesh.points, mesh.cells, cell_data={"cell_tags": [-marks]})
            family.cell_tags = {-1: ["rotor"], -2: ["stator"]}
            meshio.write(path, family)
        case "vtu" | "xdmf":
            meshio.write(
                path, meshio.Mesh(mesh.points, mesh.cells, cell_data={"region": mesh.cell_data["gmsh:physical"]})
            )


@pytest.mark.parametrize(
    "name", ["msh 2.2 text", "msh 2.2 binary", "msh 4.1 text", "msh 4.1 binary", "inp", "med", "vtu", "xdmf"]
)
def test_a_group_of_a_file_is_a_body_of_its_own(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"parts.{name.split()[0]}"
    write(name, path)
    rotor, stator = ("1", "2") if name in ("vtu", "xdmf") else ("rotor", "stator")
    assert read_mesh(path).volume == pytest.approx(2.0)
    for group, low in ((rotor, 0.0), (stator, 3.0)):
        mesh = read_mesh(path, group)
        check_watertight(mesh)
        assert mesh.volume == pytest.approx(1.0)
        assert mesh.bounds.tolist() == [[low, 0, 0], [low + 1, 1, 1]]
    with pytest.raises(MeshError, match=rf"no group 'rottor'.*It has .*'{stator}'"):
        read_mesh(path, "rottor")


def test_objects_and_solids_are_groups(tmp_path: Path) -> None:
    text = ""
    for name, shift, first in (("o left hand", 0, 1), ("g right thing", 3, 9)):
        text += name + "\n" + "".join(f"v {x + shift} {y} {z}\n" for x, y, z in CUBE)
        text += "".join("f " + " ".join(f"{v + first}//1" for v in quad) + "\n" for quad in QUADS)
    (tmp_path / "hands.obj").write_text(text)
    assert read_mesh(tmp_path / "hands.obj").volume == pytest.approx(2.0)
    assert read_mesh(tmp_path / "hands.obj", "right").bounds[0, 0] == 3
    both = ""
    for name, shift in (("one", 0.0), ("two", 3.0)):
        part = pyvista.Cube(center=(shift, 0, 0)).triangulate()
        part.save(tmp_path / "part.stl", binary=False)
        lines = (tmp_path / "part.stl").read_text().splitlines()
        both += "\n".join([f"solid {name}", *lines[1:-1], f"endsolid {name}"]) + "\n"
    (tmp_path / "both.stl").write_text(both)
    assert read_mesh(tmp_path / "both.stl", "two").bounds[0, 0] == pytest.approx(2.5)
    assert read_mesh(tmp_path / "both.stl", "two").volume == pytest.approx(1.0)


@pytest.mark.parametrize("form", ["obj", "ascii.ply", "ply", "mixed.ply"])
def test_faces_of_many_corners_are_cut(form: str, tmp_path: Path) -> None:
    """A prism whose ends are an L of six corners, which a fan would fill beyond its notch."""
    outline = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], dtype=float)
    points = np.concatenate([np.pad(outline, ((0, 0), (0, 1))), np.pad(outline, ((0, 0), (0, 1)), constant_values=1)])
    faces = [[5, 4, 3, 2, 1, 0], [6, 7, 8, 9, 10, 11], *([n, (n + 1) % 6, (n + 1) % 6 + 6, n + 6] for n in range(6))]
    path = tmp_path / f"prism.{form}"
    head = "ply\nformat {} 1.0\nelement vertex 12\nproperty double x\nproperty double y\nproperty double z\n"
    head += f"element face {len(faces)}\nproperty list uchar int vertex_indices\n"
    match form:
        case "obj":
            text = "".join(f"v {x} {y} {z}\n" for x, y, z in points)
            path.write_text(text + "".join("f " + " ".join(str(v - 12) for v in face) + "\n" for face in faces))
        case "ascii.ply":
            text = head.format("ascii") + "end_header\n" + "".join(f"{x} {y} {z}\n" for x, y, z in points)
            path.write_text(text + "".join(f"{len(face)} {' '.join(map(str, face))}\n" for face in faces))
        case "ply":
            body = b"".join(struct.pack(f"<B{len(face)}i", len(face), *face) for face in faces)
            path.write_bytes((head.format("binary_little_endian") + "end_header\n").encode() + points.tobytes() + body)
        case "mixed.ply":
            body = b"".join(struct.pack(f">B{len(face)}if", len(face), *face, 1.0) for face in faces)
            head = head.format("binary_big_endian") + "property float quality\nend_header\n"
            path.write_bytes(head.encode() + points.astype(">f8").tobytes() + body)
    mesh = read_mesh(path)
    check_watertight(mesh)
    assert mesh.volume == pytest.approx(3.0)
    assert len(mesh.triangles) == 2 * 4 + 6 * 2


def test_a_quad_with_a_notch_is_cut_along_the_diagonal_inside() -> None:
    dart = np.array([[0, 0, 0], [2, -1, 0], [0.5, 0, 0], [2, 1, 0]])  # the corner 2 points inward
    for turn in range(4):
        row = np.roll([0, 1, 2, 3], turn).tolist()
        triangles, _ = cut(dart, [row])
        areas = np.cross(dart[triangles[:, 1]] - dart[triangles[:, 0]], dart[triangles[:, 2]] - dart[triangles[:, 0]])
        assert (areas[:, 2] < 0).all() or (areas[:, 2] > 0).all()
        assert np.abs(areas[:, 2]).sum() / 2 == pytest.approx(0.5)


@pytest.mark.parametrize("suffix", ["msh", "vtu", "inp", "med", "xdmf"])
def test_elements_of_second_order_keep_their_corners(suffix: str, tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    edges = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]
    points = np.concatenate([corners, [corners[list(edge)].mean(axis=0) for edge in edges]])
    mesh = meshio.Mesh(points, [("tetra10", [[*range(10)]])])
    meshio.write(tmp_path / f"t.{suffix}", mesh, **({"file_format": "gmsh22"} if suffix == "msh" else {}))
    found = read_mesh(tmp_path / f"t.{suffix}")
    assert (len(found.vertices), found.volume) == (4, pytest.approx(1 / 6))


def test_names_of_med_families_reach_the_boundary_of_finite_elements(tmp_path: Path) -> None:
    square = meshio.Mesh(
        [[0.0, 0], [1, 0], [1, 1], [0, 1]],
        [("triangle", [[0, 1, 2], [0, 2, 3]]), ("line", [[0, 1], [1, 2]])],
        cell_data={"cell_tags": [np.array([0, 0]), np.array([-1, -2])]},
    )
    square.cell_tags = {-1: ["floor"], -2: ["door"]}
    meshio.write(tmp_path / "square.med", square)
    assert read_tagged(tmp_path / "square.med").tags == ["door", "floor"]


def test_files_that_a_mesh_names_lie_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    nodes = "*NODE\n" + "".join(f"{n + 1}, {x}, {y}, {z}\n" for n, (x, y, z) in enumerate(CUBE))
    (home / "nodes.inp").write_text(nodes)
    (tmp_path / "secret.inp").write_text(nodes)
    element = "*ELEMENT, TYPE=C3D8\n1, 1, 2, 4, 3, 5, 6, 8, 7\n"
    (home / "cube.inp").write_text("*INCLUDE, INPUT=nodes.inp\n" + element)
    assert read_mesh(home / "cube.inp").volume == pytest.approx(1.0)
    for outside in ("../secret.inp", str(tmp_path / "secret.inp")):
        (home / "cube.inp").write_text(f"*INCLUDE, INPUT={outside}\n" + element)
        with pytest.raises(MeshError, match=r"secret\.inp', which is not in the folder"):
            read_mesh(home / "cube.inp")
    (home / "cube.inp").write_text("*INCLUDE, INPUT=cube.inp\n" + element)
    with pytest.raises(MeshError, match="include each other"):
        read_mesh(home / "cube.inp")

    write("xdmf", tmp_path / "parts.xdmf")
    (home / "parts.xdmf").write_text((tmp_path / "parts.xdmf").read_text().replace("parts.h5", "../parts.h5"))
    with pytest.raises(MeshError, match="which is not in the folder"):
        read_mesh(home / "parts.xdmf")
    for uri in ("../x.bin", "/etc/passwd", "file:///etc/passwd", "https://example.org/x.bin"):
        (home / "x.gltf").write_text(
            f'{{"asset": {{"version": "2.0"}}, "buffers": [{{"byteLength": 1, "uri": "{uri}"}}]}}'
        )
        with pytest.raises(MeshError, match=r"not in the folder|only files in its folder"):
            read_mesh(home / "x.gltf")

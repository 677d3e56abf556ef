"""Points from every kind of file, and pictures as regions."""

from pathlib import Path

import numpy as np
import pytest
import pyvista
from PIL import Image

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.ply import Vertices, write_vertices
from scenegrad.engine.geometry.image import Silhouette, read_picture, silhouette
from scenegrad.engine.geometry.points import read_points, usual_spacing

PLACES = np.random.default_rng(0).random((20, 3)).round(6)
VOLUMES = np.linspace(1.0, 2.0, 20)


def text(path: Path, head: str, columns: np.ndarray, mark: str) -> None:
    path.write_text(head + "\n".join(mark.join(f"{x:.9g}" for x in row) for row in columns) + "\n")


def write(path: Path) -> bool:
    """Writes the points in the form that the name says; returns whether the volumes are in the file too."""
    both = np.column_stack([PLACES, VOLUMES])
    match path.name:
        case "plain.npy":
            np.save(path, PLACES)
        case "named.npz":
            np.savez(path, position=PLACES, volume=VOLUMES)
        case "plain.csv":
            text(path, "", PLACES, ",")
        case "named.csv":
            text(path, "volume, z,mass ,y,x\n", both[:, [3, 2, 0, 1, 0]], ",")
        case "blanks.txt":
            text(path, "# x y z volume\n", both, " ")
        case "plain.xyz":
            text(path, "", PLACES, "  ")
        case "molecule.xyz":
            path.write_text("20\na comment\n" + "".join(f"C {x:.9g} {y:.9g} {z:.9g} 0.5\n" for x, y, z in PLACES))
        case "own.ply":
            rows = np.zeros(20, [(name, "f8") for name in ("volume", "x", "y", "z")])
            for name, column in zip(("x", "y", "z", "volume"), both.T, strict=True):
                rows[name] = column
            write_vertices(path, Vertices(rows))
        case "mesh.ply" | "mesh.vtk" | "mesh.vtp":
            pyvista.PolyData(PLACES).save(path)
        case _:
            raise AssertionError(path)
    return path.name in ("named.npz", "named.csv", "blanks.txt", "own.ply")


@pytest.mark.parametrize(
    "name",
    ["plain.npy", "named.npz", "plain.csv", "named.csv", "blanks.txt", "plain.xyz", "molecule.xyz", "own.ply",
     "mesh.ply", "mesh.vtk", "mesh.vtp"],
)  # fmt: skip
def test_every_kind_of_file_gives_the_same_points(name: str, tmp_path: Path) -> None:
    told = write(tmp_path / name)
    cloud = read_points(tmp_path / name)
    assert np.allclose(cloud.position, PLACES, atol=1e-6)
    assert (cloud.volume is not None) == told
    assert cloud.volume is None or np.allclose(cloud.volume, VOLUMES)


def test_points_in_one_plane_are_points_of_the_plane(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.column_stack([PLACES[:, :2], np.full(20, 3.0)]))
    assert (read_points(tmp_path / "a.npy").position == PLACES[:, :2]).all()


def test_the_usual_spacing_of_a_lattice_is_its_own() -> None:
    lattice = np.stack(np.meshgrid(*(3 * [np.arange(6) * 0.1])), axis=-1).reshape(-1, 3)
    assert usual_spacing(lattice) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        ("x,y,z\n0,0,0\n1,nan,1\n", r"1 of 2 points are not finite; the first is point 1, \[1\.0, nan, 1\.0\]"),
        ("x,y,volume\n0,0,1\n1,0,1\n0.5,2,-3\n", r"point 2 at \(0\.5, 2\) has the volume -3; volumes are positive"),
        ("1,2,3,4\n1,2,3,4\n", r"4 columns and no names. Begin it with a line such as x,y,z,volume"),
        ("1,2,3\n1,2\n", r"holds no points that can be read"),
        ("x,y,z\n1,2,three\n", r"holds no points that can be read.*three"),
        ("", r"it is empty"),
        ("x,y,z\n", r"it names columns and has no rows"),
    ],
)
def test_a_bad_table_is_refused(contents: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(contents)
    with pytest.raises(FileError, match=complaint):
        read_points(tmp_path / "a.csv")


def test_other_bad_files_of_points_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    with pytest.raises(FileError, match=r"shape \[3, 4\]"):
        read_points(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", here=PLACES)
    with pytest.raises(FileError, match=r"it has here; call the positions `position`"):
        read_points(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", position=PLACES, volume=VOLUMES[:5])
    with pytest.raises(FileError, match=r"20 points and 5 volumes"):
        read_points(tmp_path / "b.npz")
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(FileError, match=r"holds no points that can be read"):
        read_points(tmp_path / "a.npy")
    with pytest.raises(FileError, match=r"ends in \.las.*Allowed are \.npy"):
        read_points(tmp_path / "a.las")


def disk(pixels: int, radius: float = 0.4) -> np.ndarray:
    """A picture of a disk in the middle of a square of edge 1, grey by how much of a pixel it covers."""
    fine = 4 * pixels
    x = (np.arange(fine) + 0.5) / fine - 0.5
    inside = (x[:, None] ** 2 + x**2 < radius**2).astype(float)
    return inside.reshape(pixels, 4, pixels, 4).mean(axis=(1, 3))


def test_distance_to_a_disk_is_right_to_half_a_pixel() -> None:
    pixels = 100
    region = Silhouette(disk(pixels) > 0.5, (0.01, 0.01))
    x = np.random.default_rng(0).uniform(-0.5, 1.5, (2000, 2))
    exact = np.linalg.norm(x - 0.5, axis=1) - 0.4
    near = np.linalg.norm(x - 0.5, axis=1) < 0.5
    found = region.signed_distance(x)
    assert np.abs(found - exact)[near].max() < 0.007
    assert (found[~near] > 0).all()
    assert (found - exact)[~near].max() < 0.007  # beyond the picture no larger than the truth
    assert (found / exact)[~near].min() > 0.69
    assert region.area == pytest.approx(np.pi * 0.16, rel=0.003)


def test_pixels_may_be_oblong() -> None:
    matter = np.zeros((10, 40), dtype=bool)
    matter[2:8, 10:30] = True
    region = Silhouette(matter, (0.1, 0.3))  # 1.0 < x < 3.0, 0.6 < y < 2.4
    assert region.low.tolist() == pytest.approx([1.0, 0.6])
    assert region.high.tolist() == pytest.approx([3.0, 2.4])
    inside = np.array([[1.01, 1.5], [2.99, 1.5], [2.0, 0.62], [2.0, 2.38]])
    outside = np.array([[0.99, 1.5], [3.01, 1.5], [2.0, 0.58], [2.0, 2.42]])
    assert (region.signed_distance(inside) < 0).all()
    assert (region.signed_distance(outside) > 0).all()


def test_dark_bright_and_opaque_are_told_apart(tmp_path: Path) -> None:
    colours = [(0, 0, 0, 255), (255, 255, 255, 255), (0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 0, 128)]
    Image.fromarray(np.array([colours], dtype=np.uint8)).save(tmp_path / "a.png")
    amounts = read_picture(tmp_path / "a.png")
    assert amounts["dark"][0] == pytest.approx([1, 0, 0, 1 - 0.2126, 128 / 255])
    assert amounts["bright"][0] == pytest.approx([0, 1, 0, 0.2126, 0])
    assert amounts["opaque"][0] == pytest.approx([1, 1, 0, 1, 128 / 255])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_kind_of_pixel_says_the_same(mode: str, tmp_path: Path) -> None:
    black = np.zeros((4, 6), dtype=np.uint8)
    black[1, 2:] = 255  # the second row from above is white but for its beginning
    picture = Image.fromarray(black)
    if mode == "I;16":
        picture = Image.fromarray(black.astype(np.uint16) * 257)
    elif mode == "I":
        picture = Image.fromarray(black.astype(np.int32) * 257)
    elif mode == "F":
        picture = Image.fromarray(black.astype(np.float32) / 255)
    else:
        picture = picture.convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "F", "I") else "a.png")
    picture.save(path)
    assert (read_picture(path)["dark"] > 0.5).tolist() == (black[::-1] == 0).tolist()


def test_pictures_that_give_no_region_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 200, dtype=np.uint8)).save(tmp_path / "pale.png")
    with pytest.raises(FileError, match=r"no pixel that is dark beyond 0\.5; its pixels lie between 0\.216 and 0\.216"):
        silhouette(tmp_path / "pale.png", "dark", 0.5, 1.0, None)
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(FileError, match=r"cannot be read as a picture"):
        silhouette(tmp_path / "no.png", "dark", 0.5, 1.0, None)
    Image.fromarray(np.zeros((64, 64, 3), dtype=np.uint8)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    with pytest.raises(FileError, match=r"cannot be read as a picture"):
        silhouette(tmp_path / "cut.png", "dark", 0.5, 1.0, None)

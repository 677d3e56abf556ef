"""Gaussian splats come back from their files as they were, and deform as ellipsoids and colours do."""

from pathlib import Path

import numpy as np
import pytest

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.ply import Vertices, read_vertices, write_vertices
from scenegrad.engine.files.splats import Splats, read_splats
from scenegrad.engine.geometry.ellipsoids import axes_of, quaternions_of, rotations_of, turned_by
from scenegrad.engine.geometry.harmonics import harmonics, turned_harmonics

N = 200
EYE = np.broadcast_to(np.eye(3), (N, 3, 3))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def turns(rng: np.random.Generator, count: int = N) -> np.ndarray:
    return rotations_of(rng.standard_normal((count, 4)))


def some_splats(rng: np.random.Generator, degree: int = 3) -> Splats:
    """Gaussians of many shapes, thin ones and round ones, with quaternions that are not of length one."""
    shape = 10.0 ** rng.uniform(-4, -1, (N, 3))
    shape[: N // 4] = 0.01  # round
    shape[N // 4 : N // 2, 1] = shape[N // 4 : N // 2, 0]  # discs and needles
    axes = turns(rng) * shape[:, None]
    splats = Splats.of(
        rng.uniform(-1, 1, (N, 3)), axes @ axes.swapaxes(1, 2), rng.uniform(0.05, 0.95, N), rng.random((N, 3)), degree
    )
    rows = splats.vertices.rows
    for name in rows.dtype.names or ():
        if name.startswith("f_rest"):
            rows[name] = rng.standard_normal(N)
        elif name.startswith("rot"):
            rows[name] *= np.linspace(-3, 3, N)
    rows["nz"] = 1.0
    return splats


def shuffled(splats: Splats, rng: np.random.Generator) -> Splats:
    """The same with its properties in another order, and two more that nobody knows."""
    rows = splats.vertices.rows
    names = list(rng.permutation(rows.dtype.names))
    fields = [("segment", "u1"), *((name, "f4") for name in names), ("confidence", "f8")]
    out = np.zeros(N, fields)
    for name in names:
        out[name] = rows[name]
    out["segment"], out["confidence"] = rng.integers(0, 255, N), rng.random(N)
    return Splats(Vertices(out, ("comment made by hand",)))


def test_a_file_keeps_order_types_comments_and_unknown_properties(tmp_path: Path, rng: np.random.Generator) -> None:
    splats = shuffled(some_splats(rng), rng)
    splats.save(tmp_path / "a.ply")
    back = read_splats(tmp_path / "a.ply")
    assert back.vertices.rows.dtype == splats.vertices.rows.dtype
    assert (back.vertices.rows == splats.vertices.rows).all()
    back.save(tmp_path / "b.ply")
    assert (tmp_path / "a.ply").read_bytes() == (tmp_path / "b.ply").read_bytes()
    head = (tmp_path / "a.ply").read_bytes()[:120].decode("ascii", "replace").splitlines()
    assert head[:4] == ["ply", "format binary_little_endian 1.0", "comment made by hand", f"element vertex {N}"]
    assert head[4] == "property uchar segment"


@pytest.mark.parametrize("form", ["ascii", "binary_big_endian"])
def test_other_forms_hold_the_same_numbers(form: str, tmp_path: Path, rng: np.random.Generator) -> None:
    rows = some_splats(rng, degree=1).vertices.rows
    names = rows.dtype.names or ()
    head = ["ply", f"format {form} 1.0", f"element vertex {N}", *(f"property float32 {name}" for name in names)]
    head += ["element face 1", "property list uchar int vertex_indices", "end_header", ""]
    if form == "ascii":
        body = "\n".join(" ".join(f"{x:.9g}" for x in row) for row in rows.tolist()).encode() + b"\n3 0 1 2\n"
    else:
        body = rows.astype(rows.dtype.newbyteorder(">")).tobytes() + b"\x03" + bytes(12)
    (tmp_path / "a.ply").write_bytes("\n".join(head).encode() + body)
    assert (read_splats(tmp_path / "a.ply").vertices.rows == rows).all()


def test_deformed_by_nothing_is_the_same_file(rng: np.random.Generator) -> None:
    splats = shuffled(some_splats(rng), rng)
    same = splats.deformed(splats.mean, EYE).vertices.rows
    for name in splats.vertices.names:
        np.testing.assert_allclose(same[name], splats.vertices.rows[name], rtol=3e-7, atol=1e-7, err_msg=name)


def test_covariance_follows_the_deformation(rng: np.random.Generator) -> None:
    """Sigma' = F Sigma F', for thin and round Gaussians, by what the file says after rounding to single precision."""
    splats = some_splats(rng)
    F = np.eye(3) + 0.5 * rng.standard_normal((N, 3, 3))
    F[np.linalg.det(F) < 0, :, 0] *= -1
    moved = splats.deformed(splats.mean + 1, F)
    expected = F @ splats.covariance @ F.swapaxes(1, 2)
    size = np.linalg.norm(expected, axis=(1, 2))
    assert (np.linalg.norm(moved.covariance - expected, axis=(1, 2)) / size).max() < 2e-6
    determinant = np.linalg.det(splats.axes) * np.linalg.det(F)  # short axes have their digits too
    assert np.abs(np.linalg.det(moved.axes) / determinant - 1).max() < 1e-5
    assert np.allclose(moved.mean, splats.mean + 1, atol=1e-6)
    assert (moved.opacity == splats.opacity).all()


def test_a_rotation_turns_axes_and_normals_and_keeps_the_scales_in_their_places(rng: np.random.Generator) -> None:
    splats, R = some_splats(rng), turns(rng)
    moved = splats.deformed(splats.mean, R)
    assert np.allclose(moved.axes, R @ splats.axes, rtol=0, atol=1e-6 * 0.1)
    for name in ("scale_0", "scale_1", "scale_2"):
        assert np.allclose(moved.vertices.rows[name], splats.vertices.rows[name], atol=2e-6)
    assert np.allclose(moved.vertices.columns("nx", "ny", "nz"), R[:, :, 2], atol=1e-6)


def test_axes_of_a_matrix_are_perpendicular_whatever_their_ratio(rng: np.random.Generator) -> None:
    matrix = (turns(rng) * 10.0 ** rng.uniform(-8, 0, (N, 1, 3))) @ turns(rng)
    lengths, rotation = axes_of(matrix)
    assert np.allclose(rotation.swapaxes(1, 2) @ rotation, EYE, atol=1e-12)
    assert np.allclose(np.linalg.det(rotation), 1.0)
    assert np.allclose(np.sort(lengths)[:, ::-1], np.linalg.svd(matrix, compute_uv=False), rtol=1e-7, atol=1e-15)


def test_quaternions_and_rotations_are_inverse(rng: np.random.Generator) -> None:
    half_turns = 2 * np.einsum("ni,nj->nij", *(2 * [np.eye(3)])) - np.eye(3)  # where the trace is lowest
    R = np.concatenate([turns(rng), half_turns, np.eye(3)[None]])
    assert np.allclose(rotations_of(quaternions_of(R)), R, atol=1e-12)
    stretch = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.1], [0.0, 0.1, 0.5]])
    assert np.allclose(turned_by(R @ stretch), R, atol=1e-12)


def test_harmonics_have_the_signs_and_sizes_of_the_format() -> None:
    """Constants as files of Gaussian splats have them [Kerbl et al. 2023], at a direction that shows them all."""
    x, y, z = d = np.array([0.48, 0.6, 0.64])
    assert harmonics(0, d) == pytest.approx([0.28209479177387814])
    assert harmonics(1, d) == pytest.approx(0.4886025119029199 * np.array([-y, z, -x]))
    assert harmonics(2, d) == pytest.approx(
        [1.0925484305920792 * x * y, -1.0925484305920792 * y * z, 0.31539156525252005 * (3 * z * z - 1),
         -1.0925484305920792 * x * z, 0.5462742152960396 * (x * x - y * y)]
    )  # fmt: skip
    assert harmonics(3, d)[[0, 1, 2, 3, 6]] == pytest.approx(
        [-0.5900435899266435 * y * (3 * x * x - y * y), 2.890611442640554 * x * y * z,
         -0.4570457994644658 * y * (5 * z * z - 1), 0.3731763325901154 * z * (5 * z * z - 3),
         -0.5900435899266435 * x * (x * x - 3 * y * y)]
    )  # fmt: skip


def test_colour_is_seen_from_the_material(rng: np.random.Generator) -> None:
    """f'(d) = f(R' d): a turned body shows from R d what it showed from d."""
    splats, R = some_splats(rng), turns(rng)
    d = rng.standard_normal((N, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)

    def colour(which: Splats, seen_from: np.ndarray) -> np.ndarray:
        basis = np.concatenate([harmonics(degree, seen_from) for degree in range(4)], axis=1)
        return np.einsum("nck,nk->nc", which.harmonics, basis)

    moved = splats.deformed(splats.mean, R)
    assert not np.allclose(colour(moved, d), colour(splats, d), atol=0.1)
    assert np.allclose(colour(moved, np.einsum("nij,nj->ni", R, d)), colour(splats, d), atol=1e-5)
    stretched = splats.deformed(splats.mean, R @ np.diag([1.0, 2.0, 0.5]))  # the stretch turns nothing
    assert np.allclose(stretched.harmonics, moved.harmonics, atol=1e-5)


def test_one_rotation_after_another_is_their_product(rng: np.random.Generator) -> None:
    c, one, other = rng.standard_normal((N, 3, 16)), turns(rng), turns(rng)
    both = turned_harmonics(turned_harmonics(c, one), other)
    assert np.allclose(both, turned_harmonics(c, other @ one), atol=1e-12)
    assert np.allclose(np.linalg.norm(both, axis=2), np.linalg.norm(c, axis=2))


def test_harmonics_of_one_channel_are_kept_together(rng: np.random.Generator) -> None:
    """f_rest_0 .. 14 are red, 15 .. 29 green, 30 .. 44 blue."""
    splats = some_splats(rng)
    rows = splats.vertices.rows
    assert (splats.harmonics[:, 1, 0] == rows["f_dc_1"]).all()
    assert (splats.harmonics[:, 1, 4] == rows["f_rest_18"]).all()
    rows["f_rest_18"] += 1.0
    moved = splats.deformed(splats.mean, turns(rng)).vertices.rows
    rows["f_rest_18"] -= 1.0
    rng = np.random.default_rng(0)
    some_splats(rng)
    plain = splats.deformed(splats.mean, turns(rng)).vertices.rows
    changed = {name for name in rows.dtype.names or () if not (moved[name] == plain[name]).all()}
    assert changed == {f"f_rest_{15 + k}" for k in range(3, 8)}  # degree 2 of green


def damaged(path: Path, rng: np.random.Generator, **columns: object) -> Path:
    rows = some_splats(rng, degree=0).vertices.rows
    for name, value in columns.items():
        rows[name][7] = value
    write_vertices(path, Vertices(rows))
    return path


def test_gaussians_that_are_no_numbers_are_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(FileError, match=r"1 of 200 Gaussians.*number 7 at \(-?0\.\d+, nan.*Remove them"):
        read_splats(damaged(tmp_path / "a.ply", rng, y=np.nan))
    with pytest.raises(FileError, match=r"number 7 at.*"):
        read_splats(damaged(tmp_path / "b.ply", rng, scale_1=np.inf))
    with pytest.raises(FileError, match=r"a rotation of length zero; the first is number 7"):
        read_splats(damaged(tmp_path / "c.ply", rng, rot_0=0, rot_1=0, rot_2=0, rot_3=0))


def test_files_that_are_no_splats_are_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = some_splats(rng, degree=1).vertices.rows
    path = tmp_path / "a.ply"
    write_vertices(path, Vertices(rows[["x", "y", "z"]].copy()))
    with pytest.raises(FileError, match=r"no scale_0, .*They have x, y, z.*take Points"):
        read_splats(path)
    write_vertices(path, Vertices(rows[[name for name in rows.dtype.names or () if name != "f_rest_4"]]))
    with pytest.raises(FileError, match=r"8 properties f_rest_\*.*0, 9, 24 or 45"):
        read_splats(path)
    whole = damaged(tmp_path / "b.ply", rng).read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(FileError, match=r"promises 200 vertices and holds 198: it was cut short"):
        read_splats(path)
    path.write_bytes(whole.replace(b"element vertex", b"element chunk 3\nproperty float min_x\nelement vertex"))
    with pytest.raises(FileError, match=r"begins with the element 'chunk'.*Packed"):
        read_splats(path)
    path.write_bytes(b"solid duck\n" + bytes(100))
    with pytest.raises(FileError, match=r"no \.ply file"):
        read_splats(path)


def test_a_file_that_is_written_appears_whole_or_not_at_all(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    splats, path = some_splats(rng), tmp_path / "a.ply"
    splats.save(path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileError, match=r"a\.ply"):
        splats.deformed(splats.mean + 1, EYE).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ply"]


def test_points_of_a_ply_are_read_by_name(tmp_path: Path) -> None:
    rows = np.zeros(2, [("z", "f8"), ("red", "u1"), ("x", "f4"), ("y", "i2")])
    rows["z"], rows["x"], rows["y"] = [1, 2], [3, 4], [5, 6]
    write_vertices(tmp_path / "a.ply", Vertices(rows))
    assert read_vertices(tmp_path / "a.ply").columns("x", "y", "z").tolist() == [[3, 5, 1], [4, 6, 2]]

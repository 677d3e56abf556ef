"""A surface with holes is refused with their number and place, and mended where that needs no guess."""

from pathlib import Path

import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh, check_watertight, signed_distance
from scenegrad.engine.geometry.mending import mended


def sphere() -> Mesh:
    ball = pyvista.Icosphere(nsub=3)
    return Mesh(np.asarray(ball.points, dtype=float), np.asarray(ball.regular_faces))


def torn(mesh: Mesh) -> Mesh:
    """Without the triangles around the two poles along z."""
    top = np.abs(mesh.vertices[:, 2]).argsort()[-2:]
    return Mesh(mesh.vertices, mesh.triangles[~np.isin(mesh.triangles, top).any(axis=1)])


def test_holes_are_counted_and_placed() -> None:
    holes = (
        r"12 open edges.*they rim 2 holes: 6 edges around \(0, 0, 0\.98\d*\) 0\.3\d* wide, 6 edges around \(0, 0, -0"
    )
    with pytest.raises(MeshError, match=holes) as caught:
        check_watertight(torn(sphere()))
    assert "Blender" in str(caught.value)
    assert "scenegrad import" in str(caught.value)


def test_small_flat_holes_and_doubled_vertices_are_mended() -> None:
    body = sphere()
    soup = body.vertices[torn(body).triangles].reshape(-1, 3)
    soup = soup + 1e-8 * np.random.default_rng(0).standard_normal(soup.shape)  # no two corners agree in every bit
    triangles = np.arange(len(soup)).reshape(-1, 3)
    triangles[::7] = triangles[::7, ::-1]
    triangles = np.concatenate([triangles, triangles[:4], [[0, 0, 1]]])
    found, done = mended(Mesh(soup, triangles))
    check_watertight(found)
    assert found.volume == pytest.approx(body.volume, rel=0.01)
    assert len(found.vertices) == len(body.vertices) - 2
    assert [word for word in ("joined", "left out", "turned", "holes closed") if not any(word in d for d in done)] == []


def test_what_is_whole_stays_as_it_is_and_what_would_be_guessed_is_left_open() -> None:
    body = sphere()
    assert mended(body)[1] == []
    half = Mesh(body.vertices, body.triangles[(body.vertices[body.triangles][..., 2] > 0).all(axis=1)])
    assert not mended(half)[0].is_watertight


class TestCache:
    """Distances of many points are computed once, whichever process asks."""

    points = np.random.default_rng(1).uniform(-1, 1, (20_000, 3))

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("SCENEGRAD_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_the_second_time_gives_the_same_bytes_without_computing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from scenegrad.engine.geometry import distance

        first = signed_distance(sphere(), self.points)
        assert np.abs(first - (np.linalg.norm(self.points, axis=1) - 1)).max() < 0.02
        assert len(list(folder.iterdir())) == 1
        monkeypatch.setattr(distance, "computed", None)
        assert (signed_distance(sphere(), self.points) == first).all()

    def test_another_mesh_other_points_and_damage_are_computed_anew(self, folder: Path) -> None:
        first = signed_distance(sphere(), self.points)
        assert (signed_distance(sphere().transformed(2.0), self.points) != first).all()
        assert (signed_distance(sphere(), self.points[::-1]) == first[::-1]).all()
        assert len(list(folder.iterdir())) == 3
        for file in folder.iterdir():
            content = bytearray(file.read_bytes())
            content[100] ^= 1
            file.write_bytes(bytes(content[: len(content) // 2]))
        assert (signed_distance(sphere(), self.points) == first).all()

    def test_the_folder_stays_within_its_bound_and_the_oldest_goes(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import os

        from scenegrad.engine.files import cache

        monkeypatch.setattr(cache, "MOST", 4 * 1000 + 200)
        for n in range(6):
            cache.kept("x", [bytes([n])], lambda n=n: np.full(100, float(n)))
            for age, file in enumerate(sorted(folder.iterdir(), key=lambda f: f.stat().st_mtime_ns)):
                os.utime(file, (age, age))
            assert sum(file.stat().st_size for file in folder.iterdir()) <= 4200
        cache.kept("x", [bytes([2])], lambda: np.full(100, -1.0))  # asked for now, so that another one goes next
        assert cache.kept("x", [bytes([5])], lambda: np.zeros(0))[0] == 5.0

    def test_a_folder_that_cannot_be_written_is_done_without(self, folder: Path) -> None:
        folder.write_text("a file")
        assert len(signed_distance(sphere(), self.points)) == len(self.points)

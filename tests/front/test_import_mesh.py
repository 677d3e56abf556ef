"""A mesh that is imported is told of in words, cleaned, and put into a scene that can be run."""

import json
from pathlib import Path

import meshio
import numpy as np
import pytest
import pyvista
from PIL import Image

from scenegrad.checking import summary
from scenegrad.cli import main
from scenegrad.engine.errors import EngineError
from scenegrad.engine.geometry import Mesh, read_mesh
from scenegrad.importing import import_file
from scenegrad.importing.meshes import write_mesh
from scenegrad.scenes import load_scene


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A ball of 80 mm without one of its triangles."""
    ball = pyvista.Icosphere(nsub=2, radius=40.0)
    write_mesh(Mesh(np.asarray(ball.points), np.asarray(ball.regular_faces)[1:]), tmp_path / "part.stl")
    return tmp_path / "part.stl"


def test_a_report_tells_what_is_in_a_mesh(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(part), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["triangles"], told["watertight"], told["likely_units"]) == ("surface", 319, False, "mm")
    assert "they rim 1 hole: 3 edges around" in told["fault"]
    assert np.allclose(np.subtract(told["high"], told["low"]), 80.0, rtol=0.02)


def test_a_starter_scene_uses_a_mended_copy_in_the_likely_units(
    part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = import_file(part, tmp_path / "new" / "body.toml")
    assert [path.name for path in made.paths] == ["body.toml", "body.stl"]
    assert "1 flat holes closed with 1 triangles" in made.text
    monkeypatch.chdir("/")
    scene = load_scene(tmp_path / "new" / "body.toml")
    told = summary(scene, "cpu", "float32")
    assert scene.at("body.shape.units") == "mm"
    assert max(scene.domain.size or ()) < 0.3, "three times 80 mm"
    assert told
    again = import_file(part, tmp_path / "part.ply")
    assert again.paths == (tmp_path / "part.ply",)
    assert read_mesh(tmp_path / "part.ply").is_watertight


def test_physical_groups_are_kept(tmp_path: Path) -> None:
    grid = pyvista.ImageData(dimensions=(3, 2, 2)).cast_to_unstructured_grid().triangulate()
    tetra = grid.cells_dict[10]
    left = grid.points[tetra][..., 0].mean(axis=1) < 1
    solid = meshio.Mesh(np.asarray(grid.points, dtype=float), [("tetra", tetra)], cell_data={"region": [1 + 1 * left]})
    meshio.write(tmp_path / "a.vtu", solid)
    made = import_file(tmp_path / "a.vtu", tmp_path / "new" / "a.toml")
    assert made.told["groups"] == {"1": int((~left).sum()), "2": int(left.sum())}
    copy = tmp_path / "new" / "a.msh"
    assert read_mesh(copy, "2").bounds[1, 0] == 1
    assert read_mesh(copy, "1").bounds[0, 0] == 1


def test_what_is_no_mesh_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.stl").write_text("hello")
    assert main(["import", str(tmp_path / "bad.stl")]) == 1
    assert "cannot be read as .stl" in capsys.readouterr().err


def test_a_mesh_is_looked_at_like_a_run(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a scene around it; what is chosen of a run has no meaning there."""
    assert main(["view", str(part), "--field", "speed", "--out", str(tmp_path / "part.png")]) == 1
    assert "is a mesh" in capsys.readouterr().err
    assert main(["view", str(part), "--out", str(tmp_path / "part.png")]) == 0
    with Image.open(tmp_path / "part.png") as picture:
        assert len(set(picture.convert("L").tobytes())) > 50


def test_a_mesh_is_not_written_as_what_it_cannot_be(part: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"\.stl \.obj \.ply .* not as 'part\.step'"):
        import_file(part, tmp_path / "part.step")
    assert not (tmp_path / "part.step").exists()

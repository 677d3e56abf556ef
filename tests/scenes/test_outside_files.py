"""A scene file of a stranger reads nothing outside its own folder unless its reader says so."""

from pathlib import Path
from typing import Any

import pytest

import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.shapes import Shape

HEAD = """
name = "drop"
[domain]
size = [1.0, 1.0]
cells = [8, 8]
[time]
end = 1.0
"""
NAMED = {  # every field that names a file
    "a mesh": '[entities.block]\nkind = "body"\nmaterial = { kind = "neo_hookean", youngs_modulus = 1e5 }\n'
    "shape = { kind = 'mesh', path = '%s' }",
    "points in a union": '[entities.block]\nkind = "body"\nmaterial = { kind = "neo_hookean", youngs_modulus = 1e5 }\n'
    "shape = { kind = 'union', parts = [{ kind = 'points', path = '%s' }] }",
    "a picture": '[entities.block]\nkind = "body"\nmaterial = { kind = "neo_hookean", youngs_modulus = 1e5 }\n'
    "shape = { kind = 'image', path = '%s', size = 1.0 }",
    "splats": '[entities.block]\nkind = "body"\nmaterial = { kind = "neo_hookean", youngs_modulus = 1e5 }\n'
    "shape = { kind = 'splats', path = '%s' }",
    "an obstacle": "[entities.water]\nkind = 'fluid'\nviscosity = 1.0\n[entities.rock]\nkind = 'obstacle'\n"
    "shape = { kind = 'mesh', path = '%s' }",
    "atoms": "[entities.Ar]\nkind = 'atoms'\nlattice = { kind = 'point_file', path = '%s' }",
    "a first field": "[entities.water]\nkind = 'fluid'\nviscosity = 1.0\n"
    "vorticity = { kind = 'field_file', path = '%s' }",
}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the scene file lies, and a file elsewhere that it must not read."""
    home, secret = tmp_path / "home", tmp_path / "secret.stl"
    (home / "deep").mkdir(parents=True)
    secret.write_text("solid one")
    (home / "link.stl").symlink_to(secret)
    (home / "away").symlink_to(tmp_path)
    return home, secret


@pytest.mark.parametrize("what", NAMED)
@pytest.mark.parametrize("way", ["../secret.stl", "deep/../../secret.stl", "link.stl", "away/secret.stl", "absolute"])
def test_no_file_outside_the_folder_is_read(what: str, way: str, folders: tuple[Path, Path]) -> None:
    home, secret = folders
    (home / "scene.toml").write_text(HEAD + NAMED[what] % (secret if way == "absolute" else way))
    with pytest.raises(SceneError, match=r"lies outside .*--outside-files.*load_scene\(\.\.\., outside_files=True\)"):
        sc.load_scene(home / "scene.toml")


def test_files_of_the_folder_are_read_from_wherever_the_scene_is(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = folders
    (home / "deep" / "own.stl").write_text("solid two")
    (home / "scene.toml").write_text(HEAD + NAMED["a mesh"] % "deep/own.stl")
    monkeypatch.chdir(home.parent)
    scene = sc.load_scene("home/scene.toml")
    assert Path(shape_of(scene).path) == home / "deep" / "own.stl"
    (home.parent / "other.stl").write_text("solid three")
    (home / "scene.toml").write_text(HEAD + NAMED["a mesh"] % "other.stl")
    with pytest.raises(SceneError, match="does not exist"):  # it lies in the working folder
        sc.load_scene("home/scene.toml")
    assert Path(shape_of(sc.load_scene("home/scene.toml", outside_files=True)).path).name == "other.stl"


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_scene_that_is_saved_names_files_below_it_by_where_they_are_from_it(
    suffix: str, folders: tuple[Path, Path]
) -> None:
    home, _ = folders
    (home / "deep" / "own.stl").write_text("solid two")
    (home / "scene.toml").write_text(HEAD + NAMED["a mesh"] % "deep/own.stl")
    scene = sc.load_scene(home / "scene.toml")
    saved = sc.save_scene(scene, home / f"again{suffix}")
    assert "deep/own.stl" in saved.read_text()
    assert str(home) not in saved.read_text()
    moved = home.rename(home.parent / "moved")
    assert sc.load_scene(moved / f"again{suffix}").hash == scene.hash


def test_a_scene_of_python_and_one_that_is_trusted_read_what_they_like(folders: tuple[Path, Path]) -> None:
    home, secret = folders
    (home / "scene.toml").write_text(HEAD + NAMED["a mesh"] % "../secret.stl")
    scene = sc.load_scene(home / "scene.toml", outside_files=True)
    assert Path(shape_of(scene).path).samefile(secret)
    assert sc.Scene.parse(scene.model_dump(mode="json")) == scene, "records of runs are read again as they are"
    (home / "scene.py").write_text(
        "import scenegrad.scenes as sc\nfrom pathlib import Path\n"
        "scene = sc.Scene.load(Path(__file__).with_name('scene.toml'), outside_files=True)\n"
    )
    assert sc.load_scene(home / "scene.py") == scene


@pytest.mark.parametrize("command", [["check"], ["run"], ["generate", "-n", "2"]])
def test_the_flag_is_one_of_every_command_that_reads_a_scene(
    command: list[str], folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from scenegrad.cli import main

    home, _ = folders
    (home / "scene.toml").write_text(HEAD + NAMED["a mesh"] % "../secret.stl")
    words = [command[0], str(home / "scene.toml"), *command[1:]]
    more = [] if command == ["check"] else ["--out", str(home / "out")]
    assert main([*words, *more]) == 1
    assert "--outside-files" in capsys.readouterr().err
    main([*words, *more, "--outside-files"])
    assert "lies outside" not in capsys.readouterr().err


@pytest.mark.parametrize("path", ["", ".", "a\\u0000b", "x" * 5000, "~/x.stl", "file:///etc/passwd", "deep"])
def test_a_path_that_is_no_file_is_told_in_words(path: str, folders: tuple[Path, Path]) -> None:
    home, _ = folders
    body = (NAMED["a mesh"] % "PLACE").replace("'PLACE'", f'"{path}"')
    (home / "scene.toml").write_text(HEAD + body)
    with pytest.raises(SceneError, match=r"block\.shape"):
        sc.load_scene(home / "scene.toml")


def shape_of(scene: sc.Scene) -> Any:
    shape = scene.at("block.shape")
    assert isinstance(shape, Shape)
    return shape

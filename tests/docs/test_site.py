"""The first scene runs as it is printed, the gallery has every example, and the site builds without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def first_block(page: Path) -> str:
    found = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_first_scene_is_ten_lines_that_run(tmp_path, monkeypatch, rendering):
    """Coarser and shorter, else as it is printed."""
    text = first_block(ROOT / "docs" / "first_scene.md")
    assert len([line for line in text.split("\n") if line.strip()]) <= 10
    for full, small in (("(192, 64)", "(36, 12)"), ("end=8", "end=0.5")):
        assert text.count(full) == 1
        text = text.replace(full, small)
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "first_scene.md", "exec"), {})
    assert (tmp_path / "wake.png").stat().st_size > 5000


def test_the_first_scene_of_the_readme_is_that_of_its_page():
    assert first_block(ROOT / "README.md") == first_block(ROOT / "docs" / "first_scene.md")


def test_the_gallery_has_a_page_with_a_picture_for_every_example(tmp_path):
    import gallery

    gallery.write(tmp_path, "stored")
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert {path.stem for path in tmp_path.glob("*.md")} == examples | {"index"}
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    for name in examples:
        page = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert f"../pictures/examples/{name}." in page, f"docs/pictures/examples has no picture of {name}"
        assert f"({name}.md)" in index
    (tmp_path / "gone.md").touch()
    gallery.write(tmp_path, "stored")
    assert not (tmp_path / "gone.md").exists()


def test_an_example_that_fails_stops_the_gallery(tmp_path, monkeypatch):
    import gallery

    (tmp_path / "examples").mkdir()
    (tmp_path / "assets").mkdir()
    script = tmp_path / "examples" / "broken.py"
    script.write_text(
        '"""Broken\n\nIt fails."""\n\n\ndef main(count: int = 1) -> None:\n    print(count)\n    1 / (count - 3)\n'
    )
    (tmp_path / "examples" / "small.toml").write_text("[broken]\ncount = 3\n")
    for name, path in (("ROOT", tmp_path), ("KEPT", tmp_path / "kept")):
        monkeypatch.setattr(gallery, name, path)
    (example,) = gallery.examples()
    with pytest.raises(RuntimeError, match=r"broken\.py failed in its small form"):
        gallery.printed(example, "small")
    (tmp_path / "examples" / "small.toml").write_text("[broken]\ncount = 2\n")
    assert gallery.printed(example, "small") == "2\n"


@pytest.mark.parametrize("word", ["all", ""])
def test_a_form_of_the_gallery_that_there_is_not_is_refused(word):
    import gallery

    with pytest.raises(ValueError, match="stored, small, full"):
        gallery.form({"SCENEGRAD_GALLERY": word})


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """With the pictures that are stored; 40 s of a core."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(tmp_path),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"SCENEGRAD_GALLERY": "stored"}
    )
    assert done.returncode == 0, done.stderr
    assert "youngs_modulus" in (tmp_path / "reference" / "solids.html").read_text(encoding="utf-8")

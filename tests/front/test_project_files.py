"""The files about the project agree with each other and with the package."""

import re
import tomllib
from pathlib import Path

import pytest

import scenegrad as sg

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_one_version_and_one_licence_stand_everywhere():
    citation = (ROOT / "CITATION.cff").read_text()
    assert PROJECT["version"] == sg.__version__
    assert f"version: {sg.__version__}\n" in citation
    assert f"license: {PROJECT['license']}\n" in citation
    assert f"\n## [{sg.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_citation_is_in_the_citation_file_format():
    yaml = pytest.importorskip("yaml")
    table = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version", "license", "type"} <= set(table)
    assert table["type"] == "software"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/command_line.md"])
def test_what_a_page_points_to_is_there(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    paths = [(ROOT / page).parent / link for link in links]
    named = re.findall(r"`((?:scenegrad|docs|tests|\.ci|engine|examples)/[\w/.-]+)`", text)
    missing = [str(path) for path in [*paths, *(ROOT / name for name in named)] if not path.exists()]
    assert not missing

"""The pages that teach: their code runs as it stands there, in a small form."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from scenegrad.runs import Run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

# What stands in a page, and what runs in its place here.
SMALL = {
    "tutorials/material_point.md": {
        "CELLS, END = 24, 0.5": "CELLS, END = 16, 0.3",
        "< 0.15": "< 0.4",
        "steps=8": "steps=5",
    },
    "tutorials/fluids.md": {"CELLS, END = 24, 40.0": "CELLS, END = 8, 6.0", "< 0.05": "< 5"},
    "tutorials/molecular_dynamics.md": {
        "CELLS, END = 5, 6.0": "CELLS, END = 3, 1.0",
        "cutoff=2.2": "cutoff=2.0",
        "r_max=3.0": "r_max=2.2",
        "< 0.1\n": "< 0.3\n",
        "warmup=2.0": "warmup=0.5",
    },
    "tutorials/optimisation.md": {
        "CELLS, END, STEPS = 32, 2.0, 12": "CELLS, END, STEPS = 16, 0.5, 6",
        "< 0.1": "< 9",
        "< 0.05": "< 9",
    },
    "tutorials/surrogates.md": {
        "CELLS, MEMBERS, END = 32, 12, 12.0": "CELLS, MEMBERS, END = 24, 6, 3.0",
        'RECIPE = "fno_kolmogorov_small"': 'RECIPE = "short.toml"',
    },
    "your_own.md": {"cells = [64, 64]": "cells = [16, 16]", "end = 10.0": "end = 2.0", "epochs = 2": "epochs = 1"},
}  # fmt: skip
RECIPE = """
[model]
kind = "fno"
modes = [6, 6]
width = 6
depth = 1
fields = ["vorticity"]

[training]
epochs = 1
"""
PAGES = sorted([*DOCS.glob("tutorials/*.md"), DOCS / "your_own.md"])


def extraction():
    spec = importlib.util.spec_from_file_location("pages", ROOT / ".ci" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = extraction()


def quick(run, path, field="", **how):
    """In the place of a picture, which other tests draw: looks whether there is something to draw."""
    assert any(field in output.quantities for output in run.outputs.values()), field
    return Path(path)


@pytest.fixture
def away(tmp_path, monkeypatch, as_before):
    """An empty folder, and nothing stays known of what a page registers."""
    monkeypatch.setattr(Run, "screenshot", quick)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.toml").write_text(RECIPE)
    modules = set(sys.modules)
    with as_before():
        yield tmp_path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_makes_its_pictures(page, away):
    pages.play(page, SMALL[page.relative_to(DOCS).as_posix()])
    for name in re.findall(r"!\[[^\]]+\]\([./]*pictures/tutorials/([\w.]+)\)", page.read_text()):
        drawn = f'screenshot("{name}"' in page.read_text()
        assert drawn or os.path.getsize(name) > 5000, f"{name} is not made by the page"
        assert (DOCS / "pictures" / "tutorials" / name).is_file()


def test_the_files_of_your_own_are_those_of_the_examples():
    told = {
        found[1]: code[found.end() :]
        for _, code in pages.blocks(DOCS / "your_own.md")
        if (found := re.match(r"# file: (\w+\.py)\n", code))
    }
    kept = {path.name: path.read_text() for path in (ROOT / "examples" / "own").glob("*.py")}
    assert told == kept


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text()):
        assert (page.parent / target).exists(), target

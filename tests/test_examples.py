"""Every example runs, in a small form, as a person would start it."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

SMALL = {
    "splats_fall": {"gaussians": 600, "cells": 16, "end": 0.1},
    "drop_a_duck": {"cells": 16, "end": 0.04},
    "throw_at_a_target": {"cells": 16, "end": 0.1, "steps": 2},
    "liquid_argon": {"cells": 5, "end": 2.0},
    "reach_with_an_arm": {"targets": 2, "rounds": 1, "end": 0.05},
    "soft_walker": {"knots": 4, "seconds": 0.5},
    "learn_a_material": {"frames": 9, "steps": 3},
    "find_stiffness": {"side": 12, "steps": 4},
    "learn_a_flow": {"cells": 32, "members": 12, "end": 6.0, "recipe": "fno_kolmogorov_small"},
}


def test_every_example_is_tried_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_example_runs(name, tmp_path, monkeypatch, request):
    if name == "drop_a_duck":
        request.getfixturevalue("rendering")
    monkeypatch.chdir(EXAMPLES.parent)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    small = dict(SMALL[name])
    if "out" in module.main.__annotations__:
        small["out"] = str(tmp_path / "run")
    module.main(**small)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) <= 60

"""What the examples of learned matter promise, in their full form."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_neural_law_foresees_a_new_shape_ten_times_better_than_a_graph_network(tmp_path, measure):
    """Both taught by one trajectory for the same time, then asked for another shape, thrown another way."""
    ratio = example("learn_a_material").main(out=str(tmp_path / "material"))
    measure("error of the graph network / error of the neural law", ratio, ">= 10")
    assert ratio >= 10
    assert (tmp_path / "material.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_thousand_moduli_are_found_from_the_motion_that_was_seen(tmp_path, measure):
    """1,024 particles, four ways of shaking, places seen to 0.1 mm."""
    error = example("find_stiffness").main(out=str(tmp_path / "stiffness.png"))
    measure("median error of 1,024 Young's moduli", error, "<= 5 %")
    assert error <= 0.05

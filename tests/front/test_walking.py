"""Soft robots that learn: what gradients are for."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_soft_walker_of_3200_numbers_walks_further_by_gradient_than_by_evolution(tmp_path, measure):
    """In equal wall time; evolution tries 28 members of a batch at once."""
    pytest.importorskip("cma")
    reached = example("soft_walker").main(out=str(tmp_path / "walk.png"), seconds=60.0)
    measure("distance walked by gradient [m]", reached["gradient"], "> 1.5 x CMA-ES")
    measure("distance walked by CMA-ES [m]", reached["CMA-ES"], "")
    assert reached["gradient"] > 0.25
    assert reached["gradient"] > 1.5 * reached["CMA-ES"]
    assert (tmp_path / "walk.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_arm_learns_to_reach_for_targets_it_has_never_seen(measure):
    before, after = example("reach_with_an_arm").main()
    measure("hand from targets never seen, before training [m]", before, "")
    measure("hand from targets never seen, after it [m]", after, "< 0.5 x before")
    assert after < 0.5 * before

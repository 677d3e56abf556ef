"""Every example runs, in a small form, as a person would start it."""

import ast
import importlib.util
import inspect
import sys
import tomllib
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PICTURES = EXAMPLES.parent / "docs" / "pictures" / "examples"

SMALL = tomllib.loads((EXAMPLES / "small.toml").read_text(encoding="utf-8"))
DRAWN = {"drop_a_duck", "first_scene", "mesh_flow", "rising_smoke", "splats_fall"}  # by VTK
LONGER = {"choose_the_step", "learn_a_material", "learn_argon", "learn_the_step", "lower_drag", "recover_vorticity"}


def test_every_example_is_tried_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SMALL)


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def fresh_paper():
    """An example draws on no figure that another one left."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.mark.parametrize("name", SMALL)
def test_example_runs(name, tmp_path, monkeypatch, request):
    if name in DRAWN:
        request.getfixturevalue("rendering")
    monkeypatch.chdir(EXAMPLES.parent)
    main = load(name).main
    out = tmp_path / Path(inspect.signature(main).parameters["out"].default).name
    main(**SMALL[name], out=str(out))
    drawn = [path for path in tmp_path.rglob(f"{name}*") if path.suffix in {".png", ".gif", ".html"}]
    assert drawn, "leaves nothing to look at"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_has_a_page_and_a_picture(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (80 if path.stem in LONGER else 60)
    title, _, shown = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")
    assert 0 < len(title) <= 60, "the first line of the docstring is the title of its page"
    assert "\n" not in title
    assert shown, "the docstring says what is shown"
    assert any((PICTURES / f"{path.stem}{suffix}").exists() for suffix in (".png", ".gif"))


def drag_of_a_form():
    example = load("lower_drag")
    past = example.channel(cells=12, window=0.4)
    with torch.no_grad():
        begun = past(example.FIRST, until=0.4)[1].state
    return example.FIRST, lambda form: past(form, begun, 0.4)[0]


def surprise_of_a_vorticity():
    example = load("recover_vorticity")
    seen, first = example.flow(cells=16, points=8, end=0.4)
    data = seen(first)[0]
    return 0.9 * example.blurred(first, back=True), lambda noise: example.surprise(noise, data, seen)


def heat_through_a_layer():
    example = load("calm_convection")
    _, heated = example.convection(cells=8, places=6, wait=4.0)
    return torch.linspace(-0.5, 0.7, 6).double(), lambda form: example.nusselt(heated(form))


@pytest.mark.parametrize("problem", [drag_of_a_form, surprise_of_a_vorticity, heat_through_a_layer])
def test_what_an_example_minimises_has_the_gradient_of_central_differences(problem):
    """<dL/dp, d> = (L(p + h d) - L(p - h d)) / 2h"""
    point, objective = problem()
    way = torch.randn(point.shape, dtype=point.dtype, generator=torch.Generator().manual_seed(1))
    leaf = point.clone().requires_grad_()
    (slope,) = torch.autograd.grad(objective(leaf), [leaf])
    h = 1e-5
    with torch.no_grad():
        measured = (objective(point + h * way) - objective(point - h * way)) / (2 * h)
    assert float(measured) == pytest.approx(float((slope * way).sum()), rel=1e-5)


def test_a_policy_takes_fewer_steps_of_three_bodies_than_constant_ones_at_equal_error(tmp_path):
    """173 times fewer with 24,000 constant steps, which are the first to be better than a thousandth."""
    assert load("pace_three_bodies").main(most=1500, finest=0.04, out=tmp_path / "steps.png") > 10.0


@pytest.mark.slow
def test_argon_is_recovered_from_its_structure(tmp_path):
    off, bars = load("learn_argon").main(out=tmp_path / "argon.png")
    assert abs(off[0]) < 0.005
    assert abs(off[1]) < 0.06
    assert max(bars) < 0.04


@pytest.mark.slow
def test_a_cluster_melts_where_its_heat_capacity_is_highest(tmp_path):
    *_, half = load("melting_curve").main(out=tmp_path / "curve.png")
    assert half == pytest.approx(0.28, abs=0.03)


@pytest.mark.slow
def test_a_form_of_less_drag_is_found(tmp_path):
    assert load("lower_drag").main(cells=16, window=1.0, steps=4, out=tmp_path / "drag.png") < 0.9


def test_a_first_vorticity_is_found_from_later_sparse_velocities(tmp_path):
    """Interpolating the earliest of them is wrong by 0.55, and by 0.19 even about the vorticity of their own time."""
    assert load("recover_vorticity").main(cells=32, points=16, steps=60, out=tmp_path / "first.png") < 0.15


@pytest.mark.slow
def test_a_floor_that_calms_convection_is_found(tmp_path):
    assert load("calm_convection").main(cells=10, places=8, wait=10.0, steps=5, out=tmp_path / "calm.png") < 0.95


def test_a_rule_learnt_from_the_steps_of_runs_takes_fewer_than_the_textbook(tmp_path):
    """Steps of a gas that was not in the lessons, for the same tolerance; what was tried in vain counts too."""
    attempts = load("learn_the_step").main(out=str(tmp_path / "runs"), seeds=2, epochs=200, cells=24, end=0.4)
    assert attempts["learned"] < 0.9 * attempts["PI"], attempts

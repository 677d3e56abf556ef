"""Evaluations: the same numbers in tables, in JSON and on the page, of one model or of several on the same data."""

import copy
import json
import math
import re
from dataclasses import replace

import pytest

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.evaluating import never_taught, unseen_by_all
from scenegrad.surrogates import FNO, Euler, Fit, Flow, FromPresent, Pairs, Split, SplitByParameter, Windows
from scenegrad.surrogates.evaluation.metrics import METRICS

QUIET = {"device": "cpu", "progress": False}


def flows(folder, n, cells, seed=3):
    viscosity = sg.LogUniform(low=0.03, high=0.2)
    scene = sg.library.kolmogorov(cells=cells, viscosity=viscosity, wavenumber=2, end=1.0, every=0.25)
    return sg.generate(sg.vary(scene, n, seed=seed), out=folder, batch=n, **QUIET)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Data on 24 points, some on 32, and two models: an operator and a flow, which draws."""
    folder = tmp_path_factory.mktemp("evaluating")
    data = flows(folder / "data", 10, 24)
    flows(folder / "finer", 3, 32, seed=4)
    split = SplitByParameter("fluid.viscosity", low=0.05, then=Split(0.1, 0.3))
    network = FNO((4, 4), 4, ["vorticity"], ["fluid.viscosity"], depth=1)
    for name, model in (("fno", network), ("flow", Flow(network, start=FromPresent(noise=0.3), sampler=Euler(1)))):
        sg.train(model, Windows(data, split=split), out=folder / name, epochs=2, learning_rate=1e-2, **QUIET)
    return folder


@pytest.fixture(scope="module")
def found(place):
    paths = [place / "fno", place / "flow"]
    return sg.evaluate(paths, sg.open_dataset(place / "data"), finer=sg.open_dataset(place / "finer"), draws=4)


def test_an_evaluation_holds_what_metrics_measure_one_by_one(place, found):
    fit = Fit.load(place / "fno", sg.open_dataset(place / "data"))
    wanted = ["one_step", "persistence", "vrmse", "largest", "spectrum", "correlation_time", "conserved"]
    numbers = found.models[0].numbers("test")
    for name, value in fit.evaluate(wanted).items():
        assert numbers[name] == pytest.approx(value, rel=1e-5), name
    assert set(found.models[0].parts) == {"test", "ood"}
    assert "crps" not in numbers
    assert {"crps", "spread_skill", "rank_distance"} <= set(found.models[1].numbers("ood"))
    assert found.models[1].parts["test"].along.draws == 4
    assert numbers["finer_ratio"] == pytest.approx(numbers["finer_one_step"] / numbers["one_step"], rel=1e-5)


def test_the_cost_counts_what_data_and_training_took(place, found):
    data, judged = sg.open_dataset(place / "data"), found.models[0]
    assert data.seconds > 0.0
    assert judged.spent.data == data.seconds
    assert judged.spent.training == judged.fit.history[-1].seconds
    cost, steps = judged.cost, judged.parts["test"].along.steps
    assert 24 in cost.solver
    assert cost.solver[24][0] < 1e-4, "the solver that made the data makes them again"
    gain = cost.solver[24][1] - cost.seconds
    solves = judged.numbers("test")["break_even_solves_own_grid"]
    if gain > 0.0:
        assert solves * steps * gain == pytest.approx(judged.spent.total)
    else:
        assert math.isnan(solves)


def test_the_page_has_its_pictures_inside_and_the_numbers_of_the_table(found, tmp_path):
    page = found.report(tmp_path / "deep" / "report.html").read_text()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]
    chapters = ["In numbers", "Fields", "Errors", "Spectra and budgets", "Draws", "Training", "Cost"]
    assert re.findall(r"<h2>\d+\. ([^<]+)</h2>", page) == chapters
    assert page.count('src="data:image/png;base64,') == page.count("<img") >= 15
    for _, values in found.rows():
        for value in values:
            if value is not None and math.isfinite(value):
                assert f'<td class="number">{value:.4g}</td>' in page
    told = json.loads(json.dumps(found.table(), allow_nan=False))
    assert told["models"]["flow"]["parts"]["ood"]["crps"] == found.models[1].numbers("ood")["crps"]
    assert len(told["models"]["fno"]["curves"]["test"]["error"]) == found.models[0].parts["test"].along.steps


def test_models_are_judged_on_what_none_of_them_was_trained_on(place, tmp_path):
    data = sg.open_dataset(place / "data")
    network = FNO((4, 4), 4, ["vorticity"], depth=1)
    fits = [
        sg.train(network, Windows(data, split=split), out=tmp_path / name, epochs=1, **QUIET)
        for name, split in (("a", Split(0.0, 0.4)), ("b", Split(0.1, 0.2)))
    ]  # fmt: skip
    first, second = (set(fit.samples.parts["test"]) for fit in fits)
    found = sg.evaluate(fits, cost=False)
    assert set(found.models[0].fit.samples.parts["test"]) == first & second
    assert set(fits[0].samples.parts["test"]) == first, "what was given stays as it was"
    assert [judged.label for judged in found.models] == ["a", "b"]
    assert str(found).splitlines()[0].split() == ["a", "test", "b", "test"]


def test_a_part_that_is_not_common_to_all_models_judges_none(place):
    fit = Fit.load(place / "fno", sg.open_dataset(place / "data"))
    fits = []
    for test in ([1], [2]):
        samples = copy.copy(fit.samples)
        samples.parts = {"train": [0, 3], "test": test, "ood": [4]}
        fits.append(replace(fit, samples=samples))
    assert [one.samples.parts for one in unseen_by_all(fits)] == [{"train": [0, 3], "test": [], "ood": [4]}] * 2


def test_a_finer_grid_does_not_show_again_what_was_learnt(place, tmp_path):
    fit = Fit.load(place / "fno", sg.open_dataset(place / "data"))
    taught = {i for part in ("train", "validation") for i in fit.samples.parts[part]}
    again = Fit.load(place / "fno", flows(tmp_path / "again", 6, 32))
    judging = never_taught(fit, again)
    assert judging
    assert set(judging) == set(again.samples.parts["test"]) - taught, "members of one seed are the same draws"
    other = Fit.load(place / "fno", sg.open_dataset(place / "finer"))
    assert never_taught(fit, other) == other.samples.parts["test"]


def test_pairs_are_judged_on_one_step(tmp_path):
    import numpy as np

    x = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    model = FNO((4,), 4, ["x"], outputs=["y"], depth=1)
    fit = sg.train(model, Pairs.from_arrays(x, np.roll(x, 1, axis=1)), out=tmp_path / "fit", epochs=1, **QUIET)
    found = sg.evaluate(fit)
    numbers = found.models[0].numbers("test")
    assert numbers["one_step"] == pytest.approx(fit.evaluate(["one_step"])["one_step"])
    assert "persistence" not in numbers
    assert "needs the scene" in found.models[0].cost
    assert found.report(tmp_path / "report.html").read_text().count("<img") >= 6


def test_the_command_answers_with_the_same_numbers(scenegrad, place, tmp_path, monkeypatch):
    monkeypatch.setattr("scenegrad.reporting.chapters", lambda evaluation, folder: [])
    answer = scenegrad(
        "evaluate", place / "fno", place / "data", "--no-cost", "--report", tmp_path / "r.html", "--json"
    )
    assert answer.code == 0, answer.err
    fit = Fit.load(place / "fno", sg.open_dataset(place / "data"))
    expected = fit.evaluate(["one_step"])["one_step"]
    assert answer.json["models"]["fno"]["parts"]["test"]["one_step"] == pytest.approx(expected)
    assert (tmp_path / "r.html").is_file()
    two = scenegrad("evaluate", place / "fno", place / "flow", place / "data", "--no-cost", "--draws", 3)
    assert two.out.splitlines()[0].split() == ["fno", "test", "fno", "ood", "flow", "test", "flow", "ood"]


def test_every_metric_is_named_in_the_help(scenegrad):
    words = scenegrad("evaluate", "--help").out.replace("\n", " ")
    assert all(name in words for name in METRICS)


def test_what_cannot_be_evaluated_is_refused(scenegrad, place, found):
    assert "a model and, last, the dataset" in scenegrad("evaluate", place / "fno").err
    words = ("evaluate", place / "fno", place / "flow", place / "data", "--metrics", "one_step")
    assert "--metrics is for the numbers of one model" in scenegrad(*words).err
    with pytest.raises(EngineError, match="finer= got data on"):
        sg.evaluate(place / "fno", sg.open_dataset(place / "data"), finer=sg.open_dataset(place / "data"), cost=False)
    with pytest.raises(EngineError, match="and no data"):
        sg.evaluate(place / "fno")
    with pytest.raises(EngineError, match="got no model"):
        sg.evaluate([])

"""`scenegrad verify FAMILY`: what it tells, and what it answers when a case fails or ends in an error."""

import json

import pytest

from scenegrad.verification import Case, Finding, registry
from scenegrad.verification.case import Setting, at_least, relative
from scenegrad.verification.report import as_rows, as_table, summary


def right(setting: Setting) -> list[Finding]:
    return [relative("period", 2.0, 2.01, 0.01, "s"), at_least("order", 1.5, 1.9)]


def wrong(setting: Setting) -> list[Finding]:
    return [relative("period", 2.0, 2.1, 0.01, "s")]


def ended(setting: Setting) -> list[Finding]:
    raise RuntimeError("a particle left")


def case(name, measure, quick=True):
    return Case(name, "trial", "a law", "a book", measure, quick)


@pytest.fixture
def trial(monkeypatch):
    def use(*cases):
        module = type("module", (), {"CASES": cases})
        monkeypatch.setattr(registry, "FAMILIES", {"trial": "trial"})
        monkeypatch.setattr(registry, "import_module", lambda name: module)

    return use


def test_an_error_within_its_limit_passes_and_one_beyond_it_or_not_a_number_fails():
    assert relative("x", 2.0, 2.01, 0.0051).passed
    assert not relative("x", 2.0, 2.01, 0.0049).passed
    assert not relative("x", 2.0, float("nan"), 0.1).passed
    assert at_least("order", 1.5, 1.5).passed
    assert not at_least("order", 1.5, 1.49).passed
    assert not at_least("order", 1.5, float("nan")).passed


def test_a_case_that_measures_nothing_or_ends_in_an_error_has_failed():
    assert not case("none", lambda setting: []).run().passed
    result = case("ended", ended).run()
    assert not result.passed
    assert "a particle left" in as_rows(result)
    assert as_table([result])[0]["error"] == "RuntimeError: a particle left"
    assert "failed: ended" in summary([result, case("right", right).run()])


def test_the_table_names_reference_result_error_and_limit(scenegrad, trial):
    trial(case("good", right), case("bad", wrong))
    shown = scenegrad("verify", "trial")
    assert shown.code == 1
    (line,) = [row for row in shown.out.splitlines() if row.startswith("bad: period")]
    assert line.split()[3:8] == ["2", "2.1", "5.00e-02", "0.01", "FAIL"]
    assert scenegrad("verify", "trial", "-k", "good").code == 0


def test_json_holds_every_number(scenegrad, trial):
    trial(case("good", right), case("slow", wrong, quick=False))
    shown = scenegrad("verify", "trial", "--quick", "--json")
    assert shown.code == 0
    (row,) = json.loads(shown.out)
    assert row["case"] == "good"
    assert row["findings"][0] == {
        "quantity": "period", "unit": "s", "reference": 2.0, "ours": 2.01, "error": pytest.approx(0.005), "limit": 0.01,
        "passed": True,
    }  # fmt: skip


def test_unknown_families_cases_and_precisions_are_refused(scenegrad, trial):
    trial(case("good", right))
    assert "Did you mean 'trial'" in scenegrad("verify", "trail").err
    assert "There are: good" in scenegrad("verify", "trial", "-k", "gold").err
    assert "float64" in scenegrad("verify", "trial", "--dtype", "float16").err

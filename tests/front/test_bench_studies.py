"""Studies on the command line: their claims decide the exit code, and all of it can be had as JSON."""

import math
from dataclasses import dataclass

import pytest

from scenegrad.surrogates.recipes.study import Study
from scenegrad.view.report import Chapter, Claim, Picture, Table


@dataclass(frozen=True)
class Tiny(Study):
    title = "Tiny"
    presets = {"small": {}, "cpu": {"found": 2.0}}  # noqa: RUF012
    found: float = 0.5

    def run(self, stage):
        picture = stage.folder / "dot.png"
        picture.write_bytes(b"")
        return Chapter(
            self.title, "", (Picture(picture, "a dot"),), (Claim("error", self.found, 1.0),),
            (Table("", ("who", "speed-up"), (("solver", math.nan),)),),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr("scenegrad.surrogates.recipes.study.study_of", lambda name: Tiny)


def test_a_study_answers_in_json(scenegrad):
    answer = scenegrad("bench", "surrogates", "tiny", "--preset", "small", "--out", "runs", "--json")
    assert answer.code == 0, answer.err
    (chapter,) = answer.json
    assert chapter["claims"] == [
        {"what": "error", "value": 0.5, "limit": 1.0, "at_most": True, "source": "", "holds": True}
    ]
    assert chapter["tables"][0]["rows"] == [["solver", None]]
    assert chapter["pictures"][0]["path"].endswith("tiny/dot.png")


def test_a_claim_that_fails_is_told_by_the_exit_code(scenegrad):
    answer = scenegrad("bench", "surrogates", "tiny", "--out", "runs")
    assert answer.code == 1
    assert "FAILED error: 2 (<= 1)" in answer.out

"""The study of blasts with a learned step size."""

import math

import pytest
import torch

from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.recipes.blast import Blast
from scenegrad.surrogates.recipes.learned_pace import LearnedPace
from scenegrad.surrogates.recipes.log_gas import UNITS, InLogs
from scenegrad.view.report import Stage


def test_a_gas_told_in_logarithms_is_the_same_gas():
    solver, state, params = compile_scene(library.blast(cells=8), device="cpu", dtype="float64")
    logs = InLogs(solver)
    told, zero = fields_of(logs, state, params), torch.zeros(1, dtype=torch.float64)
    again = with_fields(logs, state, params, told, zero)
    torch.testing.assert_close(again.conserved, state.conserved, rtol=1e-12, atol=1e-8)
    wild = {name: value - 3.0 for name, value in told.items()}
    made = solver.fields(with_fields(logs, state, params, wild, zero), params)
    assert float(made["pressure"].min()) > 0.0
    assert float(made["density"].min()) > 0.0
    assert torch.equal(logs.max_dt(state, params), solver.max_dt(state, params))


def test_a_pace_is_learnt_from_what_decides_the_step():
    """Here 0.1 / (|u| + c) of uniform gases, c^2 = p / density."""
    random = torch.Generator().manual_seed(0)

    def gases(count):
        density, pressure, speed = (torch.rand(count, generator=random) + 0.5 for _ in range(3))
        wide = [value.view(-1, 1, 1).expand(-1, 4, 4) for value in (density.log(), pressure.log(), speed)]
        told = wide[1] - math.log(UNITS["pressure"])
        fields = {"log_density": wide[0], "log_pressure": told, "velocity": torch.stack([wide[2], 0 * wide[2]], -1)}
        return fields, (0.1 / (speed + (pressure / density).sqrt())).double()

    pace = LearnedPace(0).taught([gases(200)], 300)
    fields, right = gases(100)
    assert float((pace(fields, {}) / right - 1.0).square().mean().sqrt()) < 0.02


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    return Blast.preset("small").run(Stage(tmp_path_factory.mktemp("blast"), "cpu", quiet=True))


def test_the_study_of_blasts_keeps_its_claims(chapter):
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)
    assert len(chapter.tables[0].rows) == 5

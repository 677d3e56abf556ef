"""Each case against a known answer that is quick."""

import pytest

from scenegrad.verification.case import Case
from scenegrad.verification.navier_stokes.elliptic import CASES

CHOSEN = [pytest.param(case, marks=[] if case.quick else pytest.mark.slow, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", CHOSEN)
def test_case_meets_its_reference(case: Case) -> None:
    result = case.run()
    assert result.trouble is None
    assert result.passed, [finding for finding in result.findings if not finding.passed]

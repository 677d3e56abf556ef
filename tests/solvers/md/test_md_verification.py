"""The cases of `scenegrad verify md`: the quick half always, the others among the slow tests."""

import pytest

from scenegrad.verification import Case, cases_of

CASES = [pytest.param(c, marks=[] if c.quick else pytest.mark.slow, id=c.name) for c in cases_of("md")]


@pytest.mark.parametrize("case", CASES)
def test_case_meets_its_reference(case: Case, measure):
    result = case.run()
    for f in result.findings:
        told = f"{case.name}: {f.quantity}; reference {f.reference:.4g}, ours {f.ours:.4g}: error"
        measure(told, f.error, f"{f.limit:.2g}")
    assert result.trouble is None
    assert result.findings
    missed = [
        f"{f.quantity}: {f.ours:g} for {f.reference:g}, error {f.error:g} > {f.limit:g}"
        for f in result.findings
        if not f.passed
    ]
    assert not missed, f"{case.against} [{case.source}]: " + "; ".join(missed)

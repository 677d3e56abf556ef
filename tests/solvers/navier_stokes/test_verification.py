"""The cases of `scenegrad verify navier-stokes`: the quick half always, the others among the slow tests."""

import pytest

from scenegrad.verification import Case, Setting, cases_of


def marks(case: Case) -> list[pytest.MarkDecorator]:
    return [*([] if case.quick else [pytest.mark.slow]), *([pytest.mark.gpu] if case.needs else [])]


CASES = [pytest.param(c, marks=marks(c), id=c.name) for c in cases_of("navier-stokes", device="cuda")]


@pytest.mark.parametrize("case", CASES)
def test_case_meets_its_reference(case: Case, measure):
    result = case.run(Setting(case.needs or "cpu"))
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

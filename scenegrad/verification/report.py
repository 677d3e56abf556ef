"""The results of cases as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenegrad.verification.case import Result

__all__ = ["HEAD", "as_rows", "summary", "as_table"]

WIDTHS = (80, 10, 10, 9, 8, 5, 8)


def aligned(cells: Sequence[str]) -> str:
    name, *numbers = (f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return " ".join([f"{name.lstrip():<{WIDTHS[0]}}", *numbers])


HEAD = aligned(("case: quantity", "reference", "ours", "error", "limit", "", "seconds"))


def as_rows(result: Result) -> str:
    """One line a finding; the seconds of the case stand in the first."""
    lines = []
    for number, f in enumerate(result.findings):
        unit = "" if f.unit == "1" else f" [{f.unit}]"
        cells = (
            f"{result.case.name}: {f.quantity}{unit}", f"{f.reference:.5g}", f"{f.ours:.5g}", f"{f.error:.2e}",
            f"{f.limit:.2g}", "pass" if f.passed else "FAIL", f"{result.seconds:.1f}" if number == 0 else "",
        )  # fmt: skip
        lines.append(aligned(cells))
    if result.trouble is not None:
        lines.append(f"{result.case.name}: FAIL after {result.seconds:.1f} s: {result.trouble}")
    return "\n".join(lines)


def as_table(results: Sequence[Result]) -> list[dict[str, Any]]:
    """For JSON: one entry a case."""
    return [
        {
            "case": r.case.name,
            "family": r.case.family,
            "against": r.case.against,
            "source": r.case.source,
            "quick": r.case.quick,
            "passed": r.passed,
            "seconds": round(r.seconds, 2),
            "error": r.trouble,
            "findings": [
                {
                    "quantity": f.quantity, "unit": f.unit, "reference": f.reference, "ours": f.ours, "error": f.error,
                    "limit": f.limit, "passed": f.passed,
                }
                for f in r.findings
            ],
        }
        for r in results
    ]  # fmt: skip


def summary(results: Sequence[Result]) -> str:
    failed = [r.case.name for r in results if not r.passed]
    count = sum(len(r.findings) for r in results)
    told = f"{len(results)} cases, {count} numbers, {sum(r.seconds for r in results):.0f} s; "
    return told + ("all within their limits." if not failed else f"failed: {', '.join(failed)}.")

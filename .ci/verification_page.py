"""Makes docs/verification.md of pytest's report: what was measured, against which limits, where and when."""

import os
import platform
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HEAD = """# What was verified

`make verify` runs every test, the slow comparisons with published results too, and makes this page.

{when}, {machine}; Python {python}, torch {torch}, Warp {warp}. {passed} tests passed, {failed} failed, {skipped} were \
skipped (those that need a CUDA device, where there is none), in {minutes:.0f} minutes of test time.

## Measured

| what | measured | limit |
|---|---|---|
{rows}

Each limit is an assertion of the test that measured. The laws without a single number (round trips, refusals, equality
of bytes after a kill, gradients of every parameter against central differences to 1e-6, published digits) count below.

## Tests

| suite | passed | failed | skipped | seconds |
|---|---|---|---|---|
{suites}
"""


def main(report: Path, page: Path) -> None:
    cases = list(ElementTree.parse(report).iter("testcase"))
    count = defaultdict(lambda: [0, 0, 0, 0.0])
    rows = []
    for case in cases:
        bad = case.find("failure") is not None or case.find("error") is not None
        fate = 1 if bad else 2 if case.find("skipped") is not None else 0
        suite = ".".join(case.get("classname", "").split(".")[:4])
        count[suite][fate] += 1
        count[suite][3] += float(case.get("time", 0))
        for note in case.iter("property"):
            if note.get("name") == "measured":
                rows.append("| " + " | ".join(note.get("value", "").split("|")) + " |")
    totals = [sum(numbers[k] for numbers in count.values()) for k in range(4)]
    text = HEAD.format(
        when=datetime.now(UTC).date().isoformat(),
        machine=f"{os.cpu_count()} CPU cores ({platform.machine()})",
        python=platform.python_version(),
        torch=version("torch"),
        warp=version("warp-lang"),
        passed=totals[0],
        failed=totals[1],
        skipped=totals[2],
        minutes=totals[3] / 60,
        rows="\n".join(sorted(set(rows))),
        suites="\n".join(
            f"| `{suite}` | {ok} | {bad} | {left} | {seconds:.0f} |"
            for suite, (ok, bad, left, seconds) in sorted(count.items())
        ),
    )
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

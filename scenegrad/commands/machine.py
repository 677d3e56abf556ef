"""Commands about this machine and this installation: doctor, verify, bench."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scenegrad.commands.options import Json, show

__all__ = ["register"]

ROOT = Path(__file__).resolve().parents[2]


def register(app: App) -> None:
    for command in (doctor, verify, bench):
        app.command(command)


def doctor(*, json: Json = False) -> int:
    """Say what this machine has: versions, devices, rendering, disk. Exit code 1 where something needed is missing.

    For example

    - `scenegrad doctor`
    - `scenegrad doctor --json`
    """
    from scenegrad.doctor import examination

    findings = examination()
    text = "\n".join(f"{'ok  ' if f.well else 'WARN'} {f.what:<12} {f.found}" for f in findings)
    show([vars(f) for f in findings], json, text)
    return int(any(not f.well and f.needed for f in findings))


def verify(
    *,
    quick: Annotated[bool, Parameter(negative="", help="Leave out the slow ones.")] = False,
    only: Annotated[str | None, Parameter(name="-k", help="Only tests whose name matches, as pytest's -k.")] = None,
    workers: Annotated[int, Parameter(help="Processes that share the tests, where pytest-xdist is installed.")] = 2,
) -> int:
    """Run the tests that hold the code against published and analytic results; needs the source tree.

    All of them, neither --quick nor picked by -k, make docs/verification.md of what they measured.

    For example

    - `scenegrad verify`
    - `scenegrad verify --quick -k taylor_green`
    """
    from scenegrad.engine.errors import EngineError

    tests, report = in_source_tree("tests"), ROOT / "runs" / "verification.xml"
    if workers < 1:
        raise EngineError(f"verify got --workers {workers}; it is a positive number.")
    if not find_spec("pytest"):
        raise EngineError("The tests need pytest: pip install 'scenegrad[test]'.")
    words = ["-m", "not slow" if quick else "slow or not slow", *(["-k", only] if only else [])]
    if find_spec("pytest_timeout"):
        words += ["--timeout", "900"]
    if find_spec("xdist"):  # a worker takes whole files, so that the kernels of a file are compiled once
        words += ["-n", str(workers), "--dist", "loadfile"]
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
    surroundings = {"OMP_WAIT_POLICY": "passive", **os.environ, **threads}
    python = [sys.executable, "-P"]  # the root of the repository stays off sys.path
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    tested = subprocess.run(
        [*python, "-m", "pytest", str(tests), "-q", *words, "--junitxml", str(report)],
        cwd=ROOT, env=surroundings, check=False,
    )  # fmt: skip
    if not quick and only is None and report.is_file():
        page = [str(ROOT / ".ci" / "verification_page.py"), str(report), str(ROOT / "docs" / "verification.md")]
        subprocess.run([*python, *page], check=True)
    return tested.returncode


def bench(
    names: Annotated[tuple[str, ...], Parameter(help="Which benchmarks; all if left out.")] = (),
    *,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Only list them.")] = False,
) -> int:
    """Measure speed with the programs in benchmarks/; needs the source tree.

    For example

    - `scenegrad bench --list`
    - `scenegrad bench spectral`
    """
    from scenegrad.scenes.errors import SceneError, nearest

    programs = {
        path.stem: path for path in sorted(in_source_tree("benchmarks").glob("*.py")) if path.stem != "__init__"
    }
    for name in names:
        if name not in programs:
            raise SceneError(
                f"There is no benchmark {name!r}.{nearest(name, programs)} There are: {', '.join(programs)}."
            )
    if list_:
        print("\n".join(programs))
        return 0
    codes = [
        subprocess.run([sys.executable, str(programs[name])], check=False).returncode for name in names or programs
    ]
    return max(codes, default=0)


def in_source_tree(folder: str) -> Path:
    from scenegrad.engine.errors import FileError

    path = ROOT / folder
    if not path.is_dir():
        raise FileError(f"{folder}/ is not part of an installed package; run this in a checkout of the source.")
    return path

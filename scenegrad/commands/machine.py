"""Commands about this machine and this installation: doctor, verify, bench."""

from __future__ import annotations

import subprocess
import sys
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
) -> int:
    """Run the tests that hold the code against published and analytic results; needs the source tree.

    For example

    - `scenegrad verify`
    - `scenegrad verify --quick -k taylor_green`
    """
    tests = in_source_tree("tests")
    words = ["-m", "not slow" if quick else "slow or not slow", *(["-k", only] if only else [])]
    return subprocess.run([sys.executable, "-m", "pytest", str(tests), "-q", *words], cwd=ROOT, check=False).returncode


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

"""Commands about this machine and this installation: doctor, verify, bench."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from scenegrad.commands.completing import families
from scenegrad.commands.options import Device, Json, Out, Precision, Quiet, show

if TYPE_CHECKING:
    from scenegrad.surrogates.recipes.study import Study
    from scenegrad.view.report import Chapter, Stage

__all__ = ["register"]

ROOT = Path(__file__).resolve().parents[2]


def register(app: App) -> None:
    for command in (doctor, verify, bench):
        app.command(command)


def doctor(*, json: Json = False) -> int:
    """Say what this machine has and what it lacks: versions, GPU and driver, threads, rendering, extras, disk; and of
    what is missing, what it disables and the line that mends it. Exit code 1 where something needed is missing.

    For example

    - `scenegrad doctor`
    - `scenegrad doctor --json`
    """
    from scenegrad.doctor import examination

    findings = examination()
    show([vars(f) for f in findings], json, "\n".join(map(str, findings)))
    return int(any(not f.well and f.needed for f in findings))


def verify(
    family: Annotated[
        str | None,
        Parameter(
            help="What to verify by its cases: md, mpm, navier-stokes. All tests if left out.", completer=families
        ),
    ] = None,
    *,
    quick: Annotated[bool, Parameter(negative="", help="Leave out the slow ones.")] = False,
    only: Annotated[str | None, Parameter(name="-k", help="Only some: tests as pytest's -k, cases by name.")] = None,
    quiet: Quiet = False,
    json: Json = False,
    device: Device = "cpu",
    dtype: Precision = "float64",
    workers: Annotated[int, Parameter(help="Processes that share the tests, where pytest-xdist is installed.")] = 2,
) -> int:
    """Hold a family of solvers against known answers: a table of cases, each with reference, result, error and limit.

    Without a family, run the tests instead, which needs the source tree. All of them, neither --quick nor picked by -k,
    make docs/verification.md of what they measured. Exit code 1 where a limit is exceeded.

    For example

    - `scenegrad verify mpm`
    - `scenegrad verify mpm --quick --json`
    - `scenegrad verify mpm -k dam_break --dtype float32`
    - `scenegrad verify --quick -k taylor_green`
    """
    if family is not None:
        return verify_cases(family, quick, only, quiet, json, device, dtype)
    return run_tests(quick, only, workers)


def verify_cases(family: str, quick: bool, only: str | None, quiet: bool, json: bool, device: str, dtype: str) -> int:
    """Runs the cases one after the other; tells each as soon as it is known, or all at the end as JSON."""
    import warp as wp

    from scenegrad.engine.device import pick_device, pick_dtype
    from scenegrad.engine.progress import stages
    from scenegrad.verification.case import Setting
    from scenegrad.verification.registry import cases_of
    from scenegrad.verification.report import HEAD, as_rows, as_table, summary

    wp.config.log_level = wp.LOG_WARNING
    pick_dtype(dtype)
    setting = Setting(pick_device(device), dtype)
    cases, results = cases_of(family, quick, only, setting.device), []
    if not json:
        print(HEAD, flush=True)
    with stages(not (quiet or json), f"verify {family}", len(cases), "cases") as passed:
        for case in cases:
            results.append(case.run(setting))
            if not json:
                print(as_rows(results[-1]), flush=True)
            passed()
    show(as_table(results), json, summary(results))
    return int(not all(result.passed for result in results))


def run_tests(quick: bool, only: str | None, workers: int) -> int:
    """All tests, or those asked for, in a process of their own; all of them make a page."""
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
    preset: Annotated[str, Parameter(help="Of studies of surrogates: small, cpu or gpu.")] = "cpu",
    config: Annotated[Path | None, Parameter(help="A TOML file that describes one study.")] = None,
    out: Out = None,
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Measure speed with the programs in benchmarks/, which needs the source tree; or, after the word surrogates, play
    studies of surrogates: data, training and what came of it, on one page with pictures. Exit code 1 where a claim of a
    study does not hold.

    For example

    - `scenegrad bench --list`
    - `scenegrad bench staggered_step`
    - `scenegrad bench surrogates --list`
    - `scenegrad bench surrogates burgers --preset small --out runs/burgers`
    - `scenegrad bench surrogates --config burgers.toml --json`
    """
    if config is not None or names[:1] == ("surrogates",):
        return bench_surrogates(names[1:], list_, preset, config, out, device, quiet, json)
    from scenegrad.scenes.errors import SceneError, nearest

    programs = {
        path.stem: path for path in sorted(in_source_tree("benchmarks").glob("*.py")) if path.stem != "__init__"
    }
    for name in names:
        if name not in programs:
            raise SceneError(
                f"There is no benchmark {name!r}.{nearest(name, programs)} "
                f"There are: surrogates, {', '.join(programs)}."
            )
    if list_:
        show(["surrogates", *programs], json, "\n".join(["surrogates", *programs]))
        return 0
    codes = [
        subprocess.run([sys.executable, str(programs[name])], check=False).returncode for name in names or programs
    ]
    return max(codes, default=0)


def bench_surrogates(
    names: tuple[str, ...], list_: bool, preset: str, config: Path | None, out: Path | None, device: str, quiet: bool,
    json: bool,
) -> int:  # fmt: skip
    """Plays studies into a folder, each below its name."""
    from scenegrad.engine.device import pick_device
    from scenegrad.surrogates.recipes.study import STUDIES, read_study, study_of
    from scenegrad.view.report import Stage, play

    if list_:
        titles = {name: study_of(name).title for name in STUDIES}
        show(titles, json, "\n".join(f"{name:<24} {title}" for name, title in titles.items()))
        return 0
    if config is not None:
        chosen = {config.stem: read_study(config, preset)}
    else:
        chosen = {name: study_of(name).preset(preset) for name in names or STUDIES}
    folder = out or Path("runs") / "studies"
    stage = Stage(folder, pick_device(device), quiet or json)
    played = play(
        "scenegrad surrogates", f"Studies of surrogates, preset {preset}.", stage,
        {name: partial(in_folder, study, name) for name, study in chosen.items()},
    )  # fmt: skip
    if json:
        show([chapter.plain() for chapter in played], json, "")
    return int(not all(claim.holds for chapter in played for claim in chapter.claims))


def in_folder(study: Study, name: str, stage: Stage) -> Chapter:
    folder = stage.folder / name
    folder.mkdir(exist_ok=True)
    return study.run(replace(stage, folder=folder))


def in_source_tree(folder: str) -> Path:
    from scenegrad.engine.errors import FileError

    path = ROOT / folder
    if not path.is_dir():
        raise FileError(f"{folder}/ is not part of an installed package; run this in a checkout of the source.")
    return path

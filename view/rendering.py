"""Drawing in a process of its own: where its libraries are missing, VTK kills the process it is in."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from scenegrad.system import appearing
from scenegrad.view.errors import ViewError

__all__ = ["INSTALL", "probe_rendering", "render_in_child", "render_request", "tell"]

INSTALL = (
    "On Debian and Ubuntu: apt-get install libegl1 libgl1-mesa-dri; on Fedora: dnf install mesa-libEGL mesa-dri-drivers"
)
NEWS = "scenegrad draws: "  # begins the lines of the child that are for the user
BY_SIGNAL = 128
INSIDE = "SCENEGRAD_DRAWS_HERE"  # set in a process that was started to draw


def render_in_child(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """function(*args, **options) in a fresh Python process; what goes wrong there is raised here as a ViewError.

    The function is found by its module and name; arguments and result are numbers, text, lists, dicts, None and paths.
    In a process that was started to draw, it is simply called."""
    if os.environ.get(INSIDE):
        return function(*args, **options)
    with tempfile.TemporaryDirectory(prefix="scenegrad-view-") as folder:
        request, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        call = {"module": function.__module__, "name": function.__qualname__, "args": args, "options": options}
        request.write_text(json.dumps(call, default=str))
        code, stderr = watched([sys.executable, "-m", "scenegrad.view.child", str(request), str(answer)])
        if not answer.exists():
            raise ViewError(f"Drawing failed: {obituary(code, stderr)}")
        outcome = json.loads(answer.read_text())
    if "error" in outcome:
        raise ViewError(outcome["error"])
    return outcome["result"]


def watched(command: list[str]) -> tuple[int, str]:
    """Runs the command to its end: its exit code and what it said, less its news, which are passed on as they come."""
    said: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        env={**os.environ, INSIDE: "1"},
    ) as child:  # fmt: skip
        try:
            assert child.stderr is not None
            for line in child.stderr:
                if line.startswith(NEWS):
                    print(line.removeprefix(NEWS).rstrip(), file=sys.stderr, flush=True)
                else:
                    said.append(line)
        except BaseException:
            child.kill()
            raise
    return child.returncode, "".join(said)


def tell(text: str) -> None:
    """A line for the person who waits, from a process that draws."""
    print(NEWS + text if os.environ.get(INSIDE) else text, file=sys.stderr, flush=True)


def render_request(request: Path, answer: Path) -> None:
    """The other end: does what the file asks for, and writes what came of it."""
    from scenegrad.engine.errors import EngineError
    from scenegrad.scenes.errors import SceneError
    from scenegrad.view.stage import choose_backend

    choose_backend()
    call = json.loads(request.read_text())
    try:
        function = getattr(importlib.import_module(call["module"]), call["name"])
        outcome = {"result": function(*call["args"], **call["options"])}
    except (EngineError, SceneError) as error:
        outcome = {"error": str(error)}
    with appearing(answer) as part:
        part.write_text(json.dumps(outcome, default=str))


def obituary(code: int, stderr: str) -> str:
    """What a process that drew died of, and what helps."""
    last = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "")
    if code > BY_SIGNAL:  # as shells and containers tell of a signal
        code = BY_SIGNAL - code
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        if -code in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            return f"its process was ended by {name}. Where memory is short, draw a smaller picture or fewer frames."
        return f"VTK died of {name}, as it does where OpenGL libraries are missing. {INSTALL}."
    if "No module named 'pyvista'" in last or "No module named 'vtk" in last:
        return "PyVista is not installed. Run: pip install pyvista"
    if "libGL" in last or "libEGL" in last or "libX11" in last:
        return f"{last}. {INSTALL}."
    return f"its process ended with code {code}: {last or 'it said nothing'}"


@cache
def probe_rendering() -> str | None:
    """Why nothing can be drawn here; None where it can. Tried once, in a process of its own."""
    from scenegrad.view.sample import draw_sample

    try:
        render_in_child(draw_sample)
    except ViewError as error:
        return str(error)
    return None

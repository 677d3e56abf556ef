"""The command line: finds the command, and tells what went wrong in one message and one exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnknownCommandError, UnusedCliTokensError

from scenegrad import __version__
from scenegrad.commands import compare, data, files, look, machine, records, simulate, start

__all__ = ["DIVERGED", "EXIT_CODES", "INTERRUPTED", "TERMINATED", "USAGE", "USER_ERROR", "app", "main"]

USER_ERROR, USAGE, DIVERGED, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143
EXIT_CODES = {
    0: "all is well",
    USER_ERROR: "refused or failed, in one message; or the answer is no (`diff`, `verify`, `doctor`, `bench`, `demo`)",
    USAGE: "the command line itself is wrong: an unknown command or option, a value of another type",
    DIVERGED: "a simulation or a training diverged; what was written before is kept",
    INTERRUPTED: "stopped by Ctrl-C, with a checkpoint to go on from",
    TERMINATED: "stopped by SIGTERM, likewise",
}
EPILOGUE = """First steps: `scenegrad new fluid --out flow.toml`, then `scenegrad check flow.toml`,
`scenegrad run flow.toml --out runs/flow` and `scenegrad view runs/flow --out flow.png`.

`scenegrad COMMAND --help` shows the options of a command, with examples; `--json` answers programs; `--debug` shows
where an error arose; `--plugin FILE.py` loads code of your own before any command, and may be repeated;
`scenegrad completion --help` tells how Tab completes.

Exit codes: {codes}.
"""

app = App(
    name="scenegrad",
    help="Describe a physical scene once: simulate it, differentiate it, learn it, look at it.",
    help_epilogue=EPILOGUE.format(codes="; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())),
    version=__version__,
    help_format="markdown",
    default_parameter=Parameter(negative_iterable=()),  # no --empty-limits beside --limits
    suppress_keyboard_interrupt=False,
)
for module in (start, simulate, data, files, records, look, compare, machine):
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code, one of EXIT_CODES."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show is no reason to fail
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    if any("\0" in word for word in words):
        return told("A word holds the character 0, which no file or name can hold.", USAGE, words)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    with warnings.catch_warnings():
        warnings.showwarning = partial(warned, words)
        return carried_out(words, debug)


def carried_out(words: list[str], debug: bool) -> int:
    try:
        words = without_plugins(words)
        code = app(words, print_error=False, exit_on_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except UnknownCommandError as error:
        return told(unknown_command(words, error), USAGE, words)
    except CycloptsError as error:
        if debug:
            raise
        said = next((words_for(error) for kind, words_for in SAID.items() if isinstance(error, kind)), str(error))
        return told(f"{said}\nTry: scenegrad {words[0] if words else ''} --help", USAGE, words)
    except KeyboardInterrupt as error:
        if debug:
            raise
        return told(str(error) or "Stopped.", 128 + getattr(error, "signal", signal.SIGINT), words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough
        return 0
    except Exception as error:
        if debug:
            raise
        return told(*explained(error), words)


def left_over(error: UnusedCliTokensError) -> str:
    """Words that the command has no place for."""
    rest = ", ".join(map(repr, error.unused_tokens or ()))
    return f"Nothing here takes {rest}; what is written or chosen is named by an option, such as --out."


def missing(error: MissingArgumentError) -> str:
    """What a command needs and was not given, and what that is."""
    argument, command = error.argument, " ".join(error.command_chain or ())
    if argument is None:
        return str(error)
    name = argument.name if argument.index is None else argument.name.removeprefix("--").upper()
    meant = f": {argument.parameter.help}" if argument.parameter.help else "."
    if error.tokens_so_far:
        return f"{name} needs more than {' '.join(error.tokens_so_far)}{meant}"
    return f"{command} needs {name}{meant}"


SAID: dict[type[CycloptsError], Callable[[Any], str]] = {UnusedCliTokensError: left_over, MissingArgumentError: missing}


def without_plugins(words: list[str]) -> list[str]:
    """The words without --plugin FILE, whose code is loaded: the only code beside scenes in Python that a command runs
    for its user, and only where the user names it."""
    from scenegrad.scenes.errors import SceneError

    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name != "--plugin":
            rest.append(word)
            continue
        given = value if equals else next(waiting, "")
        if not given or given.startswith("-"):
            raise SceneError("--plugin needs a file of yours, such as --plugin my_material.py, or a module's name.")
        from scenegrad.scenes.plugins import load_plugin

        load_plugin(given)
    return rest


def told(message: str, code: int, words: Sequence[str]) -> int:
    """One message on stderr, for a program where it asked for JSON."""
    text = json.dumps({"error": message, "code": code}) if "--json" in words else f"scenegrad: {message}"
    print(text, file=sys.stderr)
    return code


def warned(words: Sequence[str], message: Warning | str, kind: type[Warning], *where: object) -> None:
    """One line on stderr for what its user should know; what is for programmers alone is for --debug."""
    if issubclass(kind, DeprecationWarning | PendingDeprecationWarning | ImportWarning | ResourceWarning):
        return
    text = json.dumps({"warning": str(message)}) if "--json" in words else f"scenegrad: warning: {message}"
    print(text, file=sys.stderr)


def explained(error: Exception) -> tuple[str, int]:
    """The message and exit code of an error; one that nobody foresaw says so and asks for a report."""
    from scenegrad.engine.errors import Diverged, EngineError
    from scenegrad.scenes.errors import SceneError

    if isinstance(error, Diverged):
        return str(error), DIVERGED
    if isinstance(error, EngineError | SceneError) or of_ours(error):
        return str(error), USER_ERROR
    if isinstance(error, OSError) and error.filename is not None:  # of a path that somebody gave
        return f"{error.filename}: {error.strerror}.", USER_ERROR
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error):
        return f"There is not enough memory: {error}. Take fewer cells, particles or members of a batch.", USER_ERROR
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):
        from scenegrad.scenes.scene import explain

        return explain(error), USER_ERROR  # type: ignore[arg-type]
    return (
        f"{type(error).__name__}: {error}\n"
        f"This is a fault of scenegrad, or of a scene file in Python; --debug shows where it arose.",
        USER_ERROR,
    )


def of_ours(error: Exception) -> bool:
    """Errors of the folders that are imported only when they are used."""
    return any(kind.__module__.startswith("scenegrad.") for kind in type(error).__mro__)


def unknown_command(words: Sequence[str], error: UnknownCommandError) -> str:
    known = sorted(name for name in app if not name.startswith("-"))
    word = next((word for word in words if not word.startswith("-")), "")
    close = get_close_matches(word, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no command {word!r}.{hint} Commands: {', '.join(known)}."

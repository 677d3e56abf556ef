"""The command line: finds the command, and tells what went wrong in one message and one exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts import App, CycloptsError, UnknownCommandError

from scenegrad import __version__
from scenegrad.commands import data, look, machine, simulate

__all__ = ["DIVERGED", "INTERRUPTED", "USAGE", "USER_ERROR", "app", "main"]

USER_ERROR, USAGE, DIVERGED, INTERRUPTED = 1, 2, 3, 130

app = App(
    name="scenegrad",
    help="Describe a physical scene once: simulate it, differentiate it, learn it, look at it.",
    help_epilogue="`scenegrad COMMAND --help` shows the options of a command; `--debug` shows where an error arose.",
    version=__version__,
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
for module in (simulate, data, look, machine):
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, or 1 user error, 2 usage, 3 diverged, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        code = app(words, print_error=False, exit_on_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except UnknownCommandError as error:
        return told(unknown_command(words, error), USAGE, words)
    except CycloptsError as error:
        if debug:
            raise
        return told(f"{error}\nTry: scenegrad {words[0] if words else ''} --help", USAGE, words)
    except KeyboardInterrupt as error:
        if debug:
            raise
        return told(str(error) or "Stopped.", INTERRUPTED, words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough
        return 0
    except Exception as error:
        if debug:
            raise
        return told(*explained(error), words)


def told(message: str, code: int, words: Sequence[str]) -> int:
    """One message on stderr, for a program where it asked for JSON."""
    text = json.dumps({"error": message, "code": code}) if "--json" in words else f"scenegrad: {message}"
    print(text, file=sys.stderr)
    return code


def explained(error: Exception) -> tuple[str, int]:
    """The message and exit code of an error; one that nobody foresaw says so and asks for a report."""
    from scenegrad.engine.errors import Diverged, EngineError
    from scenegrad.scenes.errors import SceneError

    if isinstance(error, Diverged):
        return str(error), DIVERGED
    if isinstance(error, EngineError | SceneError) or of_ours(error):
        return str(error), USER_ERROR
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
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

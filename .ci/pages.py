"""Runs the code of a page of the docs, in order, in one namespace, in the working folder.

`python .ci/pages.py docs/tutorials/fluids.md` runs a page in a temporary folder and keeps its pictures in
docs/pictures/tutorials. Blocks in Python run; blocks in bash that begin with `scenegrad` are given to the command line;
blocks that begin with a comment `# file: NAME` are written to that file first, and Python among them does not run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["blocks", "play"]

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures" / "tutorials"


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, code) of every fenced block."""
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def play(page: Path, smaller: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the code of a page leaves behind, by name.

    smaller: what is written in the page, and what runs in its place where a small form is enough; each has to be there.
    """
    unused = set(smaller or {})
    space: dict[str, Any] = {"__name__": page.stem}
    sys.path.insert(0, os.getcwd())
    for number, (language, code) in enumerate(blocks(page)):
        for old, new in (smaller or {}).items():
            unused -= {old} if old in code else set()
            code = code.replace(old, new)
        if found := re.match(r"# file: (\S+)\n", code):
            Path(found[1]).write_text(code[found.end() :], encoding="utf-8")
        elif language == "python":
            exec(compile(code, f"{page.name}, block {number}", "exec"), space)
        elif language == "bash":
            for line in code.replace("\\\n", " ").splitlines():
                command(line)
    assert not unused, f"{page.name} does not say {', '.join(map(repr, unused))}"
    return space


def command(line: str) -> None:
    from scenegrad.cli import main

    words = shlex.split(line, comments=True)
    if words[:1] == ["scenegrad"]:
        assert main(words[1:]) == 0, line


if __name__ == "__main__":
    sources = [Path(name).resolve() for name in sys.argv[1:]]
    for source in sources:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            play(source)
            for picture in Path(folder).glob("*.png"):
                shutil.copy(picture, PICTURES / picture.name)
            os.chdir(ROOT)

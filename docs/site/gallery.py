"""The gallery: a page for each script of `examples/`, with its docstring, its pictures, its source and what it prints.

SCENEGRAD_GALLERY chooses what becomes of the scripts while the site is built:

    stored  nothing runs; the pages have the pictures of docs/pictures/examples
    small   each runs as the tests run it, in the form of examples/small.toml, seconds each; the page says what it
            printed then, and the pictures are the stored ones
    full    each runs as a person would start it, some for minutes; pictures that it leaves become the stored ones

What a script printed is kept in docs/_build and used again until the script changes.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Example", "examples", "form", "small", "write"]

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "pictures" / "examples"
KEPT = ROOT / "docs" / "_build" / "gallery"
FORMS = ("stored", "small", "full")
SUFFIXES = {".png", ".gif"}


@dataclass(frozen=True)
class Example:
    """A script, its docstring as title and text, and the names of the front door that it uses."""

    path: Path
    title: str
    text: str
    source: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def pictures(self) -> list[Path]:
        """NAME.png or NAME.gif first, then NAME_<what>.png."""
        found = [path for path in PICTURES.glob(f"{self.name}*") if path.suffix in SUFFIXES]
        others = {path.stem for path in (ROOT / "examples").glob("*.py")} - {self.name}
        return sorted((p for p in found if p.stem not in others), key=lambda p: (len(p.stem), p.stem))


def examples() -> list[Example]:
    return [read(path) for path in sorted((ROOT / "examples").glob("*.py"))]


def read(path: Path) -> Example:
    source = path.read_text(encoding="utf-8")
    title, _, text = (ast.get_docstring(ast.parse(source)) or path.stem).partition("\n\n")
    names = tuple(sorted(set(re.findall(r"\bsg\.([A-Za-z_]\w*)", source))))
    return Example(path, " ".join(title.split()).rstrip("."), text, source, names)


def small() -> dict[str, dict[str, object]]:
    """The arguments of each script's main() in its small form."""
    return tomllib.loads((ROOT / "examples" / "small.toml").read_text(encoding="utf-8"))


def form(environment: Mapping[str, str]) -> str:
    chosen = environment.get("SCENEGRAD_GALLERY", "stored")
    if chosen not in FORMS:
        raise ValueError(f"SCENEGRAD_GALLERY is {chosen!r}; it is one of {', '.join(FORMS)}.")
    return chosen


def printed(example: Example, how: str) -> str:
    """What the script prints in this form; new pictures of a full one are stored. A script that fails is an error."""
    key = hashlib.sha256(f"{small()[example.name]}{example.source}".encode()).hexdigest()
    kept = KEPT / f"{example.name}-{how}.json"
    if kept.exists() and (record := json.loads(kept.read_text(encoding="utf-8")))["key"] == key:
        return record["printed"]
    print(f"running {example.name}, {how}", flush=True)
    with TemporaryDirectory() as folder:
        (Path(folder) / "assets").symlink_to(ROOT / "assets")
        code = f"import runpy; runpy.run_path({str(example.path)!r})['main'](**{small()[example.name]!r})"
        command = [sys.executable, "-P", "-c", code] if how == "small" else [sys.executable, "-P", str(example.path)]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"MPLBACKEND": "Agg"}
        )
        if done.returncode:
            raise RuntimeError(f"examples/{example.path.name} failed in its {how} form:\n{done.stderr}")
        if how == "full":
            scrape(example, Path(folder))
    KEPT.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"key": key, "printed": done.stdout}), encoding="utf-8")
    return done.stdout


def scrape(example: Example, folder: Path) -> None:
    """Pictures that a script left below its folder: the first is called after it, the others after themselves too."""
    found = sorted((p for p in folder.rglob("*") if p.suffix in SUFFIXES), key=lambda p: p.stat().st_mtime)
    found = [path for path in found if "assets" not in path.relative_to(folder).parts]
    for count, path in enumerate(found):
        name = example.name if count == 0 or path.stem == example.name else f"{example.name}_{path.stem}"
        shutil.copyfile(path, PICTURES / f"{name}{path.suffix}")


def page(example: Example, how: str) -> str:
    """One page, in Markdown."""
    parts = [f"# {example.title}", example.text]
    parts += [f"![{example.title}](../pictures/examples/{path.name})" for path in example.pictures]
    parts += [f"```{{literalinclude}} ../../examples/{example.path.name}\n:language: python\n```"]
    if how != "stored":
        forms = {"small": "Run in a small form while this page was made, it printed", "full": "It printed"}
        if text := printed(example, how).strip():
            parts += [forms[how] + ":", f"```text\n{text}\n```"]
    return "\n\n".join(filter(None, parts)) + "\n"


def tile(example: Example) -> str:
    shown = example.pictures[:1]
    picture = "".join(f"[![](../pictures/examples/{path.name})]({example.name}.md)\n\n" for path in shown)
    return f"::::{{container}} tile\n{picture}[{example.title}]({example.name}.md)\n::::"


HEAD = """# Gallery

Scripts of sixty lines (some need eighty), each to be changed into one of your own: `python examples/NAME.py`, started
in the root of the repository. Pictures are those of the scripts as they stand or, where these take many minutes, with
fewer cells, frames or rounds; the tests run every script in a small form.
"""


def write(folder: Path, how: str) -> None:
    """The pages, and one that shows a picture of each."""
    folder.mkdir(exist_ok=True)
    found = examples()
    pages = {example.name: page(example, how) for example in found}
    tiles = "\n".join(map(tile, found))
    contents = "\n".join(example.name for example in found)
    grid = f":::::{{container}} tiles\n{tiles}\n:::::"
    pages["index"] = f"{HEAD}\n{grid}\n\n```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

"""What the pages show can be typed: code compiles, names and arguments exist, commands parse, links lead somewhere."""

import ast
import builtins
import inspect
import re
import shlex
import textwrap
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pydantic
import pytest
from cyclopts import MissingArgumentError

import scenegrad as sg
from scenegrad.cli import app
from scenegrad.scenes.quantities import Carrying

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.relative_to(ROOT).parts[1:2] not in {("_build",), ("gallery",), ("reference",)}
)
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def blocks(*languages: str) -> list[Block]:
    return [
        Block(page, text[: match.start()].count("\n") + 1, match[2], match[3])
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for match in FENCE.finditer(text)
        if match[2] in languages
    ]


def known_names(tree: ast.Module) -> dict[str, object]:
    """What names of a block stand for, as far as that can be told without running it."""
    found: dict[str, object] = {name: getattr(sg, name) for name in sg.__all__}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "scenegrad":
                    found[alias.asname or "scenegrad"] = import_module(alias.name) if alias.asname else sg
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scenegrad":
            for alias in node.names:
                found[alias.asname or alias.name] = member(import_module(str(node.module)), alias.name)
    for node in ast.walk(tree):  # what the block gives a name of its own
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.pop(node.id, None)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.pop(node.name, None)
        elif isinstance(node, ast.arg):
            found.pop(node.arg, None)
    return {"sg": sg} | found


def member(owner: object, name: str) -> object:
    if not hasattr(owner, name) and inspect.ismodule(owner):
        return import_module(f"{owner.__name__}.{name}")
    return getattr(owner, name)


def meant(node: ast.expr, names: dict[str, object]) -> object | None:
    """The thing that `sg.library.argon` or `Body` is; an AttributeError where a module or class does not have it."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = meant(node.value, names)
        if inspect.ismodule(owner) or (inspect.isclass(owner) and not issubclass(owner, pydantic.BaseModel)):
            return member(owner, node.attr)
        return getattr(owner, node.attr, None) if owner is not None else None
    return None


def taken(thing: object) -> set[str] | None:
    """Names of the arguments that a thing takes; None where it takes any, or where that cannot be told."""
    if inspect.isclass(thing) and issubclass(thing, pydantic.BaseModel):
        return None if issubclass(thing, Carrying) else set(thing.model_fields)
    if not callable(thing):
        return None
    parameters = inspect.signature(thing).parameters.values()
    return None if any(p.kind is p.VAR_KEYWORD for p in parameters) else {p.name for p in parameters}


@pytest.mark.parametrize("block", blocks("python", "py"), ids=str)
def test_code_on_a_page_compiles_and_its_names_and_arguments_exist(block):
    tree = ast.parse(textwrap.dedent(block.text))
    names = known_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            try:
                meant(node, names)
            except (AttributeError, ModuleNotFoundError) as error:
                pytest.fail(f"{block}: {ast.unparse(node)}: {error}")
        if isinstance(node, ast.Call) and (thing := meant(node.func, names)) is not None:
            allowed = taken(thing)
            wrong = {word.arg for word in node.keywords if word.arg} - (allowed or set())
            assert allowed is None or not wrong, f"{block}: {ast.unparse(node.func)} takes no {sorted(wrong)}"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id[:1].isupper():
            known = {*names, *dir(builtins), *(name for one in blocks_of(block.page) for name in given(one))}
            assert node.id in known or hasattr(sg.surrogates, node.id), f"{block}: what is {node.id}?"


def blocks_of(page: Path) -> list[ast.Module]:
    return [ast.parse(textwrap.dedent(block.text)) for block in blocks("python", "py") if block.page == page]


def given(tree: ast.Module) -> set[str]:
    """Names that a block assigns, defines or imports."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import))
    return names | {alias.asname or alias.name for node in imports for alias in node.names}


def commands() -> list[Block]:
    """Lines that call scenegrad: of shell blocks, of indented code, and between backticks."""
    found = []
    for block in blocks("sh", "bash", "console"):
        joined = block.text.replace("\\\n", " ")
        found += [block._replace(text=line.strip()) for line in joined.split("\n") if line.startswith("scenegrad ")]
    for page in PAGES:
        text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))
        for match in re.finditer(r"^    (scenegrad .+)$|`(scenegrad [a-z][^`]*)`", text, re.MULTILINE):
            line = " ".join((match[1] or match[2]).split())
            found.append(Block(page, text[: match.start()].count("\n") + 1, "", line))
    return found


def test_every_command_on_a_page_parses():
    tried, wrong = 0, []
    for block in commands():
        usage = r"\$\(|\[|…|\.\.\." if block.language else r"\$\(|\[|…|\.\.\.|\b[A-Z]{3,}\b"
        if re.search(usage, block.text):  # a usage, or what another command says
            continue
        words = shlex.split(block.text, comments=True)
        named = [n for n, word in enumerate(words) if word == "--plugin"]  # read before any command is
        words = [word for n, word in enumerate(words) if n not in named and n - 1 not in named]
        words = words[1 : next((n for n, word in enumerate(words) if word in {"|", "&&", ">", "&"}), None)]
        try:
            app.parse_args(words, print_error=False, exit_on_error=False)
        except MissingArgumentError:
            if block.language:
                wrong.append(f"{block}: {block.text}: something is missing")
        except Exception as error:
            wrong.append(f"{block}: {block.text}: {error}")
        tried += 1
    assert not wrong, "\n".join(wrong)
    assert tried > 60


def test_every_script_and_target_on_a_page_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lost = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        scripts = set(re.findall(r"\b((?:benchmarks|examples)/[\w/]+\.py)\b", text))
        lost += [f"{page.name}: {script}" for script in scripts if not (ROOT / script).exists()]
        asked = set(re.findall(r"`make ([a-z][a-z-]*)", text))
        lost += [f"{page.name}: make {target}" for target in asked - targets]
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_lead_to_files(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or path.startswith(("gallery/", "reference/")):
            continue
        found = (page.parent / path).resolve() if path else page
        if not found.exists():
            lost.append(target)
        elif anchor and found.suffix == ".md" and anchor not in anchors(found):
            lost.append(target)
    assert not lost, f"{page.name}: {lost}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_page_is_in_the_contents():
    shown = set(re.findall(r"^([\w/]+)$", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE))
    for pattern in re.findall(r"^([\w/]+\*)$", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE):
        shown |= {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").glob(pattern)}
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in PAGES if ROOT / "docs" in path.parents}
    assert not pages - shown - {"index"}, "add them to docs/index.md"

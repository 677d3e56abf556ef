"""The shape of the code: who may import whom, what is loaded when, and that nothing is left out of the package."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "scenes": set(),
    "engine": set(),
    "assets": set(),
    "solvers": {"engine", "scenes"},
    "surrogates": {"engine", "scenes"},
    "view": {"engine", "scenes"},
}
FOLDERS = sorted(MAY_IMPORT)
HEAVY = {
    "dask",
    "distributed",
    "gymnasium",
    "imageio",
    "imageio_ffmpeg",
    "matplotlib",
    "pyvista",
    "rich",
    "safetensors",
    "tensorboard",
    "vtk",
}


def sources(folder: str) -> list[tuple[Path, ast.Module]]:
    """Every Python file below a folder of the root, parsed."""
    return [(path, ast.parse(path.read_text(), path)) for path in sorted((ROOT / folder).rglob("*.py"))]


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def modules(node: ast.AST) -> Iterator[str]:
    """The full dotted names that an import statement, or a call of import_module, asks for."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.Call(
            func=ast.Name("import_module") | ast.Attribute(attr="import_module"), args=[ast.Constant(str(name)), *_]
        ):
            yield name


def run_at_import(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported: those in functions and under `if TYPE_CHECKING:` do not."""
    for node in block:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            yield from run_at_import(getattr(node, "body", []))
        for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from run_at_import(part.body)
        yield from run_at_import(getattr(node, "orelse", []))
        yield from run_at_import(getattr(node, "finalbody", []))


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_downhill(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder, "system", "__version__"}
    uphill = [
        f"{where(path, node)} imports {name}"
        for path, tree in sources(folder)
        if "recipes" not in path.relative_to(ROOT).parts  # a recipe is a whole program, as a user would write it
        for node in ast.walk(tree)
        for name in modules(node)
        if name == "scenegrad" or (name.startswith("scenegrad.") and name.split(".")[1] not in allowed)
    ]
    assert not uphill, f"{folder} may import {sorted(MAY_IMPORT[folder]) or 'no other folder'}:\n" + "\n".join(uphill)


def test_what_every_folder_may_import_imports_nothing_of_ours() -> None:
    ours = [
        f"{where(path, node)} imports {name}"
        for path, tree in sources("scenegrad/system")
        for node in ast.walk(tree)
        for name in modules(node)
        if name.split(".")[0] == "scenegrad" and not name.startswith("scenegrad.system.")
    ]
    assert sources("scenegrad/system")
    assert not ours, "\n".join(ours)


@pytest.mark.parametrize("folder", [*FOLDERS, "scenegrad", "tests", "examples", "benchmarks"])
def test_folders_are_never_imported_by_their_bare_names(folder: str) -> None:
    bare = [
        f"{where(path, node)} imports {name}; the same file would be loaded twice: import scenegrad.{name}"
        for path, tree in sources(folder)
        for node in ast.walk(tree)
        for name in modules(node)
        if name.split(".")[0] in FOLDERS
    ]
    assert not bare, "\n".join(bare)


def test_bare_imports_are_refused_where_they_would_succeed() -> None:
    code = f"""
for folder in {FOLDERS}:
    try:
        __import__(folder)
    except ImportError as error:
        assert f"import scenegrad.{{folder}}" in str(error), error
    else:
        raise SystemExit(f"import {{folder}} went through")
"""
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("folder", [*FOLDERS, "scenegrad"])
def test_heavy_libraries_are_imported_where_they_are_used(folder: str) -> None:
    eager = [
        f"{where(path, node)} imports {name}; move it into the function that uses it"
        for path, tree in sources(folder)
        for node in run_at_import(tree.body)
        for name in modules(node)
        if name.split(".")[0] in HEAVY
    ]
    assert not eager, "\n".join(eager)


def test_importing_the_front_door_loads_little_and_nothing_heavy() -> None:
    code = "import json, sys; had = set(sys.modules); import scenegrad; print(json.dumps(list(set(sys.modules) - had)))"
    loaded = set(json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)))
    heavy = (HEAVY | {"torch", "warp", "scipy", "h5py"}) & loaded
    assert not heavy, f"import scenegrad loads {sorted(heavy)}"
    assert len(loaded) < 60, f"import scenegrad loads {len(loaded)} modules"


@pytest.mark.parametrize("folder", [*FOLDERS, "scenegrad"])
def test_every_folder_of_code_is_a_package(folder: str) -> None:
    """Sub-packages are found by their __init__.py: without one, a folder works here and is missing once installed."""
    lost = {
        str(path.parent.relative_to(ROOT)) for path, _ in sources(folder) if not (path.parent / "__init__.py").exists()
    }
    assert not lost, f"no __init__.py in {sorted(lost)}"


@pytest.mark.parametrize("folder", [*FOLDERS, "scenegrad"])
def test_every_function_is_annotated(folder: str) -> None:
    """But for those that Warp compiles: nothing comes back from a kernel, and its types are for Warp to read."""
    bare = [
        f"{where(path, node)} {node.name}: {', '.join(missing)}"
        for path, tree in sources(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not any(ast.unparse(decorator).startswith(("wp.", "warp.")) for decorator in node.decorator_list)
        if (missing := not_annotated(node))
    ]
    assert not bare, "not annotated:\n" + "\n".join(bare)


def not_annotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of the arguments that say no type, and `return`."""
    spec = function.args
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
    names = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
    return names + ["return"] * (function.returns is None and function.name != "__init__")


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    import scenegrad

    assert scenegrad.__version__ == version
    assert re.search(rf"^version: {re.escape(version)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_tested_version_is_there_for_the_oldest_python():
    """Debian 12 has Python 3.11.2, so that a library for 3.11.5 and newer would end `make setup` there."""
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
    )
    refused = {}
    for name, version in pinned.items():
        try:
            told = metadata(name)
        except PackageNotFoundError:
            continue  # of an extra that is not installed here
        wanted = told.get("Requires-Python") or ""
        if told["Version"] == version and f"{oldest}.0" not in SpecifierSet(wanted):
            refused[name] = wanted
    assert not refused

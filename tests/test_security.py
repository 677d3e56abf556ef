"""Files of strangers run no code: nothing in the package unpickles, evaluates or serves more than it must."""

import ast
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import FileError

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("engine", "solvers", "surrogates", "scenes", "view", "scenegrad")
BANNED_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml", "code", "runpy"}
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
ALLOWED = {  # where, and what for
    ("surrogates/data/formats/plain_pickle.py", "pickle"): "an unpickler that makes arrays and plain values alone",
    ("surrogates/training/checkpoint.py", "pickle"): "the name of the error of torch.load(weights_only=True)",
    ("scenes/files.py", "runpy"): "a scene in Python, which its user named",
    ("scenes/plugins.py", "runpy"): "a scene in Python, which its user named",
}
IMPORTERS = {  # what may import a module by a name that is not written out, and where the name comes from
    "scenegrad/__init__.py": "a table in the file",
    "view/__init__.py": "a table in the file",
    "view/rendering.py": "the process itself",
    "scenegrad/verification/registry.py": "a table in the file",
    "surrogates/recipes/study.py": "a table in the file",
    "scenes/plugins.py": "--plugin of the command line",
}


def sources(words: str) -> Iterator[tuple[str, ast.Module]]:
    """The files in which one of the words stands."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if re.search(words, text):
                yield path.relative_to(ROOT).as_posix(), ast.parse(text)


def test_nothing_unpickles_or_evaluates_text() -> None:
    faults = []
    words = rf"\b({'|'.join(BANNED_MODULES | BANNED_CALLS)}|allow_pickle|shell|load|system|popen|import_module)\b"
    for name, tree in sources(words):
        for node in ast.walk(tree):
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                faults += [
                    f"{where} imports {m}"
                    for m in modules
                    if m.partition(".")[0] in BANNED_MODULES and (name, m.partition(".")[0]) not in ALLOWED
                ]
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            said = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in BANNED_CALLS:
                faults.append(f"{where} calls {called}")
            if said.get("allow_pickle") == "True" or said.get("shell") == "True":
                faults.append(f"{where} calls {called} with {said}")
            if called == "torch.load" and said.get("weights_only") != "True":
                faults.append(f"{where} calls torch.load without weights_only=True")
            if called in ("os.system", "os.popen", "torch.jit.load", "torch.hub.load"):
                faults.append(f"{where} calls {called}")
            if (
                called.endswith("import_module")
                and not isinstance(node.args[0], ast.Constant)
                and name not in IMPORTERS
            ):
                faults.append(f"{where} imports what {ast.unparse(node.args[0])} says")
    assert not faults, "\n".join(faults)


def test_services_listen_to_this_machine_alone() -> None:
    faults = []
    for name, tree in sources(r"\b(host|interface|bind)\b|0\.0\.0\.0"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                plain = node.args.posonlyargs + node.args.args
                given = [*zip(plain[len(plain) - len(node.args.defaults) :], node.args.defaults, strict=True)]
                given += [*zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
                faults += [
                    f"{name}:{node.lineno} {node.name}({arg.arg}={default.value!r})"
                    for arg, default in given
                    if arg.arg in ("host", "interface", "bind") and isinstance(default, ast.Constant)
                    and isinstance(default.value, str) and default.value not in ("127.0.0.1", "localhost", "::1")
                ]  # fmt: skip
            if isinstance(node, ast.Constant) and node.value == "0.0.0.0":
                faults.append(f"{name}:{node.lineno} names 0.0.0.0")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "scenegrad").rglob("*.py")]
    for page in pages:
        for line in page.read_text().splitlines():
            if re.search(r"dask[ -]scheduler\b", line) and "`dask" in line and "--host" not in line:
                faults.append(f"{page.name}: {line.strip()}")
    assert not faults, "\n".join(faults)


class Danger:
    """What a file of a stranger may hold: reading it as a pickle makes a folder."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.place),)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "it ran"
    assert not (tmp_path / "it ran").exists()


def test_a_danger_is_one(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Danger(tmp_path / "it ran")))
    assert (tmp_path / "it ran").exists()


@pytest.mark.parametrize("way", ["torch", "pickle"])
def test_a_checkpoint_runs_nothing(way: str, place: Path, tmp_path: Path) -> None:
    from scenegrad.surrogates import load_model
    from scenegrad.surrogates.data.formats.neuraloperator import read_neuraloperator

    path = tmp_path / "checkpoint.pt"
    content = {"format": 3, "model": Danger(place), "weights": {"w": torch.zeros(3)}}
    torch.save(content, path) if way == "torch" else path.write_bytes(pickle.dumps(content))
    for read in (load_model, read_neuraloperator):
        with pytest.raises(FileError) as caught:
            read(path)
        assert "weights_only" not in str(caught.value), "nobody is told how to run it after all"


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_of_objects_run_nothing(suffix: str, place: Path, tmp_path: Path) -> None:
    from scenegrad.engine.geometry import read_points
    from scenegrad.surrogates.data.formats.plain_pickle import read_npz

    objects = np.array([Danger(place), None], dtype=object)
    path = tmp_path / f"x{suffix}"
    np.savez(path, position=objects) if suffix == ".npz" else np.save(path, objects)
    with pytest.raises(FileError):
        read_points(path)
    if suffix == ".npz":
        with pytest.raises(FileError, match="only arrays are read"):
            read_npz(path)


def test_a_scene_file_names_no_code(place: Path, tmp_path: Path) -> None:
    """Kinds are those that are known; a module, a path of Python or an expression in a table is text."""
    from scenegrad.scenes import load_scene
    from scenegrad.scenes.errors import SceneError

    evil = tmp_path / "evil.py"
    evil.write_text(f"import os\nos.mkdir({str(place)!r})\n")
    head = 'name = "a"\ndomain = {size = [1.0, 1.0], cells = [8, 8]}\ntime = {end = 1.0}\n'
    for kind in ("evil", "evil:Danger", str(evil), "!!python/object/apply:os.mkdir", "__import__('evil')"):
        (tmp_path / "scene.toml").write_text(head + f'[entities.block]\nkind = "{kind}"\nplugin = "{evil}"\n')
        with pytest.raises(SceneError, match="block: unknown"):
            load_scene(tmp_path / "scene.toml")
    (tmp_path / "scene.toml").write_text(head + f'plugin = "{evil}"\nplugins = ["{evil}"]\n')
    with pytest.raises(SceneError, match="unknown key 'plugin'"):
        load_scene(tmp_path / "scene.toml")

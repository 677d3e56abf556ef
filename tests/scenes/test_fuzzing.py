"""Scene files with anything in them are read, or refused in words with an address: no traceback, no hang."""

import copy
import json
import math
import resource
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import given
from hypothesis import strategies as st

from scenegrad.scenes import Scene, library, load_scene
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.files import without_none

SCENES = ("kolmogorov", "argon", "dam_break", "elastic_cubes", "wake", "shock_tube", "duck", "liquid_argon")
SLOWEST = 20.0  # [s] of a processor for one file
DEEP: Any = 0
for _ in range(300):
    DEEP = {"kind": "union", "parts": [DEEP]}
JUNK = [
    None, True, False, 0, -1, 1, 10**9, 10**30, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, "", "x", "\\0",
    "\u202e\U0001f986\ud7ff", "nan", "1e5", "../../etc/passwd", "/etc/passwd", "~", "a" * 10_000, [], [[]], [0],
    [1, 2, 3], [1e400], ["x"], [None], [math.nan, math.nan], [10**12] * 3, [[1, 2], [3]], {}, {"kind": 1},
    {"kind": "mesh"},
    {"kind": "union", "parts": []}, {"kind": "parameter", "value": math.nan}, {"kind": "uniform", "low": 2, "high": 1},
    {"kind": "choice", "values": []}, {"kind": "normal", "mean": "x", "std": -1}, {"value": 1}, {"": ""}, DEEP,
    {"kind": "table", "times": [1, 0], "values": [0]}, {"kind": "sine"}, {"kind": "gaussian_field", "length": 0},
]  # fmt: skip


@cache
def tables() -> dict[str, dict[str, Any]]:
    ready = [name for name in SCENES if name in library.__all__]
    assert len(ready) >= 2
    return {name: without_none(getattr(library, name)().model_dump(mode="json")) for name in ready}


def places(table: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = table.items() if isinstance(table, dict) else enumerate(table[:3]) if isinstance(table, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def changed(table: Any, path: tuple[Any, ...], how: str, junk: Any) -> Any:
    if len(path) == 1:
        match how:
            case "put":
                table[path[0]] = junk
            case "drop":
                del table[path[0]]
            case "twist" if isinstance(table, dict):
                table[f"{path[0]}_"] = table.pop(path[0])
            case "add" if isinstance(table, dict):
                table["stranger"] = junk
            case "wrap":
                table[path[0]] = [table[path[0]]]
        return
    changed(table[path[0]], path[1:], how, junk)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    table = copy.deepcopy(tables()[draw(st.sampled_from(sorted(tables())))])
    for _ in range(draw(st.integers(1, 3))):
        found = [path for path in places(table) if path]
        path = draw(st.sampled_from(found))
        changed(table, path, draw(st.sampled_from(("put", "put", "put", "drop", "twist", "add", "wrap"))),
                copy.deepcopy(draw(st.sampled_from(JUNK))))  # fmt: skip
    return table


def told_in_words(read: Any) -> None:
    """A scene, or one message that names a place; within bounds of time and memory."""
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        scene = read()
        assert isinstance(scene, Scene)
        scene.hash  # noqa: B018  what came through is whole
    except SceneError as error:
        message = str(error)
        assert message.strip()
        assert "Traceback" not in message
        assert len(message) < 100_000
    assert time.process_time() - start < SLOWEST
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_000_000, "two gigabytes for a scene file"


@given(mutated())
def test_a_table_with_anything_in_it_is_read_or_refused(table: dict[str, Any]) -> None:
    told_in_words(lambda: Scene.parse(table))


@given(mutated(), st.sampled_from([".toml", ".json"]), st.randoms(use_true_random=False))
def test_a_file_with_damaged_text_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any], suffix: str, random: Any
) -> None:
    import tomli_w

    try:
        text = json.dumps(table) if suffix == ".json" else tomli_w.dumps(table)
    except (TypeError, ValueError, RecursionError):  # TOML has no null and no huge numbers
        text = json.dumps(tables()["kolmogorov"])
    content = bytearray(text.encode("utf-8", "replace"))
    for _ in range(random.randrange(4)):
        at = random.randrange(len(content))
        match random.randrange(4):
            case 0:
                content[at] = random.randrange(256)
            case 1:
                del content[at : at + random.randrange(1, 40)]
            case 2:
                content[at:at] = random.choice(
                    [b"\xff\xfe", b"{" * 3000, b"[" * 3000, b'"""', b"\n[entities]\n", b"\0"]
                )
            case 3:
                del content[at:]
        if not content:
            break
    path = tmp_path_factory.mktemp("fuzz") / f"scene{suffix}"
    path.write_bytes(bytes(content))
    told_in_words(lambda: load_scene(path))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "a = " + "[" * 50_000, "a." * 20_000 + "b = 1", ""])
@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_brackets_without_end_are_refused(text: str, suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"scene{suffix}").write_text(text)
    with pytest.raises(SceneError):
        load_scene(tmp_path / f"scene{suffix}")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"scene"', "[[1]]"])
def test_a_file_that_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scene.json").write_text(text)
    with pytest.raises(SceneError):
        load_scene(tmp_path / "scene.json")


def test_cells_beyond_any_machine_are_refused() -> None:
    table = copy.deepcopy(tables()["kolmogorov"])
    table["domain"]["cells"] = [10**9, 10**9]
    with pytest.raises(SceneError, match=r"domain: .*1e\+18 cells"):
        Scene.parse(table)

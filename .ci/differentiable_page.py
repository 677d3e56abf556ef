"""Writes docs/differentiable.md: asks every compiler what it can be differentiated by, and what it refuses and why."""

from __future__ import annotations

import importlib.util
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.engine.gradients import tapeable, undoable, weighing
from scenegrad.engine.state import tensors
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.model import Model
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.signals import Signal
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.compile import compile_scene

__all__ = ["PAGE", "Answer", "answers", "everything", "marked", "modes", "neighbour", "page", "plain"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "differentiable.md"


def may_learn(kind: type[Model]) -> list[str]:
    """Fields of a part of a scene in which a Parameter may be written."""
    return [name for name, field in kind.model_fields.items() if holds(field.annotation)]


def holds(annotation: Any) -> bool:
    return annotation is Parameter or any(holds(one) for one in typing.get_args(annotation))


@dataclass(frozen=True)
class Place:
    """A number of a scene: its address, the part and field that it stands in, and what that part is part of."""

    address: str
    part: type[Model]
    field: str
    within: str


@dataclass(frozen=True)
class Answer:
    """refusal: in the words of the compiler; None where the address can learn."""

    place: Place
    scene: str
    refusal: str | None


def places(scene: Scene) -> Iterator[Place]:
    for name, part in scene.parts().items():
        if name == "gravity" and part is not None:
            yield Place("gravity", Scene, "gravity", "")
        elif name not in ("outputs", "time", "units", "seed", "name", "schema_version"):
            yield from below(part, name, type(part).__name__ if name in scene.entities else name)


def below(part: Any, address: str, within: str) -> Iterator[Place]:
    if isinstance(part, Mapping | tuple):
        for name, value in part.items() if isinstance(part, Mapping) else enumerate(part):
            yield from below(value, f"{address}.{name}", within)
    if not isinstance(part, Model):
        return
    for field in type(part).model_fields:
        value, here = getattr(part, field), f"{address}.{field}"
        inside = f"{within}.{field}"
        if field in may_learn(type(part)):
            for place, leaf in spread(value, here):
                if isinstance(leaf, Signal | Model) and not isinstance(leaf, Parameter):
                    yield from below(leaf, place, inside)
                elif leaf is not None and not isinstance(leaf, str | bool):
                    yield Place(place, type(part), field, within)
        else:
            yield from below(value, here, inside)


def spread(value: Any, address: str) -> Iterator[tuple[str, Any]]:
    """A vector of numbers is one value; signals among them, and entries of a mapping, are values of their own."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from spread(entry, f"{address}.{name}")
    elif isinstance(value, tuple) and any(isinstance(entry, Model) for entry in value):
        for index, entry in enumerate(value):
            yield from spread(entry, f"{address}.{index}")
    else:
        yield address, value


def plain(scene: Scene) -> Scene:
    """The scene with a number in place of each Parameter."""
    return scene.replace({address: known.value for address, known in scene.parameters().items()})


COMPILED: dict[str, tuple[Any, Any, Any]] = {}


def compiled(scene: Scene) -> tuple[Any, Any, Any]:
    """Of a scene without Parameters; once."""
    if scene.hash not in COMPILED:
        COMPILED[scene.hash] = compile_scene(scene, device="cpu", dtype="float64")
    return COMPILED[scene.hash]


def answers(name: str, scene: Scene) -> list[Answer]:
    """What the compiler says of every number of a scene."""
    bare = plain(scene)
    if bare.hash not in ANSWERED:
        ANSWERED[bare.hash] = asked(name, bare)
    return ANSWERED[bare.hash]


ANSWERED: dict[str, list[Answer]] = {}


def asked(name: str, bare: Scene) -> list[Answer]:
    """A number that the compiled params hold may still be refused as a Parameter: they are marked, all at once where
    that goes through, else one by one."""
    _, _, params = compiled(bare)
    known = [*places(bare)]
    told = [one for one in known if any(a == one.address or a.startswith(f"{one.address}.") for a in params)]
    together = refusal(bare, *(one.address for one in told)) is None
    asked: dict[tuple[type[Model], str, str], str | None] = {}  # one of each kind is asked about
    found = []
    for one in known:
        kind = (one.part, one.field, one.within)
        if together and one in told:
            found.append(Answer(one, name, None))
            continue
        if kind not in asked:
            asked[kind] = refusal(bare, one.address)
        found.append(Answer(one, name, asked[kind]))
    return found


def marked(scene: Scene, address: str) -> Scene:
    """The scene with a Parameter at an address, or, where that takes components only, at each of them."""
    value = scene.at(address)
    try:
        return scene.replace({address: Parameter(value=value)})
    except SceneError:
        if not isinstance(value, tuple):
            raise
        return scene.replace({f"{address}.{n}": Parameter(value=entry) for n, entry in enumerate(value)})


def refusal(scene: Scene, *addresses: str) -> str | None:
    """Why some addresses cannot learn, all marked at once; None where they can."""
    try:
        for address in addresses:
            scene = marked(scene, address)
        _, _, params = compile_scene(scene, device="cpu", dtype="float64")
    except (SceneError, EngineError) as error:
        return str(error)
    learning = [address for address, value in params.items() if value.requires_grad]
    for address in addresses:
        assert any(a == address or a.startswith(f"{address}.") for a in learning), f"{address} is silently ignored"
    return None


def reason(answer: Answer) -> str:
    """A refusal without what it says of this one scene."""
    said = answer.refusal or ""
    if found := re.search(r"No gradient reaches .*?: (.*?) Write a plain number there", said, re.DOTALL):
        return found[1].strip()
    rows = [line.split(maxsplit=1) for line in said.splitlines() if line.startswith("  ")]
    told = [words for where, words in rows if answer.place.address.startswith(where)]
    words = told[-1] if told else said.splitlines()[0]
    words = re.sub(r"^Scene '[^']*'\s*", "", words)
    return re.sub(r"[;.] Parameters here can be .*|\. Write a plain number;? .*", ".", words)


def everything() -> set[tuple[str, str]]:
    """Every field of the scene language that may hold a Parameter, by the name of its part."""
    import scenegrad.scenes  # noqa: F401  # all parts are known from here on

    def parts(kind: type[Model]) -> Iterator[type[Model]]:
        for one in kind.__subclasses__():
            yield one
            yield from parts(one)

    ours = [kind for kind in dict.fromkeys(parts(Model)) if kind.__module__.startswith("scenegrad.")]
    return {(kind.__name__, field) for kind in ours for field in may_learn(kind)}


def modes(scene: Scene) -> dict[str, str | None]:
    """Why each kind of gradient is not to be had; None where it is."""
    solver, state, params = compiled(scene)
    tries = {
        "Stored": lambda: None,
        "Reversible": lambda: undoable(solver, state, params),
        "Tape": lambda: tapeable(solver),
        "Reweighted": lambda: weighing(solver, params),
    }
    found: dict[str, str | None] = {}
    for name, attempt in tries.items():
        try:
            attempt()
            found[name] = None
        except EngineError as error:
            found[name] = str(error)
    return found


def page(families: Mapping[str, Mapping[str, Any]], elsewhere: Mapping[tuple[str, str], str]) -> str:
    made = {family: {name: make() for name, make in scenes.items()} for family, scenes in families.items()}
    said = {family: [a for n, s in scenes.items() for a in answers(n, s)] for family, scenes in made.items()}
    parts = [line for family in made for line in section(family, made[family], said[family])]
    rest = [f"| `{part}.{field}` | {words} |" for (part, field), words in elsewhere.items()]
    end = ["## What needs a file or a module", "", "| field | |", "|---|---|", *rest]
    return "\n".join([HEAD, *gradient_table(made), *parts, *end, ""])


def gradient_table(made: Mapping[str, Mapping[str, Scene]]) -> list[str]:
    lines = [
        "## How a gradient is made", "",
        "`sg.rollout(..., gradient=...)`; what is not offered is refused in words.", "",
        "| scene | solver | `Stored` | `Reversible` | `Tape` | `Reweighted` |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for family, scenes in made.items():
        for name, scene in scenes.items():
            solver = compiled(plain(scene))[0]
            marks = ["yes" if why is None else "no" for why in modes(plain(scene)).values()]
            lines.append(f"| {family}: {name} | `{type(solver).__name__}` | {' | '.join(marks)} |")
    return [*lines, ""]


def section(family: str, scenes: Mapping[str, Scene], found: list[Answer]) -> list[str]:
    rows: dict[tuple[str, str], dict[str, Answer]] = {}
    for answer in found:
        row = rows.setdefault((answer.place.part.__name__, answer.place.within), {})
        if answer.place.field not in row or answer.refusal is None:
            row[answer.place.field] = answer
    notes: dict[str, int] = {}
    lines = [f"## {family}", "", initial_states(scenes), "", "| part | may learn | refused |", "|---|---|---|"]
    for (part, within), row in rows.items():
        yes = [f"`{field}`" for field, answer in row.items() if answer.refusal is None]
        no = [
            f"`{field}` [{notes.setdefault(reason(answer), len(notes) + 1)}]"
            for field, answer in row.items()
            if answer.refusal is not None
        ]
        where = "" if within in ("", part) else f" in `{within}`"
        lines.append(f"| `{part}`{where} | {', '.join(yes)} | {', '.join(no)} |")
    lines += ["", *(f"{number}. {text[:1].upper()}{text[1:]}" for text, number in notes.items())]
    return [*lines, ""] if notes else lines


def initial_states(scenes: Mapping[str, Scene]) -> str:
    found: dict[str, None] = {}
    for scene in scenes.values():
        _, state, _ = compiled(plain(scene))
        fields = {name: value for name, value in tensors(state).items() if value.is_floating_point()}
        found |= dict.fromkeys(name for name, value in fields.items() if value.numel())
    return f"Initial states: {', '.join(f'`{name}`' for name in found)}."


HEAD = """# What is differentiable

Every number of a scene that may be a `Parameter`, as the compilers themselves say it: this page is written by
`python .ci/differentiable_page.py`, which marks each number of small scenes of every family, one by one, and notes what
`sg.compile` answers. A number that is not offered is refused with the reason below before anything runs; no gradient is
silently zero. `tests/test_differentiable.py` holds the page to the code, and computes the gradients.

A `Parameter` stands at its *address*: the name of the entity, then the fields down to it, such as
`block.material.youngs_modulus` or `boundary.x_lo.velocity.peak`. Signals (`Sine`, `Table`) learn by the numbers in
them. An *initial state* is a tensor of the state that `compile` returns: `sg.with_tensors(state, {"velocity": v})` with
a `v` that requires a gradient. Outputs, energies and final states can all be differentiated.
"""


def neighbour(name: str) -> ModuleType:
    """A file beside this one."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    scenes = neighbour("differentiable_scenes")
    PAGE.write_text(page(scenes.FAMILIES, scenes.ELSEWHERE))

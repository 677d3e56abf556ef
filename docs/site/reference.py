"""The reference: every public name on the page of its topic, by the module it is defined in.

A page lists modules; the names of the front door that live in them appear on it, under what the module says of itself.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import gallery
import plain

import scenegrad

__all__ = ["PAGES", "Page", "documented", "front_door", "write"]


@dataclass(frozen=True)
class Page:
    """modules: by their names below scenegrad; whole: those of which everything in __all__ appears, as theirs."""

    name: str
    title: str
    text: str
    modules: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


def within(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"{package}.{name}" for name in names.split())


MODELS = """Every part of a scene is a frozen, validated record, the same in Python, TOML and JSON. A number is a
float, a `Parameter` (which gets a gradient) or a distribution (`Uniform`, `LogUniform`, `Normal`, `Choice`). Lengths,
times and the like are in the units of the scene, SI where it says nothing else.

What is outside the range that a table gives is refused: with a `pydantic.ValidationError` where the part is made, with
a `SceneError` where a file is read or a scene is compiled. Either says what was given, what is allowed and how to mend
it.
"""
MADE = """What `sg.compile` returns first: each has the `program`, `max_dt`, `step`, `vjp` and `observe` of the protocol
of the engine. Making one by hand is for those who write another."""
COMMON = 6  # examples
PAGES = (
    Page(
        "running",
        "Compiling and running",
        "From a scene to numbers. States and outputs are batched, batch axis first.",
        (
            *("solvers.compile", "running", "runs", "sources", "differences"),
            *within("engine", "rollout state gradients controllers step_rule trials errors"),
        ),
    ),
    Page(
        "learning",
        "Optimising, ensembles, training",
        "What is done with many runs, or with the gradient of one.",
        (
            *within("engine", "optimise reductions residual step_adjoints dataset"),
            *("generating", "cards", "surrogates.training.loop", "surrogates.surrogate", "safeguarding"),
            *("evaluating", "evaluations"),
        ),
    ),
    Page(
        "measuring",
        "Measuring and writing",
        "Error bars, transport, and files for other programs.",
        (
            *within("engine", "statistics jackknife files.splats"),
            *("exporting.export", "importing.import_file", "transport", "extxyz", "splats"),
            *within("solvers.md", "potential_energy minimum motions.pace"),
        ),
        ("statistics",),
    ),
    Page(
        "scene",
        "The scene",
        MODELS,
        within(
            "scenes",
            "scene values vary time domain shapes sources mesh_file signals entity files schema errors methods",
        ),
    ),
    Page(
        "solids",
        "Solids, grains, masses and springs",
        MODELS,
        (*within("scenes", "solids materials learned colliders springs elastic"), "solvers.mpm.learned"),
    ),
    Page(
        "fluids",
        "Fluids and fields",
        MODELS,
        within("scenes", "fluids sides quantities forcings initial_fields gases equations porous"),
    ),
    Page(
        "atoms",
        "Atoms",
        MODELS,
        (
            *within(
                "scenes", "atoms pair_potentials mixtures many_body bonded coulomb tail solvents gravity molecules"
            ),
            *within("scenes", "molecule_files thermostats motions active targets"),
            "solvers.md.many_body.learned",
        ),
    ),
    Page("outputs", "Outputs", MODELS, within("scenes", "outputs atom_outputs")),
    Page("library", "Scenes of the library", "Functions that make a ready scene.", whole=("scenes.library",)),
    Page("control", "Control", "`sg.control`: signals, policies, environments.", whole=("control",)),
    Page("sampling", "Sampling", "`sg.sampling`: many replicas, and what their samples weigh.", whole=("sampling",)),
    Page("surrogates", "Surrogates", "`sg.surrogates`: networks in a solver's place.", whole=("surrogates",)),
    Page("view", "Looking", "`sg.view`: pictures and plots, from files only.", whole=("view",)),
    Page(
        "engine",
        "Your own, and the protocols of the engine",
        "How materials, potentials, outputs and solvers of yours join; what a solver offers.",
        (
            *within("scenes", "plugins own"),
            *within("solvers", "own mpm.own mpm.materials.own md.own torch_solver"),
        ),
        whole=within("engine", "solver fields"),
    ),
    Page(
        "solvers",
        "Solvers",
        MADE,
        whole=(
            *within("solvers", "mpm.solver mass_spring.solver md.solver"),
            *within("solvers.navier_stokes", "spectral.solver staggered.solver finite_volume.solver"),
            *within("solvers", "navier_stokes.finite_element.solver elliptic.solver elliptic.darcy.solver"),
        ),
    ),
)


def home(name: str) -> str:
    """The module below scenegrad in which a name of the front door is defined."""
    thing = getattr(scenegrad, name)
    if inspect.ismodule(thing):
        return ""
    return "scenes.values" if name in plain.ALIASES else thing.__module__.removeprefix("scenegrad.")


def front_door() -> dict[str, list[str]]:
    """Names of the front door by the module they are defined in."""
    found: dict[str, list[str]] = {}
    for name in scenegrad.__all__:
        if module := home(name):
            found.setdefault(module, []).append(name)
    return found


def documented() -> set[str]:
    """Every name that the reference has, as in `scenegrad.Body` and `scenegrad.control.Policy`."""
    by_home = front_door()
    return {f"scenegrad.{name}" for page in PAGES for module in page.modules for name in by_home.get(module, ())} | {
        f"scenegrad.{whole}.{name}" for page in PAGES for whole in page.whole for name in public(whole)
    }


def public(module: str) -> list[str]:
    return sorted(import_module(f"scenegrad.{module}").__all__, key=lambda name: (name.lower(), name))


@cache
def seen_in() -> dict[str, list[str]]:
    """Examples by the names of the front door that they use, as links; names that many use say nothing."""
    found: dict[str, list[str]] = {}
    for example in gallery.examples():
        for name in example.names:
            found.setdefault(name, []).append(f":doc:`{example.title} </gallery/{example.name}>`")
    return {name: links for name, links in found.items() if len(links) <= COMMON}


def entry(prefix: str, name: str) -> list[str]:
    thing = getattr(import_module(prefix), name)
    if prefix == "scenegrad" and name in plain.ALIASES:
        return [f".. py:data:: {prefix}.{name}", "", f"   Type of a field: {plain.ALIASES[name]}.", ""]
    links = seen_in().get(name, []) if prefix == "scenegrad" else []
    shown = [f"   Seen in {', '.join(links)}.", ""] if links else []
    if inspect.isclass(thing):
        again = ["   :no-index:"] if prefix != "scenegrad" and name in scenegrad.__all__ else []
        return [f".. autoclass:: {prefix}.{name}", "   :members:", *again, "", *shown]
    if callable(thing):
        return [f".. autofunction:: {prefix}.{name}", "", *shown]
    return [f".. autodata:: {prefix}.{name}", "   :no-value:", ""]


def title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def section(module: str) -> list[str]:
    """What a module says of itself: its first sentence is the title."""
    text = inspect.getdoc(import_module(f"scenegrad.{module}")) or module
    head, _, rest = text.partition("\n\n")
    head = " ".join(head.split())
    first, stop, more = head.partition(": ") if len(head) > 60 else (head, "", "")
    below = [plain.escaped(more[:1].upper() + more[1:]), ""] if stop else []
    return [*title(plain.escaped(first).rstrip("."), "-"), *below, *(plain.paragraphs(rest) if rest else [])]


def text_of(page: Page) -> str:
    by_home = front_door()
    lines = [*title(page.title, "="), *plain.paragraphs(page.text)]
    for module in page.modules:
        if names := by_home.get(module):
            lines += section(module)
            for name in sorted(names, key=str.lower):
                lines += entry("scenegrad", name)
    for module in page.whole:
        if len(page.whole) + len(page.modules) > 1:
            lines += section(module)
        for name in public(module):
            lines += entry(f"scenegrad.{module}", name)
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """The pages, and one that lists them; a page that says what it said before stays as it is."""
    folder.mkdir(exist_ok=True)
    contents = "\n".join(f"   {page.name}" for page in PAGES)
    intro = "Everything public, ``import scenegrad as sg`` throughout. Made from the code."
    pages = {page.name: text_of(page) for page in PAGES}
    pages["index"] = "\n".join([*title("Reference", "="), intro, "", ".. toctree::", "", contents, ""])
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

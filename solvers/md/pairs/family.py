"""From the pair potentials of a scene to terms."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import torch

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.pair_potentials import PairPotential
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.pairs import kinds  # noqa: F401  # known from here on
from scenegrad.solvers.md.pairs.potentials import potential
from scenegrad.solvers.md.pairs.term import PairTable, PairTerm
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["PAIRS", "pairs_of"]

Kind = tuple[str, str]  # of a potential and of its cut


def pairs_of(scene: Scene) -> dict[str, Any]:
    """Pair potentials by name: those that name two species, then those for all others."""
    found = {name: part for name, part in scene.entities.items() if isinstance(part, PairPotential)}
    return dict(sorted(found.items(), key=lambda item: item[1].between is None))


def by_kind(scene: Scene) -> dict[Kind, dict[str, Any]]:
    """Those of one kind and cut share out the pairs of species among them; those of several kinds add up."""
    found: dict[Kind, dict[str, Any]] = {}
    for name, pair in pairs_of(scene).items():
        found.setdefault((pair.kind, pair.cut), {})[name] = pair
    return found


def terms(assembly: Assembly) -> list[Term]:
    tables = [table(assembly, kind, list(pairs)) for kind, pairs in by_kind(assembly.scenes[0]).items()]
    return [
        PairTerm(one, assembly.species, assembly.neighbours(one.cutoff.max(dim=1).values), assembly.dtype)
        for one in sorted(tables, key=lambda one: -float(one.cutoff.max()))
    ]


def table(assembly: Assembly, kind: Kind, names: list[str]) -> PairTable:
    """Rows of the potential's parameters, and which of them serves each two species."""
    count, device = len(assembly.names), assembly.device
    rows = torch.full((count, count), -1, dtype=torch.int32)
    for row, name in enumerate(names):
        between = assembly.scenes[0].at(f"{name}.between")
        if between is not None:
            a, b = (assembly.names.index(species) for species in between)
            rows[a, b] = rows[b, a] = row
        else:
            rows[rows < 0] = row
    cutoff = [[number(scene.at(f"{name}.cutoff")) for name in names] for scene in assembly.scenes]
    reach = torch.tensor(cutoff, dtype=torch.float64, device=device)
    return PairTable(*kind, tuple(names), rows.to(device), reach)


def check(scene: Scene, reasons: Reasons) -> None:
    species = [name for name, part in scene.entities.items() if isinstance(part, Atoms)]
    served: set[tuple[str, str]] = set()
    for pairs in by_kind(scene).values():
        taken: dict[tuple[str, str] | None, str] = {}
        for name, pair in pairs.items():
            try:
                potential(pair.kind)
            except EngineError as error:
                reasons.add(name, str(error))
            unknown = [given for given in pair.between or () if given not in species]
            for given in unknown:
                reasons.add(
                    f"{name}.between",
                    f"names {given!r}; the atoms here are {', '.join(species)}.{nearest(given, species)}",
                )
            if unknown:
                return
            first, last = sorted(pair.between) if pair.between else ("", "")
            two = (first, last) if pair.between else None
            if two in taken:
                what = "every two others" if two is None else " and ".join(two)
                reasons.add(f"{name}.between", f"{what} already belong to {taken[two]}; leave one of the two out.")
            taken.setdefault(two, name)
        every = combinations_with_replacement(sorted(species), 2)
        served |= {two for two in every if None in taken or two in taken}
    if pairs_of(scene):
        kind = type(next(iter(pairs_of(scene).values()))).__name__
        for a, b in combinations_with_replacement(sorted(species), 2):
            if (a, b) not in served:
                reasons.add("entities", f"hold no potential for {a} with {b}; add {kind}(between=({a!r}, {b!r})).")
    jumping = [name for name, pair in pairs_of(scene).items() if pair.cut == "plain"]
    if jumping and scene.parameters():
        reasons.add(
            f"{jumping[0]}.cut",
            "'plain' makes energy and force jump, which no derivative sees, and the gradients of "
            f"{', '.join(scene.parameters())} would be wrong. Take 'force-shift' or 'switch', or plain numbers.",
        )


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    for name, pair in pairs_of(scene).items():
        if pair.cutoff > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.cutoff",
                f"{pair.cutoff:g} is beyond half of the shortest edge of the box, {0.5 * shortest:.6g}, where an atom "
                "would feel two images of the same neighbour. Take more cells of the lattice, or cutoff <= "
                f"{0.5 * shortest:.4g}.",
            )


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name, pair in pairs_of(scene).items() for field in potential(pair.kind).parameters]


def reach(scene: Scene) -> float | None:
    """The largest sigma, or 0.4 cutoffs where a potential has no sigma."""
    sizes = [number(getattr(pair, "sigma", 0.4 * pair.cutoff)) for pair in pairs_of(scene).values()]
    return max(sizes, default=None)


def alike(scene: Scene) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, pair in pairs_of(scene).items():
        found |= {f"{name}.kind": pair.kind, f"{name}.cut": pair.cut, f"{name}.between": pair.between}
    return found


PAIRS = Interaction((PairPotential,), terms, check, learnable, room, reach, alike, tilts=True)  # type: ignore[arg-type]  # a mixin

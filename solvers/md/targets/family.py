"""From the targets, wells and biases of a scene to terms."""

from __future__ import annotations

from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import (
    Confinement,
    DistanceBias,
    DoubleWellPairs,
    HarmonicWell,
    LennardJonesPairs,
    Oscillator,
)
from scenegrad.scenes.values import number, vector
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.lattice import counts
from scenegrad.solvers.md.targets.biases import ConfinementTerm, DistanceBiasTerm
from scenegrad.solvers.md.targets.endless_pairs import EndlessPairs
from scenegrad.solvers.md.targets.wells import CommonWell, FixedWell
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["TARGETS"]

KINDS = (DoubleWellPairs, LennardJonesPairs, Oscillator, HarmonicWell, Confinement, DistanceBias)

LEARNABLE: dict[type[Entity], tuple[str, ...]] = {
    DoubleWellPairs: ("a", "b", "c", "d0"),
    LennardJonesPairs: ("epsilon", "rm"),
    Oscillator: ("stiffness",),
    HarmonicWell: ("stiffness", "center"),
    Confinement: ("radius", "stiffness"),
    DistanceBias: ("center", "stiffness"),
}


def parts_of(scene: Scene) -> dict[str, Entity]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, KINDS)}


def terms(assembly: Assembly) -> list[Term]:
    return [term(assembly, name, part) for name, part in parts_of(assembly.scenes[0]).items()]


def term(assembly: Assembly, name: str, part: Entity) -> Term:
    if isinstance(part, Oscillator):
        return CommonWell(name)
    if isinstance(part, HarmonicWell):
        every = assembly.species.new_ones(len(assembly.species), dtype=assembly.dtype)
        chosen = every if part.of is None else (assembly.species == assembly.names.index(part.of)).to(every)
        return FixedWell(name, chosen)
    if isinstance(part, Confinement):
        return ConfinementTerm(name)
    if isinstance(part, DistanceBias):
        return DistanceBiasTerm(name, *part.atoms)
    kind = f"{part.kind}_{part.pairs}" if isinstance(part, LennardJonesPairs) else part.kind
    return EndlessPairs(kind, name, assembly.box.dim, assembly.dtype)


def check(scene: Scene, reasons: Reasons) -> None:
    species = {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}
    for name, part in parts_of(scene).items():
        if isinstance(part, DoubleWellPairs | LennardJonesPairs | Oscillator | Confinement | HarmonicWell):
            if scene.domain.dimensions is None:
                reasons.add(
                    name, f"is a {part.kind}, which knows no images; put it in open space, Domain.unbounded(dim=3)."
                )
        if isinstance(part, HarmonicWell):
            if part.of is not None and part.of not in species:
                reasons.add(
                    f"{name}.of",
                    f"names {part.of!r}; the atoms here are {', '.join(species)}.{nearest(part.of, species)}",
                )
            if len(vector(part.center)) != scene.dim:
                reasons.add(f"{name}.center", f"has {len(vector(part.center))} coordinates in {scene.dim} dimensions.")
        if isinstance(part, DistanceBias):
            total = sum(counts(species).values())
            if part.atoms[0] == part.atoms[1] or max(part.atoms) >= total:
                reasons.add(
                    f"{name}.atoms", f"{part.atoms} are no two of the atoms, which have the numbers 0 to {total - 1}."
                )


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name, part in parts_of(scene).items() for field in LEARNABLE[type(part)]]


def reach(scene: Scene) -> float | None:
    sizes = [number(part.rm) for part in parts_of(scene).values() if isinstance(part, LennardJonesPairs)]
    return max(sizes, default=None)


def alike(scene: Scene) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, part in parts_of(scene).items():
        chosen = {field: getattr(part, field) for field in ("pairs", "of", "atoms") if hasattr(part, field)}
        found |= {f"{name}.kind": part.kind} | {f"{name}.{field}": value for field, value in chosen.items()}
    return found


TARGETS = Interaction(KINDS, terms, check, learnable, reach=reach, alike=alike)

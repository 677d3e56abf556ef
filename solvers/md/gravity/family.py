"""From the gravity of a scene to a term."""

from __future__ import annotations

from scenegrad.scenes.gravity import Gravity
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.gravity.term import GravityTerm
from scenegrad.solvers.md.gravity.tree_term import TreeTerm
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.system import PerAtom
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["GRAVITY", "gravity_of"]


def gravity_of(scene: Scene) -> dict[str, Gravity]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, Gravity)}


def terms(assembly: Assembly) -> list[Term]:
    made: list[Term] = []
    names, dim, dtype = assembly.names, assembly.box.dim, assembly.dtype
    for name, part in gravity_of(assembly.scenes[0]).items():
        masses = PerAtom(Joined([f"{one}.mass" for one in names], (len(names),)), assembly.species)
        if part.tree is None:
            made.append(GravityTerm(name, masses, dim, dtype))
        else:
            made.append(TreeTerm(name, masses, part.tree.tolerance, part.tree.leaf))
    return made


def check(scene: Scene, reasons: Reasons) -> None:
    found = gravity_of(scene)
    for name in list(found)[1:]:
        reasons.add(name, f"is a second gravity beside {next(iter(found))}; leave one of them out.")
    for name, part in found.items():
        if part.tree is not None and isinstance(part.softening, Parameter):
            reasons.add(
                f"{name}.softening",
                "is a Parameter, and sums over trees have no derivative by it. Write a plain number, or leave the tree "
                "out.",
            )
    if scene.domain.dimensions is None:
        reasons.add("domain", "has edges, and gravity reaches beyond all of them. Write Domain.unbounded(dim=3), or 2.")


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name in gravity_of(scene) for field in ("constant", "softening")]


def alike(scene: Scene) -> dict[str, object]:
    return {f"{name}.tree": part.tree for name, part in gravity_of(scene).items()}


GRAVITY = Interaction((Gravity,), terms, check, learnable, alike=alike)

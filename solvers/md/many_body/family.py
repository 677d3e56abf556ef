"""From the many-body potentials of a scene to terms."""

from __future__ import annotations

import torch

from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.many_body import StillingerWeber
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.many_body.stillinger_weber import PARAMETERS
from scenegrad.solvers.md.many_body.triplets_term import StillingerWeberTerm
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["MANY_BODY"]

GROWTH = 1.05  # of sigma while it is learnt, for which lists of neighbours have room


def terms(assembly: Assembly) -> list[Term]:
    found: list[Term] = []
    for name in MANY_BODY.entities(assembly.scenes[0]):
        like = {"dtype": torch.float64, "device": assembly.device}
        reach = torch.tensor([scene.at(f"{name}.reach") for scene in assembly.scenes], **like)  # type: ignore[arg-type]
        ends = torch.tensor([end(scene, name) for scene in assembly.scenes], **like)  # type: ignore[arg-type]
        cutoff = torch.minimum(GROWTH * ends, torch.maximum(ends, 0.5 * assembly.box.finite.amin(dim=1)))
        of = assembly.scenes[0].at(f"{name}.of")
        among = torch.ones_like(assembly.species, dtype=torch.bool)
        if of is not None:
            among = assembly.species == assembly.names.index(of)
        found.append(StillingerWeberTerm(name, reach, assembly.neighbours(cutoff), among, assembly.dtype))
    return found


def end(scene: Scene, name: str) -> float:
    return number(scene.at(f"{name}.sigma")) * float(scene.at(f"{name}.reach"))


def check(scene: Scene, reasons: Reasons) -> None:
    species = [name for name, part in scene.entities.items() if isinstance(part, Atoms)]
    for name in MANY_BODY.entities(scene):
        of = scene.at(f"{name}.of")
        if of is not None and of not in species:
            reasons.add(f"{name}.of", f"names {of!r}; the atoms here are {', '.join(species)}.{nearest(of, species)}")
        if scene.dim != 3:
            reasons.add(name, "is for three dimensions, where tetrahedra are.")


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    for name in MANY_BODY.entities(scene):
        if end(scene, name) > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.sigma",
                f"lets it end at {end(scene, name):.4g}, beyond half of the shortest edge of the box, "
                f"{0.5 * shortest:.6g}. Take more cells of the lattice.",
            )


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{parameter}" for name in MANY_BODY.entities(scene) for parameter in PARAMETERS]


def reach(scene: Scene) -> float | None:
    return max((number(scene.at(f"{name}.sigma")) for name in MANY_BODY.entities(scene)), default=None)


def alike(scene: Scene) -> dict[str, object]:
    return {f"{name}.of": scene.at(f"{name}.of") for name in MANY_BODY.entities(scene)}


MANY_BODY = Interaction((StillingerWeber,), terms, check, learnable, room, reach, alike)

"""From Lennard-Jones atoms of many kinds in a scene to one term."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch

from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.coulomb import Electrostatics
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.mixtures import MixedLennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.pairs.encounters import Encounters
from scenegrad.solvers.md.pairs.mixing import MixedNumbers
from scenegrad.solvers.md.pairs.term import PairTable, PairTerm
from scenegrad.solvers.md.units import UNITS
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["MIXTURES", "kinds_of"]


def kinds_of(scene: Scene) -> dict[str, Any]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, MixedLennardJones)}


def terms(assembly: Assembly) -> list[Term]:
    kinds = kinds_of(assembly.scenes[0])
    if not kinds:
        return []
    first, theta = next(iter(kinds.values())), MixedNumbers(tuple(kinds))
    rows = torch.full((len(assembly.names),) * 2, -1, dtype=torch.int32)
    members = [[assembly.names.index(one) for one in part.of] for part in kinds.values()]
    for row, (a, b) in enumerate(theta.pairs):
        for one, other in product(members[a], members[b]):
            rows[one, other] = rows[other, one] = row
    names = list(kinds)
    cutoff = torch.tensor([next(iter(kinds_of(scene).values())).cutoff for scene in assembly.scenes])
    reach = cutoff.to(assembly.device, torch.float64)
    called = tuple(f"{names[a]} with {names[b]}" for a, b in theta.pairs)
    each = reach[:, None].expand(-1, len(called)).contiguous()
    table = PairTable("lennard_jones", first.cut, called, rows.to(assembly.device), each)
    constant = UNITS[assembly.scenes[0].units].coulomb
    met = Encounters(theta, rows.clamp(min=0).to(assembly.device).long(), charges_of(assembly), constant)
    return [PairTerm(table, assembly.species, assembly.neighbours(reach), assembly.dtype, theta, met)]


def charges_of(assembly: Assembly) -> Joined | None:
    """Of the species, where they are felt."""
    if not any(isinstance(part, Electrostatics) for part in assembly.scenes[0].entities.values()):
        return None
    return Joined([f"{name}.charge" for name in assembly.names], (len(assembly.names),))


def check(scene: Scene, reasons: Reasons) -> None:
    kinds = kinds_of(scene)
    species = [name for name, part in scene.entities.items() if isinstance(part, Atoms)]
    taken: dict[str, str] = {}
    for name, part in kinds.items():
        for given in part.of:
            if given not in species:
                hint = nearest(given, species)
                reasons.add(f"{name}.of", f"names {given!r}; the atoms here are {', '.join(species)}.{hint}")
            elif given in taken:
                reasons.add(f"{name}.of", f"names {given}, which already is of {taken[given]}; leave one of them out.")
            taken.setdefault(given, name)
    for field in ("cutoff", "cut"):
        found = {name: getattr(part, field) for name, part in kinds.items()}
        if len(set(found.values())) > 1:
            odd = next(name for name, value in found.items() if value != next(iter(found.values())))
            reasons.add(f"{odd}.{field}", f"is {found[odd]}, and that of {next(iter(found))} is another; take one.")
    jumping = [name for name, part in kinds.items() if part.cut == "plain"]
    if jumping and scene.parameters():
        reasons.add(
            f"{jumping[0]}.cut", "'plain' makes energy and force jump, which no derivative sees. Take 'switch'."
        )


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    for name, part in kinds_of(scene).items():
        if part.cutoff > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.cutoff",
                f"{part.cutoff:g} is beyond half of the shortest edge of the box, {0.5 * shortest:.6g}, where an atom "
                f"would feel two images of the same neighbour. Take cutoff <= {0.5 * shortest:.4g}, or a larger box.",
            )


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name in kinds_of(scene) for field in ("epsilon", "sigma")]


def reach(scene: Scene) -> float | None:
    return max((number(part.sigma) for part in kinds_of(scene).values()), default=None)


def alike(scene: Scene) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, part in kinds_of(scene).items():
        found |= {f"{name}.of": part.of, f"{name}.cut": part.cut}
    return found


MIXTURES = Interaction((MixedLennardJones,), terms, check, learnable, room, reach, alike, tilts=True)

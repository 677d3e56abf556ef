"""From the bonded potentials of a scene to terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.atoms import NVE, Atoms, Langevin
from scenegrad.scenes.bonded import FENE, Bonded, RigidBond, ScaledPairs
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.bonded import angles, bonds, dihedrals, listed  # noqa: F401  # known from here on
from scenegrad.solvers.md.bonded.laws import LAWS, BondedLaw
from scenegrad.solvers.md.bonded.scaled import check_scaled, scaled_terms
from scenegrad.solvers.md.bonded.term import BondedTerm
from scenegrad.solvers.md.bonded.topology import bonded_of, groups_of, starts_of
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.lattice import box_of, lean_of, place
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["BONDED"]


def law(kind: str) -> BondedLaw:
    if kind not in LAWS:
        raise EngineError(
            f"No bonded potential serves {kind!r}; there are {', '.join(LAWS)}. Another one joins by "
            f"register_bonded(BondedLaw({kind!r}, ...))."
        )
    return LAWS[kind]


def springs_of(scene: Scene) -> dict[str, Any]:
    """Bonded potentials with numbers of their own by name; not what is rigid."""
    return {name: part for name, part in bonded_of(scene).items() if not isinstance(part, RigidBond | ScaledPairs)}


def terms(assembly: Assembly) -> list[Term]:
    scene, by_kind = assembly.scenes[0], dict[str, dict[str, np.ndarray]]()
    for name, part in springs_of(scene).items():
        by_kind.setdefault(part.kind, {})[name] = groups_of(scene, part)
    atoms = len(assembly.species)
    own = [
        BondedTerm(kind, list(groups), list(groups.values()), assembly.box, atoms, assembly.dtype)
        for kind, groups in by_kind.items()
    ]
    return [*own, *scaled_terms(assembly)]


def check(scene: Scene, reasons: Reasons) -> None:
    check_scaled(scene, reasons)
    species = [name for name, part in scene.entities.items() if isinstance(part, Atoms)]
    for name, part in bonded_of(scene).items():
        if isinstance(part, RigidBond):
            if not isinstance(scene.dynamics, NVE | Langevin | None):
                reasons.add(
                    name, f"is held by NVE() and by Langevin(...) only, not by {type(scene.dynamics).__name__}."
                )
        elif not isinstance(part, ScaledPairs) and part.kind not in LAWS:
            reasons.add(name, f"is a {part.kind}, and the bonded potentials known are {', '.join(LAWS)}.")
        elif part.together == 4 and scene.dim != 3:
            reasons.add(name, f"twists atoms in {scene.dim} dimensions; a dihedral angle needs three.")
        if part.of is not None and part.of not in species:
            hint = nearest(part.of, species)
            reasons.add(f"{name}.of", f"names {part.of!r}; the atoms here are {', '.join(species)}.{hint}")
            continue
        if part.groups is None and not len(groups_of(scene, part)):
            chained = [s for s in species if isinstance(scene.at(f"{s}.lattice"), Chains)]
            where = f"{part.of} has" if part.of is not None else f"{', '.join(species)} have"
            hint = f" Chains are in {', '.join(chained)}." if chained else ""
            reasons.add(
                f"{name}.groups",
                f"is missing, and {where} no chains of {part.together} beads.{hint} "
                f"Write groups=({tuple(range(part.together))}, ...).",
            )
        elif part.groups is not None:
            starts = starts_of(scene)
            total = starts[part.of][1] - starts[part.of][0] if part.of else max(end for _, end in starts.values())
            for group in part.groups:
                if max(group) >= total:
                    reasons.add(f"{name}.groups", f"has {group}, and there are {total} atoms, 0 to {total - 1}.")
                    break


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    """Bonds that have no energy where they start, and bonds that the box is too small for."""
    parts = bonded_of(scene)
    if not parts:
        return
    species = {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}
    box = box_of(scene, species)
    x = place(scene, species, box)
    lean = lean_of(scene)
    images = Box(torch.from_numpy(box)[None], None if lean is None else torch.from_numpy(np.atleast_2d(lean)))
    for name, part in parts.items():
        groups = groups_of(scene, part)
        for first, second in zip(groups.T[:-1], groups.T[1:], strict=True):
            r = images.nearest(torch.from_numpy(x[first] - x[second])[None])[0].norm(dim=1).numpy()
            worst = int(r.argmax())
            pair = f"atoms {first[worst]} and {second[worst]}, which start {r[worst]:.4g} apart"
            if isinstance(part, FENE) and r[worst] >= number(part.extent):
                reasons.add(f"{name}.extent", f"{number(part.extent):g} is less than a bond: {pair}.")
            elif r[worst] > 0.4 * shortest:
                reasons.add(name, f"binds {pair}, in a box of {shortest:.4g} that has room for bonds of 0.4 of that.")


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name, part in springs_of(scene).items() for field in law(part.kind).parameters]


def alike(scene: Scene) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, part in bonded_of(scene).items():
        found |= {
            f"{name}.kind": part.kind,
            f"{name}.groups": (part.of, part.groups),
            f"{name}.excludes": part.excludes,
        }
        if isinstance(part, RigidBond):
            found[f"{name}.length"] = part.length
        if isinstance(part, ScaledPairs):
            found |= {f"{name}.charges": part.charges, f"{name}.pairs": part.pairs}
    return found


BONDED = Interaction((Bonded,), terms, check, learnable, room, alike=alike, tilts=True)  # type: ignore[arg-type]  # a mixin

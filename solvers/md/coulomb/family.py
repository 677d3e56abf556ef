"""From the charges of a scene to terms."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.coulomb import PME, ChargeMethod, Direct, Electrostatics, Ewald, ReactionField
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.coulomb.accuracy import alpha_of, balanced_cutoff, mesh_points, waves_of
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.coulomb.corrections import corrections, pairs_of_table
from scenegrad.solvers.md.coulomb.grouped import Grouped
from scenegrad.solvers.md.coulomb.mesh import ChargeMesh, Mesh
from scenegrad.solvers.md.coulomb.pairs import ChargePairs, Shape
from scenegrad.solvers.md.coulomb.waves import Waves
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.lattice import box_of, counts, lean_of
from scenegrad.solvers.md.neighbours.lists import ALL_ATOMS
from scenegrad.solvers.md.speeds import Speed
from scenegrad.solvers.md.system import PerAtom
from scenegrad.solvers.md.torch_term import TorchTerm
from scenegrad.solvers.md.units import UNITS
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["CHARGES", "charge_terms"]

WITHIN = 100  # charges in the sphere of the cutoff, where the mesh does the rest
ROOM = 0.45  # of the shortest edge, so that a barostat may shrink it
FAR = 1e9  # cutoff of lists without one [length]
NEUTRAL = 1e-6  # of the sum of the sizes of all charges


class Cell(NamedTuple):
    """Lengths of the edges of a box; what half of is the most that images allow a cutoff."""

    edges: tuple[float, ...]
    shortest: float
    volume: float


class Split(NamedTuple):
    """Of Ewald's sum of one member: cutoff of its pairs, alpha [1/length], and its waves or its mesh."""

    cutoff: float
    alpha: float
    numbers: tuple[int, ...]


def terms(assembly: Assembly) -> list[Term]:
    found = list(CHARGES.entities(assembly.scenes[0]))
    if not found:
        return []
    methods = [scene.at(found[0]).method for scene in assembly.scenes]
    joined = Joined([f"{name}.charge" for name in assembly.names], (len(assembly.names),))
    charges = Charges(PerAtom(joined, assembly.species), UNITS[assembly.scenes[0].units].coulomb)
    return charge_terms(assembly, methods, charges)


def charge_terms(assembly: Assembly, methods: list[ChargeMethod], charges: Charges) -> list[Term]:
    """Of methods of one kind, one for each member."""
    dim, dtype = assembly.box.dim, assembly.dtype
    if isinstance(methods[0], Direct):
        bare = Shape("bare", rows([(math.inf, 0.0, 0.0, 0.0)] * len(methods), assembly))
        if assembly.excluded is not None and len(assembly.species) <= ALL_ATOMS:  # a list of all pairs leaves them out
            endless = torch.full((len(methods),), FAR, dtype=torch.float64, device=assembly.device)
            return [ChargePairs(bare, charges, dim, dtype, assembly.neighbours(endless))]
        return [ChargePairs(bare, charges, dim, dtype, None), *without(assembly, charges, None)]
    if isinstance(methods[0], ReactionField):
        table = rows([reaction(one) for one in methods if isinstance(one, ReactionField)], assembly)
        return [ChargePairs(Shape("reaction", table), charges, dim, dtype, assembly.neighbours(table[:, 0].sqrt()))]
    splits = [split(one, cell, len(assembly.species)) for one, cell in zip(methods, cells(assembly.box), strict=True)]
    table = rows([(one.cutoff**2, one.alpha, 0.0, 0.0) for one in splits], assembly)
    reach = torch.tensor([one.cutoff for one in splits], dtype=torch.float64, device=assembly.device)
    near = ChargePairs(Shape("screened", table), charges, dim, dtype, assembly.neighbours(reach))
    far = mesh_term if isinstance(methods[0], PME) else wave_term
    return [near, far(methods, splits, charges, assembly), *without(assembly, charges, table[:, 1])]


def without(assembly: Assembly, charges: Charges, alpha: Tensor | None) -> list[Term]:
    """Takes back what excluded pairs, which lists of neighbours leave out, have of other sums."""
    if assembly.excluded is None:
        return []
    pairs = pairs_of_table(assembly.excluded.to(assembly.device))
    return [corrections(charges, pairs, torch.zeros(len(pairs), device=assembly.device), alpha)]


def rows(values: list[tuple[float, float, float, float]], assembly: Assembly) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, device=assembly.device)


def reaction(method: ReactionField) -> tuple[float, float, float, float]:
    share = 0.5 if method.epsilon is None else (method.epsilon - 1.0) / (2.0 * method.epsilon + 1.0)
    c = share / method.cutoff**3
    return method.cutoff**2, 0.0, c, 1.0 / method.cutoff + c * method.cutoff**2


def cells(box: Box) -> list[Cell]:
    lengths = box.edges if box.lean is None else box.matrix.norm(dim=2)
    return [
        Cell(tuple(edges), min(upright), math.prod(upright))
        for edges, upright in zip(lengths.tolist(), box.edges.tolist(), strict=True)
    ]


def split(method: ChargeMethod, cell: Cell, atoms: int) -> Split:
    assert isinstance(method, Ewald | PME)
    edges, volume, most = cell.edges, cell.volume, ROOM * cell.shortest
    if method.cutoff is not None:
        cutoff = method.cutoff
    elif isinstance(method, PME):
        cutoff = min((WITHIN * volume / atoms * 0.75 / math.pi) ** (1 / 3), most)
    else:
        cutoff = min(balanced_cutoff(method.tolerance, atoms, volume), most)
    alpha = alpha_of(method.tolerance, cutoff, (volume / atoms) ** (1 / 3))
    if isinstance(method, Ewald):
        return Split(cutoff, alpha, waves_of(method.tolerance, alpha, edges, atoms, volume))
    return Split(cutoff, alpha, mesh_points(method.tolerance, alpha, method.order, edges, method.spacing))


def wave_term(methods: list[ChargeMethod], splits: list[Split], charges: Charges, assembly: Assembly) -> Term:
    alpha = torch.tensor([one.alpha for one in splits], dtype=torch.float64, device=assembly.device)
    most = torch.tensor([one.numbers for one in splits], device=assembly.device)
    waves = Waves(alpha, most, None if assembly.box.lean is None else sphere(assembly.box, most))

    def energy(x: Tensor, matrix: Tensor, params: Params) -> Tensor:
        return waves.energy(x, matrix, charges.differentiable(params))

    return TorchTerm(energy, charges.addresses, Speed.WAVES)


def sphere(box: Box, most: Tensor) -> Tensor:
    """K of `Waves`, of the largest sphere of waves whose numbers are no higher than these [batch, 3]."""
    reach = (most / box.matrix.norm(dim=2)).amin(dim=1)
    inverse = torch.linalg.inv(box.matrix)
    return inverse.transpose(1, 2) @ inverse / reach.square()[:, None, None]


def mesh_term(methods: list[ChargeMethod], splits: list[Split], charges: Charges, assembly: Assembly) -> Term:
    """Members whose meshes are alike are served together."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for member, (method, one) in enumerate(zip(methods, splits, strict=True)):
        assert isinstance(method, PME)
        alike.setdefault((method.order, *one.numbers), []).append(member)
    groups: list[tuple[Tensor, Term]] = []
    for (order, nx, ny, nz), members in alike.items():
        alpha = torch.tensor([splits[member].alpha for member in members], dtype=torch.float64, device=assembly.device)
        mesh = ChargeMesh(Mesh((nx, ny, nz), order, alpha), charges, assembly.dtype)
        groups.append((torch.tensor(members, device=assembly.device), mesh))
    return groups[0][1] if len(groups) == 1 else Grouped(groups)


def species(scene: Scene) -> dict[str, Atoms]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, Atoms)}


def check(scene: Scene, reasons: Reasons) -> None:
    found = {name: scene.at(name) for name in CHARGES.entities(scene)}
    charged = {name: number(atoms.charge) for name, atoms in species(scene).items()}
    for name in list(found)[1:]:
        reasons.add(name, f"sums the charges once more, as {next(iter(found))} does already. Leave one of them out.")
    for name, part in found.items():
        if not any(charged.values()):
            reasons.add(name, f"finds no charge; give some to {', '.join(charged)}, as in Atoms(..., charge=1.0).")
        method, kind = part.method, type(part.method).__name__
        if isinstance(method, Direct) and any(scene.domain.wraps):
            reasons.add(
                f"{name}.method",
                "Direct() sums pairs in open space, and this box repeats itself. Take PME(), Ewald() or "
                "ReactionField(cutoff=...), or Domain.unbounded(dim=3).",
            )
        if isinstance(method, ReactionField) and not any(scene.domain.wraps):
            reasons.add(f"{name}.method", "ReactionField() is for a box that repeats itself; take Direct().")
        if isinstance(method, Ewald | PME):
            if scene.dim != 3 or not all(scene.domain.wraps):
                reasons.add(
                    f"{name}.method",
                    f"{kind}() sums the images of a box that repeats itself along all of three axes. Take "
                    "Domain.periodic(...), or Direct() in open space.",
                )
            else:
                check_neutral(scene, name, kind, charged, reasons)


def check_neutral(scene: Scene, name: str, kind: str, charged: dict[str, float], reasons: Reasons) -> None:
    number_of = counts(species(scene))
    total = sum(charged[one] * number_of[one] for one in charged)
    size = sum(abs(charged[one]) * number_of[one] for one in charged)
    if abs(total) > NEUTRAL * size:
        listed = " + ".join(f"{number_of[one]} {one} x {charged[one]:g}" for one in charged)
        reasons.add(
            f"{name}.method",
            f"{kind}() sums images for ever, which only a neutral box allows; here the charges add up to "
            f"{total:.6g} ({listed}). Balance them.",
        )


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    for name in CHARGES.entities(scene):
        cutoff = getattr(scene.at(name).method, "cutoff", None)
        if cutoff is not None and cutoff > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.method.cutoff",
                f"{cutoff:g} is beyond half of the shortest edge of the box, {0.5 * shortest:.6g}; take at most that.",
            )


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.charge" for name in species(scene)] if CHARGES.entities(scene) else []


def reach(scene: Scene) -> float | None:
    """A third of the cutoff, so that a skin is a tenth of it."""
    edges, lean = box_of(scene, species(scene)), lean_of(scene)
    box = Box(torch.from_numpy(edges)[None], None if lean is None else torch.from_numpy(lean)[None])
    for name in CHARGES.entities(scene):
        method = scene.at(name).method
        if isinstance(method, ReactionField):
            return method.cutoff / 3.0
        if isinstance(method, Ewald | PME):
            return split(method, cells(box)[0], sum(counts(species(scene)).values())).cutoff / 3.0
    return None


def alike(scene: Scene) -> dict[str, object]:
    return {f"{name}.method": type(scene.at(name).method).__name__ for name in CHARGES.entities(scene)}


CHARGES = Interaction((Electrostatics,), terms, check, learnable, room, reach, alike, tilts=True)

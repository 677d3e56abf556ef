"""The work that a dielectric around molecules does on their charges: generalised Born radii, in torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solvents import GeneralizedBorn
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.system import PerAtom
from scenegrad.solvers.md.torch_term import TorchTerm
from scenegrad.solvers.md.units import UNITS
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["SOLVENTS", "BornSolvent"]

ALPHA, BETA, GAMMA = 1.0, 0.8, 4.85  # of OBC II


@dataclass(frozen=True)
class BornSolvent:
    """U = -k/2 (1/solute - 1/solvent) sum_ij q_i q_j / f_ij + 4 pi tension sum_i (radius_i + probe)^2 (radius_i/R_i)^6,

    f_ij^2 = r^2 + R_i R_j exp(-r^2 / (4 R_i R_j)) [Still et al. 1990], i = j included. The Born radii are

    1/R_i = 1/a_i - tanh(alpha psi - beta psi^2 + gamma psi^3) / radius_i,    psi = a_i I_i,    a = radius - offset,

    I_i the integral of 1/(4 pi r^4) over the other atoms, as spheres of radii screening_j a_j one by one
    [Hawkins, Cramer & Truhlar 1995; Onufriev, Bashford & Case 2004]. radius, screening: [atom].
    """

    charges: Charges
    radius: Tensor
    screening: Tensor
    asked: GeneralizedBorn

    def energy(self, x: Tensor, matrix: Tensor, params: Params) -> Tensor:
        """[batch]"""
        asked, q = self.asked, self.charges.differentiable(params)
        radius = self.radius.to(x)
        own = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        apart = (x[:, :, None] - x[:, None]).square().sum(-1)
        r2 = torch.where(own, 0.0, apart)
        r = torch.where(own, 1.0, apart).sqrt()
        born = self.radii(r, own)
        both = born[:, :, None] * born[:, None]
        f = (r2 + both * torch.exp(-r2 / (4.0 * both))).sqrt()
        share = 1.0 / asked.solute - 1.0 / asked.solvent
        polar = -0.5 * share * (q[:, :, None] * q[:, None] / f).sum(dim=(1, 2))
        surface = (radius + asked.probe) ** 2 * (radius / born) ** 6
        return polar + 4.0 * math.pi * asked.surface_tension * surface.sum(dim=1)

    def radii(self, r: Tensor, own: Tensor) -> Tensor:
        """R [batch, atom] of distances [batch, atom, atom]."""
        radius = self.radius.to(r)
        bare = radius - self.asked.offset
        a, s = bare[:, None], (self.screening.to(r) * bare)[None, :]
        upper, lower = 1.0 / (r + s), 1.0 / torch.maximum(a, (r - s).abs())
        shell = lower - upper + 0.25 * (r - s * s / r) * (upper**2 - lower**2) + 0.5 * torch.log(upper / lower) / r
        inside = torch.where(a < s - r, 2.0 * (1.0 / a - lower), 0.0)
        seen = (a < r + s) & ~own
        psi = 0.5 * bare * torch.where(seen, shell + inside, 0.0).sum(dim=2)
        return 1.0 / (1.0 / bare - torch.tanh(ALPHA * psi - BETA * psi**2 + GAMMA * psi**3) / radius)


def solvents(scene: Scene) -> dict[str, Any]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, GeneralizedBorn)}


def species(scene: Scene) -> list[str]:
    return [name for name, part in scene.entities.items() if isinstance(part, Atoms)]


def terms(assembly: Assembly) -> list[Term]:
    joined = Joined([f"{name}.charge" for name in assembly.names], (len(assembly.names),))
    charges = Charges(PerAtom(joined, assembly.species), UNITS[assembly.scenes[0].units].coulomb)
    found: list[Term] = []
    for part in solvents(assembly.scenes[0]).values():
        radius, screening = (by_atom(assembly, given) for given in (part.radius, part.screening))
        found.append(TorchTerm(BornSolvent(charges, radius, screening, part).energy, charges.addresses))
    return found


def by_atom(assembly: Assembly, given: dict[str, float]) -> Tensor:
    values = torch.tensor([given[name] for name in assembly.names], dtype=torch.float64, device=assembly.device)
    return values[assembly.species.long()]


def check(scene: Scene, reasons: Reasons) -> None:
    found, atoms = solvents(scene), species(scene)
    for name in list(found)[1:]:
        reasons.add(name, f"is a second solvent, beside {next(iter(found))}. Leave one of them out.")
    for name, part in found.items():
        if scene.dim != 3 or any(scene.domain.wraps):
            reasons.add(name, "is around molecules in open space. Take Domain.unbounded(dim=3).")
        for field in ("radius", "screening"):
            given = getattr(part, field)
            check_names(f"{name}.{field}", list(given), atoms, reasons)
        for one, radius in part.radius.items():
            if radius <= part.offset:
                reasons.add(f"{name}.radius", f"of {one} is {radius:g}, no more than the offset of {part.offset:g}.")


def check_names(address: str, given: Sequence[str], atoms: list[str], reasons: Reasons) -> None:
    for one in given:
        if one not in atoms:
            reasons.add(address, f"names {one!r}; the atoms here are {', '.join(atoms)}.{nearest(one, atoms)}")
    if missing := [one for one in atoms if one not in given]:
        reasons.add(address, f"has no number for {', '.join(missing)}. Give one for each species.")


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.charge" for name in species(scene)] if solvents(scene) else []


def alike(scene: Scene) -> dict[str, object]:
    return dict(solvents(scene))


SOLVENTS = Interaction((GeneralizedBorn,), terms, check, learnable, alike=alike)

"""Silicon by the potential of Stillinger and Weber: its crystal and how stiff it is."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from scenegrad.scenes.atoms import Atoms, Diamond
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.many_body import StillingerWeber
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.solvers.md.compile import compile_md
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_most, relative

__all__ = ["CASES"]

LATTICE, EPSILON = 5.431, 2.1683  # [Angstrom], [eV]
GIGAPASCAL = 160.21766  # of an eV/Angstrom^3


def crystal(stretch: tuple[float, float, float], setting: Setting) -> tuple[float, torch.Tensor, float]:
    """Energy of an atom [eV], stress [GPa] without motion, and the largest force [eV/Angstrom]."""
    scene = Scene(
        name="silicon",
        units="metal",
        domain=Domain.periodic(tuple(2.0 * LATTICE * by for by in stretch)),
        entities={"Si": Atoms(lattice=Diamond(cells=(2, 2, 2)), mass=28.085), "law": StillingerWeber()},
        time=Time(end=1.0, dt=0.001),
    )
    solver, state, params = compile_md([scene], setting.device, torch.float64)
    x, box = state.position.detach(), solver.system.box
    sums = solver.system.forces.sums(x, box, params)[0].cpu()
    force = float(solver.system.forces.force(x, box, params).abs().max())
    return float(sums[0]) / 64, sums[1:].view(3, 3) / float(box.volume) * GIGAPASCAL, force


def silicon(setting: Setting) -> Iterator[Finding]:
    energy, stress, force = crystal((1.0, 1.0, 1.0), setting)
    yield relative("energy of an atom", -2.0 * EPSILON, energy, 1e-5, "eV")
    yield at_most("pressure at the lattice constant 5.431", float(stress.trace()) / 3.0, 0.05, "GPa")
    yield at_most("largest force", force, 1e-10, "eV/Angstrom")
    h = 1e-4
    ends = [crystal((1.0 + sign * h, 1.0, 1.0), setting)[1] for sign in (1.0, -1.0)]
    c11, c12, _ = ((ends[1] - ends[0]).diagonal() / (2.0 * h)).tolist()
    yield relative("C11", 151.4, c11, 0.005, "GPa")
    yield relative("C12", 76.4, c12, 0.005, "GPa")
    yield absolute("bulk modulus", (151.4 + 2 * 76.4) / 3.0, (c11 + 2.0 * c12) / 3.0, 0.5, "GPa")


SOURCE = "Stillinger & Weber 1985; Balamane, Halicioglu & Tiller 1992, Phys. Rev. B 46, 2250"
CASES = (Case("silicon", "md", "energy and elastic constants", SOURCE, silicon),)

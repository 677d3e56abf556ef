"""Atoms, and what samplers take for them."""

from collections.abc import Callable

import scenegrad.scenes as sc


def liquid(dim: int, dynamics: sc.atoms.Dynamics) -> sc.Scene:
    lattice = sc.FCC(cells=(3, 3, 3)) if dim == 3 else sc.Square(cells=(7, 7))
    return sc.Scene(
        name="liquid",
        units="lj",
        domain=sc.Domain.periodic(density=0.8 if dim == 3 else 0.7),
        entities={
            "Ar": sc.Atoms(lattice=lattice, temperature=sc.Parameter(1.0)),
            "pair": sc.LennardJones(epsilon=sc.Parameter(1.0), sigma=sc.Parameter(1.0), cutoff=2.0),
        },
        dynamics=dynamics,
        outputs={"thermo": sc.Thermo(every=0.02)},
        time=sc.Time(end=0.04, dt=0.004),
    )


def targets() -> sc.Scene:
    """Every target, well and bias of samplers at once."""
    p = sc.Parameter
    return sc.Scene(
        name="targets",
        units="lj",
        domain=sc.Domain.unbounded(dim=2),
        entities={
            "A": sc.Atoms(lattice=sc.Square(cells=(3, 2), spacing=2.5), temperature=p(1.0)),
            "wells": sc.DoubleWellPairs(a=p(0.9), b=p(-4.0), d0=p(4.0)),
            "pair": sc.LennardJonesPairs(pairs="ordered", epsilon=p(0.8), rm=p(2.0)),
            "oscillator": sc.Oscillator(stiffness=p(0.6)),
            "well": sc.HarmonicWell(stiffness=p(0.3), center=p((0.2, -0.1)), of="A"),
            "wall": sc.Confinement(radius=p(1.8), stiffness=p(3.0)),
            "bias": sc.DistanceBias(atoms=(0, 2), center=p(3.5), stiffness=p(2.0)),
        },
        dynamics=sc.Langevin(temperature=p(1.0), friction=p(0.7)),
        outputs={"energy": sc.Energy(every=0.02)},
        time=sc.Time(end=0.04, dt=0.004),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "md-nve-2d": lambda: liquid(2, sc.NVE()),
    "md-langevin-3d": lambda: liquid(3, sc.Langevin(temperature="Ar.temperature", friction=sc.Parameter(0.7))),
    "md-targets-2d": targets,
}

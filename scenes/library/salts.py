"""Ions, in electronvolts, Angstroms and picoseconds."""

from __future__ import annotations

from scenegrad.scenes.atoms import FCC, Atoms, Langevin
from scenegrad.scenes.coulomb import PME, Electrostatics
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.outputs import RDF, Particles, Thermo
from scenegrad.scenes.pair_potentials import BornMayerHuggins
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["rock_salt"]


def rock_salt(
    cells: int = 4, temperature: Scalar = 300.0, lattice: float = 5.64, friction: Scalar = 1.0,
    end: float = 10.0, dt: float = 0.002, seed: int = 6,
) -> Scene:  # fmt: skip
    """A crystal of NaCl; at 1500 K, with lattice=6.5, it melts. [Fumi & Tosi 1964, J. Phys. Chem. Solids 25, 31]"""

    def law(two: tuple[str, str], repulsion: float, size: float, dispersion: float, quadrupole: float) -> Entity:
        return BornMayerHuggins(
            repulsion=repulsion, size=size, decay=0.317, dispersion=dispersion, quadrupole=quadrupole,
            between=two, cutoff=min(10.0, 0.49 * cells * lattice),
        )  # fmt: skip

    crystal = (cells, cells, cells)
    return Scene(
        name="rock_salt",
        units="metal",
        domain=Domain.periodic(size=(cells * lattice,) * 3),
        entities={
            "Na": Atoms(lattice=FCC(cells=crystal), mass=22.99, charge=1.0, temperature=temperature),
            "Cl": Atoms(
                lattice=FCC(cells=crystal, offset=(0.5, 0.0, 0.0)), mass=35.45, charge=-1.0, temperature=temperature
            ),
            "NaNa": law(("Na", "Na"), 0.2637, 2.340, 1.0486, 0.4993),
            "NaCl": law(("Na", "Cl"), 0.2110, 2.755, 6.9906, 8.6758),
            "ClCl": law(("Cl", "Cl"), 0.1582, 3.170, 72.4022, 145.4285),
            "charges": Electrostatics(method=PME()),
        },
        dynamics=Langevin(temperature="Na.temperature", friction=friction),
        outputs={
            "thermo": Thermo(every=0.1),
            "rdf": RDF(r_max=0.45 * cells * lattice, bins=200, every=0.1),
            "traj": Particles("position", "velocity", every=0.1),
        },
        time=Time(end=end, dt=dt, warmup=0.2 * end),
        seed=seed,
    )

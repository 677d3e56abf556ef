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

# Of Na with Na, Na with Cl and Cl with Cl, as published: repulsion 0.338e-19 J times Pauling's factors, sums of radii
# and decay [Fumi & Tosi 1964, J. Phys. Chem. Solids 25, 31]; dispersion in 1e-79 J m^6 and 1e-99 J m^8 [Mayer 1933, J.
# Chem. Phys. 1, 270]; all of them stand in Lewis, Singer & Woodcock 1975, J. Chem. Soc. Faraday Trans. 2 71, 301.
CONTACT, DECAY = 0.338, 0.317  # [1e-19 J], [A]
PAULING, SIZES, SIXTH, EIGHTH = (1.25, 1.0, 0.75), (2.340, 2.755, 3.170), (1.68, 11.2, 116.0), (0.8, 13.9, 233.0)
VOLT = 1.602176634  # an electronvolt [1e-19 J]


def rock_salt(
    cells: int = 4, temperature: Scalar = 300.0, lattice: float = 5.64, friction: Scalar = 1.0,
    end: float = 10.0, dt: float = 0.002, seed: int = 6,
) -> Scene:  # fmt: skip
    """A crystal of NaCl; at 1500 K, with lattice=6.5, it melts. [Fumi & Tosi 1964, J. Phys. Chem. Solids 25, 31]"""

    def law(two: tuple[str, str], n: int) -> Entity:
        return BornMayerHuggins(
            repulsion=CONTACT * PAULING[n] / VOLT, size=SIZES[n], decay=DECAY, dispersion=SIXTH[n] / VOLT,
            quadrupole=EIGHTH[n] / VOLT, between=two, cutoff=min(10.0, 0.49 * cells * lattice),
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
            "NaNa": law(("Na", "Na"), 0),
            "NaCl": law(("Na", "Cl"), 1),
            "ClCl": law(("Cl", "Cl"), 2),
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

"""Molecules: chains of beads, and what they flow as."""

from __future__ import annotations

from scenegrad.scenes.atoms import Atoms, Langevin
from scenegrad.scenes.bonded import FENE
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.outputs import Particles, Thermo
from scenegrad.scenes.pair_potentials import WCA
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["polymer_melt"]


def polymer_melt(
    chains: int = 32,
    length: int = 32,
    temperature: Scalar = 1.0,
    friction: Scalar = 0.5,
    stiffness: Scalar = 30.0,
    extent: Scalar = 1.5,
    end: float = 100.0,
    dt: float = 0.01,
    warmup: float = 10.0,
    seed: int = 6,
) -> Scene:
    """A melt of flexible chains: beads that repel each other, on springs that cannot be drawn out far enough for chains
    to cross. Bonds are 0.965 long; the square of the distance of the ends is about 6 times that of the radius.

    [Kremer & Grest 1990, J. Chem. Phys. 92, 5057]
    """
    return Scene(
        name="polymer_melt",
        units="lj",
        domain=Domain.periodic(density=0.85),
        entities={
            "bead": Atoms(lattice=Chains(count=chains, length=length), temperature=temperature),
            "repulsion": WCA(),
            "bond": FENE(of="bead", stiffness=stiffness, extent=extent),
        },
        dynamics=Langevin(temperature="bead.temperature", friction=friction),
        outputs={"thermo": Thermo(every=0.1), "traj": Particles("position", every=1.0)},
        time=Time(end=end, dt=dt, warmup=warmup),
        seed=seed,
    )

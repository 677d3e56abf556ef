"""Matter whose particles push themselves."""

from __future__ import annotations

from scenegrad.scenes.active import ActiveBrownian, EntropyProduction
from scenegrad.scenes.atoms import Atoms, Hexagonal
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.outputs import Particles
from scenegrad.scenes.pair_potentials import WCA
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["motility_induced_phase_separation"]


def motility_induced_phase_separation(
    cells: tuple[int, int] = (32, 18),
    peclet: float = 100.0,
    density: Scalar = 0.76,
    end: float = 4.5,
    dt: float = 1.5e-4,
    seed: int = 12,
) -> Scene:
    """Active Brownian discs that repel each other and part into a dense and a thin phase: where they are slow they
    gather, and where they gather they are slow. Here they fill 60 % of the area.

    The push is 24 epsilon/sigma, peclet = speed sigma / D, and directions turn as a ball's do, 3 D / sigma^2.
    [Redner, Hagan & Baskaran 2013, Phys. Rev. Lett. 110, 055701; Stenhammar et al. 2014, Soft Matter 10, 1489]
    """
    heat = 24.0 / peclet
    return Scene(
        name="motility_induced_phase_separation",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={"discs": Atoms(lattice=Hexagonal(cells=cells)), "pair": WCA()},
        dynamics=ActiveBrownian(temperature=heat, speed=24.0, rotation=3.0 * heat, friction=1.0),
        outputs={
            "traj": Particles("position", every=end / 60.0),
            "entropy": EntropyProduction(every=end / 240.0),
        },
        time=Time(end=end, dt=dt),
        seed=seed,
    )

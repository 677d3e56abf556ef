"""Flow through porous media."""

from __future__ import annotations

from scenegrad.scenes.domain import Boundary, Domain
from scenegrad.scenes.outputs import Fields
from scenegrad.scenes.porous import Darcy, TwoPhases
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Outflow
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import MaternField, Scalar

__all__ = ["darcy", "fno_darcy"]


def darcy(
    cells: int = 128, above: Scalar = 12.0, below: Scalar = 3.0, source: Scalar = 1.0, seed: int = 0, dim: int = 2
) -> Scene:
    """Fluid is fed in everywhere and seeps out at the sides of a medium of two random phases.

    above, below: their permeabilities. The phases are the signs of a Gaussian field of covariance (-laplace + 9)^-2
    without a slope at the sides [Li et al. 2021, ICLR, arXiv:2010.08895, app. A.3.2].
    """
    phases = TwoPhases(MaternField(alpha=2.0, tau=3.0), above=above, below=below)
    return Scene(
        name="darcy",
        domain=Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        boundary=Boundary(default=Outflow()),
        entities={"medium": Darcy(permeability=phases, source=source)},
        outputs={"fields": Fields("permeability", "pressure", "velocity", every=1.0)},
        time=Time(end=1.0),
        seed=seed,
    )


def fno_darcy(cells: int = 421, seed: int = 0) -> Scene:
    """The data of the first Fourier neural operators: from the permeability of two phases to the pressure at unit
    source [Li et al. 2021, ICLR, arXiv:2010.08895, section 5.2]; 1024 for training, on 421 or 241 points across.

    Pressures are those in the middles of cells here, theirs at nodes; both are of second order.
    """
    scene = darcy(cells=cells, seed=seed)
    return scene.model_copy(update={"name": "fno_darcy"}).replace(
        {"outputs": {"fields": {"kind": "fields", "quantities": ["permeability", "pressure"], "every": 1.0}}}
    )

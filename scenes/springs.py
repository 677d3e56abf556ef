"""Bodies made of point masses and springs, and the muscles among the springs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.model import Model
from scenegrad.scenes.shapes import Mesh, Shape
from scenegrad.scenes.signals import ScalarOrSignal
from scenegrad.scenes.values import NonNegative, Positive, Vector

__all__ = ["Actuator", "MeshEdges", "Net", "SpringLattice", "SpringList", "Springs"]

Place = tuple[float, ...]


class Net(Kind):
    """Where masses are at first, and which of them springs join."""

    family = "net"

    def dim(self) -> int | None:
        """Number of space dimensions where the net fixes it."""
        return None


class SpringList(Net):
    """Masses and springs one by one. springs: the two masses that each joins, counted from 0."""

    positional = ("points", "springs")
    kind: Literal["spring_list"] = "spring_list"
    points: Annotated[tuple[Place, ...], Field(min_length=1)]
    springs: tuple[tuple[int, int], ...]

    @model_validator(mode="after")
    def springs_join_points(self) -> SpringList:
        if len({len(place) for place in self.points}) > 1:
            raise ValueError("SpringList got points of different dimensions; all need as many coordinates.")
        for index, (i, j) in enumerate(self.springs):
            if i == j or not (0 <= i < len(self.points) and 0 <= j < len(self.points)):
                raise ValueError(
                    f"SpringList got spring {index} from {i} to {j}; a spring joins two of the points "
                    f"0 to {len(self.points) - 1}."
                )
        return self

    def dim(self) -> int:
        return len(self.points[0])


class SpringLattice(Net):
    """A box of cells, with springs along their edges and along both diagonals of their faces."""

    kind: Literal["spring_lattice"] = "spring_lattice"
    center: Place
    size: Place  # edge lengths of the box
    cells: tuple[Annotated[int, Field(ge=1)], ...]

    @model_validator(mode="after")
    def one_entry_per_dimension(self) -> SpringLattice:
        if len({len(self.center), len(self.size), len(self.cells)}) > 1 or len(self.cells) not in (2, 3):
            raise ValueError(
                f"SpringLattice got center={self.center}, size={self.size}, cells={self.cells}; each needs two entries "
                f"in the plane, three in space."
            )
        if min(self.size) <= 0.0:
            raise ValueError(f"SpringLattice got size={self.size}; every edge must be positive.")
        return self

    def dim(self) -> int:
        return len(self.cells)


class MeshEdges(Net):
    """The vertices and edges of a mesh: those of its cells where it has any, else those of its triangles."""

    positional = ("mesh",)
    kind: Literal["mesh_edges"] = "mesh_edges"
    mesh: Mesh


class Actuator(Model):
    """Springs that pull on demand: their length at rest is (1 - activation) times the one they began with.

    They are those whose middle lies in `region`, or those numbered in `springs`; of these, where `along` is given, the
    ones that are parallel to it.
    """

    activation: ScalarOrSignal = 0.0  # dimensionless, below 1; negative pushes
    region: Shape | None = None
    springs: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    along: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def one_choice(self) -> Actuator:
        if (self.region is None) == (self.springs is None):
            raise ValueError("Actuator needs either a region=..., or springs=(numbers), and not both.")
        if self.along is not None and not any(self.along):
            raise ValueError(f"Actuator got along={self.along}; give a direction such as (1, 0).")
        return self


class Springs(Entity):
    """Point masses joined by springs; the masses share the mass of the body equally.

    Each spring pulls with k (|d| - L) + c d|d|/dt along its direction d. stiffness k, damping c and rest (L as a share
    of the length at first) are numbers for all springs, mass and drag for all masses. A Parameter with a tuple, or with
    each="particle", gives each spring or mass a number of its own; of mass, their mean is that of the body.
    """

    kind: Literal["springs"] = "springs"
    net: Net
    mass: Positive  # of the whole body [kg]
    stiffness: Positive  # of a spring [N/m]
    damping: NonNegative = 0.0  # of a spring, along it [N s/m]
    rest: Positive = 1.0  # dimensionless
    drag: NonNegative = 0.0  # rate at which velocities die away [1/s]
    velocity: Vector | None = None  # [m/s]; at rest if left out
    held: Shape | None = None  # masses that begin in here never move
    actuators: Mapping[str, Actuator] = {}

    def dim(self) -> int | None:
        return self.net.dim()

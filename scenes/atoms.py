"""Systems of atoms: where they start, how they pull on each other, and what keeps their temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.model import Model
from scenegrad.scenes.source_file import fingerprinted
from scenegrad.scenes.values import NonNegative, Positive, Scalar

__all__ = [
    "FCC",
    "NVE",
    "Atoms",
    "Crystal",
    "Diamond",
    "Dynamics",
    "Hexagonal",
    "Langevin",
    "Lattice",
    "PointFile",
    "SimpleCubic",
    "Sites",
    "Square",
]

Cells = tuple[Annotated[int, Field(ge=1)], ...]


class Lattice(Kind):
    """Where atoms sit at the start."""

    family = "lattice"


class Crystal(Model):
    """A lattice of cells. It fills the box, whose size or density the domain gives; with a spacing, the edge of a cell
    [length], it stands about the middle of the box, or about the origin where there is no box.

    offset: by which it is moved, in edges of its cell: two crystals, one moved, make that of a compound.
    """

    spacing: Annotated[float, Field(gt=0)] | None = None
    offset: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def offset_has_as_many_axes(self) -> Crystal:
        cells = getattr(self, "cells", ())
        if self.offset is not None and len(self.offset) != len(cells):
            raise ValueError(f"offset={self.offset} and cells={cells} need one entry for each axis")
        return self


class FCC(Crystal, Lattice):
    """Face-centred cubic: four atoms a cell, three dimensions."""

    kind: Literal["fcc"] = "fcc"
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class Diamond(Crystal, Lattice):
    """Of carbon, silicon, germanium: eight atoms a cubic cell, three dimensions."""

    kind: Literal["diamond"] = "diamond"
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class SimpleCubic(Crystal, Lattice):
    """One atom a cell, three dimensions."""

    kind: Literal["simple_cubic"] = "simple_cubic"
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class Square(Crystal, Lattice):
    """One atom a cell, two dimensions."""

    kind: Literal["square"] = "square"
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class Hexagonal(Crystal, Lattice):
    """The triangular lattice, two atoms in a rectangle of 1 x sqrt(3) spacings; two dimensions."""

    kind: Literal["hexagonal"] = "hexagonal"
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class Sites(Lattice):
    """Positions written out, one (x, y[, z]) an atom; with velocities too, no others are drawn."""

    positional = ("positions",)
    kind: Literal["sites"] = "sites"
    positions: Annotated[tuple[tuple[float, ...], ...], Field(min_length=1)]  # [length]
    velocities: tuple[tuple[float, ...], ...] | None = None  # [length/time]

    if TYPE_CHECKING:

        def __init__(
            self, positions: tuple[tuple[float, ...], ...], *, velocities: tuple[tuple[float, ...], ...] | None = None
        ) -> None: ...

    @model_validator(mode="after")
    def rows_are_alike(self) -> Sites:
        shapes = {len(row) for row in (*self.positions, *(self.velocities or ()))}
        if len(shapes) > 1 or not shapes <= {2, 3}:
            raise ValueError(f"Sites got rows of {sorted(shapes)} numbers; every position and velocity has 2, or 3.")
        if self.velocities is not None and len(self.velocities) != len(self.positions):
            raise ValueError(
                f"Sites got {len(self.positions)} positions and {len(self.velocities)} velocities; one each."
            )
        return self


class PointFile(Lattice):
    """Positions from a file, in the box of the domain: .csv with one atom a row (x, y[, z]), or .npy [atom, dim]."""

    positional = ("path",)
    kind: Literal["point_file"] = "point_file"
    path: str
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(self, path: str) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "point file")


class Atoms(Entity):
    """Atoms of one species. Their first velocities are drawn from the Maxwell distribution, without total momentum.

    share: of the sites of the lattice. Species with the same lattice deal its sites among them at random, by the seed.
    """

    kind: Literal["atoms"] = "atoms"
    lattice: Lattice
    mass: Positive = 1.0  # [mass]
    charge: Scalar = 0.0  # [charge]
    temperature: NonNegative = 0.0  # of the first velocities [energy]
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

    def dim(self) -> int | None:
        if isinstance(self.lattice, Sites):
            return len(self.lattice.positions[0])
        if isinstance(self.lattice, Square | Hexagonal):
            return 2
        return 3 if isinstance(self.lattice, Crystal) else None


class Dynamics(Kind):
    """The equations of motion."""

    family = "dynamics"


class NVE(Dynamics):
    """Newton's equations: number, volume and energy stay."""

    kind: Literal["nve"] = "nve"


class Langevin(Dynamics):
    """Newton's equations with friction and noise that hold a temperature.

    temperature: a number, or the address of one, such as "Ar.temperature".
    """

    kind: Literal["langevin"] = "langevin"
    temperature: Positive | str  # [energy]
    friction: Positive = 1.0  # [1/time]

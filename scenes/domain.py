"""The box in which everything happens, and what its sides do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.lengths import Axis, Length
from scenegrad.scenes.mesh_file import MeshFile
from scenegrad.scenes.model import Model
from scenegrad.scenes.quantities import Carrying, Quantity
from scenegrad.scenes.values import NonNegative, Positive, Scalar

__all__ = ["AXES", "Boundary", "Coulomb", "Domain", "Periodic", "Separate", "SideCondition", "Slip", "Stick"]

AXES = "xyz"
MOST_CELLS = 100_000_000_000


class Domain(Model):
    """Rectangular box [0, size]; its number of entries is the dimension of the whole scene.

    cells: grid cells along each edge (grid and particle-in-cell methods). wrap: which axes are periodic.
    Atoms may leave the size out and give their number density instead. A world without sides has neither: it gives the
    number of its dimensions and, where a method has a grid, the width of its cells, see `unbounded`. Finite elements
    have a mesh in place of all of them, see `meshed`.

    tilt: makes a periodic box of atoms triclinic, with the edges (lx, 0, 0), (xy, ly, 0), (xz, yz, lz) for
    size=(lx, ly, lz) and tilt=(xy, xz, yz); in two dimensions tilt=(xy,).
    """

    size: tuple[Annotated[float, Field(gt=0)], ...] | None = None  # edge lengths [length]
    cells: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    density: Positive | None = None  # atoms per volume [length^-dim]
    wrap: tuple[bool, ...] | bool = False
    dx: Annotated[float, Field(gt=0)] | None = None  # width of the cells of a world without sides [length]
    dimensions: Literal[2, 3] | None = None  # of such a world
    mesh: MeshFile | None = None
    tilt: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None = None  # of a triclinic box [length]

    @classmethod
    def unbounded(cls, dx: float | None = None, dim: Literal[2, 3] = 3) -> Domain:
        """All of space, in cells dx wide where a method has cells; what is stored follows the matter in it."""
        return cls(dx=dx, dimensions=dim)

    @classmethod
    def meshed(cls, path: str, *, scale: float = 1.0, units: Length | None = None, up: Axis | None = None) -> Domain:
        """The inside of a mesh file, of as many dimensions as its elements have; Boundary(tags=...) names its sides."""
        return cls(mesh=MeshFile(path, scale=scale, units=units, up=up))

    @classmethod
    def periodic(
        cls,
        size: tuple[float, ...] | None = None,
        cells: tuple[int, ...] | None = None,
        density: Scalar | None = None,
        *,
        tilt: tuple[float, ...] | None = None,
    ) -> Domain:
        """A box that repeats itself along every axis."""
        return cls(size=size, cells=cells, density=density, wrap=True, tilt=tilt)

    @field_validator("cells", mode="before")
    @classmethod
    def whole_numbers(cls, cells: Any) -> Any:
        if isinstance(cells, tuple | list) and any(isinstance(n, float) and n % 1 != 0 for n in cells):
            whole = tuple(max(round(n), 1) if isinstance(n, float) and math.isfinite(n) else n for n in cells)
            raise ValueError(f"got {tuple(cells)}, and there are no parts of cells; give whole numbers such as {whole}")
        return cells

    @model_validator(mode="after")
    def one_entry_per_dimension(self) -> Domain:
        if self.mesh is not None:
            others = (self.size, self.cells, self.density, self.wrap, self.dx, self.dimensions)
            if others != (None, None, None, False, None, None):
                raise ValueError(
                    f"Domain got a mesh beside size={self.size}, cells={self.cells}, density={self.density}, "
                    f"wrap={self.wrap}, dx={self.dx}, dimensions={self.dimensions}. The mesh says all there is to say: "
                    f"Domain.meshed('channel.msh')."
                )
            return self
        bare = (self.size, self.cells, self.density, self.wrap) == (None, None, None, False)
        if (self.dx is not None and self.dimensions is None) or (self.dimensions is not None and not bare):
            raise ValueError(
                f"Domain got dx={self.dx}, dimensions={self.dimensions}, size={self.size}, cells={self.cells}, "
                f"density={self.density}, wrap={self.wrap}. A world without sides has dimensions, dx where the method "
                f"has a grid, and nothing else, as Domain.unbounded(dx=0.1, dim=3) makes it; a box has size and cells."
            )
        if self.dimensions is not None:
            return self
        lengths = {n: len(v) for n in ("size", "cells", "wrap") if isinstance(v := getattr(self, n), tuple)}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"Domain got size={self.size}, cells={self.cells}, wrap={self.wrap}; all need one entry per dimension."
            )
        if self.size is None and self.density is None:
            raise ValueError("Domain needs a size=(...), one length per dimension (atoms may give a density= instead).")
        if lengths and next(iter(lengths.values())) not in (1, 2, 3):
            raise ValueError(f"Domain has {next(iter(lengths.values()))} dimensions; 1, 2 and 3 are possible.")
        if self.cells is not None and math.prod(self.cells) > MOST_CELLS:
            raise ValueError(
                f"Domain got cells={self.cells}, {math.prod(self.cells):.2g} cells; {MOST_CELLS:.0e} are more than any "
                f"machine holds. Take fewer."
            )
        return self

    @model_validator(mode="after")
    def tilt_fits_the_box(self) -> Domain:
        if self.tilt is None:
            return self
        if self.size is None or self.cells is not None or len(self.size) == 1 or not all(self.wraps):
            raise ValueError(
                f"Domain got tilt={self.tilt} with size={self.size}, cells={self.cells}, wrap={self.wrap}; a triclinic "
                "box has a size, no cells, and repeats itself along every axis: Domain.periodic(size, tilt=(...))."
            )
        names = ("xy", "xz", "yz")[: 1 if len(self.size) == 2 else 3]
        if len(self.tilt) != len(names):
            raise ValueError(f"Domain got tilt={self.tilt}; for a size={self.size} it is ({', '.join(names)},).")
        for name, value in zip(names, self.tilt, strict=True):
            along = self.size["xyz".index(name[0])]
            if abs(value) > along:
                raise ValueError(
                    f"Domain got a tilt {name}={value:g}, more than the edge {along:g} that it leans along. Take whole "
                    f"edges off: {value - along * round(value / along):.6g} is the same box."
                )
        return self

    @property
    def dim(self) -> int | None:
        if self.mesh is not None:
            return self.mesh.dim
        if self.dimensions is not None:
            return self.dimensions
        return next((len(v) for v in (self.size, self.cells, self.wrap) if isinstance(v, tuple)), None)

    @property
    def wraps(self) -> tuple[bool, ...]:
        assert self.dim is not None
        return self.wrap if isinstance(self.wrap, tuple) else (self.wrap,) * self.dim


class SideCondition(Kind):
    """What a wall, or a side of the box, does to the matter that meets it."""

    family = "boundary condition"


class Periodic(SideCondition):
    """What leaves on one side comes back on the other."""

    kind: Literal["periodic"] = "periodic"


class Stick(SideCondition):
    """Matter at the wall moves with the wall."""

    kind: Literal["stick"] = "stick"


class Slip(Carrying, SideCondition):
    """No motion through the wall, free motion along it; matter does not come off. Tracers as in NoSlip."""

    kind: Literal["slip"] = "slip"
    carried: dict[str, Quantity] = Field(default_factory=dict)


class Separate(SideCondition):
    """No motion into the wall, free motion along it and away from it."""

    kind: Literal["separate"] = "separate"


class Coulomb(SideCondition):
    """Like Separate, with friction: the tangential impulse is at most `friction` times the normal one."""

    positional = ("friction",)
    kind: Literal["coulomb"] = "coulomb"
    friction: NonNegative

    if TYPE_CHECKING:

        def __init__(self, friction: Scalar) -> None: ...


class Boundary(Model):
    """Conditions on the sides of the box: by face (x_lo), by axis (x), or by default for those not named.

    tags: of a mesh, by the names of its parts, as in Boundary(tags={"inlet": Inflow(1.0)}, default=NoSlip()).
    """

    default: SideCondition | None = None
    x: SideCondition | None = None
    y: SideCondition | None = None
    z: SideCondition | None = None
    x_lo: SideCondition | None = None
    x_hi: SideCondition | None = None
    y_lo: SideCondition | None = None
    y_hi: SideCondition | None = None
    z_lo: SideCondition | None = None
    z_hi: SideCondition | None = None
    tags: Mapping[str, SideCondition] = {}

    def face(self, axis: int, side: Literal["lo", "hi"]) -> SideCondition | None:
        name = AXES[axis]
        return getattr(self, f"{name}_{side}") or getattr(self, name) or self.default

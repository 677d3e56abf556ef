"""In which form frames are drawn: choices that are objects with the numbers they need, each known by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from scenegrad.view.errors import ViewError

__all__ = [
    "STYLES", "Arrows", "Atoms", "Image", "Isosurfaces", "Particles", "Slices", "Streamlines", "Style", "Surface",
    "Volume", "style_of",
]  # fmt: skip


@dataclass(frozen=True)
class Style:
    """What all share: a name, and a table of it to be sent or written down."""

    kind: ClassVar[str]

    def table(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Image(Style):
    """A field of the plane as one colour for each point; a field on a line through time."""

    kind: ClassVar[str] = "image"


@dataclass(frozen=True)
class Arrows(Style):
    """The field of the plane, and on it arrows along the flow. across: arrows along the longer side of the picture.
    of: the vector they follow; that of the flow if left out."""

    kind: ClassVar[str] = "arrows"
    across: int = 24
    of: str | None = None

    def __post_init__(self) -> None:
        need(self, "across", 2 <= self.across <= 200, "from 2 to 200")


@dataclass(frozen=True)
class Streamlines(Style):
    """Lines along the flow at one moment: white ones on the field in the plane, coloured tubes in space.

    seeds: about how many lines; a hundred in space and some more in the plane if left out. of: the vector they follow;
    that of the flow if left out."""

    kind: ClassVar[str] = "streamlines"
    seeds: int | None = None
    of: str | None = None

    def __post_init__(self) -> None:
        need(self, "seeds", self.seeds is None or 1 <= self.seeds <= 20_000, "from 1 to 20000")


@dataclass(frozen=True)
class Isosurfaces(Style):
    """Surfaces of equal value in space, lines of equal value on the field in the plane.

    values: where they lie, in the unit of the field; chosen from the range of the colours if left out. of: the field
    whose surfaces they are, where another one than that of the colours; see docs/looking.md."""

    kind: ClassVar[str] = "isosurfaces"
    values: tuple[float, ...] = ()
    of: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(float(value) for value in self.values))


@dataclass(frozen=True)
class Volume(Style):
    """A field in space as coloured smoke: dense where its values lie far from nothing.

    opacity: 1 is usual; less lets more of what is inside be seen."""

    kind: ClassVar[str] = "volume"
    opacity: float = 1.0

    def __post_init__(self) -> None:
        need(self, "opacity", 0.0 < self.opacity <= 10.0, "above 0 and at most 10")


@dataclass(frozen=True)
class Slices(Style):
    """A field in space on three planes at right angles. through: the point where they meet; the middle if left out."""

    kind: ClassVar[str] = "slices"
    through: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.through is not None:
            need(self, "through", len(self.through) == 3, "a point of space, such as (0.5, 0.5, 0.5)")
            x, y, z = map(float, self.through)
            object.__setattr__(self, "through", (x, y, z))


@dataclass(frozen=True)
class Particles(Style):
    """Every particle as a sphere. radius: in units of the one that makes neighbours just overlap."""

    kind: ClassVar[str] = "particles"
    radius: float = 1.0

    def __post_init__(self) -> None:
        need(self, "radius", 0.0 < self.radius <= 100.0, "above 0 and at most 100")


@dataclass(frozen=True)
class Surface(Style):
    """The outside of bodies: that of a mesh, or one drawn around the particles. edges: of the elements of a mesh."""

    kind: ClassVar[str] = "surface"
    edges: bool = False


@dataclass(frozen=True)
class Atoms(Style):
    """Atoms as spheres, and sticks along their bonds where the scene has some.

    radius: in units of the usual one. bonds: whether they are drawn."""

    kind: ClassVar[str] = "atoms"
    radius: float = 1.0
    bonds: bool = True

    def __post_init__(self) -> None:
        need(self, "radius", 0.0 < self.radius <= 100.0, "above 0 and at most 100")


STYLES: dict[str, type[Style]] = {
    style.kind: style
    for style in (Image, Arrows, Streamlines, Isosurfaces, Volume, Slices, Particles, Surface, Atoms)
}  # fmt: skip


def style_of(value: str | Style | Mapping[str, Any] | None) -> Style | None:
    """A style from itself, its name, or its table."""
    if value is None or isinstance(value, Style):
        return value
    table = {"kind": value} if isinstance(value, str) else dict(value)
    kind = str(table.pop("kind", ""))
    if kind not in STYLES:
        from scenegrad.scenes.errors import nearest

        raise ViewError(f"There is no style {kind!r}; there are {', '.join(STYLES)}.{nearest(kind, STYLES)}")
    try:
        return STYLES[kind](**table)
    except (TypeError, ValueError) as error:
        raise ViewError(f"The style {kind!r} does not understand {table}: {error}") from None


def need(style: Style, name: str, holds: bool, allowed: str) -> None:
    if not holds:
        raise ViewError(f"{type(style).__name__}({name}={getattr(style, name)}): {name} is {allowed}.")

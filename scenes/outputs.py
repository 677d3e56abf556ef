"""What to write down while a scene runs, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.kinds import Kind

__all__ = [
    "RDF",
    "CenterOfMass",
    "Diagnostics",
    "Energy",
    "Exchange",
    "Fields",
    "Force",
    "Gaussians",
    "Misfit",
    "Momentum",
    "Output",
    "Particles",
    "RigidPose",
    "Spectrum",
    "Thermo",
]


class Output(Kind):
    """A request for data; the first frame is at the start (or the end of the warm-up), then one `every` time units."""

    family = "output"
    every: Annotated[float, Field(gt=0)]  # [time]


class Particles(Output):
    """Quantities of every particle or atom: position, velocity, ... (position is always among them)."""

    positional = ("*quantities",)
    kind: Literal["particles"] = "particles"
    quantities: Annotated[tuple[str, ...], Field(min_length=1)] = ("position", "velocity")

    if TYPE_CHECKING:

        def __init__(self, *quantities: str, every: float) -> None: ...


class Fields(Output):
    """Fields on the grid: velocity, vorticity, pressure, ..."""

    positional = ("*quantities",)
    kind: Literal["fields"] = "fields"
    quantities: Annotated[tuple[str, ...], Field(min_length=1)]

    if TYPE_CHECKING:

        def __init__(self, *quantities: str, every: float) -> None: ...


class CenterOfMass(Output):
    """Centre of mass of one body [length]."""

    positional = ("entity",)
    kind: Literal["center_of_mass"] = "center_of_mass"
    entity: str

    if TYPE_CHECKING:

        def __init__(self, entity: str, *, every: float) -> None: ...


class Gaussians(Output):
    """Mean, covariance and deformation of the Gaussians of one body that Splats fill, in the order of their file.

    `write_splats` makes .ply files of them, a frame each.
    """

    positional = ("entity",)
    kind: Literal["gaussians"] = "gaussians"
    entity: str

    if TYPE_CHECKING:

        def __init__(self, entity: str, *, every: float) -> None: ...


class RigidPose(Output):
    """Where a rigid body, or a collider that moves, is and how it moves: position [length], quaternion (x, y, z, w),
    velocity, angular velocity [rad/time]; of two dimensions, z alone is turned about."""

    positional = ("entity",)
    kind: Literal["rigid_pose"] = "rigid_pose"
    entity: str

    if TYPE_CHECKING:

        def __init__(self, entity: str, *, every: float) -> None: ...


class Force(Output):
    """Force and torque on something rigid, as means over the time since the last frame: what it was given by matter and
    by rigid bodies, divided by that time. Nothing in the first frame.

    on: a collider, rigid body or wall by its name, or a side of the box: "boundary.y_lo". The torque is about the place
    of a collider or rigid body, see RigidPose, and about the origin for sides and walls; in two dimensions it is that
    about z, and both are per unit of depth.
    """

    positional = ("on",)
    kind: Literal["force"] = "force"
    on: str

    if TYPE_CHECKING:

        def __init__(self, on: str, *, every: float) -> None: ...


class Exchange(Output):
    """How much of a tracer enters the box through one of its sides, per time and, in two dimensions, per depth.

    of: the tracer. through: the side, such as "boundary.y_lo". What diffuses and what is carried are both counted.
    """

    kind: Literal["exchange"] = "exchange"
    of: str
    through: str


class Energy(Output):
    """Kinetic, potential and total energy, as far as the method has them."""

    kind: Literal["energy"] = "energy"


class Misfit(Output):
    """How far a field is from a wanted one: the mean over the box of the square of quantity - target, as `misfit`.

    quantity: a scalar, such as "vorticity", or the "velocity" of one dimension. target: Waves, PlaneWave or FieldFile.
    """

    positional = ("quantity", "target")
    kind: Literal["misfit"] = "misfit"
    quantity: str
    target: InitialField

    if TYPE_CHECKING:

        def __init__(self, quantity: str, target: InitialField, *, every: float) -> None: ...


class Diagnostics(Output):
    """How well a flow keeps its laws: divergence, the budgets of energy and enstrophy, the spectrum of the energy, and
    what is left over of the equations; of gases and water mass, momentum and energy and what passes through the sides.

    docs/diagnostics.md has the formulas and what each method gives. `run` adds one to scenes of flows that ask for
    Fields, as often as those are.
    """

    kind: Literal["diagnostics"] = "diagnostics"


class Momentum(Output):
    """Total momentum."""

    kind: Literal["momentum"] = "momentum"


class Spectrum(Output):
    """Kinetic energy per shell of wavenumbers."""

    kind: Literal["spectrum"] = "spectrum"


class Thermo(Output):
    """Temperature, pressure, kinetic, potential and total energy per atom."""

    kind: Literal["thermo"] = "thermo"


class RDF(Output):
    """Radial distribution function g(r) up to r_max, on `bins` shells.

    of: two species, such as ("A", "B"), whose atoms are counted about each other; "pairs" for every two species, side
    by side; without it, all atoms are alike.
    """

    kind: Literal["rdf"] = "rdf"
    r_max: Annotated[float, Field(gt=0)]  # [length]
    bins: Annotated[int, Field(ge=2)] = 200
    of: tuple[str, str] | Literal["pairs"] | None = None

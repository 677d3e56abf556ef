"""Which discretisation serves a scene, where the choice is not left to the entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import NonNegative, Scalar

__all__ = [
    "APIC", "FLIP", "Apart", "BodyContact", "Dense", "Elliptic", "Explicit", "Finer", "Implicit", "Integrator",
    "FiniteElement", "FiniteVolume", "LinearEquations", "MassSpring", "MaterialPoint", "Method", "MolecularDynamics",
    "Multigrid", "NodeStore", "Sparse", "SparseLU", "Spectral", "Staggered", "Together", "Transfer",
]  # fmt: skip


class Method(Kind):
    """A family of solvers and how it is set up."""

    family = "method"


class Transfer(Kind):
    """How particles hand their momentum to the grid and get it back."""

    family = "transfer"


class APIC(Transfer):
    """Affine: each particle carries a velocity field of its own. Keeps angular momentum; calm and little damped."""

    kind: Literal["apic"] = "apic"


class FLIP(Transfer):
    """Particles keep the share `blend` of their velocity and add what the grid changed; the rest they take from it.

    Hardly damps at 0.99, for energetic motion, at the price of noise; damps strongly at 0, which is PIC.
    """

    positional = ("blend",)
    kind: Literal["flip"] = "flip"
    blend: Annotated[float, Field(ge=0, le=1)] = 0.99

    if TYPE_CHECKING:

        def __init__(self, blend: float = 0.99) -> None: ...


class Integrator(Kind):
    """How forces change velocities."""

    family = "integrator"


class Explicit(Integrator):
    """Symplectic Euler: forces of the old places give new velocities. No wave may cross a cell in one step."""

    kind: Literal["explicit"] = "explicit"


class Implicit(Integrator):
    """Backward Euler: forces of the end of the step, found by Newton's method with conjugate gradients.

    For stiff bodies that move slowly: no wave limits the step, only that no particle crosses a cell; vibrations that
    the step does not resolve are damped.
    """

    kind: Literal["implicit"] = "implicit"
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-6  # error of the velocities that Newton's method may leave
    newton: Annotated[int, Field(ge=1)] = 60  # steps at most
    krylov: Annotated[int, Field(ge=1)] = 2000  # linear iterations in each of them at most
    creep: Annotated[float, Field(gt=0)] = 1e-3  # speed below which friction lets matter creep along a wall [m/s]


class NodeStore(Kind):
    """Which nodes of the grid are kept."""

    family = "grid"


class Dense(NodeStore):
    """Those of one box around all particles: quick."""

    kind: Literal["dense"] = "dense"


class Sparse(NodeStore):
    """Those in blocks near particles: memory follows the matter, whatever lies between its parts. The result is the
    same to rounding."""

    kind: Literal["sparse"] = "sparse"


class BodyContact(Kind):
    """What bodies do to each other where they meet."""

    family = "contact of bodies"


class Together(BodyContact):
    """They share one grid: no slip, no friction to choose, and they stick while they touch and do not come apart."""

    kind: Literal["together"] = "together"


class Apart(BodyContact):
    """Each has a grid of its own: they press each other, slide with Coulomb's friction, and part.

    groups: names of bodies that share a grid all the same, such as the muscles of one animal. A grid for each body, so
    that work at the nodes grows with their number.
    """

    positional = ("friction",)
    kind: Literal["apart"] = "apart"
    friction: NonNegative = 0.0
    groups: tuple[tuple[str, ...], ...] = ()

    if TYPE_CHECKING:

        def __init__(self, friction: Scalar = 0.0, *, groups: tuple[tuple[str, ...], ...] = ()) -> None: ...


class Finer(Model):
    """A box in which cells are `factor` times as fine as elsewhere; matter passes smoothly between them.

    around: its place, or the name of a body, rigid body or moving collider whose middle it follows. size: full edge
    lengths. blend: width of the zone around it in which both grids carry the matter [m]; two coarse cells if left out.
    particles: "finer", bodies have as many particles in each cell, fine or coarse, where the box and its zone are at
    the start; "even", they are as dense everywhere as in coarse cells, for matter that the box will pass by: give
    such bodies factor^dim times as many particles_per_cell where it matters.
    """

    size: tuple[Annotated[float, Field(gt=0)], ...]
    around: str | tuple[float, ...]
    factor: Annotated[int, Field(ge=2, le=8)] = 2
    blend: Annotated[float, Field(gt=0)] | None = None
    particles: Literal["finer", "even"] = "finer"


class MaterialPoint(Method):
    """Moving-least-squares material point method. spline: B-splines of the transfers, "quadratic" or "cubic" (smoother,
    twice the work)."""

    kind: Literal["material_point"] = "material_point"
    transfer: Transfer = APIC()
    integrator: Integrator = Explicit()
    spline: Literal["quadratic", "cubic"] = "quadratic"
    contact: BodyContact = Together()
    refine: Finer | None = None
    grid: NodeStore = Dense()  # a domain without sides is always Sparse


class MassSpring(Method):
    """Point masses and springs, by semi-implicit Euler."""

    kind: Literal["mass_spring"] = "mass_spring"


class Spectral(Method):
    """Fourier pseudo-spectral method on a periodic box.

    integrator: "etdrk2", "etdrk4" (exponential Runge-Kutta of order 2 and 4), "etdrk43" (order 4 with an error
    estimate, for a quarter more work a step), "ifdp5" (integrating factor with the 5(4) pair of Dormand and Prince, for
    strict tolerances), or "ars443" (viscosity implicit, the rest explicit, order 3). Left out, it is etdrk4, or etdrk43
    where time has a tolerance.
    """

    kind: Literal["spectral"] = "spectral"
    integrator: Literal["etdrk2", "etdrk4", "etdrk43", "ifdp5", "ars443"] | None = None


class Staggered(Method):
    """Projection method on a staggered (MAC) grid: walls, inflow, obstacles, heat; second order in space and time.

    advection: "central" (keeps energy), "van_leer" or "weno3" (calm where the grid is coarse), "maccormack"
    (semi-Lagrangian, for smoke and large steps). viscosity: "explicit", or "implicit" where it would bound the step.
    tolerance: of the pressure beside obstacles, relative; that of the precision if left out. integrator: "ab2" (Adams
    and Bashforth, one evaluation a step), "rk3" (Runge and Kutta, order 3 with an error estimate, larger steps) or
    "dp5" (Dormand and Prince, order 5, for strict tolerances of smooth flows). Left out, it is ab2, or rk3 where time
    has a tolerance.
    """

    kind: Literal["staggered"] = "staggered"
    integrator: Literal["ab2", "rk3", "dp5"] | None = None
    advection: Literal["central", "van_leer", "weno3", "maccormack"] = "van_leer"
    viscosity: Literal["explicit", "implicit"] = "explicit"
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None


class FiniteVolume(Method):
    """Godunov's method for gases and shallow water, of order 2 ("muscl") or 5 ("weno5") where the flow is smooth.

    limiter: of the slopes of "muscl"; "van_albada" has derivatives everywhere, "van_leer" is sharper at jumps.
    integrator: "ssprk3" (order 3, keeps what must be positive so), or "dp5" (Dormand and Prince, order 5, for strict
    tolerances where there are no strong shocks). Both know their error.
    """

    kind: Literal["finite_volume"] = "finite_volume"
    reconstruction: Literal["muscl", "weno5"] = "muscl"
    limiter: Literal["van_albada", "van_leer"] = "van_albada"
    integrator: Literal["ssprk3", "dp5"] = "ssprk3"


class LinearEquations(Kind):
    """How the linear equations of a mesh are solved."""

    family = "way to solve linear equations"


class SparseLU(LinearEquations):
    """Directly, by the factors of the matrix, on the host: quick for small meshes in two dimensions."""

    kind: Literal["sparse_lu"] = "sparse_lu"


class Multigrid(LinearEquations):
    """By iterations on the device where the fields are, with multigrid as preconditioner: work and memory grow with the
    number of unknowns.

    tolerance: of the error, relative to the solution, as the preconditioner sees it; gradients are solved for to the
    same. iterations: at most; what is left then is told and not refused.
    """

    kind: Literal["multigrid"] = "multigrid"
    tolerance: Annotated[float, Field(ge=1e-14, lt=1)] = 1e-10
    iterations: Annotated[int, Field(ge=1)] = 500


class FiniteElement(Method):
    """Triangles and tetrahedra of a mesh file; quadratic functions, and linear ones for the pressure of a flow.

    time: "steady" (one step leads to the state that stays), or "bdf2" (marching, of second order). Left out, flows and
    heat march while porous and elastic media are steady, which they are in any case. inertia: False leaves out what a
    flow carries of itself: that of Stokes, of thick fluids. linear: how equations are solved, SparseLU() or
    Multigrid(); left out, the quicker one for the mesh, its dimension and the device.
    """

    kind: Literal["finite_element"] = "finite_element"
    time: Literal["steady", "bdf2"] | None = None
    inertia: bool = True
    linear: LinearEquations | None = None


class Elliptic(Method):
    """Steady states on cells, second order.

    krylov: "conjugate_gradients", or "recycled_gmres" for equations that are not definite, such as those of waves of
    one frequency: it solves the members of a batch one after the other, like after like, and each begins with what was
    learnt from the last. "gmres" begins each anew, to compare. preconditioner of the first: "fast", by cosine and
    Fourier transforms, for permeabilities within a factor of ten or so; or "multigrid", for any. tolerance: of the
    residual, relative to the sources; that of the precision if left out.
    """

    kind: Literal["elliptic"] = "elliptic"
    krylov: Literal["conjugate_gradients", "recycled_gmres", "gmres"] = "conjugate_gradients"
    preconditioner: Literal["fast", "multigrid"] = "fast"
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None


class MolecularDynamics(Method):
    """Classical mechanics of atoms with Verlet lists. skin: added to the cutoff so that a list lasts several steps."""

    kind: Literal["molecular_dynamics"] = "molecular_dynamics"
    skin: Annotated[float, Field(gt=0)] | None = None  # [length]; 0.3 sigma if left out

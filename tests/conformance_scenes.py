"""One scene of every solver, with everything in it that can learn: what the tests of conformance run."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import meshio
import numpy as np

import scenegrad.scenes as sc
from scenegrad.verification.navier_stokes.finite_element import rectangle


def jelly_on_a_slope(dim: int) -> sc.Scene:
    """An elastic body and a drop of water that slide on a wall with friction."""
    up = (0.0, 0.0, 1.0)[3 - dim :]

    def at(x: float, height: float) -> tuple[float, ...]:
        return (x, height) if dim == 2 else (x, 0.5, height)

    return sc.Scene(
        name="jelly",
        domain=sc.Domain(size=(1.0,) * dim, cells=(16,) * dim),
        gravity=sc.Parameter((2.0, 0.0, -9.81) if dim == 3 else (2.0, -9.81)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=at(0.35, 0.3), size=(0.2,) * dim),
                velocity=sc.Parameter((0.3, -0.5) if dim == 2 else (0.3, 0.6, -0.5)),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e4), poisson_ratio=sc.Parameter(0.3)),
            ),
            "water": sc.Body(
                shape=sc.Box(center=at(0.7, 0.28), size=(0.2,) * dim),
                velocity=(0.1, -0.4) if dim == 2 else (0.1, 0.1, -0.4),
                material=sc.WeaklyCompressible(bulk_modulus=sc.Parameter(2e4), viscosity=sc.Parameter(0.5)),
            ),
            "floor": sc.Wall(normal=up, offset=0.2, contact=sc.Coulomb(sc.Parameter(0.3))),
        },
        boundary=sc.Boundary(default=sc.Separate()),
        outputs={"state": sc.Particles("position", "velocity", every=0.01), "energy": sc.Energy(every=0.01)},
        time=sc.Time(end=0.02, cfl=0.3),
    )


def jelly_without_sides() -> sc.Scene:
    """The same on a grid that follows the matter, with transfers that keep the velocities of the particles."""
    free = {
        "domain": sc.Domain.unbounded(dx=1 / 16, dim=2),
        "boundary": sc.Boundary(),
        "method": sc.MaterialPoint(transfer=sc.FLIP(0.95)),
    }
    return jelly_on_a_slope(2).model_copy(update=free)


def implicitly(scene: sc.Scene) -> sc.Scene:
    """The same by backward Euler, solved as exactly as differences of its results need."""
    method = sc.MaterialPoint(integrator=sc.Implicit(tolerance=1e-11, creep=0.05))
    return scene.replace({"method": method, "time": sc.Time(end=0.02, dt=0.002)})


def jelly_among_rigid_things() -> sc.Scene:
    """An elastic body on a rigid ball and on a plate that moves, to which another plate lets it cling; with forces on
    them and on a side to slip on, which is a mirror."""
    jelly = jelly_on_a_slope(2)
    rigid = {
        "block": jelly.entities["block"],
        "ball": sc.RigidBody(
            sc.Sphere(center=sc.Parameter((0.35, 0.12)), radius=0.1),
            contact=sc.Coulomb(sc.Parameter(0.3)),
            density=sc.Parameter(500.0),
        ),
        "plate": sc.Collider(
            sc.Box(center=(0.65, 0.3), size=(0.4, 0.1)),
            rotation=10.0,
            contact=sc.Coulomb(0.2),
            motion=sc.Moving(velocity=(sc.Parameter(-0.3), sc.Table(0.01, sc.Parameter((0.1, 0.2))))),
        ),
        "holder": sc.Collider(
            sc.Box(center=(0.3, 0.45), size=(0.2, 0.1)) | sc.Sphere(center=(0.3, 0.45), radius=0.07), contact=sc.Stick()
        ),
    }
    outputs = {**jelly.outputs, "push": sc.Force("plate", every=0.01), "side": sc.Force("boundary.x_lo", every=0.02)}
    sides = sc.Boundary(x_lo=sc.Slip(), default=sc.Separate())
    return jelly.model_copy(update={"entities": rigid, "outputs": outputs, "boundary": sides})


def turbulence() -> sc.Scene:
    water = sc.Fluid(
        viscosity=sc.Parameter(1e-2),
        drag=sc.Parameter(0.1),
        forcing=sc.KolmogorovForcing(amplitude=sc.Parameter(1.0), wavenumber=2),
        vorticity=sc.GaussianField(peak=3, width=2, rms=2.0),
    )
    return sc.Scene(
        name="turbulence",
        domain=sc.Domain.periodic(size=(2 * np.pi, 2 * np.pi), cells=(32, 32)),
        entities={"water": water},
        outputs={
            "fields": sc.Fields("vorticity", every=0.1),
            "energy": sc.Energy(every=0.1),
            "kept": sc.Diagnostics(every=0.1),
        },
        time=sc.Time(end=0.2, cfl=0.5),
    )


def liquid(dim: int, dynamics: sc.atoms.Dynamics) -> sc.Scene:
    lattice = sc.FCC(cells=(3, 3, 3)) if dim == 3 else sc.Square(cells=(7, 7))
    return sc.Scene(
        name="liquid",
        units="lj",
        domain=sc.Domain.periodic(density=0.8 if dim == 3 else 0.7),
        entities={
            "Ar": sc.Atoms(lattice=lattice, temperature=sc.Parameter(1.0)),
            "pair": sc.LennardJones(epsilon=sc.Parameter(1.0), sigma=sc.Parameter(1.0), cutoff=2.0),
        },
        dynamics=dynamics,
        outputs={"thermo": sc.Thermo(every=0.02)},
        time=sc.Time(end=0.04, dt=0.004),
    )


def targets() -> sc.Scene:
    """Every target, well and bias of samplers at once."""
    p = sc.Parameter
    return sc.Scene(
        name="targets",
        units="lj",
        domain=sc.Domain.unbounded(dim=2),
        entities={
            "A": sc.Atoms(lattice=sc.Square(cells=(3, 2), spacing=2.5), temperature=p(1.0)),
            "wells": sc.DoubleWellPairs(a=p(0.9), b=p(-4.0), d0=p(4.0)),
            "pair": sc.LennardJonesPairs(pairs="ordered", epsilon=p(0.8), rm=p(2.0)),
            "oscillator": sc.Oscillator(stiffness=p(0.6)),
            "well": sc.HarmonicWell(stiffness=p(0.3), center=p((0.2, -0.1)), of="A"),
            "wall": sc.Confinement(radius=p(1.8), stiffness=p(3.0)),
            "bias": sc.DistanceBias(atoms=(0, 2), center=p(3.5), stiffness=p(2.0)),
        },
        dynamics=sc.Langevin(temperature=p(1.0), friction=p(0.7)),
        outputs={"energy": sc.Energy(every=0.02)},
        time=sc.Time(end=0.04, dt=0.004),
    )


def net_on_a_slope(dim: int) -> sc.Scene:
    """A lattice of springs that pulls itself along a floor with friction."""
    up, size = ((0.0, 1.0), (2.0, 1.0)) if dim == 2 else ((0.0, 0.0, 1.0), (2.0, 2.0, 1.0))
    center = (1.0,) * (dim - 1) + (0.3,)
    return sc.Scene(
        name="net",
        domain=sc.Domain(size=size),
        gravity=sc.Parameter((2.0,) * (dim - 1) + (-9.81,)),
        entities={
            "net": sc.Springs(
                net=sc.SpringLattice(center=center, size=(0.4,) * (dim - 1) + (0.2,), cells=(2,) * dim),
                mass=sc.Parameter(1.5),
                stiffness=sc.Parameter(800.0),
                damping=sc.Parameter(0.5),
                drag=sc.Parameter(0.3),
                velocity=sc.Parameter((0.3,) * (dim - 1) + (-0.5,)),
                actuators={
                    "left": sc.Actuator(
                        activation=sc.Table(0.01, sc.Parameter((0.1, 0.3, -0.2))),
                        region=sc.Box(center=(0.9, *center[1:]), size=(0.3,) * dim),
                    ),
                    "all": sc.Actuator(
                        activation=sc.Sine(sc.Parameter(0.1), 20.0, phase=0.4),
                        region=sc.Box(center=center, size=(1.0,) * dim),
                    ),
                },
            ),
            "floor": sc.Wall(normal=up, offset=sc.Parameter(0.1995), contact=sc.Coulomb(sc.Parameter(0.3))),
        },
        outputs={
            "state": sc.Particles("position", "velocity", every=0.01),
            "com": sc.CenterOfMass("net", every=0.01),
            "energy": sc.Energy(every=0.01),
            "momentum": sc.Momentum(every=0.01),
        },
        time=sc.Time(end=0.02, cfl=0.3),
    )


def gas_past_a_ball() -> sc.Scene:
    """A viscous gas with everything that sides can hold, and a ball in its way."""
    return sc.Scene(
        name="gas",
        domain=sc.Domain(size=(2.0, 1.0), cells=(16, 8)),
        entities={
            "gas": sc.Gas(
                gamma=sc.Parameter(1.4),
                density=sc.Parameter(1.2),
                velocity=sc.Parameter((0.6, 0.1)),
                viscosity=sc.Parameter(0.01),
                patches=(sc.GasPatch(sc.Sphere(center=(0.6, 0.5), radius=sc.Parameter(0.3)), pressure=1.2),),
            ),
            "ball": sc.Obstacle(sc.Sphere(center=sc.Parameter((1.23, 0.46)), radius=0.22)),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow((sc.Parameter(0.6), 0.1), density=1.2),
            x_hi=sc.Outflow(pressure=sc.Parameter(1.05)),
            y_lo=sc.NoSlip(velocity=(sc.Sine(sc.Parameter(0.2), 0.5, phase=0.3), 0.0)),
            y_hi=sc.Slip(),
        ),
        outputs={
            "fields": sc.Fields("density", "temperature", "vorticity", every=0.05),
            "energy": sc.Energy(every=0.05),
            "push": sc.Force("ball", every=0.05),
            "kept": sc.Diagnostics(every=0.05),  # what enters is a part of the state then
        },
        time=sc.Time(end=0.1, cfl=0.3),
    )


def vortex_in_space() -> sc.Scene:
    """A vortex along z, drifting through a periodic box."""
    start = sc.IsentropicVortex(strength=sc.Parameter(3.0))
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(8.0, 8.0, 4.0), cells=(8, 8, 4)),
        entities={"gas": sc.Gas(gamma=sc.Parameter(1.4), velocity=(0.8, 0.5, 0.3), start=start)},
        outputs={"fields": sc.Fields("velocity", "mach", every=0.2), "momentum": sc.Momentum(every=0.2)},
        method=sc.FiniteVolume(reconstruction="weno5"),
        time=sc.Time(end=0.4, cfl=0.3),
    )


def water_round_a_block() -> sc.Scene:
    patch = sc.WaterPatch(sc.Box(center=(0.5, 0.5), size=(0.5, 0.7)), depth=sc.Parameter(1.3))
    return sc.Scene(
        name="water",
        domain=sc.Domain(size=(2.0, 1.0), cells=(16, 8), wrap=(False, True)),
        entities={
            "water": sc.ShallowWater(gravity=sc.Parameter(9.81), velocity=(0.4, 0.3), patches=(patch,)),
            "block": sc.Obstacle(sc.Box(center=(1.33, 0.52), size=sc.Parameter((0.41, 0.36)))),
        },
        boundary=sc.Boundary(x_lo=sc.Inflow(0.5, depth=sc.Parameter(1.1)), x_hi=sc.Outflow(), y=sc.Periodic()),
        outputs={"fields": sc.Fields("depth", "froude", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.1, cfl=0.3),
    )


def seeping_water() -> sc.Scene:
    """A porous medium of two phases that is fed from one side, solved as exactly as differences of its results need."""
    phases = sc.TwoPhases(sc.MaternField(alpha=2.0, tau=3.0), above=sc.Parameter(9.0), below=sc.Parameter(2.0))
    return sc.Scene(
        name="seeping",
        domain=sc.Domain(size=(1.0, 0.6), cells=(20, 12)),
        entities={"rock": sc.Darcy(permeability=phases, source=sc.Parameter(0.5), reaction=sc.Parameter(0.1))},
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parameter(0.3)), x_hi=sc.Outflow(pressure=sc.Parameter(0.2)), y=sc.NoSlip()
        ),
        outputs={"fields": sc.Fields("permeability", "pressure", "velocity", every=0.1)},
        time=sc.Time(end=0.2),
        method=sc.Elliptic(tolerance=1e-12),
    )


def convection_in_space() -> sc.Scene:
    """A stirred flow with heat that lifts it, by its velocity in Fourier modes."""
    return sc.Scene(
        name="convection",
        domain=sc.Domain.periodic(size=(1.0, 1.0, 1.0), cells=(12, 12, 12)),
        entities={
            "air": sc.Fluid(
                viscosity=sc.Parameter(2e-2),
                velocity=sc.GaussianField(peak=2.0, width=0.5, rms=1.0),
                forcing=sc.BandForcing(amplitude=sc.Parameter(0.5), low=1, high=2),
            ),
            "heat": sc.Tracer(
                diffusivity=sc.Parameter(1e-2), initial=sc.PlaneWave((1, 0, 1)), buoyancy=sc.Parameter((0.0, 0.0, 2.0))
            ),
        },
        outputs={"fields": sc.Fields("velocity", "heat", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.1, cfl=0.4),
        method=sc.Spectral(),
    )


def spots_that_grow() -> sc.Scene:
    return sc.Scene(
        name="spots",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(24, 24)),
        entities={
            "pot": sc.GrayScott(
                feed=sc.Parameter(0.04), kill=sc.Parameter(0.06), catalyst=sc.Spots(count=3, radius=0.15, height=0.5)
            )
        },
        outputs={"fields": sc.Fields("catalyst", "food", every=5.0)},
        time=sc.Time(end=10.0, cfl=0.4),
    )


def warm_channel() -> sc.Scene:
    """Water between a wall that gives off heat and one that swings, with buoyancy."""
    return sc.Scene(
        name="channel",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        entities={
            "water": sc.Fluid(viscosity=sc.Parameter(0.02), vorticity=sc.TaylorGreen(amplitude=sc.Parameter(0.3))),
            "heat": sc.Tracer(diffusivity=sc.Parameter(0.02), initial=0.2, buoyancy=sc.Parameter((0.1, 1.0))),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parabolic(sc.Parameter(0.5)), heat=sc.Parameter(0.3)),
            x_hi=sc.Outflow(pressure=sc.Parameter(0.1)),
            y_lo=sc.NoSlip(heat=sc.Through(sc.Parameter(0.1))),
            y_hi=sc.NoSlip(velocity=(sc.Sine(sc.Parameter(0.5), sc.Parameter(1.0)), 0.0)),
        ),
        outputs={
            "fields": sc.Fields("velocity", "pressure", "vorticity", "heat", every=0.05),
            "energy": sc.Energy(every=0.05),
            "kept": sc.Diagnostics(every=0.05),
        },
        method=sc.Staggered(advection="central"),
        time=sc.Time(end=0.1, cfl=0.4),
    )


def eddies_between_cells(dim: int) -> sc.Scene:
    """A flow in a periodic box with nothing in it, its velocities between the cells, carried by limited fluxes."""
    return sc.Scene(
        name="eddies",
        domain=sc.Domain.periodic(size=(1.0, 1.0, 1.0)[:dim], cells=(14, 12, 10)[:dim]),
        entities={"water": sc.Fluid(viscosity=sc.Parameter(5e-3), velocity=sc.GaussianField(peak=2.0, width=0.5))},
        outputs={"fields": sc.Fields("velocity", "vorticity", every=0.05), "energy": sc.Energy(every=0.05)},
        method=sc.Staggered(advection="van_leer" if dim == 2 else "weno3"),
        time=sc.Time(end=0.1, cfl=0.4),
    )


def disk_in_a_stream(dim: int) -> sc.Scene:
    """A ball that swings in a duct and is warmer than the water."""
    return sc.Scene(
        name="disk",
        domain=sc.Domain(size=(1.2, 0.8, 0.8)[:dim], cells=(12, 8, 8)[:dim]),
        entities={
            "water": sc.Fluid(viscosity=sc.Parameter(0.02)),
            "heat": sc.Tracer(diffusivity=0.02),
            "ball": sc.Obstacle(
                sc.Sphere(center=sc.Parameter((0.5, 0.4, 0.42)[:dim]), radius=sc.Parameter(0.15)),
                motion=sc.Moving(velocity=(0.0, sc.Sine(sc.Parameter(0.2), 1.0), 0.0)[:dim]),
                heat=sc.Parameter(1.0),
            ),
        },
        boundary=sc.Boundary(default=sc.NoSlip(), x_lo=sc.Inflow(sc.Parameter(0.5)), x_hi=sc.Outflow()),
        outputs={
            "force": sc.Force("ball", every=0.02),
            "momentum": sc.Momentum(every=0.02),
            "kept": sc.Diagnostics(every=0.02),
        },
        method=sc.Staggered(advection="central", tolerance=1e-14),
        time=sc.Time(end=0.04, cfl=0.4),
    )


@cache
def small_mesh(folder: Path) -> str:
    """Of (0, 1) x (0, 1), with tags x_lo to y_hi."""
    path = folder / "mesh.msh"
    meshio.write(path, rectangle((1.0, 1.0), (3, 3)), file_format="gmsh22", binary=True)
    return str(path)


FOLDER = tempfile.TemporaryDirectory()  # lives as long as the tests


def on_a_mesh(entities: dict[str, sc.Entity], outputs: dict[str, sc.outputs.Output], **changes: object) -> sc.Scene:
    common = {"domain": sc.Domain.meshed(small_mesh(Path(FOLDER.name))), "time": sc.Time(end=0.2, dt=0.05)}
    return sc.Scene(name="mesh", entities=entities, outputs=outputs, **{**common, **changes})


def warm_stream_on_a_mesh(steady: bool) -> sc.Scene:
    """A flow that carries what lifts it, with everything that its sides can hold."""
    tags = {
        "x_lo": sc.Inflow(sc.Parabolic(sc.Parameter(0.8)), heat=sc.Parameter(0.4)),
        "x_hi": sc.Outflow(pressure=sc.Parameter(0.3)),
        "y_hi": sc.NoSlip(
            velocity=(sc.Sine(sc.Parameter(0.5), 1.0, phase=0.3), 0.0), heat=sc.Through(sc.Parameter(0.2))
        ),
    }
    force = sc.UniformForcing(sc.Parameter((0.3, -0.2)))
    return on_a_mesh(
        {
            "water": sc.Fluid(
                viscosity=sc.Parameter(0.05), density=sc.Parameter(1.3), drag=sc.Parameter(0.2), forcing=force
            ),
            "heat": sc.Tracer(diffusivity=sc.Parameter(0.02), initial=0.1, buoyancy=sc.Parameter((0.2, 1.0))),
        },
        {
            "push": sc.Force("boundary.tags.y_lo", every=0.1),
            "heat": sc.Exchange(of="heat", through="boundary.tags.x_lo", every=0.1),
            "fields": sc.Fields("velocity", "pressure", "heat", every=0.1),
        },
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
        method=sc.FiniteElement(time="steady" if steady else "bdf2"),
    )


def warm_plate_on_a_mesh() -> sc.Scene:
    tags = {"x_lo": sc.NoSlip(heat=sc.Parameter(1.5)), "x_hi": sc.NoSlip(heat=sc.Through(sc.Parameter(0.5)))}
    return on_a_mesh(
        {"heat": sc.Tracer(diffusivity=sc.Parameter(0.3), initial=sc.Parameter(0.4))},
        {"fields": sc.Fields("heat", every=0.1)},
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
    )


def beam_on_a_mesh() -> sc.Scene:
    tags = {"x_lo": sc.Stick(), "x_hi": sc.Traction(sc.Parameter((0.2, 0.3)))}
    return on_a_mesh(
        {
            "beam": sc.LinearElastic(
                youngs_modulus=sc.Parameter(3.0), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(0.7)
            )
        },
        {"fields": sc.Fields("displacement", every=0.1), "energy": sc.Energy(every=0.1)},
        boundary=sc.Boundary(tags=tags, default=sc.Traction()),
        gravity=sc.Parameter((0.1, -0.2)),
    )


def alloy_of_ones_own() -> sc.Scene:
    """A solver that lies outside the package."""
    own = sc.load_plugin(Path(__file__).resolve().parent.parent / "examples" / "own" / "allen_cahn.py")
    return sc.Scene(
        name="alloy",
        domain=sc.Domain.periodic(size=(1.0, 0.8), cells=(12, 10)),
        entities={"alloy": own.Alloy(mobility=sc.Parameter(2.0), width=sc.Parameter(0.08))},
        outputs={"fields": sc.Fields("phase", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.2),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "darcy": seeping_water,
    "mpm-2d": lambda: jelly_on_a_slope(2),
    "mpm-3d": lambda: jelly_on_a_slope(3),
    "mpm-sparse-2d": jelly_without_sides,
    "mpm-rigid-2d": jelly_among_rigid_things,
    "mpm-implicit-2d": lambda: implicitly(jelly_on_a_slope(2)),
    "springs-2d": lambda: net_on_a_slope(2),
    "springs-3d": lambda: net_on_a_slope(3),
    "spectral": turbulence,
    "spectral-3d": convection_in_space,
    "reaction-2d": spots_that_grow,
    "eddies-2d": lambda: eddies_between_cells(2),
    "eddies-3d": lambda: eddies_between_cells(3),
    "walls-2d": warm_channel,
    "body-2d": lambda: disk_in_a_stream(2),
    "body-3d": lambda: disk_in_a_stream(3),
    "gas-2d": gas_past_a_ball,
    "gas-3d": vortex_in_space,
    "water-2d": water_round_a_block,
    "mesh-marching-2d": lambda: warm_stream_on_a_mesh(False),
    "mesh-steady-2d": lambda: warm_stream_on_a_mesh(True),
    "mesh-heat-2d": warm_plate_on_a_mesh,
    "mesh-beam-2d": beam_on_a_mesh,
    "own-2d": alloy_of_ones_own,
    "md-nve-2d": lambda: liquid(2, sc.NVE()),
    "md-langevin-3d": lambda: liquid(3, sc.Langevin(temperature="Ar.temperature", friction=sc.Parameter(0.7))),
    "md-targets-2d": targets,
}

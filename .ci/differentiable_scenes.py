"""Small scenes that between them hold every number of the scene language that may learn, by family of solvers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scenegrad.scenes as sc

__all__ = ["ELSEWHERE", "FAMILIES"]

ROOT = Path(__file__).resolve().parent.parent


def conformance() -> dict[str, Callable[[], sc.Scene]]:
    path = ROOT / "tests" / "conformance_scenes.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.SCENES)


KNOWN = conformance()
ELASTIC = {"youngs_modulus": 1e4}
MATERIALS: dict[str, Any] = {
    "rubber": sc.NeoHookean(**ELASTIC),
    "corotated": sc.FixedCorotated(**ELASTIC),
    "hencky": sc.StVenantKirchhoffHencky(**ELASTIC),
    "metal": sc.VonMises(**ELASTIC, yield_stress=100.0, hardening=10.0),
    "sand": sc.DruckerPrager(**ELASTIC, cohesion=1.0),
    "snow": sc.Snow(youngs_modulus=1e4),
    "clay": sc.CamClay(**ELASTIC, preconsolidation=100.0),
    "water": sc.WeaklyCompressible(bulk_modulus=1e4, viscosity=0.1),
    "honey": sc.Newtonian(bulk_modulus=1e4, viscosity=1.0),
    "paint": sc.HerschelBulkley(bulk_modulus=1e4, shear_modulus=1e3, yield_stress=10.0, consistency=1.0),
    "paste": sc.Bingham(bulk_modulus=1e4, shear_modulus=1e3, yield_stress=10.0, viscosity=1.0),
    "gel": sc.Viscoelastic(**ELASTIC, branch_modulus=1e3, relaxation_time=0.1),
    "solution": sc.OldroydB(bulk_modulus=1e4, viscosity=0.1, polymer_modulus=100.0, relaxation_time=0.1),
    "muscle": sc.Muscle(**ELASTIC, strength=1e3, activation=sc.Sine(0.1, 2.0, offset=0.2)),
    "limb": sc.Muscle(**ELASTIC, strength=1e3, activation=sc.Table(0.1, (0.0, 0.2))),
    "finger": sc.Muscle(**ELASTIC, strength=1e3, activation=0.3),
}


def materials() -> sc.Scene:
    """A small body of each in a row, on a floor with friction, each with a grid of its own."""
    bodies = {
        name: sc.Body(
            shape=sc.Box(center=(0.25 + 0.5 * n, 0.3), size=(0.2, 0.2)), velocity=(0.1, -1.0), material=material
        )
        for n, (name, material) in enumerate(MATERIALS.items())
    }
    ball = sc.Sphere(center=(0.25 + 0.5 * len(bodies), 0.3), radius=0.1)
    return sc.Scene(
        name="materials",
        domain=sc.Domain(size=(9.0, 1.0), cells=(144, 16)),
        gravity=(0.5, -9.81),
        entities={
            **bodies,
            "ball": sc.Body(shape=ball, material=sc.NeoHookean(**ELASTIC), velocity=(0.0, -1.0)),
            "floor": sc.Wall(normal=(0, 1), offset=0.15, contact=sc.Coulomb(0.3)),
        },
        boundary=sc.Boundary(default=sc.Coulomb(0.2)),
        time=sc.Time(end=0.05, cfl=0.3),
        method=sc.MaterialPoint(contact=sc.Apart(0.3, groups=(tuple([*bodies, "ball"][1:]),))),
    )


def solids_in_space() -> sc.Scene:
    """Shapes of three dimensions: of a body, of a collider that moves, of a rigid body on a hinge."""
    up = {"axis": (0, 0, 1)}
    return sc.Scene(
        name="shapes",
        domain=sc.Domain(size=(2.0, 1.0, 1.0), cells=(16, 8, 8)),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "rod": sc.Body(
                shape=sc.Cylinder(center=(0.4, 0.5, 0.5), radius=0.15, height=0.4, **up), material=MATERIALS["rubber"]
            ),
            "pill": sc.Body(
                shape=sc.Capsule(center=(1.0, 0.5, 0.6), radius=0.1, height=0.1, **up), material=MATERIALS["rubber"]
            ),
            "stick": sc.Collider(
                sc.Capsule(center=(0.4, 0.5, 0.2), radius=0.1, height=0.3, axis=(1, 0, 0)),
                contact=sc.Coulomb(0.2),
                motion=sc.Moving(velocity=(0.1, 0.0, 0.2), angular_velocity=(0.0, 0.1, 0.0), center=(0.4, 0.5, 0.2)),
            ),
            "post": sc.Collider(sc.Cylinder(center=(1.0, 0.5, 0.1), radius=0.1, height=0.2, **up)),
            "gate": sc.RigidBody(
                sc.Box(center=(1.6, 0.5, 0.6), size=(0.3, 0.1, 0.3)),
                mass=3.0,
                inertia=(0.02, 0.03, 0.02),
                angular_velocity=(0.0, 0.3, 0.0),
                hinge=sc.Hinge((1.6, 0.5, 0.6), axis=(0, 1, 0)),
            ),
            "marble": sc.RigidBody(
                sc.Sphere(center=(1.4, 0.8, 0.8), radius=0.1), velocity=(0.1, 0.0, -0.5), density=500.0
            ),
        },
        time=sc.Time(end=0.01, cfl=0.3),
    )


def on_a_ring(name: str, entity: Any, dim: int = 1, **more: Any) -> sc.Scene:
    return sc.Scene(
        name=name,
        domain=sc.Domain.periodic(size=(1.0,) * dim, cells=(32,) * dim),
        entities={name: entity, **more},
        time=sc.Time(end=0.02, cfl=0.4),
    )


def modelled_eddies() -> sc.Scene:
    """Eddies that are not resolved, and a forcing that is a step of the diagonals."""
    water = sc.Fluid(
        viscosity=1e-3, velocity=sc.GaussianField(peak=2.0, width=0.5), turbulence=sc.Smagorinsky(0.17), drag=0.1,
        forcing=sc.KolmogorovForcing(amplitude=1.0, wavenumber=2),
    )  # fmt: skip
    return on_a_ring("water", water, dim=2)


def plates() -> sc.Scene:
    """Heat that is conducted between plates, with fluid that enters in a profile of samples."""
    return sc.Scene(
        name="plates",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        entities={
            "water": sc.Fluid(viscosity=0.02, velocity=(0.1, 0.0)),
            "heat": sc.Tracer(diffusivity=0.02, initial=sc.Conduction(1.0, 0.0, disturbance=0.1)),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Samples((0.1, 0.2, 0.1))),
            x_hi=sc.Outflow(),
            y_lo=sc.NoSlip(heat=1.0),
            y_hi=sc.Slip(heat=0.5),
        ),
        time=sc.Time(end=0.02, cfl=0.4),
    )


def stirred_by_diagonals() -> sc.Scene:
    water = sc.Fluid(
        viscosity=1e-2, vorticity=sc.GaussianField(peak=2.0, width=0.5), forcing=sc.DiagonalForcing(amplitude=0.1)
    )
    return on_a_ring("water", water, dim=2)


def patches() -> sc.Scene:
    """A gas with a patch of another."""
    blob = sc.GasPatch(sc.Sphere(center=(0.5, 0.5), radius=0.2), density=2.0, velocity=(0.1, 0.0), pressure=1.5)
    return sc.Scene(
        name="patches", domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(12, 12)),
        entities={"gas": sc.Gas(gamma=1.4, patches=(blob,))}, time=sc.Time(end=0.05, cfl=0.4),
    )  # fmt: skip


def moving_patch_of_water() -> sc.Scene:
    blob = sc.WaterPatch(sc.Sphere(center=(0.5, 0.5), radius=0.2), depth=1.5, velocity=(0.1, 0.0))
    return sc.Scene(
        name="patch", domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(12, 12)),
        entities={"water": sc.ShallowWater(patches=(blob,))}, time=sc.Time(end=0.02, cfl=0.4),
    )  # fmt: skip


def drifting_vortex() -> sc.Scene:
    start = sc.IsentropicVortex(strength=3.0, center=(4.0, 4.0))
    return sc.Scene(
        name="vortex", domain=sc.Domain.periodic(size=(8.0, 8.0), cells=(12, 12)),
        entities={"gas": sc.Gas(gamma=1.4, velocity=(0.8, 0.5), start=start)}, time=sc.Time(end=0.2, cfl=0.4),
    )  # fmt: skip


def seeping(permeability: Any) -> sc.Scene:
    return sc.Scene(
        name="rock", domain=sc.Domain(size=(1.0, 0.6), cells=(10, 6)),
        entities={"rock": sc.Darcy(permeability=permeability, source=0.5)},
        boundary=sc.Boundary(x=sc.Outflow(), y=sc.NoSlip()), time=sc.Time(end=0.2),
    )  # fmt: skip


def atoms(entities: dict[str, Any], dynamics: Any = None, **changes: Any) -> sc.Scene:
    """A warm lattice."""
    kinds = {"A": sc.Atoms(lattice=sc.Square(cells=(8, 8)), mass=1.0, temperature=0.5)}
    table = {
        "name": "atoms",
        "units": "lj",
        "domain": sc.Domain.periodic(density=0.6),
        "time": sc.Time(end=0.02, dt=0.005),
        **changes,
    }
    return sc.Scene(entities={**kinds, **entities}, dynamics=dynamics or sc.NVE(), **table)


def pairs() -> sc.Scene:
    return atoms(
        {
            "lj": sc.LennardJones(cutoff=2.5),
            "wca": sc.WCA(),
            "morse": sc.Morse(),
            "buckingham": sc.Buckingham(repulsion=10.0, decay=0.4, dispersion=0.1),
            "ions": sc.BornMayerHuggins(repulsion=0.5, size=1.0, decay=0.3, dispersion=0.1, quadrupole=0.1),
            "soft": sc.SoftSphere(),
            "yukawa": sc.Yukawa(strength=1.0, screening=1.0),
        },
        time=sc.Time(end=1e-12, dt=1e-13),  # atoms that meet fall into each other where dispersion wins
    )


def molecules() -> sc.Scene:
    """Four atoms in a twisted chain, with everything that holds molecules together."""
    places = ((1.0, 2.0, 1.0), (1.0, 1.0, 1.0), (2.0, 1.0, 1.1), (2.1, 1.6, 1.8))
    four, three, two = ((0, 1, 2, 3),), ((0, 1, 2),), ((0, 1),)
    parts = {
        "A": sc.Atoms(lattice=sc.Sites(places), temperature=0.5, charge=0.3),
        "pair": sc.LennardJones(cutoff=2.5),
        "bond": sc.HarmonicBond(stiffness=50.0, length=1.0, groups=two),
        "chain": sc.FENE(groups=((1, 2),)),
        "angle": sc.HarmonicAngle(stiffness=5.0, angle=1.6, groups=three),
        "bend": sc.CosineAngle(stiffness=2.0, groups=((1, 2, 3),)),
        "twist": sc.PeriodicDihedral(stiffness=1.0, phase=0.3, groups=four),
        "improper": sc.HarmonicDihedral(stiffness=1.0, angle=0.5, groups=four),
        "ends": sc.LennardJones14(epsilon=0.5, sigma=1.0, groups=((0, 3),)),
        "charged": sc.Charges14(strength=0.8, groups=((0, 3),)),
        "coulomb": sc.Electrostatics(method=sc.ReactionField(cutoff=2.5)),
    }
    return sc.Scene(
        name="molecules", units="lj", domain=sc.Domain.periodic(size=(6.0, 6.0, 6.0)), entities=parts,
        time=sc.Time(end=0.01, dt=0.002),
    )  # fmt: skip


def stars() -> sc.Scene:
    star = sc.Atoms(lattice=sc.Sites(((0.0, 0.0), (1.0, 0.0), (0.0, 1.2))), mass=1.0, temperature=0.1)
    return sc.Scene(
        name="stars", units="nbody", domain=sc.Domain.unbounded(dim=2),
        entities={"star": star, "pull": sc.Gravity(constant=1.0, softening=0.1)}, time=sc.Time(end=0.02, dt=0.005),
    )  # fmt: skip


def silicon() -> sc.Scene:
    crystal = sc.Atoms(lattice=sc.Diamond(cells=(2, 2, 2)), mass=28.085, temperature=600.0)
    return sc.Scene(
        name="silicon", units="metal", domain=sc.Domain.periodic(size=(10.862,) * 3),
        entities={"Si": crystal, "law": sc.StillingerWeber()}, time=sc.Time(end=0.004, dt=0.001),
    )  # fmt: skip


PAIR = {"pair": sc.LennardJones(cutoff=2.5)}
HOT = {"temperature": 0.7}
SHORT = sc.Time(end=0.002, dt=0.0002)


FAMILIES: dict[str, dict[str, Callable[[], sc.Scene]]] = {
    "Material points": {
        "materials": materials,
        "shapes": solids_in_space,
        "rigid things": KNOWN["mpm-rigid-2d"],
        "implicit": KNOWN["mpm-implicit-2d"],
    },
    "Masses and springs": {
        "net": KNOWN["springs-2d"],
        "pulled": lambda: KNOWN["springs-2d"]().replace({"net.actuators.all.activation": 0.1}),
    },
    "Flows in periodic boxes": {
        "stirred": KNOWN["spectral"],
        "convection": KNOWN["spectral-3d"],
        "Gray-Scott": KNOWN["reaction-2d"],
        "Burgers": lambda: on_a_ring("burgers", sc.Burgers(viscosity=0.01, velocity=sc.Waves((0.3, 0.5)))),
        "Kuramoto-Sivashinsky": lambda: on_a_ring(
            "ks", sc.KuramotoSivashinsky(height=sc.MaternField(alpha=2.0, tau=3.0))
        ),
        "diagonals": stirred_by_diagonals,
        "advection": lambda: on_a_ring(
            "dye", sc.AdvectionDiffusion(velocity=(0.5,), diffusivity=0.01, concentration=sc.Waves((0.3, 0.5)))
        ),
    },
    "Flows with walls": {
        "channel": KNOWN["walls-2d"],
        "body": KNOWN["body-2d"],
        "plates": plates,
        "modelled eddies": modelled_eddies,
    },
    "Gases and shallow water": {
        "gas": KNOWN["gas-2d"],
        "vortex": KNOWN["gas-3d"],
        "water": KNOWN["water-2d"],
        "patches": patches,
        "patch of water": moving_patch_of_water,
        "drifting vortex": drifting_vortex,
    },
    "Finite elements": {
        "stream": KNOWN["mesh-marching-2d"],
        "plate": KNOWN["mesh-heat-2d"],
        "beam": KNOWN["mesh-beam-2d"],
    },
    "Porous media": {
        "seeping": KNOWN["darcy"],
        "even": lambda: seeping(2.0),
        "log-normal": lambda: seeping(sc.LogNormalField(sc.MaternField(alpha=2.0, tau=3.0), median=2.0)),
        "noise": lambda: seeping(sc.LogNormalField(sc.NoiseField(), median=2.0)),
    },
    "Molecular dynamics": {
        "pairs": pairs,
        "mixture": lambda: atoms({"mixed": sc.MixedLennardJones(of=("A",), cutoff=2.5, epsilon=1.0, sigma=1.0)}),
        "molecules": molecules,
        "silicon": silicon,
        "stars": stars,
        "targets": KNOWN["md-targets-2d"],
        "Langevin": lambda: atoms(PAIR, sc.Langevin(**HOT, friction=1.0)),
        "Nose-Hoover": lambda: atoms(PAIR, sc.NoseHoover(**HOT)),
        "CSVR": lambda: atoms(PAIR, sc.CSVR(**HOT)),
        "Brownian": lambda: atoms(PAIR, sc.Brownian(**HOT), time=SHORT),
        "active": lambda: atoms(PAIR, sc.ActiveBrownian(**HOT, speed=2.0, rotation=1.0), time=SHORT),
        "constant pressure": lambda: atoms(PAIR, sc.ConstantPressure(**HOT, pressure=1.0)),
    },
}

IN_FILES = "as of the other shapes: the place of a Collider, RigidBody or Obstacle learns, that of a Body does not"
ELSEWHERE: dict[tuple[str, str], str] = {  # fields that no scene here holds, and what is to be said of them
    **dict.fromkeys([(kind, "center") for kind in ("Mesh", "Points", "Image", "Splats")], IN_FILES),
    **dict.fromkeys(
        [("Learned", field) for field in ("stiffness", "headroom", "density")],
        "yes, and all weights of the module: `<body>.material.weights.<name>`",
    ),
}

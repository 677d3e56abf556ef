"""Material points: slopes, rigid things, grids that follow the matter, implicit steps."""

from collections.abc import Callable

import scenegrad.scenes as sc


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


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "mpm-2d": lambda: jelly_on_a_slope(2),
    "mpm-3d": lambda: jelly_on_a_slope(3),
    "mpm-sparse-2d": jelly_without_sides,
    "mpm-rigid-2d": jelly_among_rigid_things,
    "mpm-implicit-2d": lambda: implicitly(jelly_on_a_slope(2)),
}

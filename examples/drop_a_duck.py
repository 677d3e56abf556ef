"""A rubber duck falls on a floor

Describe it, run it, make a film of it: a soft body from a mesh, a floor with friction, a run that resumes.
"""

import sys

import scenegrad as sg


def main(out: str = "runs/duck", cells: int = 48, end: float = 0.8) -> None:
    scene = sg.Scene(
        name="duck",
        domain=sg.Domain(size=(1, 1, 1), cells=(cells,) * 3),
        gravity=(0, 0, -9.81),
        entities={
            "duck": sg.Body(
                shape=sg.Mesh("assets/meshes/duck.stl", scale=0.4, center=(0.4, 0.5, 0.5)),
                velocity=(0.5, 0, -1),
                material=sg.NeoHookean(youngs_modulus=4e4, poisson_ratio=0.3, density=1000),
            ),
            "floor": sg.Wall(normal=(0, 0, 1), offset=0.1, contact=sg.Coulomb(0.4)),
        },
        boundary=sg.Boundary(default=sg.Separate()),
        outputs={
            "particles": sg.Particles("position", "velocity", every=0.02),
            "com": sg.CenterOfMass("duck", every=0.02),
        },
        time=sg.Time(end=end, cfl=0.4),
    )
    run = sg.run(scene, out=out)
    print(run)
    print("lowest point of the centre of mass:", run["com"][:, 2].min(), "m")
    print(run.movie(f"{out}/drop_a_duck.gif"))


if __name__ == "__main__":
    main(*sys.argv[1:])

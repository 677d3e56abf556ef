"""Throw at a target

With which velocity must a soft disk be thrown to end up at a place? By gradient through the simulation.
"""

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

TARGET = (0.75, 0.35)  # [m]


def main(cells: int = 32, end: float = 0.3, steps: int = 10, out: str = "throw_at_a_target.png") -> float:
    scene = sg.Scene(
        name="throw",
        domain=sg.Domain(size=(1, 1), cells=(cells, cells)),
        gravity=(0, -9.81),
        entities={
            "disk": sg.Body(
                shape=sg.Sphere(center=(0.25, 0.3), radius=0.1),
                velocity=sg.Parameter((1.0, 1.0), bounds=(-5.0, 5.0)),
                material=sg.NeoHookean(youngs_modulus=5e4),
            )
        },
        boundary=sg.Boundary(default=sg.Separate()),
        outputs={"com": sg.CenterOfMass("disk", every=end / 10)},
        time=sg.Time(end=end),
    )
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")

    def miss(roll: sg.Rollout):
        place = roll.outputs["com"][0, -1]
        return (place[0] - TARGET[0]) ** 2 + (place[1] - TARGET[1]) ** 2

    best = sg.optimise(solver, state, params, miss, steps=steps)
    print("velocity:", best.params["disk.velocity"].tolist(), "m/s, misses by", best.value**0.5, "m")
    paths = [
        sg.rollout(solver, solver.program.initial(p), p).outputs["com"][0].detach().T for p in (params, best.params)
    ]
    drawn = [
        Curve(*path, label, "o-", n) for n, (path, label) in enumerate(zip(paths, ("first", "found"), strict=True))
    ]
    drawn.append(Curve(TARGET[:1], TARGET[1:], "target", "x", 2))
    plot_panels([Panel(drawn, "centre of the disk", "x [m]", "y [m]")], out)
    return best.value**0.5


if __name__ == "__main__":
    main()

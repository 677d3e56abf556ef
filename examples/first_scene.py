"""A first scene

Water flows past a post and sheds vortices, in ten lines: what is there, what its sides do, what to write down.
"""

import scenegrad as sg


def main(out: str = "runs/wake", cells: int = 64, end: float = 8.0) -> None:
    water = sg.Fluid(viscosity=1e-3, velocity=(1.0, 0.0))
    post = sg.Obstacle(sg.Sphere(center=(0.5, 0.52), radius=0.1))
    things = {"water": water, "post": post}
    sides = sg.Boundary(x_lo=sg.Inflow(1.0), x_hi=sg.Outflow(), y=sg.Slip())
    frames = {"flow": sg.Fields("vorticity", every=end / 16)}
    box = sg.Domain(size=(3, 1), cells=(3 * cells, cells))
    scene = sg.Scene(name="wake", domain=box, entities=things, boundary=sides, outputs=frames, time=sg.Time(end=end))
    run = sg.run(scene, out=out)
    print(run.status, run["flow"], run.screenshot(f"{out}/first_scene.png"))


if __name__ == "__main__":
    main()

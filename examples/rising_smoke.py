"""Smoke rises past a ball

Warm smoke enters through a vent in the floor, is lifted by its buoyancy (Boussinesq), meets a ball and rolls up. The
smoke is a tracer that the air carries; a mesh or a union of shapes may take the place of the ball.
"""

import scenegrad as sg


def main(out: str = "runs/smoke", cells: int = 96, end: float = 5.0) -> None:
    vent = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)  # at equal distances along the floor, linear between them
    scene = sg.Scene(
        name="smoke",
        domain=sg.Domain(size=(1, 1.5), cells=(cells, 3 * cells // 2)),
        entities={
            "air": sg.Fluid(viscosity=5e-4),
            "smoke": sg.Tracer(diffusivity=1e-4, buoyancy=(0.0, 1.0)),
            "ball": sg.Obstacle(sg.Sphere(center=(0.53, 0.7), radius=0.12)),
        },
        boundary=sg.Boundary(
            x=sg.NoSlip(),
            y_lo=sg.Inflow(sg.Samples(tuple(0.4 * open for open in vent)), smoke=sg.Samples(vent)),
            y_hi=sg.Outflow(),
        ),
        outputs={"fields": sg.Fields("smoke", "velocity", every=end / 25)},
        time=sg.Time(end=end),
    )
    run = sg.run(scene, out=out)
    print("mean of the smoke in the room at the end:", float(run["fields"].smoke[-1].mean()))
    run.screenshot(f"{out}/rising_smoke.png", field="smoke")


if __name__ == "__main__":
    main()

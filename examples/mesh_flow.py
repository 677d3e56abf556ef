"""A flow on a mesh, by the names of its parts

The channel with a cylinder of the DFG benchmark [Schaefer & Turek 1996], at Reynolds number 20: a mesh of gmsh whose
physical groups say where the flow comes in, leaves and sticks. Published: drag 5.5795, lift 0.0106.
"""

import scenegrad as sg


def main(out: str = "runs/channel", viscosity: float = 1e-3) -> tuple[float, float]:
    inflow = sg.Inflow(sg.Parabolic(0.3))
    scene = sg.Scene(
        name="channel",
        domain=sg.Domain.meshed("assets/meshes/channel.msh"),
        entities={"fluid": sg.Fluid(viscosity=viscosity)},
        boundary=sg.Boundary(tags={"inlet": inflow, "outlet": sg.Outflow()}, default=sg.NoSlip()),
        method=sg.FiniteElement(time="steady"),
        outputs={
            "fields": sg.Fields("velocity", "pressure", every=1.0),
            "force": sg.Force("boundary.tags.cylinder", every=1.0),
        },
        time=sg.Time(end=1.0),
    )
    run = sg.run(scene, out=out, dtype="float64")
    drag, lift = (500 * float(force) for force in run["force"].force[-1])  # 2 F / (mean speed^2 diameter)
    print(f"drag coefficient {drag:.4f}, lift coefficient {lift:.4f}")
    run.screenshot(f"{out}/mesh_flow.png", field="velocity")
    return drag, lift


if __name__ == "__main__":
    main()

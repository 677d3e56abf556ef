"""A Lennard-Jones liquid

Its radial distribution function, and how its energy changes with the depth of the well. At Rahman's state of liquid
argon [1964, Phys. Rev. 136, A405] the first neighbours stand at 1.08 sigma.
"""

import scenegrad as sg


def main(out: str = "runs/argon", cells: int = 6, end: float = 20.0) -> None:
    run = sg.run(sg.library.argon(cells=cells, end=end, warmup=end / 4), out=out)
    run.check(energy_drift=1e-3)
    g = run["rdf"].mean()
    r = run["rdf"].coordinates()["radius"]
    print(f"g(r) peaks at {r[g.argmax()]:.3f} sigma with {g.max():.2f}")
    sg.view.plot_rdf(run, out=f"{out}/liquid_argon.png")

    scene = sg.library.argon(cells=cells, epsilon=sg.Parameter(1.0), end=0.2, warmup=0.0)
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    energy = sg.rollout(solver, state, params).outputs["thermo"]["potential"][0, -1]
    energy.backward()
    print("d(potential energy per atom) / d(epsilon) =", float(params["pair.epsilon"].grad))


if __name__ == "__main__":
    main()

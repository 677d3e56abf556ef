"""An ensemble of turbulent flows, a Fourier neural operator trained on it, and the network in the solver's place."""

import scenegrad as sg


def main(
    out: str = "runs/flow", cells: int = 64, members: int = 64, end: float = 10.0, recipe: str = "fno_kolmogorov"
) -> None:
    scene = sg.library.kolmogorov(cells=cells, viscosity=1e-2, end=end, every=0.2)
    data = sg.generate(sg.vary(scene, members, seed=7), out=f"{out}/data", batch=4)
    fit = sg.train(recipe, data, out=f"{out}/fno", resume=True)
    print(fit.evaluate(["one_step", "persistence", "correlation_time"]))

    solver, state, params = sg.compile(scene.replace({"time.end": 4 * fit.model.dt}))
    fast = sg.Surrogate(fit.model, like=solver)
    true, learned = (sg.rollout(s, state, params).state.vorticity for s in (solver, fast))
    print("relative difference after four learned steps:", float((learned - true).norm() / true.norm()))


if __name__ == "__main__":
    main()

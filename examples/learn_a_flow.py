"""A network in the solver's place

An ensemble of turbulent flows, a Fourier neural operator trained on it [Li et al. 2021, arXiv:2010.08895], and a
rollout of the network beside that of the solver, in the same loop.
"""

import scenegrad as sg


def main(
    out: str = "runs/flow", cells: int = 64, members: int = 64, end: float = 10.0, recipe: str = "fno_kolmogorov"
) -> None:
    scene = sg.library.kolmogorov(cells=cells, viscosity=1e-2, end=end, every=0.2)
    data = sg.generate(sg.vary(scene, members, seed=7), out=f"{out}/data", batch=4)
    fit = sg.train(recipe, data, out=f"{out}/fno", resume=True)
    print(fit.evaluate(["one_step", "persistence", "correlation_time"]))

    solver, state, params = sg.compile(scene.replace({"time.end": 8 * fit.model.dt}))
    fast = sg.Surrogate(fit.model, like=solver)
    true, learned = (sg.rollout(s, state, params).outputs["fields"][0] for s in (solver, fast))
    print("relative difference after eight learned steps:", float((learned - true)[-1].norm() / true[-1].norm()))
    sg.view.compare_fields(true, learned, f"{out}/learn_a_flow.png")


if __name__ == "__main__":
    main()

"""Two surrogates judged by their solver

An operator, and a flow model that draws what comes next, both taught by a turbulent flow. They are held to
trajectories that they have not seen, to a viscosity below all that they were taught, to a finer grid, and to the
solver on coarser grids, in error and in time. All of it stands on one page with its pictures.
"""

from pathlib import Path

import scenegrad as sg
from scenegrad.surrogates import FNO, Flow, FromPresent, Heun, Noise, Split, SplitByParameter, Torus, Windows


def flows(cells: int, end: float) -> sg.Scene:
    viscosity = sg.LogUniform(low=0.01, high=0.08)
    return sg.library.kolmogorov(cells=cells, viscosity=viscosity, end=end, every=0.25)


def main(
    out: str = "runs/judged", cells: int = 32, members: int = 64, end: float = 6.0, epochs: int = 15, width: int = 16
) -> sg.Evaluation:
    data = sg.generate(sg.vary(flows(cells, end), members, seed=1), out=f"{out}/data", batch=8)
    finer = sg.generate(sg.vary(flows(2 * cells, end), max(2, members // 8), seed=2), out=f"{out}/finer", batch=8)
    print("what the data are:", sg.card(data))

    split = SplitByParameter("fluid.viscosity", low=0.015, then=Split(validation=0.1, test=0.2))
    network = FNO((cells // 4,) * 2, width, ["vorticity"], ["fluid.viscosity"], surroundings=Torus((0, 4)))
    models = {"operator": network, "flow": Flow(network, start=FromPresent(noise=0.3), sampler=Heun(2))}
    targets = {"operator": Noise(0.05), "flow": None}  # a flow has an objective of its own
    fits = [
        sg.train(
            model, Windows(data, first=1, split=split), out=f"{out}/{name}", epochs=epochs, target=targets[name],
            learning_rate=6e-3, batch_size=8, resume=Path(out, name).exists(),
        )
        for name, model in models.items()
    ]  # fmt: skip
    found = sg.evaluate(fits, finer=finer)
    print(found)
    print("the same with pictures:", found.report(f"{out}/judge_a_flow.html"))
    return found


if __name__ == "__main__":
    main()

"""A surrogate finds the optimum of the solver

Which eight waves does a Burgers flow start from, if it was seen at the end? A network learns the misfit and its
gradient from an ensemble. The search minimises the network within a trust region, corrected to the solver's value and
slope [Alexandrov et al. 1998, Struct. Optim. 15, 16]: close after few runs of the solver, and at its own optimum.
"""

import torch

import scenegrad as sg
from scenegrad.surrogates import MLP, Foresight, Responses, WithGradients
from scenegrad.view.plots import Curve, Panel, plot_panels

WAVES = "flow.velocity.coefficients"


def steering(coefficients, cells: int) -> sg.Scene:
    return sg.Scene(
        name="steering",
        domain=sg.Domain.periodic(size=(1.0,), cells=(cells,)),
        entities={"flow": sg.Burgers(viscosity=0.02, velocity=sg.Waves(coefficients))},
        outputs={"cost": sg.Misfit("velocity", sg.Waves((0.2, 0.1)), every=0.5)},
        time=sg.Time(end=0.5, dt=0.01),
    )


def main(out: str = "runs/steering", members: int = 256, epochs: int = 100, cells: int = 64) -> tuple[int, int]:
    ensemble = sg.vary(steering((sg.Uniform(-0.6, 0.6),) * 8, cells), members)
    told = {"of": (sg.Final("cost.misfit"),), "gradients": (WAVES,)}
    data = Responses.of(sg.generate(ensemble, out=f"{out}/data", batch=64, device="cpu", **told))
    torch.manual_seed(0)
    fit = sg.train(MLP.of(data), data, out=f"{out}/fit", epochs=epochs, target=WithGradients(), device="cpu")

    first = (-0.3, 0.4, 0.2, -0.5, 0.1, 0.3, -0.2, 0.4)
    scene = steering(sg.Parameter(first, bounds=(-0.6, 0.6)), cells)
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")

    def objective(roll: sg.Rollout) -> torch.Tensor:
        return roll.outputs["cost"][:, -1]

    alone = sg.optimise(solver, state, params, objective)
    fast = Foresight(fit.model, solver)
    together = sg.optimise(fast, state, params, objective, verify=solver, region=float("inf"))
    print(f"misfit {alone.value:.2e} by {len(alone.history)} runs of the solver with gradients,")
    print(f"{together.value:.2e} by {len(together.history)} with the network")
    runs = {"solver alone": alone.history, "with the network": together.history}
    curves = [
        Curve(range(1, len(h) + 1), [t.value for t in h], name, "o-", n) for n, (name, h) in enumerate(runs.items())
    ]
    plot_panels([Panel(curves, x="runs of the solver", y="misfit", log="y")], f"{out}/trust_the_stand_in.png")
    return len(alone.history), len(together.history)


if __name__ == "__main__":
    main()

"""A sweep over processes or machines

How fast do turbulent flows in the plane lose their energy, by viscosity? Each member of the ensemble has a shard of
its own; a sweep that was stopped goes on. Any executor of concurrent.futures will do in place of `workers=2`; the
address of a Dask scheduler, `executor="tcp://127.0.0.1:8786"`, spreads members over its machines, and `shard="3/16"`
takes one part in sixteen, for job arrays. None of it changes a byte.
"""

import numpy as np

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels


def main(out: str = "runs/sweep", members: int = 24, cells: int = 64, end: float = 4.0, workers: int = 2) -> float:
    flow = sg.library.decaying_turbulence(cells=cells, viscosity=sg.LogUniform(1e-3, 1e-1), peak=4, end=end)
    scene = flow.model_copy(update={"outputs": {"energy": sg.Energy(every=end / 20)}})
    data = sg.generate(sg.vary(scene, members, seed=1), out=f"{out}/data", batch=4, workers=workers)
    viscosity = data.parameters["fluid.viscosity"]
    energy = np.array([data.read(member, "energy", "kinetic") for member in data.members])  # [member, frame]
    left = energy[:, -1] / energy[:, 0]
    order = np.argsort(viscosity)
    print(f"{len(data)} members; left of the energy: {left.min():.3f} to {left.max():.3f}")
    curve = Curve(viscosity[order], left[order], style="o-")
    panel = Panel([curve], x="viscosity [m²/s]", y=f"energy after {end:g} s over that at first", log="x")
    plot_panels([panel], f"{out}/sweep_over_machines.png")
    return float(left.max())


if __name__ == "__main__":
    main()

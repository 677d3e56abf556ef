"""The melting curve of thirteen atoms

Their energy, and how much they wander, over temperature, by replica exchange. Below T = 0.25 epsilon/k_B atoms stay
where they are in an icosahedron, and U = U_0 + (3 N - 6)/2 k_B T but for what is not harmonic; above 0.32 they trade
places all the time. In between the cluster is now the one and now the other.
"""

import numpy as np
import torch

import scenegrad as sg
from scenegrad.scenes.library.targets import CLUSTERS
from scenegrad.view.plots import Curve, Panel, plot_panels

SIGMA = 2.0 ** (1.0 / 6.0)  # distance of least energy of a pair, for sigma = 1


def cluster() -> sg.Scene:
    """LJ13 with sigma = epsilon = 1, in a soft sphere that keeps atoms which evaporate."""
    atoms = sg.Atoms(lattice=sg.Sites(tuple(tuple(SIGMA * x for x in point) for point in CLUSTERS[13]())))
    pairs, wall = sg.LennardJonesPairs(pairs="unordered", rm=SIGMA), sg.Confinement(radius=2.5)
    return sg.Scene(
        name="cluster", units="lj", domain=sg.Domain.unbounded(dim=3), time=sg.Time(end=1.0, dt=0.01),
        entities={"atoms": atoms, "pair": pairs, "wall": wall}, dynamics=sg.Langevin(temperature=0.3, friction=1.0),
    )  # fmt: skip


def main(exchanges: int = 400, ladders: int = 8, warmup: int = 6000, frames: int = 300, out: str = "melting_curve.png"):
    """Temperatures of the rungs; energies, Lindemann indices and their errors [rung]; T where the index is halfway."""
    rungs = np.linspace(0.16, 0.40, 13).tolist()
    run = sg.sampling.replica_exchange(
        cluster(), rungs, every=100, exchanges=exchanges, ladders=ladders, warmup=warmup, seed=1, device="cpu"
    )
    curve = sg.sampling.heat_capacity(run, torch.linspace(0.165, 0.395, 47, dtype=torch.float64))
    index = sg.sampling.lindemann(run.watched(frames, every=20))  # each ladder for itself [ladder, rung]
    table = [(one.mean(dim=0), one.std(dim=0) / ladders**0.5) for one in (run.energies.mean(dim=0), index)]
    for t, u, bar, delta, width in zip(rungs, *table[0], *table[1], strict=True):
        print(f"T = {t:.2f}: U = {u:.2f} +- {bar:.2f}, Lindemann index {delta:.3f} +- {width:.3f}")
    half = float(np.interp(0.5 * float(table[1][0][0] + table[1][0][-1]), table[1][0].numpy(), rungs))
    print(f"C is highest at T = {curve.peak[0]:.3f}, the index halfway at {half:.3f}")
    u, bar, (delta, width) = curve.energy, 2 * curve.energy_error, table[1]
    left = [Curve(curve.temperature, u, "all rungs, by MBAR (2 errors)", low=u - bar, high=u + bar)]
    left.append(Curve(rungs, table[0][0], "each rung by itself", "o", 1))
    left.append(Curve(rungs, -44.3268 + 16.5 * np.array(rungs), "harmonic solid", ":", "soft"))
    right = [Curve(rungs, delta, "2 errors", "o-", low=delta - 2 * width, high=delta + 2 * width)]
    heat = Panel(left, "Caloric curve of LJ13", "T [epsilon/k_B]", "U [epsilon]")
    plot_panels([heat, Panel(right, "Lindemann index", "T [epsilon/k_B]", "delta")], out)
    return rungs, *table[0], *table[1], half


if __name__ == "__main__":
    main()

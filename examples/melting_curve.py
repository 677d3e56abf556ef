"""The melting curve of thirteen atoms by replica exchange: their energy, and how much they wander, over temperature.

Below T = 0.25 epsilon/k_B atoms stay where they are in an icosahedron, and U = U_0 + (3 N - 6)/2 k_B T but for what is
not harmonic; above 0.32 they trade places all the time. In between the cluster is now the one and now the other.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import scenegrad as sg
from scenegrad.scenes.library.targets import CLUSTERS

SIGMA = 2.0 ** (1.0 / 6.0)  # distance of least energy of a pair, for sigma = 1


def cluster() -> sg.Scene:
    """LJ13 with sigma = epsilon = 1, in a soft sphere that keeps atoms which evaporate."""
    sites = tuple(tuple(SIGMA * x for x in point) for point in CLUSTERS[13]())
    return sg.Scene(
        name="cluster",
        units="lj",
        domain=sg.Domain.unbounded(dim=3),
        entities={
            "atoms": sg.Atoms(lattice=sg.Sites(sites)),
            "pair": sg.LennardJonesPairs(pairs="unordered", rm=SIGMA),
            "wall": sg.Confinement(radius=2.5),
        },
        dynamics=sg.Langevin(temperature=0.3, friction=1.0),
        time=sg.Time(end=1.0, dt=0.01),
    )


def main(exchanges: int = 400, ladders: int = 8, warmup: int = 6000, frames: int = 300, out: str | None = None):
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
    if out is not None:
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        left.fill_between(curve.temperature, *(curve.energy + s * 2 * curve.energy_error for s in (-1, 1)), alpha=0.3)
        left.plot(curve.temperature, curve.energy, label="all rungs, by MBAR (2 errors)")
        left.errorbar(rungs, table[0][0], 2 * table[0][1], fmt="k.", capsize=2, label="each rung by itself")
        left.plot(rungs, -44.3268 + 16.5 * np.array(rungs), ":", color="gray", label="harmonic solid")
        left.set(xlabel=r"$T$ [$\varepsilon/k_B$]", ylabel=r"$U$ [$\varepsilon$]", title="Caloric curve of LJ13")
        right.errorbar(rungs, table[1][0], 2 * table[1][1], fmt="o-", markersize=3, capsize=2, label="2 errors")
        right.set(xlabel=r"$T$ [$\varepsilon/k_B$]", ylabel=r"$\delta$", title="Lindemann index")
        for axes in (left, right):
            axes.axvline(curve.peak[0], color="tab:red", alpha=0.5, label="highest heat capacity")
            axes.legend(fontsize=7)
        figure.savefig(out, dpi=110)
        plt.close(figure)
    return rungs, *table[0], *table[1], half


if __name__ == "__main__":
    main(out="melting_curve.png")

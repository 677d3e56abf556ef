"""Where a cluster of thirteen atoms melts: its heat capacity by replica exchange, from the samples of all rungs.

Published: a peak at T = 0.28 to 0.29 epsilon/k_B [Frantz 1995, J. Chem. Phys. 102, 3747; Calvo, Neirotti, Freeman &
Doll 2000, J. Chem. Phys. 112, 10350].
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


def main(exchanges: int = 600, ladders: int = 8, warmup: int = 6000, out: str | None = None) -> tuple[float, float]:
    """Temperature and height of the peak, the height with momenta [k_B]."""
    rungs = np.linspace(0.18, 0.40, 12).tolist()
    run = sg.sampling.replica_exchange(
        cluster(), rungs, every=100, exchanges=exchanges, ladders=ladders, warmup=warmup, seed=1, device="cpu"
    )
    found = sg.sampling.heat_capacity(run, np.linspace(0.19, 0.39, 81))
    momenta = 1.5 * 13
    at, height = found.peak
    print(f"acceptance {float(run.acceptance.min()):.2f} to {float(run.acceptance.max()):.2f}")
    print(f"round trips {int(run.round_trips.sum())} of {run.round_trips.numel()} replicas")
    print(f"peak at T = {at:.4f}: C = {height + momenta:.1f} +- {float(found.error[found.capacity.argmax()]):.1f} k_B")
    if out is not None:
        draw(run, found, momenta, out)
    return at, height + momenta


def draw(run: sg.sampling.ReplicaExchange, found: sg.sampling.HeatCapacity, momenta: float, out: str) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    t = found.temperature.numpy()
    left.fill_between(t, *(momenta + found.capacity + sign * 2 * found.error for sign in (-1, 1)), alpha=0.3)
    left.plot(t, momenta + found.capacity, label="all rungs, by MBAR (2 errors)")
    by_ladder = run.energies.var(dim=0) / run.temperatures**2 + momenta
    bar = 2 * by_ladder.std(dim=0) / len(by_ladder) ** 0.5
    left.errorbar(run.temperatures, by_ladder.mean(dim=0), bar, fmt=".", color="black", label="each rung by itself")
    left.axvspan(0.28, 0.29, color="tab:red", alpha=0.15, label="published peak")
    left.set(xlabel=r"$T$ [$\varepsilon/k_B$]", ylabel=r"$C$ [$k_B$]", title="Heat capacity of LJ13")
    left.legend(fontsize=7)
    bins = torch.linspace(-44.5, -18.0, 60, dtype=torch.float64)
    for rung in range(0, len(run.temperatures), 2):
        counts = torch.histogram(run.energies[:, :, rung].flatten().cpu(), bins, density=True).hist
        right.plot(0.5 * (bins[1:] + bins[:-1]), counts, label=f"T = {float(run.temperatures[rung]):.2f}")
    right.set(xlabel=r"$U$ [$\varepsilon$]", ylabel="density", title="Energies: solid, both, liquid")
    right.legend(fontsize=7)
    figure.savefig(out, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main(out="melt_a_cluster.png")

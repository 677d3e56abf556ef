"""Where a cluster of atoms melts

The heat capacity of thirteen atoms by replica exchange, from the samples of all rungs. Published: a peak at T = 0.28
to 0.29 epsilon/k_B [Frantz 1995, J. Chem. Phys. 102, 3747; Calvo, Neirotti, Freeman & Doll 2000, J. Chem. Phys. 112,
10350].
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


def main(exchanges: int = 600, ladders: int = 8, warmup: int = 6000, out: str = "melt_a_cluster.png"):
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
    c, bar = momenta + found.capacity, 2 * found.error
    own = (run.energies.var(dim=0) / run.temperatures**2 + momenta).mean(dim=0)
    left = [Curve(found.temperature, c, "all rungs, by MBAR (2 errors)", low=c - bar, high=c + bar)]
    left += [
        Curve(run.temperatures, own, "each rung by itself", "o", 1),
        Curve([0.28, 0.29], [c.max()] * 2, "published", "x", 2),
    ]
    bins, right = torch.linspace(-44.5, -18.0, 60, dtype=torch.float64), []
    for n, rung in enumerate(range(0, len(rungs), 2)):
        counts = torch.histogram(run.energies[:, :, rung].flatten().cpu(), bins, density=True).hist
        right.append(Curve(0.5 * (bins[1:] + bins[:-1]), counts, f"T = {rungs[rung]:.2f}", "-", n))
    heat = Panel(left, "Heat capacity of LJ13", "T [epsilon/k_B]", "C [k_B]")
    plot_panels([heat, Panel(right, "Energies: solid, both, liquid", "U [epsilon]", "density")], out)
    return at, height + momenta


if __name__ == "__main__":
    main()

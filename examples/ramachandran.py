"""The free energy of alanine dipeptide

In vacuum, over its two angles, by replica exchange up to 960 K. At 300 K a molecule would stay for nanoseconds on the
side of phi < 0 where it starts; the hot replicas go round, and what they see counts at 300 K by MBAR.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import scenegrad as sg
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.observables.dihedrals import dihedral_angles

KT = 0.0019872 * 300.0  # [kcal/mol]


def draw(angles: torch.Tensor, weights: torch.Tensor, name: str, bins: int = 40) -> torch.Tensor:
    """F = -k_B T ln(density), 0 where it is least, of angles phi and psi [sample, 2] in radians, weighted [sample]."""
    degrees = np.rad2deg(angles.numpy())
    count, edges, _ = np.histogram2d(*degrees.T, bins=bins, range=[[-180.0, 180.0]] * 2, weights=weights.numpy())
    with np.errstate(divide="ignore"):
        energy = -KT * np.log(count / count.max())
    middle = 0.5 * (edges[1:] + edges[:-1])
    figure, axes = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    levels = np.arange(0.0, 10.01, 1.0)
    shown = axes.contourf(middle, middle, np.where(np.isfinite(energy), energy, np.nan).T, levels, cmap="viridis")
    figure.colorbar(shown, label="free energy [kcal/mol]")
    axes.set(xlabel="phi [degrees]", ylabel="psi [degrees]", xlim=(-180, 180), ylim=(-180, 180), aspect="equal")
    axes.set_xticks(range(-180, 181, 90))
    axes.set_yticks(range(-180, 181, 90))
    for place, label in (((-78, 72), "C7eq"), ((-152, 160), "C5"), ((60, -45), "C7ax")):
        axes.annotate(label, place, ha="center", bbox={"color": "white", "alpha": 0.6, "pad": 1, "linewidth": 0})
    figure.savefig(name, dpi=110)
    plt.close(figure)
    return torch.from_numpy(energy)


def main(exchanges: int = 400, ladders: int = 48, warmup: int = 3000, out: str = "ramachandran"):
    """Free energies [phi, psi] at 300 K, with a picture, <out>.png."""
    scene = sg.library.alanine_dipeptide()
    groups = torch.tensor(list(scene.at("outputs.shape").groups.values()))
    rungs = [300.0, 380.0, 480.0, 600.0, 760.0, 960.0]
    run = sg.sampling.replica_exchange(
        scene, rungs, every=50, dt=0.75, exchanges=exchanges, ladders=ladders, warmup=warmup, seed=3,
        keep_positions=True, device="cpu",
    )  # fmt: skip
    assert run.positions is not None
    found = run.positions.permute(2, 0, 1, 3, 4).flatten(0, 2).double()  # rung by rung, as the weights stand
    endless = Box(torch.full((1, 3), torch.inf, dtype=torch.float64))
    angles, weights = dihedral_angles(found, endless, groups), run.mbar().log_weights[0].exp()
    energy = draw(angles, weights, f"{out}.png")
    left = float(weights[angles[:, 0] < 0.0].sum() / weights.sum())
    shares = [round(float(share), 2) for share in run.acceptance]
    print(f"{int(run.round_trips.sum())} round trips, swaps accepted {shares}; phi < 0 with probability {left:.3f}")
    return energy


if __name__ == "__main__":
    main()

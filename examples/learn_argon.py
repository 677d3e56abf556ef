"""Atoms from where their neighbours stand

How large are atoms of argon, and how strongly do they attract each other? The g(r) to be matched was made by another
code, LAMMPS, at the state of Rahman's liquid argon [1964, Phys. Rev. 136, A405]; sigma and epsilon, which he took to
be 3.4 Angstrom and 120 K, are sought. No trajectory is differentiated: frames are reweighted, and drawn anew when few
of them have a weight left [Thaler & Zavadlav 2021]. What is matched of g(r) is what such atoms feel of it, its
integrals with r^-12 and r^-6 [Shell 2008, J. Chem. Phys. 129, 144108].
"""

import numpy as np
import torch

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

SIGMA, EPSILON, KELVIN = 3.4, 120.0, 8.617333e-5  # [Angstrom], [K], [eV]
HEAT, DENSITY = 0.8034 * EPSILON, 0.8072 / SIGMA**3  # of the liquid [K], [1/Angstrom^3]
R = 0.03 * SIGMA * (torch.arange(100, dtype=torch.float64) + 0.5)
FELT = torch.stack([R**2 * (SIGMA / R) ** 12, R**2 * (SIGMA / R) ** 6], dim=1)
NAMES = ("pair.sigma", "pair.epsilon")


def wanted() -> torch.Tensor:
    rows = np.loadtxt("assets/reference/md/lj_rdf_argon_rahman.csv", delimiter=",", skiprows=2)[:300, 1]
    return torch.from_numpy(rows.reshape(100, 3).mean(axis=1))


def argon(sigma: float, epsilon: float, cells: int) -> sg.Scene:
    pair = sg.LennardJones(sigma=sg.Parameter(sigma), epsilon=sg.Parameter(epsilon), cutoff=9.0, cut="switch")
    return sg.Scene(
        name="argon",
        units="metal",
        domain=sg.Domain.periodic(density=DENSITY),
        entities={"Ar": sg.Atoms(lattice=sg.FCC(cells=(cells,) * 3), mass=39.95, temperature=HEAT), "pair": pair},
        dynamics=sg.Langevin(temperature=HEAT, friction=1.0),
        outputs={"g": sg.RDF(r_max=3.0 * SIGMA, bins=100, every=1.0)},
        time=sg.Time(end=1.0, dt=0.01),
    )


def main(rounds: int = 14, frames: int = 40, cells: int = 4, warmup: int = 2000, out: str = "learn_argon.png"):
    """Relative errors of sigma and epsilon, and their error bars."""
    path, curves, settings = [(3.2, 90.0)], [], {"frames": frames, "every": 30, "copies": 6, "warmup": warmup}
    run = sg.sampling.reweighting(argon(3.2, 90.0 * KELVIN, cells), threshold=0.8, device="cpu", **settings)
    params = run.params
    for n in range(rounds):
        run = run.renewed(params)
        g = run.measured(params)["g"]
        by = run.slopes(g @ FELT, params)
        turn = torch.linalg.inv(torch.stack([by[a] * params[a].detach() for a in NAMES], dim=1))  # by logarithms
        told = (wanted() - g) @ FELT @ turn.T  # the step that each frame asks for [frame, 2]
        step, bar = run.average(told, params).detach(), run.error(told, params).tolist()
        curves.append(run.average(g, params).detach())
        for shorter in 0.7 ** np.arange(12):  # no further than frames reach
            scale = (shorter * step).exp().float()
            there = params.replace({a: (params[a].detach() * scale[k]).requires_grad_() for k, a in enumerate(NAMES)})
            if run.effective(there) > 0.15:
                break
        params = there
        path.append((params[NAMES[0]].item(), params[NAMES[1]].item() / KELVIN))
        print(f"round {n}: sigma = {path[-1][0]:.4f} A, epsilon = {path[-1][1]:.1f} K")
    off = [path[-1][0] / SIGMA - 1.0, path[-1][1] / EPSILON - 1.0]
    print(f"sigma is off by {off[0]:+.2%} +- {bar[0]:.2%}, epsilon by {off[1]:+.2%} +- {bar[1]:.2%}")
    ways = [
        Curve(*zip(*path, strict=True), "found, round by round", "o-"),
        Curve(SIGMA, EPSILON, "of the liquid", "x", 1),
    ]
    shapes = [
        Curve(R, g, label, "-", n) for n, (g, label) in enumerate(((curves[0], "at first"), (curves[-1], "found")))
    ]
    shapes.append(Curve(R, wanted(), "of the liquid (LAMMPS)", "--", "black"))
    left = Panel(ways, x="sigma [Angstrom]", y="epsilon / k_B [K]")
    plot_panels([left, Panel(shapes, x="r [Angstrom]", y="g(r)")], out)
    return off, bar


if __name__ == "__main__":
    main()

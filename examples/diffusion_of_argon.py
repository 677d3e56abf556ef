"""How fast atoms of liquid argon wander

By Einstein's slope and by Green's and Kubo's integral, with error bars. Nothing but correlations is written down: the
mean square displacement over lags from 0.02 to 10 tau, whose spacing doubles five times, and the velocity correlation
over the first 1.6 tau. D follows from every stretch of the run, and its error from blocks of these. At T = 0.736, N =
864, LAMMPS finds 0.0321 either way.
"""

import sys

import scenegrad as sg


def main(out: str = "runs/diffusion", cells: int = 5, end: float = 100.0, doublings: int = 5) -> sg.Diffusion:
    outputs = {
        "thermo": sg.Thermo(every=0.1),
        "msd": sg.MSD(every=0.02, lags=16, doublings=doublings),
        "vacf": sg.VelocityCorrelation(every=0.02, lags=80),
    }
    scene = sg.library.argon(cells=cells, temperature=1.515, end=end, warmup=0.1 * end)
    run = sg.run(scene.model_copy(update={"outputs": outputs}), out=out)
    run.check(energy_drift=1e-3)
    found = sg.diffusion(run, after=0.064 * 2**doublings)  # a fifth of the longest lag
    integral = sg.Estimate(found.by_integral.constant.mean[-1], found.by_integral.constant.error[-1])
    print(f"T = {sg.blocking(run['thermo'].temperature)}")
    print(f"D = {found.by_slope.constant} by the slope, {integral} by the integral [sigma^2/tau]")
    print(found.plot(f"{out}/diffusion_of_argon.png"))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])

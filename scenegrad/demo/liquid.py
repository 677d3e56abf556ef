"""Fourth chapter: a liquid of Lennard-Jones atoms, and how its atoms stand around each other."""

from __future__ import annotations

import numpy as np

from scenegrad.demo.figures import reference_rdf
from scenegrad.demo.stage import Stage
from scenegrad.running import run
from scenegrad.scenes import library
from scenegrad.view import plot_rdf, screenshot
from scenegrad.view.report import Chapter, Claim, Picture

__all__ = ["look_into_a_liquid"]


def look_into_a_liquid(stage: Stage) -> Chapter:
    cells, end, warmup = (5, 6.0, 2.0) if stage.small else (6, 30.0, 10.0)
    scene = library.argon(cells=cells, end=end, warmup=warmup)
    made = run(scene, stage.folder / "argon", device=stage.device, overwrite=True, progress=not stage.quiet)
    stage.say("  drawing")
    still = screenshot(made.folder, stage.folder / "argon.png")

    rdf = made["rdf"]
    r, g = rdf.coordinates()["radius"], np.asarray(rdf).mean(axis=0)
    thermo = made["thermo"]
    total = np.asarray(thermo.total[:])
    drift = abs(np.polyfit(np.asarray(thermo.time), total, 1)[0] * (thermo.time[-1] - thermo.time[0]))
    picture = plot_rdf(made.folder, stage.folder / "rdf.png", reference=reference_rdf(), reference_label="LAMMPS")
    peak = int(np.argmax(g))
    atoms = np.asarray(made["traj"].position[0]).shape[0]
    rate = atoms * made.record["steps"] / made.record["wall_seconds"]
    temperature = float(np.asarray(thermo.temperature[:]).mean())
    return Chapter(
        title="A liquid and its structure",
        text=f"{atoms} Lennard-Jones atoms near the triple point of argon (density 0.8442, temperature "
        f"{temperature:.3f} in reduced units), Newton's equations. The radial distribution "
        "function is compared with one from LAMMPS, 864 atoms, same density and cut-off.",
        pictures=(
            Picture(picture, "Radial distribution function, here and from LAMMPS."),
            Picture(still, "The atoms in their periodic box."),
        ),
        claims=(
            Claim("distance of the first peak from 1.085 sigma", abs(float(r[peak]) - 1.085), 0.03),
            Claim("deviation of its height from 3.00, relative", abs(float(g[peak]) / 3.00 - 1), 0.08),
            Claim("drift of the energy per atom over the whole run [epsilon]", float(drift), 5e-3),
        ),
        facts={
            "atom-steps per second": f"{rate:,.0f}",
            "steps": f"{made.record['steps']:,}",
            "temperature": f"{temperature:.3f}",
        },
    )

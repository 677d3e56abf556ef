"""First chapter: a mesh, dropped as an elastic body, run headless and drawn."""

from __future__ import annotations

import numpy as np

from scenegrad.demo.stage import Stage
from scenegrad.running import run
from scenegrad.scenes import library
from scenegrad.view import movie, screenshot
from scenegrad.view.report import Chapter, Claim, Picture

__all__ = ["drop_a_duck"]

FLOOR, SPEED = 0.1, -1.0  # height of the floor of the scene [m], first velocity along z [m/s]


def drop_a_duck(stage: Stage) -> Chapter:
    cells, end = (24, 0.3) if stage.small else (48, 0.9)
    scene = library.elastic_drop(cells=cells, end=end, youngs_modulus=4e4, velocity=(0.5, 0.0, SPEED))
    made = run(scene, stage.folder / "drop", device=stage.device, overwrite=True, progress=not stage.quiet)
    stage.say("  drawing")
    still = screenshot(made.folder, stage.folder / "drop.png", frame=len(made["particles"].time) // 2)
    film = movie(made.folder, stage.folder / "drop.gif", size=(640, 480), fps=15)

    position = np.asarray(made["particles"].position[:])
    com = np.asarray(made["com"])
    size = np.asarray(scene.domain.size)
    outside = np.maximum(-position, position - size).max() / size.max()
    energy = made["energy"]
    total = np.asarray(energy.total[:])
    fall = total[0] - total
    gained = max(0.0, float((-fall).max())) / abs(float(np.ptp(np.asarray(energy.gravitational[:]))))
    lowest = position[:, :, -1].min(axis=1)
    free = np.cumprod(lowest > FLOOR + 2 / cells).astype(bool)  # frames before the grid brings the floor to the body
    times = np.asarray(made["com"].time)[free]
    parabola = com[0, -1] + SPEED * times - 9.81 * times**2 / 2
    rate = position.shape[1] * made.record["steps"] / made.record["wall_seconds"]
    return Chapter(
        title="A duck, dropped",
        text=f"The surface mesh assets/meshes/duck.stl is filled with {position.shape[1]:,} particles of a neo-Hookean "
        f"solid and falls on a floor with friction. The material point method carries it on {cells}³ cells through "
        f"{made.record['steps']:,} steps; its surface is drawn by moving each vertex with the particles around it.",
        pictures=(Picture(film, "The falling duck."), Picture(still, "Half-way through.")),
        claims=(
            Claim("depth of any particle outside the box, relative to its edge", float(outside), 0.0),
            Claim(
                "deviation of the free fall from a parabola [m]", float(np.abs(com[free, -1] - parabola).max()), 2e-3
            ),
            Claim("energy gained, relative to the energy of the fall", gained, 0.02),
        ),
        facts={
            "particles": f"{position.shape[1]:,}",
            "steps": f"{made.record['steps']:,}",
            "simulation": f"{made.record['wall_seconds']:.1f} s",
            "particle-steps per second": f"{rate:,.0f}",
        },
    )

"""Gaussian splats become a jelly

A scene of splats falls and bounces: every frame a .ply of moved and deformed Gaussians [Kerbl et al. 2023].
"""

import sys
from pathlib import Path

import numpy as np

import scenegrad as sg
from scenegrad.engine.files.splats import Splats


def painted_egg(gaussians: int, axes: tuple[float, float, float] = (0.16, 0.16, 0.22)) -> Splats:
    """Flat Gaussians that tile an ellipsoid, striped in two colours; a stand-in for a scan of a real thing."""
    turn = np.arange(gaussians) + 0.5  # points of a Fibonacci spiral lie evenly on the sphere
    height, around = 1 - 2 * turn / gaussians, np.pi * (1 + 5**0.5) * turn
    sphere = np.stack([np.cos(around), np.sin(around), height], axis=1)
    sphere[:, :2] *= np.sqrt(1 - height**2)[:, None]
    normal = sphere / axes
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    outward = normal[:, :, None] * normal[:, None, :]
    width = 1.3 * np.mean(axes) * np.sqrt(4 * np.pi / gaussians)
    covariance = width**2 * (np.eye(3) - outward) + (0.1 * width) ** 2 * outward
    stripe = np.sin(25 * height)[:, None] > 0
    return Splats.of(sphere * axes, covariance, 0.95, np.where(stripe, (0.9, 0.2, 0.3), (0.95, 0.9, 0.8)))


def main(out: str = "runs/splats", gaussians: int = 4000, cells: int = 32, end: float = 0.6) -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    source = Path(out).with_suffix(".ply")
    painted_egg(gaussians).save(source)
    scene = sg.Scene(
        name="egg",
        domain=sg.Domain(size=(1, 1, 1), cells=(cells,) * 3),
        gravity=(0, 0, -9.81),
        entities={
            "egg": sg.Body(
                shape=sg.Splats(str(source), rotation=(0, 60, 0), center=(0.5, 0.5, 0.5), fill=0.4),
                material=sg.NeoHookean(youngs_modulus=3e4, poisson_ratio=0.4, density=1000),
            ),
            "floor": sg.Wall(normal=(0, 0, 1), offset=0.1, contact=sg.Coulomb(0.5)),
        },
        outputs={"gaussians": sg.Gaussians("egg", every=0.02), "com": sg.CenterOfMass("egg", every=0.02)},
        time=sg.Time(end=end),
    )
    run = sg.run(scene, out=out, overwrite=True)
    frames = sg.write_splats(run)
    print(
        f"{len(frames)} frames of {gaussians} Gaussians, {frames[0]} to {frames[-1].name}: open them in a splat viewer"
    )
    print("lowest point of the centre of mass:", run["com"][:, 2].min(), "m")
    run.screenshot(f"{out}/splats_fall.png")


if __name__ == "__main__":
    main(*sys.argv[1:])

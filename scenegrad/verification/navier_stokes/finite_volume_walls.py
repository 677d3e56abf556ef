"""Gases and shallow water that meet walls, obstacles, mirrors and dry ground."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.library import gases
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Finding, Setting, absolute, at_least, at_most, relative
from scenegrad.verification.navier_stokes.riemann import dam_break
from scenegrad.verification.navier_stokes.volumes import BOTH, case, marched

__all__ = ["CASES"]


def reflection(setting: Setting) -> Iterator[Finding]:
    """A gas that runs into a wall is stopped by a shock: p*/p = 1 + g M (s + sqrt(1 + s^2)), s = (g + 1) M / 4."""
    g, mach = 1.4, 1.5
    slope = (g + 1) / 4 * mach
    exact = 1 + g * mach * (slope + math.sqrt(1 + slope**2))
    sides = {
        "a side": (sc.Slip(), {}),
        "an obstacle": (sc.Outflow(), {"wall": sc.Box(center=(1.5, 0.5), size=(1.0, 9.0))}),
    }
    for name, (side, bodies) in sides.items():
        scene = sc.Scene(
            name="reflection",
            domain=sc.Domain(size=(2.0 if bodies else 1.0, 0.1), cells=(200 if bodies else 100, 4), wrap=(False, True)),
            entities={
                "gas": sc.Gas(velocity=(mach * math.sqrt(g), 0.0)),
                **{key: sc.Obstacle(shape=shape) for key, shape in bodies.items()},
            },
            boundary=sc.Boundary(
                x_lo=sc.Inflow((mach * math.sqrt(g), 0.0), density=1.0, pressure=1.0), x_hi=side, y=sc.Periodic()
            ),
            time=sc.Time(end=0.5),
        )
        _, _, after = marched(scene, setting)
        yield relative(f"pressure behind the shock from {name}", exact, after[3][85:92].mean(), 0.01)


def bow_shock(setting: Setting) -> Iterator[Finding]:
    """Distance of the shock before a cylinder over its radius: 0.386 exp(4.67 / M^2)."""
    cells, radius, mach = 96, 0.15, 2.5
    _, _, after = marched(gases.bow_shock(cells, mach, radius, end=1.5), setting)
    row = after[3][:, cells // 2 - 1 : cells // 2 + 1].mean(axis=1)
    front = int(np.argmax(row > 4.0))  # halfway up the shock, linear between two cells
    place = (front - 0.5 + (4.0 - row[front - 1]) / (row[front] - row[front - 1])) / cells
    expected = 0.386 * math.exp(4.67 / mach**2)
    yield absolute("distance of the bow shock over the radius", expected, (0.6 - radius - place) / radius, 0.12)


def sedov(setting: Setting) -> Iterator[Finding]:
    """Energy at a point: a quarter of the plane between mirrors."""
    cells, energy = 96, 0.311357
    dx = 1.1 / cells
    spot = sc.GasPatch(sc.Box(center=(dx, dx), size=(2 * dx, 2 * dx)), pressure=0.4 * energy / 4 / (4 * dx * dx))
    scene = sc.Scene(
        name="sedov",
        domain=sc.Domain(size=(1.1, 1.1), cells=(cells, cells)),
        entities={"gas": sc.Gas(density=1.0, pressure=1e-5, patches=(spot,))},
        boundary=sc.Boundary(x_lo=sc.Slip(), y_lo=sc.Slip(), default=sc.Outflow()),
        time=sc.Time(end=1.0),
    )
    _, _, after = marched(scene, setting)
    along, across = (w.argmax() + 0.5 for w in (after[0][:, 0], after[0].diagonal()))
    yield absolute("radius of the densest gas along x", 0.75, along * dx, 0.03, "m")
    yield absolute("radius of the densest gas along the diagonal", 0.75, across * dx * math.sqrt(2), 0.03, "m")


def wedge(setting: Setting) -> Iterator[Finding]:
    """A wall turns a gas at Mach 2.5 by d: tan d = 2 cot b (M^2 sin^2 b - 1) / (M^2 (g + cos 2 b) + 2)."""
    g, mach, turn = 1.4, 2.5, math.radians(15.0)
    angles = np.linspace(math.asin(1 / mach), math.radians(60.0), 100_001)  # weak shocks
    heads = (mach * np.sin(angles)) ** 2
    turns = np.arctan(2 / np.tan(angles) * (heads - 1) / (mach**2 * (g + np.cos(2 * angles)) + 2))
    b, head = (float(np.interp(turn, turns, values)) for values in (angles, heads))
    ratio = 1 + 2 * g / (g + 1) * (head - 1)
    along, down = mach * math.sqrt(g) * math.cos(turn), -mach * math.sqrt(g) * math.sin(turn)
    stream = sc.Inflow((along, down), density=1.0, pressure=1.0)
    scene = sc.Scene(
        name="wedge",
        domain=sc.Domain(size=(1.0, 0.8), cells=(80, 64)),
        entities={
            "gas": sc.Gas(velocity=(along, down)),
            "wall": sc.Obstacle(shape=sc.Box(center=(0.5, 0.0), size=(9.0, 0.4))),
        },
        boundary=sc.Boundary(x_lo=stream, y_hi=stream, y_lo=sc.Slip(), x_hi=sc.Outflow()),
        outputs={"force": sc.Force("wall", every=1.5)},
        time=sc.Time(end=1.5),
    )
    compiled: tuple[Any, Any, Any] = compile_scene(scene, setting.device, setting.dtype)
    solver, state, params = compiled
    fixed = params.detach()
    roll = rollout(solver, state, fixed)
    w = solver.law.primitive(roll.state.conserved.detach(), solver.measures.constant(fixed))[0].double().cpu().numpy()
    x, y = np.moveaxis(solver.grid.middles().numpy(), -1, 0)
    behind = (y > 0.23) & (y - 0.2 < 0.6 * math.tan(b - turn) * x) & (x > 0.3)
    yield relative("pressure behind an oblique shock over that before", ratio, w[3][behind].mean(), 0.02)
    # around the corner where the shock begins the pressure is another for some cells
    lift = float(roll.outputs["force"]["force"][0, -1, 1])
    yield relative("force on the wall", -ratio, lift, 0.02, "N/m")


def colliding_blasts(setting: Setting) -> Iterator[Finding]:
    """Two blasts between walls that run into each other: the hardest tube there is, which must not lose a density or
    a pressure; its shocks and contacts stand at 0.65 and 0.865, and at 0.59, 0.76 and 0.80."""
    found = {}
    for cells in (400, 1600):
        for reconstruction in BOTH if cells == 400 else ("weno5",):
            scene = sc.Scene(
                name="blasts",
                domain=sc.Domain(size=(1.0,), cells=(cells,)),
                entities={
                    "gas": sc.Gas(
                        pressure=0.01,
                        patches=(
                            sc.GasPatch(sc.Box(center=(0.0,), size=(0.2,)), pressure=1000.0),
                            sc.GasPatch(sc.Box(center=(1.0,), size=(0.2,)), pressure=100.0),
                        ),
                    )
                },
                boundary=sc.Boundary(default=sc.Slip()),
                method=sc.FiniteVolume(reconstruction=reconstruction),
                time=sc.Time(end=0.038),
            )
            _, _, (density, _, pressure) = marched(scene, setting)
            found[cells, reconstruction] = density, pressure
    exact, head = found[1600, "weno5"]
    steep = np.abs(np.diff(np.log(head)))
    left, right = (steep[lo:hi].argmax() + lo + 1 for lo, hi in ((960, 1150), (1330, 1450)))
    yield absolute("place of the left shock", 0.65, left / 1600, 0.01, "m")
    yield absolute("place of the right shock", 0.865, right / 1600, 0.01, "m")
    coarse = exact.reshape(400, 4).mean(axis=1)
    for (cells, reconstruction), (density, pressure) in found.items():
        if cells == 400:
            error = float(np.abs(density - coarse).mean() / coarse.mean())
            yield at_most(f"mean error of the density against 1600 cells, {reconstruction}", error, 0.12)
        yield at_least(f"lowest pressure, {reconstruction}, {cells} cells", 1e-3, float(pressure.min()), "Pa")


# ---- shallow water


def dams(setting: Setting) -> Iterator[Finding]:
    """A dam breaks on dry ground and on wet."""
    cells, end = 400, 1.0
    limits: dict[tuple[gases.Reconstruction, float], float] = {
        ("muscl", 0.0): 3e-3,
        ("weno5", 0.0): 3e-3,
        ("muscl", 0.1): 5e-3,
        ("weno5", 0.1): 5e-3,
    }
    for (reconstruction, ahead), limit in limits.items():
        scene = sc.Scene(
            name="dam",
            domain=sc.Domain(size=(20.0,), cells=(cells,)),
            entities={
                "water": sc.ShallowWater(
                    depth=1.0, patches=(sc.WaterPatch(sc.Box(center=(20.0,), size=(20.0,)), depth=ahead),)
                )
            },
            boundary=sc.Boundary(default=sc.Slip()),
            method=sc.FiniteVolume(reconstruction=reconstruction),
            time=sc.Time(end=end),
        )
        _, _, after = marched(scene, setting)
        places = ((np.arange(cells) + 0.5) * 20 / cells - 10) / end
        depth, _ = dam_break(places, 1.0, ahead, 9.81)
        ground = "dry ground" if ahead == 0 else "wet ground"
        yield at_most(
            f"mean error of the depth, {ground}, {reconstruction}", np.abs(after[0] - depth).mean(), limit, "m"
        )
        yield at_least(f"lowest depth, {ground}, {reconstruction}", 0.0, after[0].min(), "m")


def lake(setting: Setting) -> Iterator[Finding]:
    """Water at rest around an obstacle stays so; a gas too."""
    island = sc.Obstacle(shape=sc.Sphere(center=(0.45, 0.55), radius=0.23))
    for name, flow in (("water", sc.ShallowWater(depth=2.0)), ("gas", sc.Gas())):
        for reconstruction in BOTH:
            scene = sc.Scene(
                name="lake",
                domain=sc.Domain(size=(1.0, 1.0), cells=(24, 24)),
                entities={name: flow, "island": island},
                boundary=sc.Boundary(default=sc.Slip()),
                method=sc.FiniteVolume(reconstruction=reconstruction),
                time=sc.Time(end=0.5),
            )
            _, _, after = marched(scene, setting)
            speed = np.abs(after[1:3]).max()
            yield at_most(f"speed of {name} at rest, {reconstruction}", speed, 1e5 * setting.rounding, "m/s")


CASES = (
    case("reflection", reflection, "closed form", "Rankine-Hugoniot conditions at a wall"),
    case("bow_shock", bow_shock, "correlation of experiments", "Billig 1967, J. Spacecraft 4, 822-823", quick=False),
    case(
        "colliding_blasts",
        colliding_blasts,
        "places of shocks; own run on 1600 cells",
        "Woodward & Colella 1984, J. Comput. Phys. 54, 115-173",
        quick=False,
    ),
    case("wedge", wedge, "oblique shock", "Rankine-Hugoniot conditions", quick=False),
    case("sedov", sedov, "self-similar solution", "Kamm & Timmes 2007, LA-UR-07-2849", quick=False),
    case("dam_break", dams, "Ritter's and Stoker's solutions", "Stoker 1957, Water Waves, 10.8"),
    case("lake_at_rest", lake, "rest", "uniform pressure pushes evenly"),
)

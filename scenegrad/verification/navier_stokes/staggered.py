"""Flows on a staggered grid: orders, heat between walls, and a cylinder in a channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

import scenegrad.scenes as sc
from scenegrad.scenes.library import walls
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, relative
from scenegrad.verification.navier_stokes.boxes import FAMILY, centre_lines, crest, measured_only, run, table

__all__ = ["CASES"]


def carried_vortices(setting: Setting) -> Iterator[Finding]:
    """u = 1 + cos x' sin y' e^(-2 nu t), v = 1/2 - sin x' cos y' e^(-2 nu t), x' = x - t, y' = y - t/2."""
    viscosity, end, edge = 0.05, 1.0, 2 * math.pi
    errors = []
    for cells in (32, 64):
        scene = sc.Scene(
            name="carried",
            domain=sc.Domain.periodic(size=(edge, edge), cells=(cells, cells)),
            entities={"water": sc.Fluid(viscosity=viscosity, velocity=(1.0, 0.5), vorticity=sc.TaylorGreen())},
            method=sc.Staggered(advection="central"),
            time=sc.Time(end=end),
        )
        solver, out = run(scene, setting)
        fade, squares = math.exp(-2 * viscosity * end), 0.0
        for n, axis in enumerate(solver.grid.axes):
            x, y = (p.double() for p in solver.grid.positions(axis))
            x, y = x - end, y - 0.5 * end
            exact = 1.0 + fade * x.cos() * y.sin() if n == 0 else 0.5 - fade * x.sin() * y.cos()
            squares += float((out.state.velocity[n][0].double() - exact).square().mean())
        errors.append(math.sqrt(squares))
    yield at_least("order in space and time", 1.9, math.log2(errors[0] / errors[1]))


def heated(rayleigh: float, cells: int, end: float, setting: Setting) -> Iterator[Finding]:
    """Nusselt number and largest speeds on the middle lines, in units of diffusivity over edge."""
    heat = table("de_vahl_davis1983_heated_cavity.json")
    row = next(row for row in heat["table"] if row["Ra"] == rayleigh)
    scene = walls.heated_cavity(cells, rayleigh, end=end)
    solver, out = run(measured_only(scene, "heat"), setting)
    unit = 1.0 / math.sqrt(rayleigh * 0.71)
    nusselt = float(out.outputs["heat"][0, -1]) / unit
    yield relative("Nusselt number", row["Nu_mean"], nusselt, 0.01)
    spectral = heat["high_accuracy"]["Nu_mean"].get(f"{rayleigh:.0e}".replace("+0", ""))
    if spectral is not None:
        yield relative("Nusselt number, Le Quere 1991", spectral, nusselt, 0.01)
    places, u, v = centre_lines(solver, out.state)
    u[-1] = 0.0
    yield relative("largest u on x = 1/2", row["u_max"], crest(places, u) / unit, 0.01)
    yield relative("largest v on y = 1/2", row["v_max"], crest(places, v) / unit, 0.01)


def onset(setting: Setting) -> Iterator[Finding]:
    """The first rolls fade below Ra = 1708 and grow above it; rates per time of free fall."""
    for rayleigh, sign in ((1650.0, -1.0), (1760.0, 1.0)):
        scene = walls.rayleigh_benard(24, rayleigh, disturbance=1e-4, end=30.0)
        scene = scene.model_copy(update={"outputs": {"speed": sc.Fields("velocity", every=10.0)}})
        _, out = run(scene, setting)
        size = out.outputs["speed"][0].double().flatten(1).norm(dim=1)
        rate = float((size[3] / size[2]).log()) / 10.0
        yield Finding(f"growth at Ra {rayleigh:g}", sign, rate, 0.0 if rate * sign > 0 else abs(rate), 0.0, "1")


def rolls(setting: Setting) -> Iterator[Finding]:
    expected = table("rayleigh_benard.json")["steady_rolls_2d"]
    nusselt = expected["Nu"][expected["Ra"].index(10000)]
    scene = measured_only(walls.rayleigh_benard(32, 1e4, end=50.0), "heat")
    _, out = run(scene, setting)
    assert scene.domain.size is not None
    unit = scene.domain.size[0] / math.sqrt(1e4 * 0.71)  # through the whole plate
    yield relative("Nusselt number at Ra 1e4", nusselt, float(out.outputs["heat"][0, -1]) / unit, 0.02)


def steady_cylinder(cells: int, setting: Setting) -> Iterator[Finding]:
    """Schaefer and Turek's case 2D-1: c = 2 F / (rho U^2 D), U the mean speed of what comes in."""
    expected = table("schaefer_turek1996_cylinder.json")["cases"]["2D-1"]["reference"]
    scene = measured_only(walls.cylinder_wake(cells, peak=0.3, end=4.0), "force")
    solver, out = run(scene, setting)
    settled = out.outputs["force"]["force"][0, out.times["force"] > 3.0].double().mean(0)
    drag, lift = (settled * 2.0 / (0.2**2 * 0.1)).tolist()
    yield relative("drag coefficient", expected["cd"], drag, 0.02)
    yield absolute("lift coefficient", expected["cl"], lift, 0.002)
    p, grid = out.state.pressure[0].double(), solver.grid
    row = int(0.2 / grid.spacing[1])
    ends = [float(p[round(x / grid.spacing[0] - 0.5 + shift), row]) for x, shift in ((0.15, -1), (0.25, 1))]
    yield relative("pressure from front to back, a cell off", expected["dp"], ends[0] - ends[1], 0.1, "Pa")


def shedding_cylinder(cells: int, setting: Setting) -> Iterator[Finding]:
    """Case 2D-2: largest drag, and the frequency of the lift f D / U, over the last periods."""
    scene = measured_only(walls.cylinder_wake(cells, end=5.5), "force")
    _, out = run(scene, setting)
    force, times = out.outputs["force"]["force"][0].double() * 2.0 / 0.1, out.times["force"]
    late = times > 4.0
    lift = (force[late, 1] - force[late, 1].mean()).numpy()
    t = times[late].numpy()
    up = np.flatnonzero((lift[:-1] < 0) & (lift[1:] >= 0))
    crossings = t[up] - lift[up] * (t[up + 1] - t[up]) / (lift[up + 1] - lift[up])
    frequency = (len(crossings) - 1) / (crossings[-1] - crossings[0])
    yield absolute("Strouhal number", 0.300, frequency * 0.1, 0.005)
    yield relative("largest drag coefficient", 3.23, float(force[late, 0].max()), 0.03)


TUREK = "Schaefer & Turek 1996, Notes on Numerical Fluid Mechanics 52, 547-566"
HEAT = "de Vahl Davis 1983, Int. J. Numer. Methods Fluids 3, 249-264"


def swinging_cylinder(across: int, setting: Setting) -> Iterator[Finding]:
    """A cylinder that swings in water at rest, u = -cos(2 pi t / 5), at Reynolds number 100 and Keulegan-Carpenter
    number 5: force = -cd |u| u / 2 - cm (pi / 4) du/dt, fitted to the second period."""
    rate = 0.2
    scene = sc.Scene(
        name="swinging",
        domain=sc.Domain(size=(12.0, 9.0), cells=(12 * across, 9 * across)),
        entities={
            "water": sc.Fluid(viscosity=0.01),
            "cylinder": sc.Obstacle(
                shape=sc.Sphere(center=(6.0, 4.5), radius=0.5),
                motion=sc.Moving(velocity=(sc.Sine(-1.0, rate, phase=0.5 * math.pi), 0.0)),
            ),
        },
        boundary=sc.Boundary(default=sc.NoSlip()),
        method=sc.Staggered(advection="central"),
        outputs={"force": sc.Force("cylinder", every=0.1)},
        time=sc.Time(end=2.0 / rate, cfl=0.9),
    )
    _, out = run(scene, setting)
    times = out.times["force"].double().numpy() - 0.05  # a force is the mean since the frame before
    late = times > 1.0 / rate
    angle = 2 * math.pi * rate * times[late]
    speed, rise = -np.cos(angle), 2 * math.pi * rate * np.sin(angle)
    columns = np.stack([-0.5 * np.abs(speed) * speed, -0.25 * math.pi * rise], axis=1)
    felt = out.outputs["force"]["force"][0, :, 0].double().cpu().numpy()[late]
    drag, added = np.linalg.lstsq(columns, felt, rcond=None)[0]
    yield relative("drag coefficient", 2.09, drag, 0.1)
    yield relative("added-mass coefficient", 1.45, added, 0.1)


CASES = (
    Case(
        "carried_vortices",
        FAMILY,
        "vortices of Taylor and Green in a mean flow",
        "Taylor & Green 1937",
        carried_vortices,
    ),
    Case("heated_cavity_1e3", FAMILY, "heat flow and speeds", HEAT, partial(heated, 1e3, 24, 14.0), quick=False),
    Case("heated_cavity_1e4", FAMILY, "heat flow and speeds", HEAT, partial(heated, 1e4, 48, 30.0), quick=False),
    Case("heated_cavity_1e5", FAMILY, "heat flow and speeds", HEAT, partial(heated, 1e5, 96, 60.0), quick=False),
    Case("heated_cavity_1e6", FAMILY, "heat flow and speeds", HEAT, partial(heated, 1e6, 160, 100.0), quick=False),
    Case(
        "convection_onset",
        FAMILY,
        "Ra 1707.762 between rigid plates",
        "Chandrasekhar 1961, chapter II",
        onset,
        quick=False,
    ),
    Case(
        "convection_rolls",
        FAMILY,
        "heat flow of steady rolls",
        "Clever & Busse 1974, J. Fluid Mech. 65, 625-645",
        rolls,
        quick=False,
    ),
    Case("steady_cylinder", FAMILY, "forces at Reynolds number 20", TUREK, partial(steady_cylinder, 82), quick=False),
    Case(
        "shedding_cylinder",
        FAMILY,
        "forces and frequency at Reynolds number 100",
        TUREK,
        partial(shedding_cylinder, 82),
        quick=False,
    ),
    Case(
        "swinging_cylinder",
        FAMILY,
        "forces at Reynolds number 100, Keulegan-Carpenter number 5",
        "Duetsch, Durst, Becker & Lienhart 1998, J. Fluid Mech. 360, 249-271",
        partial(swinging_cylinder, 16),
        quick=False,
    ),
)

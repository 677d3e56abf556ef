"""Periodic boxes in Fourier modes: exact solutions, orders in time, and a flow that other codes agree on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import scenegrad.assets
import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative

__all__ = ["CASES"]

EDGE = 2 * math.pi
CFD = Path(scenegrad.assets.__file__).parent / "reference" / "cfd"


def compiled(scene: sc.Scene, setting: Setting) -> Any:
    return compile_scene(scene, setting.device, setting.dtype)


def taylor_green(setting: Setting) -> Iterator[Finding]:
    """w = -2 cos x cos y exp(-2 nu t): advection has nothing to do, decay is exact in an exponential method."""
    solver, state, params = compiled(library.taylor_green(cells=64, viscosity=0.01, end=5.0), setting)
    end = rollout(solver, state, params, controller=Fixed(0.02)).state
    error = (end.vorticity - math.exp(-2 * 0.01 * 5.0) * state.vorticity).abs().max() / 2
    yield at_most("vorticity after 250 steps", float(error), 250 * 8 * setting.rounding)


def abc(cells: int, setting: Setting) -> tuple[Tensor, Tensor]:
    """Velocity with curl u = u, and the same after decay at a rate of 0.1 for a time of 1."""
    x = torch.arange(cells, dtype=torch.float64) * EDGE / cells
    x, y, z = torch.meshgrid(x, x, x, indexing="ij")
    u = torch.stack([z.sin() + 0.7 * y.cos(), 1.3 * x.sin() + z.cos(), 0.7 * y.sin() + 1.3 * x.cos()])[None]
    u = u.to(setting.device, getattr(torch, setting.dtype))
    return u, math.exp(-0.1) * u


def beltrami(setting: Setting) -> Iterator[Finding]:
    box = sc.Domain.periodic(size=(EDGE,) * 3, cells=(24,) * 3)
    scene = sc.Scene(
        name="abc", domain=box, entities={"air": sc.Fluid(viscosity=0.1, velocity=(0, 0, 0))}, time=sc.Time(end=1.0)
    )
    solver, state, params = compiled(scene, setting)
    begin, expected = abc(24, setting)
    end = rollout(solver, with_tensors(state, {"field": begin}), params, controller=Fixed(0.05)).state
    yield at_most("velocity after 20 steps", float((end.field - expected).abs().max() / 2), 20 * 20 * setting.rounding)


def cole_hopf(setting: Setting) -> Iterator[Finding]:
    """u = -2 nu (log phi)_x with phi_t = nu phi_xx, from u = sin x; phi by its own modes in float64."""
    nu, end, cells = 0.1, 1.5, 256
    start = sc.PlaneWave((1,), phase=-math.pi / 2)
    box = sc.Domain.periodic(size=(EDGE,), cells=(cells,))
    scene = sc.Scene(
        name="burgers",
        domain=box,
        entities={"u": sc.Burgers(viscosity=nu, velocity=start)},
        time=sc.Time(end=end, dt=0.005),
    )
    got = rollout(*compiled(scene, setting)).state.field[0, 0].double().cpu()
    x = torch.arange(cells, dtype=torch.float64) * EDGE / cells
    k = torch.fft.rfftfreq(cells, 1 / cells, dtype=torch.float64)
    phi = torch.fft.rfft((x.cos() / (2 * nu)).exp()) * torch.exp(-nu * k**2 * end)
    exact = -2 * nu * torch.fft.irfft(1j * k * phi, n=cells) / torch.fft.irfft(phi, n=cells)
    yield at_most("largest error of u", float((got - exact).abs().max()), max(1e-8, 3e3 * setting.rounding), "m/s")


def regression(setting: Setting) -> Iterator[Finding]:
    """Mean squared vorticity of a Kolmogorov flow of fixed modes on 256^2 cells after 100 steps of 0.001."""
    published = json.loads((CFD / "kolmogorov_flow.json").read_text())["regression"]
    fluid = sc.Fluid(
        viscosity=1e-3,
        drag=0.1,
        forcing=sc.KolmogorovForcing(amplitude=1.0, wavenumber=4),
        vorticity=sc.FieldFile(str(CFD / "kolmogorov_initial_modes.csv")),
    )
    box = sc.Domain.periodic(size=(EDGE,) * 2, cells=(256,) * 2)
    scene = sc.Scene(name="kolmogorov", domain=box, entities={"fluid": fluid}, time=sc.Time(end=0.1, dt=1e-3))
    end = rollout(*compiled(scene, setting)).state.vorticity
    found = float(end.double().square().mean())
    limit = 5e-7 if setting.dtype == "float64" else 1e-3
    yield absolute("mean squared vorticity", published["mean_w2_after_100"], found, limit, "1/s^2")


def orders(setting: Setting) -> Iterator[Finding]:
    """Of each method, on a Kuramoto-Sivashinsky field of random waves, between 160 and 320 steps."""
    start = sc.KuramotoSivashinsky(height=sc.GaussianField(peak=3, width=1, rms=1.0, seed=2))
    box = sc.Domain.periodic(size=(22.0,), cells=(64,))
    for name, order in (("etdrk2", 2), ("ars443", 3), ("etdrk4", 4)):
        method = sc.Spectral.model_validate({"integrator": name})
        scene = sc.Scene(name="ks", domain=box, entities={"h": start}, time=sc.Time(end=2.0), method=method)
        solver, state, params = compile_scene(scene, setting.device, "float64")
        ends = [rollout(solver, state, params, controller=Fixed(2.0 / n)).state.field for n in (160, 320, 2560)]
        errors = [float((end - ends[-1]).norm()) for end in ends[:-1]]
        yield at_least(f"order of {name} in time", order - 0.25, math.log2(errors[0] / errors[1]))


def vortices_that_break(cells: int, times: Iterable[float], setting: Setting) -> Iterator[tuple[float, float]]:
    """Kinetic energy and its dissipation, each by volume, of Taylor-Green flow at Reynolds number 1600."""
    solver, state, params = compiled(library.taylor_green_3d(cells=cells, reynolds=1600.0), setting)
    now = 0.0
    with torch.no_grad():
        for time in times:
            if time > now:
                state = rollout(solver, state, params, time - now, probes=()).state
                now = time
            seen = solver.observe(state, params)
            yield float(seen["kinetic_energy"]) / EDGE**3, float(seen["dissipation"]) / EDGE**3


def taylor_green_3d(setting: Setting) -> Iterator[Finding]:
    """Until the scales of 64^3 cells are used up: at t = 4 they lack 3 % of the dissipation."""
    curve = json.loads((CFD / "taylor_green_re1600.json").read_text())["curve"]
    times = [time for time in curve["time"] if time <= 3.0]
    found = list(vortices_that_break(64, times, setting))
    exact = 1e-6 if setting.dtype == "float32" else 1e-12
    yield relative("kinetic energy at the start", 0.125, found[0][0], exact, "m^2/s^2")
    yield relative("dissipation at the start", 4.6875e-4, found[0][1], exact, "m^2/s^3")
    for number, time in enumerate(times[1:], start=1):
        told = f"dissipation at t = {time:g}, 64^3 against 512^3"
        yield relative(told, curve["dissipation"][number], found[number][1], 0.005, "m^2/s^3")
    lost = [abs(energy - curve["energy"][number]) for number, (energy, _) in enumerate(found)]
    yield at_most("kinetic energy at these times, largest error", max(lost), 1e-5, "m^2/s^2")


def peak_of_dissipation(setting: Setting) -> Iterator[Finding]:
    """256^3 cells until t = 9.5: the largest dissipation, by a parabola through the three largest of its values."""
    peak = json.loads((CFD / "taylor_green_re1600.json").read_text())["peak"]
    times = [8.5 + 0.05 * number for number in range(21)]
    rates = [rate for _, rate in vortices_that_break(256, times, setting)]
    top = max(range(1, len(rates) - 1), key=lambda number: rates[number])
    before, most, after = rates[top - 1 : top + 2]
    shift = 0.5 * (before - after) / (before - 2 * most + after)
    yield absolute("time of the peak", peak["time"], times[top] + 0.05 * shift, peak["time_tolerance"], "s")
    highest = most - 0.25 * (before - after) * shift
    yield absolute("dissipation at the peak", peak["dissipation"], highest, peak["tolerance"], "m^2/s^3")


BRACHET = "Brachet et al. 1983, J. Fluid Mech. 130, 411-452; assets/reference/cfd/taylor_green_re1600.json"
CASES = (
    Case("taylor-green", "navier-stokes", "decay in place", "closed form [Taylor & Green 1937]", taylor_green),
    Case("beltrami", "navier-stokes", "decay in place", "curl u = u, so that u x w = 0", beltrami),
    Case("burgers", "navier-stokes", "Cole-Hopf transform", "[Cole 1951; Hopf 1950]", cole_hopf),
    Case("orders in time", "navier-stokes", "order of the method", "[Cox & Matthews 2002; Ascher et al. 1997]", orders),
    Case("kolmogorov", "navier-stokes", "four programs", "assets/reference/cfd/kolmogorov_flow.json", regression),
    Case("taylor-green 3d", "navier-stokes", "512^3 cells, until t = 3", BRACHET, taylor_green_3d, quick=False),
    Case(
        "taylor-green 3d peak",
        "navier-stokes",
        "0.0129 at t = 9",
        BRACHET,
        peak_of_dissipation,
        quick=False,
        needs="cuda",
    ),
)

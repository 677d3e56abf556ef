"""Gases in finite volumes: exact solutions of Riemann problems, orders, conservation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

import scenegrad.assets
import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.library import gases
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Finding, Setting, absolute, at_least, at_most, relative
from scenegrad.verification.navier_stokes.riemann import GasRiemann, State
from scenegrad.verification.navier_stokes.volumes import BOTH, case, marched

__all__ = ["CASES"]

REFERENCE = Path(scenegrad.assets.__file__).parent / "reference" / "cfd" / "compressible_euler.json"
Limiter = Literal["van_albada", "van_leer"]


def table() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


# ---- Riemann problems


def star_states(setting: Setting) -> Iterator[Finding]:
    """The reference itself, against the values between the waves that were computed by another hand."""
    for problem in table()["riemann_1d"]:
        exact = GasRiemann(State(*problem["left_rho_u_p"]), State(*problem["right_rho_u_p"]))
        p, u = exact.star
        yield absolute(f"{problem['name']}, pressure between the waves", problem["exact"]["p_star"], p, 1e-8)
        yield absolute(f"{problem['name']}, velocity there", problem["exact"]["u_star"], u, 1e-8)


# Mean error of the density at 200 cells over the largest density: measured, and a tenth more.
TUBES = {
    "muscl": (3.7e-3, 4.3e-3, 5.9e-3, 1.8e-2, 1.1e-2, 5.7e-3, 1.2e-2),
    "weno5": (2.8e-3, 3.0e-3, 4.6e-3, 1.2e-2, 6.9e-3, 4.1e-3, 7.7e-3),
}


def tubes(reconstruction: gases.Reconstruction, setting: Setting) -> Iterator[Finding]:
    for problem, limit in zip(table()["riemann_1d"], TUBES[reconstruction], strict=True):
        left, right = problem["left_rho_u_p"], problem["right_rho_u_p"]
        middle, end, cells = problem["x0"], problem["t_end"], 200
        scene = gases.shock_tube(cells, tuple(left), tuple(right), middle, 1.4, end, reconstruction)
        _, _, (density, _, pressure) = marched(scene, setting)
        places = ((np.arange(cells) + 0.5) / cells - middle) / end
        exact, _, least = GasRiemann(State(*left), State(*right)).at(places)
        error = float(np.abs(density - exact).mean() / exact.max())
        yield at_most(f"{problem['name']}, mean error of the density", error, limit)
        yield at_least(f"{problem['name']}, lowest density over the exact one", 0.5, density.min() / exact.min())
        yield at_least(f"{problem['name']}, lowest pressure over the exact one", 0.5, pressure.min() / least.min())


def shu_osher(setting: Setting) -> Iterator[Finding]:
    """A shock runs into waves of density: fine waves behind it, which a coarse or rough scheme smears out."""

    def start(places: Tensor) -> Tensor:
        x = places[..., 0] - 5.0
        behind = x < -4.0
        rho = torch.where(behind, 3.857143, 1.0 + 0.2 * torch.sin(5.0 * x))
        return torch.stack([rho, torch.where(behind, 2.629369, 0.0), torch.where(behind, 10.33333, 1.0)])

    def density(cells: int, reconstruction: gases.Reconstruction) -> np.ndarray:
        scene = sc.Scene(
            name="shu_osher",
            domain=sc.Domain(size=(10.0,), cells=(cells,)),
            entities={"gas": sc.Gas()},
            boundary=sc.Boundary(default=sc.Outflow()),
            method=sc.FiniteVolume(reconstruction=reconstruction),
            time=sc.Time(end=1.8),
        )
        return marched(scene, setting, start=start)[2][0]

    fine = density(3200, "weno5").reshape(400, 8).mean(axis=1)
    limits: dict[gases.Reconstruction, float] = {"weno5": 0.02, "muscl": 0.075}
    for reconstruction, limit in limits.items():
        error = float(np.abs(density(400, reconstruction) - fine).mean())
        yield at_most(f"mean error of the density at 400 cells, {reconstruction}", error, limit, "kg/m^3")


def quarters(setting: Setting) -> Iterator[Finding]:
    """Configuration 3 is its own mirror image about the diagonal."""
    _, _, (density, u, v, pressure) = marched(gases.riemann_2d(cells=80), setting)
    yield at_most("density less its mirror image", np.abs(density - density.T).max(), 1e5 * setting.rounding, "kg/m^3")
    yield at_most("u less the mirror image of v", np.abs(u - v.T).max(), 1e5 * setting.rounding, "m/s")
    yield at_least("lowest pressure over that of the start", 0.9, pressure.min() / 0.029)


# ---- smooth flows


def vortex_error(cells: int, reconstruction: gases.Reconstruction, limiter: Limiter, setting: Setting) -> float:
    """Mean error of the density after a way of one vortex width; dt is small enough to leave that in space alone."""
    end = 1.0
    scene = gases.isentropic_vortex(cells, reconstruction=reconstruction, end=end)
    scene = scene.replace({"method": sc.FiniteVolume(reconstruction=reconstruction, limiter=limiter)})
    moved = sc.IsentropicVortex(strength=5.0, center=(10.0 + end, 10.0 + end))
    _, state, _ = compile_scene(scene.replace({"gas.start": moved}), setting.device, setting.dtype)
    dt = 0.05 * (40 / cells) ** (5 / 3 if reconstruction == "weno5" else 1.0)
    _, _, after = marched(scene, setting, Fixed(dt))
    return float(np.abs(after[0] - state.conserved[0, 0].double().cpu().numpy()).mean())


def vortex(
    reconstruction: gases.Reconstruction, limiter: Limiter, order: float, sizes: tuple[int, int], setting: Setting
) -> Iterator[Finding]:
    coarse, fine = (vortex_error(cells, reconstruction, limiter, setting) for cells in sizes)
    measured = math.log(coarse / fine) / math.log(sizes[1] / sizes[0])
    yield at_least(f"order from {sizes[0]} to {sizes[1]} cells, {reconstruction}, error {fine:.1e}", order, measured)


def conservation(setting: Setting) -> Iterator[Finding]:
    """Shocks that meet each other in a periodic box; what is lost or won is rounding."""
    gas = sc.Gas(
        velocity=(0.3, -0.2),
        patches=(sc.GasPatch(sc.Sphere(center=(0.4, 0.5), radius=0.2), density=3.0, pressure=10.0),),
    )
    for reconstruction in BOTH:
        scene = sc.Scene(
            name="box",
            domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(32, 32)),
            entities={"gas": gas},
            method=sc.FiniteVolume(reconstruction=reconstruction),
            time=sc.Time(end=0.5),
        )
        solver, state, params = compile_scene(scene, setting.device, setting.dtype)
        run = rollout(solver, state, params.detach(), probes=())
        before, after = solver.observe(state, params), solver.observe(run.state, params)
        limit = 3 * int(run.steps) * setting.rounding
        for name in ("mass", "momentum", "total_energy"):
            change = (after[name] - before[name]).abs().max() / before["mass" if name == "momentum" else name]
            yield at_most(
                f"change of {name} in {int(run.steps)} steps, {reconstruction}", float(change.detach()), limit
            )


def shear_wave(setting: Setting) -> Iterator[Finding]:
    """A slow wave of velocity along y, over x, decays as exp(-mu k^2 t / rho); one of temperature as heat conducts."""
    k, mu, end, cells = 2 * math.pi, 0.02, 0.6, 32
    gas = sc.Gas(viscosity=mu, prandtl=0.7, pressure=100.0)
    scene = sc.Scene(
        name="shear",
        domain=sc.Domain.periodic(size=(1.0, 0.25), cells=(cells, 8)),
        entities={"gas": gas},
        time=sc.Time(end=end),
    )

    def start(places: Tensor) -> Tensor:
        wave = torch.sin(k * places[..., 0])
        one = torch.ones_like(wave)
        return torch.stack([one, 0 * one, 0.1 * wave, 100 * one])

    _, before, after = marched(scene, setting, start=start)
    yield relative("decay of a wave of velocity", math.exp(-mu * k**2 * end), after[2].max() / before[2].max(), 0.01)

    def warm(places: Tensor) -> Tensor:
        wave = torch.sin(k * places[..., 0])
        return torch.stack([1 / (1 + 0.01 * wave), 0 * wave, 0 * wave, 100 + 0 * wave])

    _, before, after = marched(scene, setting, start=warm)
    size = [np.ptp(1 / w[0]) for w in (before, after)]
    yield relative("decay of a wave of temperature", math.exp(-mu / 0.7 * k**2 * end), size[1] / size[0], 0.02)


def couette(setting: Setting) -> Iterator[Finding]:
    """Between a wall at rest and one that moves, both of one temperature: u = U s, and a gas that friction warms,
    T - T_w = Pr U^2 s (1 - s) / (2 c_p), over the share s of the way."""
    cells, speed, prandtl, gas_constant, viscosity = 16, 0.5, 0.7, 2.0, 0.5
    walls = {"temperature": 0.5}  # p / rho = 1
    scene = sc.Scene(
        name="couette",
        domain=sc.Domain(size=(0.25, 1.0), cells=(4, cells), wrap=(True, False)),
        entities={"gas": sc.Gas(viscosity=viscosity, prandtl=prandtl, gas_constant=gas_constant)},
        boundary=sc.Boundary(
            x=sc.Periodic(),
            y_lo=sc.NoSlip(**walls),  # type: ignore[arg-type]
            y_hi=sc.NoSlip(velocity=(speed, 0.0), **walls),  # type: ignore[arg-type]
        ),
        time=sc.Time(end=6.0),
    )
    _, _, (density, u, _, pressure) = marched(scene, setting)
    s = (np.arange(cells) + 0.5) / cells
    warm = pressure[0] / density[0] / gas_constant - 0.5
    expected = prandtl * speed**2 * s * (1 - s) / (2 * 3.5 * gas_constant)
    yield at_most("largest error of the velocity", np.abs(u[0] - speed * s).max() / speed, 0.005)
    yield at_most("largest error of the warming", np.abs(warm - expected).max() / expected.max(), 0.03)


TORO = "Toro 2009, Riemann Solvers and Numerical Methods for Fluid Dynamics, 4.3.3 and 10.8"
VORTEX = "Yee, Sandham, Djomehri 1999, J. Comput. Phys. 150, 199-238"
CASES = (
    case("star_states", star_states, "values between the waves", TORO),
    case("tubes_muscl", partial(tubes, "muscl"), "exact solution of Riemann's problem", TORO),
    case("tubes_weno5", partial(tubes, "weno5"), "exact solution of Riemann's problem", TORO),
    case("shu_osher", shu_osher, "own run on 3200 cells", "Shu & Osher 1989, J. Comput. Phys. 83, 32-78", quick=False),
    case("riemann_2d", quarters, "symmetry", "Lax & Liu 1998, SIAM J. Sci. Comput. 19, 319-340", quick=False),
    case("vortex_muscl", partial(vortex, "muscl", "van_albada", 1.8, (60, 120)), "exact solution", VORTEX, quick=False),
    case(
        "vortex_van_leer", partial(vortex, "muscl", "van_leer", 1.8, (60, 120)), "exact solution", VORTEX, quick=False
    ),
    case("vortex_weno5", partial(vortex, "weno5", "van_albada", 4.5, (60, 120)), "exact solution", VORTEX, quick=False),
    case("conservation", conservation, "conservation laws", "sums over a periodic box"),
    case("shear_wave", shear_wave, "closed form", "linear waves in a viscous gas"),
    case("couette", couette, "closed form", "Couette flow of a gas of constant viscosity", quick=False),
)

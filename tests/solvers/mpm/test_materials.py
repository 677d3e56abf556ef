"""The laws of matter: kernels and torch agree, stress is the derivative of energy, waves have the right speed."""

from dataclasses import replace
from typing import Literal

import pytest
import torch
import warp as wp

import scenegrad.scenes as sc
from scenegrad.scenes.solids import Material
from scenegrad.solvers.mpm.materials import LAWS, Law
from scenegrad.solvers.mpm.materials.neo_hookean import NEO_HOOKEAN
from scenegrad.solvers.mpm.numbers import numbers

NONE = torch.zeros(0, dtype=torch.float64)  # these laws remember nothing
MATERIALS = {
    "neo_hookean": sc.NeoHookean(youngs_modulus=3e4, poisson_ratio=0.35, density=900.0),
    "weakly_compressible": sc.WeaklyCompressible(bulk_modulus=2e4, gamma=7.0, viscosity=3.0, density=1000.0),
    "linear_gas": sc.WeaklyCompressible(bulk_modulus=2e4, gamma=1.0, viscosity=0.0, density=1000.0),
}


def law_of(name: str) -> tuple[Law, torch.Tensor]:
    material = MATERIALS[name]
    law = LAWS[type(material)]
    values = {c: torch.tensor([getattr(material, c)], dtype=torch.float64) for c in law.constants}
    return law, law.row(**values)[0]


def deformed(dim: int, count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(dim)
    noise = torch.randn(2, count, dim, dim, generator=generator, dtype=torch.float64)
    return torch.eye(dim, dtype=torch.float64) + 0.15 * noise[0], noise[1]


@pytest.mark.parametrize("name", MATERIALS)
def test_stress_is_the_derivative_of_the_energy(name, dim):
    """tau = dW/dF F', found by central differences; the viscous part does not come from an energy and is left out."""
    law, row = law_of(name)
    F, _ = deformed(dim)
    if name != "neo_hookean":
        F = torch.linalg.det(F)[:, None, None] ** (1 / dim) * torch.eye(dim, dtype=torch.float64)
    h = 1e-6
    slope = torch.zeros_like(F)
    for i in range(dim):
        for j in range(dim):
            push = torch.zeros(dim, dim, dtype=torch.float64)
            push[i, j] = h
            slope[:, i, j] = (law.energy(row, F + push, NONE) - law.energy(row, F - push, NONE)) / (2 * h)
    tau = law.stress(row, F, NONE, torch.zeros_like(F))
    assert float((slope @ F.mT - tau).abs().max()) < 1e-6 * float(tau.abs().max())
    assert float(tau.abs().max()) > 1e3
    assert float(law.energy(row, torch.eye(dim, dtype=torch.float64), NONE)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["neo_hookean", "weakly_compressible"])
def test_kernels_and_torch_know_the_same_stress(name, dim):
    law, row = law_of(name)
    F, C = deformed(dim)
    n = numbers(dim, torch.float64, law.width)
    tau = law.kirchhoff(n)
    Row, mat, History = n.row, n.mat, n.history

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(row_in: wp.array[Row], F_in: wp.array[mat], C_in: wp.array[mat], tau_out: wp.array[mat]):
        p = wp.tid()
        tau_out[p] = tau(row_in[0], F_in[p], History(), C_in[p])

    found = torch.zeros_like(F)
    wp.init()
    inputs = [wp.from_torch(row[None], dtype=Row), *(wp.from_torch(t, dtype=mat) for t in (F, C))]
    wp.launch(kernel, len(F), inputs, [wp.from_torch(found, dtype=mat)], device="cpu")
    expected = law.stress(row, F, NONE, C)
    assert float((found - expected).abs().max()) < 1e-12 * float(expected.abs().max())


def test_bound_on_the_wave_speed_covers_every_direction(dim):
    """rho_0 c^2 = second difference of the energy along a plane wave dF = (a k') F, |a| = |k| = 1."""
    law, row = law_of("neo_hookean")
    F, _ = deformed(dim)
    noise = torch.randn(30, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directions = torch.nn.functional.normalize(noise, dim=1)
    h, worst = 1e-4, torch.zeros(len(F), dtype=torch.float64)
    for k in directions:
        for a in directions:
            push = h * (a[:, None] * k[None, :]) @ F
            second = law.energy(row, F + push, NONE) - 2 * law.energy(row, F, NONE) + law.energy(row, F - push, NONE)
            worst = torch.maximum(worst, second / h**2 / row[0])
    squared = law.wave_speed(row, F, NONE).square()
    assert bool((squared > worst).all())
    assert float((squared / worst).max()) < 1.5, "the bound wastes steps"


@pytest.mark.parametrize("name", ["weakly_compressible", "linear_gas"])
def test_speed_of_sound_follows_from_the_equation_of_state(name):
    """c^2 = dp/drho at rho = rho_0 / J."""
    law, row = law_of(name)
    one, h = torch.eye(3, dtype=torch.float64), 1e-6

    def pressure(rho):
        return -law.stress(row, (row[0] / rho) ** (1 / 3) * one, NONE, 0 * one)[0, 0] / (row[0] / rho)

    for rho in (900.0, 1000.0, 1100.0):
        slope = (pressure(rho * (1 + h)) - pressure(rho * (1 - h))) / (2 * h * rho)
        speed = law.wave_speed(row, (row[0] / rho) ** (1 / 3) * one, NONE)
        assert float(speed.square()) == pytest.approx(float(slope), rel=1e-6)


def test_hydrostatic_pressure_and_settlement(lab):
    """A resting column bears its own weight: p = rho g (H - y); its surface sinks by rho g H^2 / (2 K)."""
    height, depth, gravity, bulk = 0.5, 0.25, 9.81, 1e5
    water = sc.WeaklyCompressible(bulk_modulus=bulk, gamma=1.0, viscosity=20.0, density=1000.0)
    scene = sc.Scene(
        name="column",
        domain=sc.Domain(size=(depth, 0.75), cells=(8, 24)),
        gravity=(0.0, -gravity),
        entities={"water": lab.box_of((0.0, 0.0), (depth, height), water)},
        boundary=sc.Boundary(x=sc.Slip(), y=sc.Separate()),
        outputs={"all": sc.Particles("position", "pressure", every=1.0)},
        time=sc.Time(end=1.0),
    )
    solver, state, params = lab.compiled(scene)
    first = state.position[0, :, 1]
    for _ in range(30):  # the column bounces; taking its velocity away whenever it is lowest lets it settle sooner
        state, _ = lab.march(solver, state, params, 40)
        state = replace(state, velocity=0.5 * state.velocity, affine=0.5 * state.affine)
    seen = solver.program.probes[0].measure(state, params)
    y, p = seen["position"][0, :, 1], seen["pressure"][0]
    inner = (y > 0.06) & (y < height - 0.06)  # single particles scatter by a tenth about the mean of their cell
    excess = (p - 1000.0 * gravity * (height - y))[inner]
    assert abs(float(excess.mean())) < 0.02 * float(p[inner].mean())
    slope = torch.linalg.lstsq(torch.stack([y[inner], torch.ones_like(y[inner])], 1), p[inner, None]).solution[0]
    assert float(slope) == pytest.approx(-1000.0 * gravity, rel=0.04)
    top = first > height - 0.02
    sunk = float((first - y)[top].mean())
    assert sunk == pytest.approx(1000.0 * gravity * height**2 / (2 * bulk), rel=0.15)


def test_bar_swings_with_the_frequency_of_its_slowest_mode(lab, measure):
    """omega = pi/(2 L) sqrt((lambda + 2 mu)/rho) for a bar held at one end and free at the other."""
    length, speed = 1.0, 1e-3
    material = sc.NeoHookean(youngs_modulus=100.0, poisson_ratio=0.2, density=1.0)
    scene = sc.Scene(
        name="bar",
        domain=sc.Domain(size=(1.25, 0.125), cells=(40, 4)),
        entities={"bar": lab.box_of((0.0, 0.0), (length, 0.125), material)},
        boundary=sc.Boundary(x_lo=sc.Slip(), y=sc.Slip(), x_hi=sc.Separate()),
        time=sc.Time(end=1.0),
    )
    solver, state, params = lab.compiled(scene)
    velocity = torch.zeros_like(state.velocity)
    velocity[..., 0] = speed * torch.sin(torch.pi / 2 * state.position[..., 0] / length)
    state = replace(state, velocity=velocity)
    modulus = 100.0 * 0.8 / (1.2 * 0.6)
    omega = torch.pi / (2 * length) * modulus**0.5
    step = 0.3 * float(solver.max_dt(state, params))
    times, speeds = [], []
    while not times or times[-1] < 1.3 * 2 * torch.pi / omega:
        state, _ = lab.march(solver, state, params, 1, step)
        times.append(step * (len(times) + 1))
        speeds.append(float(state.velocity[0, :, 0].mean()))
    signs = [i for i in range(1, len(speeds)) if speeds[i - 1] * speeds[i] <= 0]
    crossings = [times[i - 1] + step * speeds[i - 1] / (speeds[i - 1] - speeds[i]) for i in signs]
    period = 2 * (crossings[1] - crossings[0])
    measure("error of the frequency of an elastic bar", abs(2 * torch.pi / period / float(omega) - 1), "0.02")
    assert 2 * torch.pi / period == pytest.approx(float(omega), rel=0.02)


class Rubber(Material):
    """A nearly incompressible solid by its shear modulus alone, as a user would add it."""

    kind: Literal["test_rubber"] = "test_rubber"
    shear_modulus: float
    density: float = 1000.0


def rubber_row(shear_modulus: torch.Tensor, density: torch.Tensor) -> torch.Tensor:
    return NEO_HOOKEAN.row(2.9 * shear_modulus, torch.full_like(density, 0.45), density)


def test_a_material_of_ones_own_takes_a_class_and_an_entry(lab, monkeypatch):
    monkeypatch.setitem(LAWS, Rubber, replace(NEO_HOOKEAN, constants=("shear_modulus", "density"), row=rubber_row))
    known = sc.NeoHookean(youngs_modulus=2.9e4, poisson_ratio=0.45)
    ends = []
    for material in (Rubber(shear_modulus=1e4), known):
        entities = {"block": lab.box_of((0.4, 0.05), (0.25, 0.25), material, velocity=(0.0, -1.0))}
        solver, state, params = lab.compiled(lab.scene_of(2, entities=entities))
        ends.append(lab.march(solver, state, params, 60)[0].position)
    assert (
        "block.material.shear_modulus"
        in lab.compiled(
            lab.scene_of(2, entities={"block": lab.box_of((0.4, 0.4), (0.25, 0.25), Rubber(shear_modulus=1e4))})
        )[2]
    )
    assert torch.allclose(*ends, rtol=1e-12)

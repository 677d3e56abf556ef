"""What advection must leave alone, and the budgets that must close."""

import math

import pytest
import torch

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.scenes import Spectrum, Time
from scenegrad.solvers.navier_stokes.spectral.advection import Advection
from scenegrad.solvers.navier_stokes.spectral.modes import Modes


def test_energy_changes_by_input_less_dissipation(flow, compiled):
    """E(T) - E(0) = integral of the budget, by Boole's rule over every four steps."""
    solver, state, params = compiled(flow(32, viscosity=0.05))
    budget = Probe("budget", 0.01, solver.observe, Series())
    seen = rollout(solver, state, params, 0.4, controller=Fixed(0.01), probes=[budget]).outputs["budget"]
    rate = (seen["energy_input"] - seen["dissipation"])[0]
    weights = torch.tensor([7, 32, 12, 32, 7], dtype=torch.float64) * (2 * 0.01 / 45)
    worked = sum(weights @ rate[n : n + 5] for n in range(0, 40, 4))
    change = seen["kinetic_energy"][0, -1] - seen["kinetic_energy"][0, 0]
    assert abs(change) > 0.1
    assert float(worked) == pytest.approx(float(change), rel=1e-7)


def test_energy_and_enstrophy_stay_without_friction(flow, compiled):
    solver, state, params = compiled(flow(48, viscosity=0.0, drag=0.0, forcing=None))
    before = solver.observe(state, params)
    after = solver.observe(rollout(solver, state, params, 1.0, controller=Fixed(0.005)).state, params)
    moved = rollout(solver, state, params, 1.0, controller=Fixed(0.005)).state.vorticity - state.vorticity
    assert moved.abs().max() > 1.0
    for name in ("kinetic_energy", "enstrophy"):
        assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-8), name
    assert abs(float(after["circulation"])) < 1e-12
    assert after["momentum"].abs().max() < 1e-12


@pytest.mark.parametrize("size", [(2 * math.pi, 2 * math.pi), (3.0, 1.0)])
def test_the_spectrum_sums_to_the_kinetic_energy(flow, compiled, size):
    scene = flow((48, 32), size=size, density=1.7, outputs={"spectrum": Spectrum(every=0.5)}, time=Time(end=0.5))
    solver, state, params = compiled(scene)
    (probe,) = solver.program.probes
    energy = probe.measure(state, params)["energy"]
    wavenumbers = probe.layout.coordinates["wavenumber"]
    assert energy.shape == (1, len(wavenumbers))
    assert float(energy.sum()) == pytest.approx(float(solver.observe(state, params)["kinetic_energy"]), rel=1e-13)
    assert wavenumbers[1] == pytest.approx(2 * math.pi / max(size))
    assert int(energy[0].argmax()) in (1, 2)  # the field has its peak at two waves


def test_no_alias_falls_on_the_modes_that_are_carried():
    """The rate of change on n cells is that on 3n/2 cells, where a product of these modes has no alias at all."""
    torch.manual_seed(0)
    coarse, fine = (Modes((n, n), (1.0, 1.0), "cpu", torch.float64) for n in (24, 36))
    field = coarse.project(torch.randn(1, 24, 24, dtype=torch.float64))
    spectrum = coarse.spectrum(field)
    wide = torch.zeros(1, fine.rows, 36, dtype=torch.complex128)
    wide[:, : coarse.rows, :8], wide[:, : coarse.rows, -7:] = spectrum[..., :8], spectrum[..., -7:]
    wide *= (36 / 24) ** 2

    def rate(modes: Modes, w: torch.Tensor) -> torch.Tensor:
        advection = Advection(modes)
        return torch.view_as_complex(advection.rate(advection.velocity(w)))

    found, exact = rate(coarse, spectrum), rate(fine, wide) * (24 / 36) ** 2
    for columns in (slice(0, 8), slice(-7, None)):
        assert (found[..., columns] - exact[:, : coarse.rows, columns]).abs().max() < 1e-12 * exact.abs().max()
    assert found[..., 8:-7].abs().max() == 0.0


def test_velocity_has_no_divergence_and_the_given_curl(flow, compiled):
    solver, state, _ = compiled(flow((40, 32), size=(2.0, 3.0)))
    d_x, d_y = solver.modes.gradient
    u, v = (solver.modes.spectrum(part) for part in solver.diagnostics.velocity(state.vorticity))
    scale = (d_x * u).abs().max()
    assert (d_x * u + d_y * v).abs().max() < 1e-13 * scale
    assert (solver.modes.inverse(d_x * v - d_y * u) - state.vorticity).abs().max() < 1e-13 * state.vorticity.abs().max()


def test_a_shifted_flow_stays_shifted(flow, compiled):
    """Translation along x, which the force does not see, and by half its wave length and a turn of sign along y."""
    solver, state, params = compiled(flow(32))

    def end(w: torch.Tensor) -> torch.Tensor:
        return rollout(solver, type(state)(w), params, 0.5).state.vorticity

    after = end(state.vorticity)
    assert (end(state.vorticity.roll(5, 1)) - after.roll(5, 1)).abs().max() < 1e-13
    mirrored = -state.vorticity.roll(8, 2).flip(1).roll(1, 1)  # x -> -x, y -> y + half a wave: u and f change sign
    assert (end(mirrored) + after.roll(8, 2).flip(1).roll(1, 1)).abs().max() < 1e-13


def test_a_box_of_another_size_is_the_same_flow_in_other_units(flow, compiled):
    """Lengths by s, times by s^2, viscosity kept: velocities by 1/s, accelerations by 1/s^3, vorticity by 1/s^2."""
    s = 0.5
    solver, state, params = compiled(flow(32))
    small, _, _ = compiled(flow(32, size=(2 * math.pi * s, 2 * math.pi * s)))
    there = params.replace(
        {
            "fluid.drag": params["fluid.drag"] / s**2,
            "fluid.forcing.amplitude": params["fluid.forcing.amplitude"] / s**3,
        }
    )
    big = rollout(solver, state, params, 0.5, controller=Fixed(0.02)).state.vorticity
    scaled = type(state)(state.vorticity / s**2)
    little = rollout(small, scaled, there, 0.5 * s**2, controller=Fixed(0.02 * s**2)).state.vorticity
    assert (little * s**2 - big).abs().max() < 1e-12


def test_modes_beyond_the_mask_are_removed(flow, compiled):
    solver, state, params = compiled(flow(24))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    noise = torch.cos(math.pi * torch.arange(24, dtype=torch.float64))[None, :, None]
    noisy = solver.step(type(state)(state.vorticity + noise), params, zero, dt).state.vorticity
    assert (noisy - solver.step(state, params, zero, dt).state.vorticity).abs().max() < 1e-13

"""The same atoms in other units move the same way, and every output says what it is in."""

import math

import h5py
import numpy as np
import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.units import UNITS

EPSILON, SIGMA, MASS, KELVIN = 1.65e-21, 3.4e-10, 39.948 * 1.66053906660e-27, 119.8
SCALES = {  # of energy, length, mass, time and temperature in SI
    "lj": (EPSILON, SIGMA, MASS, SIGMA * math.sqrt(MASS / EPSILON), EPSILON),
    "SI": (1.0, 1.0, 1.0, 1.0, 1.0),
    "metal": (1.602176634e-19, 1e-10, 1.66053906660e-27, 1e-12, 1.380649e-23),
    "real": (4184.0 / 6.02214076e23, 1e-10, 1.66053906660e-27, 1e-15, 1.380649e-23),
}


def argon(units, dynamics=None, learn=False):
    energy, length, mass, time, heat = SCALES[units]
    temperature = 1.2 * EPSILON / heat
    tau = SCALES["lj"][3] / time
    edge = 3 * 1.7 * SIGMA / length
    held = {"temperature": temperature, "friction": 1.0 / tau} if dynamics is sc.Langevin else {}
    return sc.Scene(
        name="argon",
        units=units,
        domain=sc.Domain.periodic(size=(edge, edge, edge)),
        entities={
            "Ar": sc.Atoms(
                lattice=sc.FCC(cells=(3, 3, 3)),
                mass=sc.Parameter(MASS / mass) if learn else MASS / mass,
                temperature=sc.Parameter(temperature) if learn else temperature,
            ),
            "pair": sc.LennardJones(epsilon=EPSILON / energy, sigma=SIGMA / length, cutoff=2.5 * SIGMA / length),
        },
        dynamics=dynamics(**held) if dynamics else sc.NVE(),
        time=sc.Time(end=0.1 * tau, dt=0.005 * tau),
        outputs={"thermo": sc.Thermo(every=0.05 * tau), "traj": sc.Particles("velocity", every=0.05 * tau)},
    )


@pytest.mark.parametrize("dynamics", [sc.NVE, sc.Langevin])
@pytest.mark.parametrize("units", ["metal", "real", "SI"])
def test_argon_moves_alike_in_all_units(units, dynamics):
    ends = {}
    for one in ("lj", units):
        energy, length, _, _, heat = SCALES[one]
        solver, state, params = compile_scene(argon(one, dynamics), device="cpu", dtype="float64")
        end = rollout(solver, state, params).state
        seen = solver.observe(end, params)
        ends[one] = (
            end.position * length / SIGMA, seen["total_energy"] * energy / EPSILON,
            seen["temperature"] * heat / EPSILON, solver.max_dt(end, params) * SCALES[one][3],
        )  # fmt: skip
    for expected, found in zip(ends["lj"][:3], ends[units][:3], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)  # constants have ten digits
    assert 0.8 < float(ends["lj"][3] / ends[units][3]) < 1.25  # rounded to four values an octave


def test_gradients_by_temperature_and_mass_hold_in_kelvins_and_daltons():
    def energy(changes):
        scene = argon("metal", learn=True).replace(changes)
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        end = rollout(solver, state, params).state
        return solver.observe(end, params), params, end

    seen, params, end = energy({})
    loss = seen["kinetic_energy"].sum() + end.position.square().sum() * 1e-3
    slopes = torch.autograd.grad(loss, [params["Ar.temperature"], params["Ar.mass"]])
    for address, slope in zip(("Ar.temperature", "Ar.mass"), slopes, strict=True):
        value = float(params[address].detach())
        ends = []
        for sign in (1, -1):
            seen, _, end = energy({f"{address}.value": value * (1 + sign * 1e-5)})
            ends.append(float((seen["kinetic_energy"].sum() + end.position.square().sum() * 1e-3).detach()))
        assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2e-5 * value), rel=1e-6)


def test_factors_are_those_of_textbooks():
    """kB in eV/K and kcal/(mol K), Coulomb's constant in eV Angstrom and kcal Angstrom/mol, eV ps^2/Angstrom^2 in u."""
    assert UNITS["metal"].boltzmann == pytest.approx(8.617333262e-5, rel=1e-9)
    assert UNITS["metal"].coulomb == pytest.approx(14.3996454, rel=1e-7)
    assert UNITS["metal"].mass == pytest.approx(1.0 / 9648.5332, rel=1e-7)
    assert UNITS["real"].boltzmann == pytest.approx(1.987204259e-3, rel=1e-8)
    assert UNITS["real"].coulomb == pytest.approx(332.06371, rel=1e-7)
    assert UNITS["real"].mass == pytest.approx(1.0 / 4.184e-4, rel=1e-8)


def test_files_say_their_units(tmp_path):
    sg.run(argon("metal"), tmp_path / "run", device="cpu")
    files = list(tmp_path.rglob("*.h5*"))
    units = {}
    for path in files:
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: units.update({name: item.attrs.get("units")}) if "units" in item.attrs else None
            )
    said = {str(unit) for unit in units.values()}
    assert {"K", "eV", "Angstrom", "Angstrom ps-1", "ps"} <= said
    masses = [
        file["particles/traj/mass"][...]
        for path in files
        for file in [h5py.File(path)]
        if "particles/traj/mass" in file
    ]
    assert all(np.allclose(mass, 39.948, rtol=1e-6) for mass in masses)


@pytest.mark.parametrize(("units", "flat", "solid"), [
    ("lj", "epsilon/sigma^2", "epsilon/sigma^3"), ("SI", "N/m", "Pa"), ("metal", "eV Angstrom-2", "eV Angstrom-3"),
    ("real", "kcal mol-1 Angstrom-2", "kcal mol-1 Angstrom-3"), ("nbody", "M/T^2", "M/(L T^2)"),
])  # fmt: skip
def test_a_pressure_is_an_energy_per_area_or_per_volume(units, flat, solid):
    for lattice, unit in ((sc.Square(cells=(6, 6)), flat), (sc.FCC(cells=(3, 3, 3)), solid)):
        scene = sc.Scene(
            name="gas", units=units, domain=sc.Domain.periodic(density=0.5), time=sc.Time(end=1.0),
            entities={"A": sc.Atoms(lattice=lattice), "pair": sc.LennardJones(cutoff=2.0)},
            outputs={"thermo": sc.Thermo(every=0.1), "stress": sc.Stress(every=0.1)},
        )  # fmt: skip
        solver, *_ = compile_scene(scene, device="cpu", dtype="float64")
        assert {
            probe.units[key] for probe in solver.program.probes for key in ("pressure", "stress") if key in probe.units
        } == {unit}

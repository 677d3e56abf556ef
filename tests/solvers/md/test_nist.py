"""Energies, virials and tail corrections of the configurations that NIST published."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch

from scenegrad.solvers.md.pairs.tail import tail_energy, tail_pressure

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "reference" / "md"
TABLE = json.loads((FOLDER / "nist_lj_configs.json").read_text())["configs"]
CASES = [(entry, rc) for entry in TABLE for rc in (3, 4)]
UNIT = torch.ones(1, 1, 2, dtype=torch.float64)


def named(case):
    return f"config{case[0]['config']}-rc{case[1]}"


def positions(entry):
    return torch.from_numpy(np.loadtxt(FOLDER / entry["coordinates"], delimiter=",", comments="#", skiprows=3))[None]


def rounded(value, published):
    """Whether a value rounds to the published digits."""
    digits = Decimal(published)
    return Decimal(value).quantize(digits) == digits


@pytest.fixture(params=CASES, ids=named)
def case(request):
    return request.param


def test_energy_and_virial_have_all_published_digits(case, interactions):
    entry, rc = case
    forces = interactions(entry["box"][0], entry["N"], cutoff=rc, cut="plain", skin=0.3)
    energy, virial = forces.sums(positions(entry), UNIT)[0].tolist()
    assert rounded(energy, entry["published"][f"rc{rc}"]["U_pair"])
    assert rounded(virial, entry["published"][f"rc{rc}"]["W_pair"])


def test_energy_and_virial_equal_sums_over_all_pairs(case, interactions):
    entry, rc = case
    exact = entry["recomputed_f64"][f"rc{rc}"]
    forces = interactions(entry["box"][0], entry["N"], cutoff=rc, cut="plain")
    energy, virial = forces.sums(positions(entry), UNIT)[0].tolist()
    assert energy == pytest.approx(exact["U_pair"], rel=1e-12)
    assert virial == pytest.approx(-exact["sum_f_dot_r"], rel=1e-11)


def test_single_precision_keeps_five_digits(case, interactions):
    entry, rc = case
    if entry["box"][0] == 2 * rc:
        pytest.skip("a pair at the very edge of the cutoff may be in or out")
    exact = entry["recomputed_f64"][f"rc{rc}"]
    forces = interactions(entry["box"][0], entry["N"], cutoff=rc, cut="plain", dtype=torch.float32)
    energy, virial = forces.sums(positions(entry).float(), UNIT.float())[0].tolist()
    assert energy == pytest.approx(exact["U_pair"], rel=1e-5)
    assert virial == pytest.approx(-exact["sum_f_dot_r"], rel=1e-4)


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: f"config{entry['config']}")
def test_force_shifted_energy_equals_the_reference(entry, interactions):
    forces = interactions(entry["box"][0], entry["N"], cutoff=3)
    energy = float(forces.sums(positions(entry), UNIT)[0, 0])
    assert energy == pytest.approx(entry["recomputed_f64"]["rc3"]["U_linear_force_shift"], rel=1e-12)


def test_tail_correction_has_all_published_digits(case):
    entry, rc = case
    density = entry["N"] / np.prod(entry["box"])
    assert rounded(entry["N"] * tail_energy(float(density), rc), entry["published"][f"rc{rc}"]["U_LRC"])


@pytest.mark.parametrize("dim", [2, 3])
def test_tails_are_integrals_of_the_potential(dim):
    rc, density, eps, sigma = 2.5, 0.7, 1.3, 0.9
    r = np.linspace(rc, 400.0, 4_000_001)
    u = 4 * eps * ((sigma / r) ** 12 - (sigma / r) ** 6)
    slope = 4 * eps * (-12 * (sigma / r) ** 12 + 6 * (sigma / r) ** 6) / r
    shell = 2 * np.pi * r if dim == 2 else 4 * np.pi * r**2
    energy, pressure = (np.trapezoid(f, r) for f in (0.5 * density * u * shell, r * slope * shell))
    assert tail_energy(density, rc, eps, sigma, dim) == pytest.approx(energy, rel=1e-4)
    assert tail_pressure(density, rc, eps, sigma, dim) == pytest.approx(-(density**2) / (2 * dim) * pressure, rel=1e-4)

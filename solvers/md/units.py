"""Systems of units: what a scene's numbers are in, and the factors that make energies of masses, kelvins and charges.

Constants of nature as CODATA 2018 has them: k_B = 1.380649e-23 J/K, e = 1.602176634e-19 C, N_A = 6.02214076e23,
u = 1.66053906660e-27 kg, 1/(4 pi eps_0) = 8.9875517923e9 N m^2/C^2; 1 kcal = 4184 J.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["UNITS", "Units"]


@dataclass(frozen=True)
class Units:
    """mass: of one unit of mass [energy time^2 / length^2]. boltzmann: energy of one unit of temperature. coulomb: k of
    u = k q q / r [energy length / charge^2]. names: of the units, by quantity."""

    mass: float
    boltzmann: float
    coulomb: float
    names: Mapping[str, str]


KELVIN, ELEMENTARY, AVOGADRO, DALTON = 1.380649e-23, 1.602176634e-19, 6.02214076e23, 1.66053906660e-27
COULOMB, CALORIES, ANGSTROM = 8.9875517923e9, 4184.0, 1e-10
PER_MOLE = CALORIES / AVOGADRO  # of a kcal/mol [J]

UNITS = {
    "SI": Units(1.0, 1.0, COULOMB, {
        "time": "s", "mass": "kg", "charge": "C", "position": "m", "velocity": "m/s", "force": "N", "energy": "J",
        "temperature": "J", "pressure": "Pa", "pressure in the plane": "N/m", "momentum": "kg m/s", "rdf": "1",
        "wavenumber": "1/m", "msd": "m^2", "velocity_correlation": "m^2/s^2",
    }),
    "lj": Units(1.0, 1.0, 1.0, {
        "time": "tau", "mass": "m", "charge": "sqrt(epsilon sigma)", "position": "sigma", "velocity": "sigma/tau",
        "force": "epsilon/sigma", "energy": "epsilon", "temperature": "epsilon/k_B", "pressure": "epsilon/sigma^3",
        "pressure in the plane": "epsilon/sigma^2",
        "momentum": "m sigma/tau", "rdf": "1", "wavenumber": "1/sigma", "msd": "sigma^2",
        "velocity_correlation": "sigma^2/tau^2",
    }),
    "nbody": Units(1.0, 1.0, 1.0, {
        "time": "T", "mass": "M", "charge": "sqrt(M L^3)/T", "position": "L", "velocity": "L/T", "force": "M L/T^2",
        "energy": "M L^2/T^2", "temperature": "M L^2/T^2", "pressure": "M/(L T^2)", "pressure in the plane": "M/T^2",
        "momentum": "M L/T", "rdf": "1",
        "wavenumber": "1/L", "msd": "L^2", "velocity_correlation": "L^2/T^2",
    }),
    "metal": Units(
        DALTON * (ANGSTROM / 1e-12) ** 2 / ELEMENTARY, KELVIN / ELEMENTARY, COULOMB * ELEMENTARY / ANGSTROM, {
        "time": "ps", "mass": "u", "charge": "e", "position": "Angstrom", "velocity": "Angstrom ps-1",
        "force": "eV Angstrom-1", "energy": "eV", "temperature": "K", "pressure": "eV Angstrom-3",
        "pressure in the plane": "eV Angstrom-2",
        "momentum": "eV ps Angstrom-1", "rdf": "1", "wavenumber": "Angstrom-1", "msd": "Angstrom2",
        "velocity_correlation": "Angstrom2 ps-2",
    }),
    "real": Units(
        DALTON * (ANGSTROM / 1e-15) ** 2 / PER_MOLE, KELVIN / PER_MOLE,
        COULOMB * ELEMENTARY**2 / ANGSTROM / PER_MOLE, {
        "time": "fs", "mass": "u", "charge": "e", "position": "Angstrom", "velocity": "Angstrom fs-1",
        "force": "kcal mol-1 Angstrom-1", "energy": "kcal mol-1", "temperature": "K",
        "pressure": "kcal mol-1 Angstrom-3", "pressure in the plane": "kcal mol-1 Angstrom-2",
        "momentum": "kcal mol-1 fs Angstrom-1", "rdf": "1",
        "wavenumber": "Angstrom-1", "msd": "Angstrom2", "velocity_correlation": "Angstrom2 fs-2",
    }),
}  # fmt: skip

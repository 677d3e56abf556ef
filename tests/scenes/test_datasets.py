"""Every data set of the table of published ones can be made by its name, with the numbers of the table."""

import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from scenegrad.scenes import library
from scenegrad.scenes.domain import Domain, Slip
from scenegrad.scenes.sides import NoSlip, Outflow

TABLE = json.loads((Path(__file__).parents[2] / "assets" / "reference" / "cfd" / "ml_datasets.json").read_text())
NEEDS_DUST = {"shockcast_coal"}  # a gas that carries grains: no solver here has two phases


def box(domain: Domain) -> tuple[list[float], list[int]]:
    return list(domain.size), list(domain.cells)


def test_every_data_set_has_a_name():
    made = {
        "fno_ns2d": "fno_navier_stokes", "fno_darcy": "fno_darcy", "fno_burgers": "fno_burgers",
        "pdearena_smoke": "pdearena_smoke", "shockcast_blast": "shockcast_blast",
        "spectral_refiner.fno": "spectral_refiner_fno", "spectral_refiner.kolmogorov": "spectral_refiner_kolmogorov",
        "mosaic.ns2d": "mosaic_ns2d", "mosaic.ns3d": "mosaic_ns3d",
    }  # fmt: skip
    entries = {
        f"{key}.{part}" if key in ("spectral_refiner", "mosaic") else key
        for key, entry in TABLE.items() if isinstance(entry, dict)
        for part in entry if part != "citation"
    }  # fmt: skip
    assert entries - NEEDS_DUST == set(made)
    assert set(made.values()) <= set(library.__all__)


def test_flows_of_the_first_neural_operators():
    entry = TABLE["fno_ns2d"]
    assert "7^(3/2) (-Lap + 49 I)^(-2.5)" in entry["w0"]
    assert "256^2" in entry["solver"]
    assert "0.1(sin 2pi(x+y) + cos 2pi(x+y))" in entry["forcing"]
    for viscosity, end, members in entry["nu_T_N"]:
        scene = library.fno_navier_stokes(viscosity=viscosity, end=end, covariance=7**1.5)
        assert box(scene.domain) == ([1.0, 1.0], [256, 256])
        assert (scene.at("fluid.viscosity"), scene.time.end) == (viscosity, end)
        start, forcing = scene.at("fluid.vorticity"), scene.at("fluid.forcing")
        assert (start.alpha, start.tau**2, start.scale**2) == pytest.approx((2.5, 49, 7**1.5))
        assert (forcing.kind, forcing.amplitude, forcing.wavenumber) == ("diagonal", 0.1, 1)
        assert str(members) in library.fno_navier_stokes.__doc__
    assert library.fno_navier_stokes().at("fluid.vorticity").scale ** 2 == pytest.approx(7**3)  # of their program


def test_media_and_waves_of_the_first_neural_operators():
    entry, scene = TABLE["fno_darcy"], library.fno_darcy()
    assert entry["a"] == "psi#N(0,(-Lap+9I)^-2), Neumann, psi=12 if >0 else 3"
    medium = scene.at("medium.permeability")
    assert (medium.above, medium.below, medium.of.alpha, medium.of.tau**2, medium.of.scale) == (12, 3, 2, 9, 1)
    assert scene.at("medium.source") == 1.0
    assert isinstance(scene.boundary.default, Outflow)  # u = 0
    assert "421^2 (241^2 for small)" in entry["solver"]
    assert box(scene.domain) == ([1.0, 1.0], [421, 421])
    assert entry["N"].split()[0] in library.fno_darcy.__doc__
    entry, scene = TABLE["fno_burgers"], library.fno_burgers()
    assert (entry["domain"], entry["u0"]) == ("[0,1] periodic, nu=0.1, t=1", "N(0, 625(-Lap+25I)^-2)")
    start = scene.at("flow.velocity")
    assert (start.scale**2, start.tau**2, start.alpha) == (625, 25, 2)
    assert (scene.at("flow.viscosity"), scene.time.end) == (0.1, 1.0)
    assert box(scene.domain) == ([1.0], [entry["grid"]])


def test_smoke_of_pdearena():
    entry, scene = TABLE["pdearena_smoke"], library.pdearena_smoke()
    assert box(scene.domain) == (entry["domain"], entry["grid"])
    assert (scene.at("air.viscosity"), scene.at("smoke.buoyancy")) == (entry["nu"], (0.0, entry["buoyancy_y"]))
    begin, end = map(float, entry["t"].split(".."))
    shift = begin - entry["skip"] * entry["dt"]
    assert (scene.time.warmup + shift, scene.time.end + shift) == (begin, end)
    assert (scene.time.end - scene.time.warmup) / entry["dt"] == entry["steps"]
    assert scene.outputs["fields"].every == entry["sample_rate"] * entry["dt"]
    start = scene.at("smoke.initial")
    assert f"abs(Noise(scale={start.of.scale:g}, smoothness={start.of.smoothness:g}))" == entry["ic"]
    assert start.kind == "magnitude"
    assert scene.boundary.default == NoSlip()
    assert scene.at("air.velocity") is None
    assert scene.method.advection == "maccormack"  # semi-Lagrangian


def test_flows_of_spectral_refiner():
    entry, scene = TABLE["spectral_refiner"]["fno"], library.spectral_refiner_fno()
    start, time = scene.at("fluid.vorticity"), scene.time
    assert (start.alpha, start.tau, scene.at("fluid.viscosity")) == (entry["alpha"], entry["tau"], entry["nu"])
    assert (time.end, time.warmup, time.dt) == (entry["T"], entry["T_warmup"], entry["dt"])
    assert (time.end - time.warmup) / scene.outputs["fields"].every == pytest.approx(entry["steps"])
    assert scene.domain.cells == (entry["grid"],) * 2
    assert str(entry["N"]) in library.spectral_refiner_fno.__doc__
    entry, scene = TABLE["spectral_refiner"]["kolmogorov"], library.spectral_refiner_kolmogorov()
    assert (scene.time.end, scene.time.warmup) == (entry["T"], entry["T_warmup"])
    assert (scene.at("fluid.viscosity"), scene.domain.cells) == (entry["nu"], (entry["grid"],) * 2)
    span = scene.time.end - scene.time.warmup
    assert span / scene.outputs["fields"].every == pytest.approx(entry["steps"])
    assert str(entry["N"]) in library.spectral_refiner_kolmogorov.__doc__
    assert [e["subsample"] for e in (TABLE["spectral_refiner"][k] for k in ("fno", "kolmogorov"))] == [4, 4]


def test_blasts_of_shockcast():
    entry = TABLE["shockcast_blast"]
    assert entry["cases"].startswith("99 (pressure ratio 2.0..49.5")
    scenes = [library.shockcast_blast(case) for case in range(99)]
    ratios = [one.at("gas.patches.0.pressure") / one.at("gas.pressure") for one in scenes]
    assert (ratios[0], ratios[-1]) == pytest.approx((2.0, 49.5))
    assert all(b - a == pytest.approx(47.5 / 98) for a, b in pairwise(ratios))
    scene = scenes[0]
    assert box(scene.domain) == (entry["domain"], entry["grid"])
    assert scene.time.end == entry["t_end"]
    assert round(scene.time.end / scene.outputs["fields"].every) + 1 == entry["frames"]
    shown = {"pressure": "pressure", "density": "density", "xVel": "velocity", "yVel": "velocity",
             "temperature": "temperature", "Mach_Number": "mach"}  # fmt: skip
    assert {shown[field] for field in entry["fields"]} == set(scene.outputs["fields"].quantities)
    assert isinstance(scene.boundary.default, Slip)


def test_flows_of_mosaic():
    entry = TABLE["mosaic"]
    assert entry["ns2d"].startswith("[0,2pi]^2, dt=0.01, 100 steps, nu=0.01, N=64..256")
    scene = library.mosaic_ns2d()
    assert box(scene.domain) == ([2 * math.pi] * 2, [64, 64])
    assert (scene.time.dt, Fraction(str(scene.time.end)) / Fraction("0.01")) == (0.01, 100)
    assert scene.at("fluid.viscosity") == 0.01
    assert entry["ns3d"].startswith("[0,2pi]^3 N=16..64 50 steps")
    scene = library.mosaic_ns3d()
    assert box(scene.domain) == ([2 * math.pi] * 3, [32] * 3)
    assert Fraction(str(scene.time.end)) / Fraction(str(scene.time.dt)) == 50

"""Liquids as other codes and publications find them."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
import scenegrad.scenes.library as library
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.observables.histogram import radial_distribution, radii
from scenegrad.solvers.md.pairs.tail import tail_energy, tail_pressure

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "reference" / "md"


def run(scene, dtype="float32"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, rollout(solver, map_tensors(torch.Tensor.detach, state), params.detach())


@pytest.mark.parametrize("dim", [2, 3])
def test_an_ideal_gas_has_no_structure(dim):
    edges = torch.tensor([[10.0, 11.0, 12.0], [9.0, 9.5, 13.0]], dtype=torch.float64)[:, :dim]
    x = torch.rand(2, 3000, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * edges[:, None]
    g = radial_distribution(x + 5 * edges[:, None], Box(edges), 4.5, 9)
    shell = radii(4.5, 9) ** (dim - 1) * (0.5 * 2 * np.pi * (dim - 1))
    pairs = 0.5 * 3000**2 / edges.prod(dim=1, keepdim=True) * shell
    assert bool(((g - 1).abs() < 5 / pairs.sqrt() + 1e-3).all())


def test_shells_of_a_crystal_are_where_they_belong():
    solver, state, _ = compile_scene(library.argon(cells=4), device="cpu", dtype="float64")
    edge = float(solver.system.box.edges[0, 0]) / 4
    g = radial_distribution(state.position + 0.01, solver.system.box, 1.1 * edge, 1000)[0]
    r, density = radii(1.1 * edge, 1000), 4 / edge**3
    count = (g * density * 4 * np.pi * r**2 * (1.1 * edge / 1000)).numpy()
    found = {round(float(r[k]) / edge, 2): round(float(count[k])) for k in np.flatnonzero(count > 0.5)}
    assert found == {0.71: 12, 1.0: 6}


@pytest.mark.parametrize(
    ("size", "tilt"), [((7.2, 7.2, 7.2), (1.2, 0.0, -1.2)), ((7.2, 6.0, 8.4), (2.4, -1.2, 3.6)), ((8.4, 7.2), (3.6,))]
)
def test_a_tilted_box_shows_the_shells_of_its_lattice(size, tilt):
    """The same cubic crystal whatever box it is cut into: 6 neighbours at 1, 12 at root 2, 8 at root 3, ..."""
    dim, spacing = len(size), 1.2
    lattice = sc.SimpleCubic if dim == 3 else sc.Square
    scene = sc.Scene(
        name="tilted",
        units="lj",
        domain=sc.Domain.periodic(size, tilt=tilt),
        entities={
            "Ar": sc.Atoms(lattice=lattice(cells=tuple(round(edge / spacing) for edge in size))),
            "pair": sc.LennardJones(cutoff=2.5),
        },
        outputs={"g": sc.RDF(r_max=0.5 * min(size), bins=53, every=1.0)},
        time=sc.Time(end=1.0, dt=0.005),
    )
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    moved = replace(state, position=state.position + 37.3 * torch.randn(1, 1, dim, generator=torch.Generator()))
    g = solver.program.probes[0].measure(moved, params)["rdf"][0].numpy()
    edges = np.linspace(0.0, 0.5 * min(size), 54)
    shell = np.pi * np.diff(edges**2) if dim == 2 else 4 / 3 * np.pi * np.diff(edges**3)
    whole = np.stack(np.meshgrid(*[np.arange(-3, 4)] * dim), axis=-1).reshape(-1, dim)
    lengths = spacing * np.linalg.norm(whole[np.any(whole != 0, axis=1)], axis=1)
    expected = np.histogram(lengths, edges)[0] * spacing**dim / shell
    inside = edges[1:] < 0.5 * min(size) - 1e-6
    np.testing.assert_allclose(g[inside], expected[inside], atol=1e-12)


def test_an_ideal_gas_has_no_structure_in_a_tilted_box_either():
    edges, lean = torch.tensor([[9.0, 9.5, 13.0]]).double(), torch.tensor([[0.5, -0.45, 0.4]]).double()
    box = Box(edges, lean)
    x = torch.rand(1, 3000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ box.matrix
    g = radial_distribution(x, box, 4.5, 9)
    pairs = 0.5 * 3000**2 / box.volume * 4 * np.pi * radii(4.5, 9) ** 2 * 0.5
    assert bool(((g - 1).abs() < 5 / pairs.sqrt() + 1e-3).all())


def test_the_first_shell_of_liquid_argon():
    _, found = run(
        library.argon(cells=5, end=7.0, warmup=3.0).replace(
            {"outputs": {"rdf": sc.RDF(r_max=3.5, bins=140, every=0.2).model_dump(mode="json")}}
        )
    )
    g, r = found.outputs["rdf"][0].mean(dim=0).numpy(), radii(3.5, 140).numpy()
    near = (r > 0.95) & (r < 1.25)
    fit = np.polynomial.Polynomial.fit(r[near], g[near], 5)  # a smooth top through noisy shells
    fine = np.linspace(1.0, 1.2, 401)
    peak = fine[np.argmax(fit(fine))]
    assert peak == pytest.approx(1.085, abs=0.025)
    assert g.max() == pytest.approx(3.0, abs=0.2)
    assert g[(r > 1.45) & (r < 1.7)].min() == pytest.approx(0.57, abs=0.1)
    assert g[r < 0.85].max() == 0.0


def test_thermo_is_energy_and_pressure_per_atom():
    scene = library.melting_crystal(cells=(10, 6), end=0.1)
    scene = scene.replace(
        {
            "outputs": {
                "thermo": sc.Thermo(every=0.05).model_dump(mode="json"),
                "energy": sc.Energy(every=0.05).model_dump(mode="json"),
            }
        }
    )
    _, found = run(scene, "float64")
    thermo, energy = found.outputs["thermo"], found.outputs["energy"]
    for name in ("kinetic", "potential", "total"):
        torch.testing.assert_close(thermo[name] * 120, energy[name])
    torch.testing.assert_close(thermo["temperature"], 2 * energy["kinetic"] / (2 * 119))


def long_fluid(temperature, density, cutoff, cells, end, warmup, seed=0):
    """Thermostatted, cut plainly as the references are."""
    return sc.Scene(
        name="fluid",
        units="lj",
        domain=sc.Domain.periodic(density=density),
        entities={
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(cells,) * 3), temperature=temperature),
            "pair": sc.LennardJones(cutoff=cutoff, cut="plain"),
        },
        dynamics=sc.Langevin(temperature=temperature, friction=1.0),
        outputs={"thermo": sc.Thermo(every=0.1)},
        seed=seed,
        time=sc.Time(end=end, dt=0.005, warmup=warmup),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("temperature", "density"), [(0.9, 0.82), (0.85, 0.86)])
def test_energy_and_pressure_equal_those_of_nist(temperature, density):
    with (FOLDER / "nist_lj_nvt_mc.csv").open() as lines:
        table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    row = next(row for row in table if (float(row["T"]), float(row["rho"])) == (temperature, density))
    _, found = run(long_fluid(temperature, density, 3.0, 5, 120.0, 20.0), "float32")
    thermo = found.outputs["thermo"]
    u = float(thermo["potential"].mean()) + tail_energy(density, 3.0)
    # A plain cut leaves out the impulse at the cutoff, which the virial of the references does not count either.
    p = float(thermo["pressure"].mean()) + tail_pressure(density, 3.0)
    assert u == pytest.approx(float(row["u"]), abs=0.015)
    assert p == pytest.approx(float(row["p"]), abs=0.06)


@pytest.mark.slow
def test_the_kob_andersen_mixture_has_the_energy_that_lammps_finds():
    """Near T = 1, between the references for 1 and 0.7; the energy, which these shift at rc, is shifted after."""
    warm, cold = json.loads((FOLDER / "md_oracle_lammps.json").read_text())["kob_andersen_3d"]["results"][1:3]
    scene = library.kob_andersen(cells=6, temperature=1.0, friction=10.0, end=60.0)
    scene = scene.replace({f"{pair}.cut": "plain" for pair in ("AA", "AB", "BB")})
    solver, found = run(scene)
    x = found.outputs["traj"]["position"][0].double()
    species = solver.system.species.long()
    shifts = []
    box, eps, rc = solver.system.box.edges[0], {0: 1.0, 1: 1.5, 2: 0.5}, {0: 2.5, 1: 2.0, 2: 2.2}
    at_cutoff = 4 * (2.5**-12 - 2.5**-6)
    kind = species[:, None] + species
    for frame in x[::10]:
        d = frame[:, None] - frame
        r2 = (d - box * torch.round(d / box)).square().sum(dim=2)
        r2.fill_diagonal_(torch.inf)
        inside = [float(((kind == k) & (r2 < rc[k] ** 2)).sum()) / 2 * eps[k] * at_cutoff for k in range(3)]
        shifts.append(sum(inside) / len(frame))
    thermo = found.outputs["thermo"]
    temperature = float(thermo["temperature"].mean())
    assert temperature == pytest.approx(1.0, abs=0.015)
    part = (temperature - cold["Tm"][0]) / (warm["Tm"][0] - cold["Tm"][0])
    u, p = (cold[key][0] + part * (warm[key][0] - cold[key][0]) for key in ("u", "p"))
    assert float(thermo["potential"].mean()) - np.mean(shifts) == pytest.approx(u, abs=0.03)
    assert float(thermo["pressure"].mean()) == pytest.approx(p, abs=0.15)


@pytest.mark.slow
def test_the_structure_of_liquid_argon_is_that_of_lammps():
    with (FOLDER / "lj_rdf_triple_point.csv").open() as lines:
        table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    r, known = (np.array([float(row[key]) for row in table]) for key in ("r", "g"))
    scene = long_fluid(0.7363, 0.8442, 2.5, 6, 100.0, 20.0)
    width, bins = round(r[1] - r[0], 6), int(4.0 / round(r[1] - r[0], 6))
    scene = scene.replace(
        {"outputs": {"rdf": sc.RDF(r_max=width * bins, bins=bins, every=0.5).model_dump(mode="json")}}
    )
    _, found = run(scene)
    g = found.outputs["rdf"][0].mean(dim=0).numpy()
    assert np.abs(g - known[:bins]).max() < 0.08
    assert np.abs(g - known[:bins]).mean() < 0.012

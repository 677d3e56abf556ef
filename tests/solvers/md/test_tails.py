"""Tail corrections: published numbers, mixtures, derivatives, refusals."""

import math
from pathlib import Path

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.pairs.tail import tail_pressure

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "reference" / "md"


def scene(entities, domain):
    return sc.Scene(name="tails", units="lj", domain=domain, entities=entities, time=sc.Time(end=1.0))


def seen(entities, domain):
    solver, state, params = compile_scene(scene(entities, domain), "cpu", "float64")
    return {name: value[0] for name, value in solver.observe(state, params).items()}


def difference(entities, domain):
    """What the correction adds to energy and pressure."""
    without, with_it = seen(entities, domain), seen(entities | {"tail": sc.TailCorrection()}, domain)
    return [float(with_it[name] - without[name]) for name in ("potential_energy", "pressure")]


def test_the_correction_of_the_triclinic_configuration_is_the_published_one():
    size, tilt = (10.0, 9.84807753012208, 9.64974312607518), (1.7364817766693041, 2.5881904510252074, 0.428634797918648)
    atoms = sc.Atoms(lattice=sc.PointFile(str(FOLDER / "nist_lj_triclinic3.csv")))
    entities = {"Ar": atoms, "pair": sc.LennardJones(cutoff=3.0, cut="plain")}
    energy, pressure = difference(entities, sc.Domain.periodic(size, tilt=tilt))
    assert energy == pytest.approx(-29.37186430697, rel=1e-10)
    volume = math.prod(size)
    assert pressure == pytest.approx(tail_pressure(300 / volume, 3.0), rel=1e-10)


def test_a_mixture_of_equals_has_the_correction_of_one():
    crystal, domain = sc.FCC(cells=(4, 4, 4)), sc.Domain.periodic(density=0.8)
    one = difference({"A": sc.Atoms(lattice=crystal), "pair": sc.LennardJones(cut="plain", epsilon=1.3)}, domain)
    species = {"A": sc.Atoms(lattice=crystal, share=0.25), "B": sc.Atoms(lattice=crystal, share=0.75)}
    rest = {
        "like": sc.LennardJones(cut="plain", epsilon=1.3),
        "unlike": sc.LennardJones(cut="plain", epsilon=1.3, between=("A", "B")),
    }
    assert difference(species | rest, domain) == pytest.approx(one, rel=1e-9)
    weaker = rest | {"unlike": sc.LennardJones(cut="plain", epsilon=0.65, between=("A", "B"))}
    share = 1.0 - 0.5 * 2 * 0.25 * 0.75  # of pairs A-B, of which half is gone
    assert difference(species | weaker, domain) == pytest.approx([share * part for part in one], rel=1e-9)


def test_the_correction_knows_the_volume_and_its_derivatives():
    domain = sc.Domain.periodic(density=0.8)
    entities = {"A": sc.Atoms(lattice=sc.FCC(cells=(4, 4, 4))), "pair": sc.LennardJones(cut="plain")}
    solver, state, params = compile_scene(scene(entities | {"tail": sc.TailCorrection()}, domain), "cpu", "float64")
    term, box = solver.system.forces.terms[1], solver.system.box
    half = Box(box.edges * torch.tensor([1.0, 2.0, 1.0]))
    assert torch.allclose(term.sums(state.position, half, params), 0.5 * term.sums(state.position, box, params))
    bar = torch.linspace(0.5, 2.0, 10, dtype=torch.float64)[None]
    live = Params({a: params[a].detach().requires_grad_() for a in term.addresses})
    bars = term.add_sums_adjoint(state.position, box, live, bar, torch.zeros_like(state.position))
    for address in term.addresses:
        moved = [
            (bar * term.sums(state.position, box, Params({**live.detach(), address: live[address].detach() + h}))).sum()
            for h in (1e-5, -1e-5)
        ]
        assert float(bars[address]) == pytest.approx(float(moved[0] - moved[1]) / 2e-5, rel=1e-7)


@pytest.mark.parametrize(
    ("pair", "domain", "message"),
    [
        (sc.LennardJones(), sc.Domain.periodic(density=0.8), "cut='plain'"),
        (sc.LennardJones(cut="plain"), sc.Domain.unbounded(dim=3), "fills a box"),
    ],
)
def test_tails_of_nothing_are_refused(pair, domain, message):
    lattice = sc.FCC(cells=(4, 4, 4), spacing=1.6 if domain.dimensions else None)
    with pytest.raises(SceneError, match=message):
        compile_scene(scene({"A": sc.Atoms(lattice=lattice), "pair": pair, "tail": sc.TailCorrection()}, domain))

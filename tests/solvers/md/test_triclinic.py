"""Boxes that are tilted, boxes that change, and boxes without sides: no pair is missed."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.lists import Neighbours

PATH = Path(__file__).resolve().parents[3] / "assets" / "reference" / "md" / "nist_lj_triclinic3.csv"
SIZE, TILT = (10.0, 9.84807753012208, 9.64974312607518), (1.7364817766693041, 2.5881904510252074, 0.42863479791864567)


def tilted(lattice, size=SIZE, tilt=TILT, **options):
    return sc.Scene(
        name="tilted",
        units="lj",
        domain=sc.Domain.periodic(size, tilt=tilt),
        entities={"Ar": sc.Atoms(lattice=lattice, **options), "pair": sc.LennardJones(cutoff=3.0, cut="plain")},
        time=sc.Time(end=0.1, dt=0.002),
    )


def pairs_with_images(x, matrix, radius):
    """Neighbours over 3^dim images, no minimum image convention."""
    found = np.zeros((len(x), len(x)), dtype=bool)
    x = (x @ np.linalg.inv(matrix) % 1.0) @ matrix
    for turn in itertools.product((-1, 0, 1), repeat=x.shape[1]):
        d = x[:, None] - x[None] + np.array(turn) @ matrix
        near = (d**2).sum(axis=2) < radius**2
        found |= near
    np.fill_diagonal(found, False)
    return [np.nonzero(row)[0].tolist() for row in found]


def rows(found):
    count, table = found.pairs(once=False)
    return [table[0, i, : int(count[0, i])].tolist() for i in range(found.atoms)]


@pytest.mark.parametrize(("dtype", "digits"), [("float64", 1e-10), ("float32", 1e-5)])
def test_energy_of_the_triclinic_configuration_is_the_published_one(dtype, digits):
    solver, state, params = compile_scene(tilted(sc.PointFile(str(PATH))), "cpu", dtype)
    energy = float(solver.observe(state, params)["potential_energy"])
    assert energy == pytest.approx(-505.78567945268, rel=digits)


@pytest.mark.parametrize(
    ("size", "tilt"),
    [((11.0, 9.3, 8.7), (4.1, -3.3, 2.9)), ((17.0, 16.0, 18.5), (8.2, 3.0, -7.7)), ((19.0, 23.0), (9.0,))],
)
def test_lists_of_tilted_boxes_hold_the_pairs_that_all_images_show(size, tilt):
    generator = torch.Generator().manual_seed(0)
    edges = torch.tensor([size], dtype=torch.float64)
    lean = torch.tensor([tilt], dtype=torch.float64) / torch.tensor([size[0], size[0], size[1]])[: len(tilt)]
    box = Box(edges, lean)
    x = torch.rand(400, len(size), generator=generator, dtype=torch.float64) * 3.0 @ box.matrix[0]
    found = Neighbours(box, torch.tensor([2.5]).double(), 0.3, 400, torch.float64)
    found.update(x[None])
    assert rows(found) == pairs_with_images(x.numpy(), box.matrix[0].numpy(), 2.8)
    assert float(box.volume) == pytest.approx(abs(float(torch.linalg.det(box.matrix[0]))))


def test_a_tilted_crystal_is_a_crystal_whose_energy_stays():
    """A shear by a whole cell along x maps the simple cubic crystal onto itself: same forces, none."""
    scene = tilted(sc.SimpleCubic(cells=(6, 6, 6)), size=(7.2, 7.2, 7.2), tilt=(1.2, 0.0, -1.2))
    upright = tilted(sc.SimpleCubic(cells=(6, 6, 6)), size=(7.2, 7.2, 7.2), tilt=(0.0, 0.0, 0.0))
    energies = []
    for one in (scene, upright):
        solver, state, params = compile_scene(one, "cpu", "float64")
        energies.append(float(solver.observe(state, params)["potential_energy"]))
        assert float(solver.system.force(state, params).abs().max()) < 1e-9
    assert energies[0] == pytest.approx(energies[1], rel=1e-12)


def test_energy_and_momentum_are_conserved_in_a_tilted_box():
    scene = tilted(sc.FCC(cells=(4, 4, 4)), size=(6.7, 6.7, 6.7), tilt=(2.0, -1.5, 3.0), temperature=1.0)
    pair = sc.LennardJones(cutoff=2.5)
    solver, state, params = compile_scene(scene.model_copy(update={"entities": {**scene.entities, "pair": pair}}))
    before = solver.observe(state, params)
    end = rollout(solver, state, params, 0.2, controller=Fixed(0.002), probes=()).state
    after = solver.observe(end, params)
    assert float(after["total_energy"]) == pytest.approx(float(before["total_energy"]), rel=2e-4)
    assert float(after["momentum"].abs().max()) < 1e-3


@pytest.mark.parametrize("lean", [None, (0.3, -0.4, 0.2)], ids=["upright", "tilted"])
@pytest.mark.parametrize("carried", [True, False], ids=["atoms go along", "atoms stay"])
def test_no_pair_is_missed_in_a_box_that_shrinks(lean, carried):
    """One per cent at a time, and lists are made again only when the strain has eaten the skin."""
    generator = torch.Generator().manual_seed(3)
    edges = torch.tensor([[11.0, 12.0, 13.0]], dtype=torch.float64)
    slant = None if lean is None else torch.tensor([lean], dtype=torch.float64)
    box = Box(edges, slant)
    part = torch.rand(200, 3, generator=generator, dtype=torch.float64)
    x = part @ box.matrix[0]
    found = Neighbours(box, torch.tensor([2.5]).double(), 0.4, 200, torch.float64)
    for n in range(40):
        scale = 0.99**n if n < 25 else 0.99 ** (50 - n)  # and grows again
        now = Box(edges * torch.tensor([scale, scale**0.5, 1.0], dtype=torch.float64), slant)
        position = part @ now.matrix[0] if carried else x
        found.update(position[None], now)
        needed = pairs_with_images(position.numpy(), now.matrix[0].numpy(), 2.5)
        assert all(set(need) <= set(row) for need, row in zip(needed, rows(found), strict=True)), f"pairs lost at {n}"
    if carried:
        assert int(found.builds) < 20


def test_a_box_that_shrinks_below_two_cutoffs_is_refused():
    box = Box(torch.full((1, 3), 6.0, dtype=torch.float64))
    found = Neighbours(box, torch.tensor([2.5]).double(), 0.3, 50, torch.float64)
    x = torch.rand(1, 50, 3, dtype=torch.float64) * 6.0
    found.update(x)
    with pytest.raises(EngineError, match="two images"):
        found.update(x, Box(torch.full((1, 3), 4.9, dtype=torch.float64)))


@pytest.mark.parametrize("edges", [(np.inf, np.inf, np.inf), (10.0, np.inf, np.inf), (10.0, 11.0, np.inf)])
def test_large_open_systems_are_sorted_into_cells_of_their_region(edges):
    generator = torch.Generator().manual_seed(4)
    box = Box(torch.tensor([edges], dtype=torch.float64))
    x = torch.rand(900, 3, generator=generator, dtype=torch.float64) * torch.tensor([20.0, 22.0, 30.0]) - 50.0
    x[7] = torch.tensor([300.0, -50.0, 4.0])  # one that escaped
    found = Neighbours(box, torch.tensor([2.5]).double(), 0.3, 900, torch.float64)
    for shift in (0.0, 1000.0):
        found.update((x + shift)[None])
        d = box.nearest((x[:, None] - x[None])[None])[0]
        near = d.square().sum(dim=2) < 2.8**2
        near.fill_diagonal_(False)
        assert rows(found) == [torch.nonzero(row).flatten().tolist() for row in near]
    assert int(found.cells.min()) >= 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": (9.0, 9.0, 9.0), "tilt": (1.0,)}, "xy, xz, yz"),
        ({"size": (9.0, 9.0, 9.0), "tilt": (10.0, 0.0, 0.0)}, "1 is the same box"),
        ({"density": 0.8, "tilt": (1.0, 0.0, 0.0)}, "has a size"),
    ],
)
def test_tilts_that_fit_no_box_are_refused(given, message):
    with pytest.raises((ValueError, sc.SceneError), match=message):
        sc.Domain.periodic(**given)

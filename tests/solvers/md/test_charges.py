"""Sums over charges obey the laws that they are differentiated by, and mesh, waves and pairs agree with each other."""

import json
import math
from importlib.resources import files

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.coulomb.corrections import corrections, pairs_of_table
from scenegrad.solvers.md.coulomb.pairs import ChargePairs, Shape
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.system import PerAtom

FACES = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
OTHERS = {  # where the second ion of a cubic cell sits, from the first
    "NaCl": (FACES, (0.5, 0.0, 0.0), 0.5),
    "CsCl": (((0.0, 0.0, 0.0),), (0.5, 0.5, 0.5), np.sqrt(0.75)),
    "ZnS_zincblende": (FACES, (0.25, 0.25, 0.25), np.sqrt(3.0) / 4.0),
}


def crystal(method, name="NaCl", cells=2, shake=0.0, size=None, seed=0):
    """Ions of charge 1 and -1; the edge of a cell is 1."""
    rng = np.random.default_rng(seed)
    basis, shift, _ = OTHERS[name]
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    stretch = np.array(size or (cells,) * 3) / cells
    entities = {}
    for ion, by, charge in (("A", (0.0, 0.0, 0.0), 1.0), ("B", shift, -1.0)):
        points = (corners + np.array(basis) + np.array(by)).reshape(-1, 3)
        points = (points + shake * rng.standard_normal(points.shape)) * stretch
        entities[ion] = sg.Atoms(lattice=sg.Sites(tuple(map(tuple, points.tolist()))), charge=charge)
    return sg.Scene(
        name="crystal",
        units="lj",
        domain=sg.Domain.periodic(size=tuple(size or (float(cells),) * 3)),
        entities={**entities, "charges": sg.Electrostatics(method=method)},
        time=sg.Time(end=1.0, dt=0.01),
    )


def compiled(scene, learning=True):
    """Force field, box, positions and params in double precision."""
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    live = Params({a: value.detach().clone().requires_grad_(learning) for a, value in params.items()})
    return solver.system.forces, solver.system.box, state.position.detach().clone(), live


METHODS = {
    "reaction field": sg.ReactionField(cutoff=0.87),  # where no pair is: its second derivative jumps
    "Ewald": sg.Ewald(tolerance=1e-10),
    "mesh of odd order": sg.PME(order=5),
    "mesh": sg.PME(),
}
EDGES = (2.0, 2.2, 2.3)  # that no axis is mistaken for another


@pytest.fixture(scope="module", params=METHODS, ids=str)
def shaken(request):
    return compiled(crystal(METHODS[request.param], shake=0.01, size=EDGES))


def slope(function, x, direction, h):
    """By differences of fourth order."""
    near, far = (function(x + k * h * direction) - function(x - k * h * direction) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * h)


def test_madelung_constants():
    known = json.loads((files("scenegrad.assets") / "reference" / "md" / "madelung.json").read_text())
    for name, (_, _, nearest) in OTHERS.items():
        for method, limit in ((sg.Ewald(tolerance=1e-12), 1e-8), (sg.PME(tolerance=1e-6), 1e-5)):
            forces, box, x, params = compiled(crystal(method, name))
            energy = float(forces.sums(x, box, params)[0, 0]) / (x.shape[1] / 2)
            assert abs(-energy * nearest / known[name] - 1.0) < limit, (name, method)


def test_force_is_the_slope_of_the_energy(shaken):
    forces, box, x, params = shaken
    w = torch.from_numpy(np.random.default_rng(1).standard_normal(tuple(x.shape)))
    expected = -slope(lambda y: forces.sums(y, box, params)[:, 0], x, w, 1e-4)
    found = (forces.force(x, box, params) * w).sum()
    assert abs(float(found - expected)) < 1e-7 * float(forces.force(x, box, params).norm() * w.norm())


def test_virial_is_the_slope_of_the_energy_under_a_stretch(shaken):
    forces, box, x, params = shaken
    virial = forces.sums(x, box, params)[0, 1:].view(3, 3)
    for axis in range(3):
        stretch = torch.zeros(3, dtype=torch.float64)
        stretch[axis] = 1.0

        def energy(e, stretch=stretch):
            by = 1.0 + e * stretch
            return forces.sums(x * by, Box(box.edges * by), params)[0, 0]

        expected = -slope(energy, torch.tensor(0.0), 1.0, 1e-4)
        torch.testing.assert_close(virial[axis, axis], expected, rtol=1e-6, atol=1e-6)


def test_virial_is_symmetric_and_that_of_the_other_method():
    """Off the diagonal, a mesh and waves were derived on different ways."""
    made = [
        compiled(crystal(m, shake=0.05, size=EDGES))
        for m in (sg.Ewald(tolerance=1e-9), sg.PME(tolerance=1e-7, order=8))
    ]
    waves, mesh = (forces.sums(x, box, params)[0, 1:].view(3, 3) for forces, box, x, params in made)
    torch.testing.assert_close(waves, waves.T, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(mesh, waves, rtol=1e-5, atol=1e-5 * float(waves.norm()))


def test_transposed_derivative_of_the_force(shaken):
    forces, box, x, params = shaken
    rng = np.random.default_rng(2)
    w, v = (torch.from_numpy(rng.standard_normal(tuple(x.shape))) for _ in range(2))
    x_bar, bars = forces.product(x, box, params, w)
    expected = slope(lambda y: (w * forces.force(y, box, params)).sum(), x, v, 1e-4)
    assert abs(float((x_bar * v).sum() - expected)) < 1e-7 * float(x_bar.norm() * v.norm())
    for address in ("A.charge", "B.charge"):
        expected = charge_slope(lambda given: (w * forces.force(x, box, given)).sum(), params, address)
        torch.testing.assert_close(bars[address].sum(), expected.detach(), rtol=1e-8, atol=1e-8)


def test_transposed_derivative_of_energy_and_virial(shaken):
    forces, box, x, params = shaken
    rng = np.random.default_rng(3)
    v, bar = torch.from_numpy(rng.standard_normal(tuple(x.shape))), torch.from_numpy(rng.standard_normal((1, 10)))
    x_bar, bars = forces.sums_adjoint(x, box, params, bar)
    expected = slope(lambda y: (bar * forces.sums(y, box, params)).sum(), x, v, 1e-4)
    assert abs(float((x_bar * v).sum() - expected)) < 1e-7 * float(x_bar.norm() * v.norm())
    for address in ("A.charge", "B.charge"):
        expected = charge_slope(lambda given: (bar * forces.sums(x, box, given)).sum(), params, address)
        torch.testing.assert_close(bars[address].sum(), expected.detach(), rtol=1e-8, atol=1e-8)


def charge_slope(function, params, address):
    return slope(lambda q: function(Params({**params, address: q.detach()})), params[address], 1.0, 1e-3)


@pytest.mark.parametrize(
    "method", [sg.PME(), sg.PME(tolerance=1e-5, order=5), sg.PME(tolerance=1e-7, order=8)], ids=str
)
def test_mesh_has_the_energy_and_the_forces_of_waves(method):
    forces, box, x, params = compiled(crystal(sg.Ewald(tolerance=1e-11), cells=3, shake=0.1))
    mesh = compiled(crystal(method, cells=3, shake=0.1))[0]
    exact, found = forces.force(x, box, params), mesh.force(x, box, params)
    # tolerances are relative to 1/a^2, a = (V/N)^(1/3) = 1/2
    assert float((found - exact).square().sum(-1).mean().sqrt()) < 4.0 * method.tolerance
    energy, same = (f.sums(x, box, params)[0, 0] for f in (forces, mesh))
    assert abs(float(same / energy) - 1.0) < min(method.tolerance, 1e-5)


def test_tolerance_of_ewalds_sum_holds():
    forces, box, x, params = compiled(crystal(sg.Ewald(tolerance=1e-12), cells=3, shake=0.1))
    exact = forces.force(x, box, params)
    for tolerance in (1e-3, 1e-5, 1e-7):
        found = compiled(crystal(sg.Ewald(tolerance=tolerance), cells=3, shake=0.1))[0].force(x, box, params)
        assert 1e-3 * tolerance < float((found - exact).square().sum(-1).mean().sqrt()) / 4.0 < tolerance


@pytest.mark.parametrize("method", [sg.Ewald(), sg.PME()], ids=str)
def test_members_of_a_batch_do_not_know_of_each_other(method):
    """Even where their boxes take different cutoffs, waves and meshes."""
    first = crystal(method, shake=0.05)
    sizes = ((2.0, 2.0, 2.0), (2.6, 2.0, 2.0), (2.01, 2.0, 2.0))
    scenes = [first.model_copy(update={"domain": sg.Domain.periodic(size=size)}) for size in sizes]
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    system = solver.system
    w = torch.ones_like(state.position) * torch.arange(3)
    together = (
        system.forces.force(state.position, system.box, params),
        system.forces.sums(state.position, system.box, params),
    )
    product, _ = system.forces.product(state.position, system.box, params, w)
    for member, scene in enumerate(scenes):
        forces, box, x, alone = compiled(scene)
        torch.testing.assert_close(together[0][member], forces.force(x, box, alone)[0], rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(together[1][member], forces.sums(x, box, alone)[0], rtol=1e-10, atol=1e-10)
        other, _ = forces.product(x, box, alone, w[:1].contiguous())
        torch.testing.assert_close(product[member], other[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", ["Ewald", "mesh", "reaction field"])
def test_forces_on_a_member_are_those_it_has_alone_to_the_last_bit(method):
    """In boxes that are alike, which share a mesh; of two and of three."""
    scenes = [crystal(METHODS[method], shake=0.02, size=EDGES, seed=seed) for seed in range(3)]
    alone = []
    for scene in scenes:
        field, box, x, params = compiled(scene, learning=False)
        alone.append(field.force(x, box, params))
    for members in ((0, 1), (2, 0, 1)):
        field, box, x, params = compiled([scenes[n] for n in members], learning=False)
        together = field.force(x, box, params)
        for place, n in enumerate(members):
            assert torch.equal(together[place], alone[n][0]), (members, n)


def test_charges_in_open_space_attract_by_the_inverse_square():
    scene = sg.Scene(
        name="pair",
        units="lj",
        domain=sg.Domain.unbounded(dim=3),
        entities={
            "A": sg.Atoms(lattice=sg.Sites(((0.0, 0.0, 0.0),)), charge=2.0),
            "B": sg.Atoms(lattice=sg.Sites(((0.0, 3.0, 0.0),)), charge=-1.5),
            "charges": sg.Electrostatics(method=sg.Direct()),
        },
        time=sg.Time(end=1.0, dt=0.01),
    )
    forces, box, x, params = compiled(scene)
    assert forces.force(x, box, params)[0, 0].tolist() == pytest.approx([0.0, 3.0 / 9.0, 0.0])
    assert float(forces.sums(x, box, params)[0, 0]) == pytest.approx(-1.0)
    assert float(forces.sums(x, box, params)[0, 1:].view(3, 3).trace()) == pytest.approx(-1.0)
    bar = torch.zeros(1, 10, dtype=torch.float64)
    bar[0, 0] = 1.0
    assert float(forces.sums_adjoint(x, box, params, bar)[1]["A.charge"]) == pytest.approx(-0.5)


def test_reaction_field_of_a_conductor_ends_smoothly():
    end = compiled(crystal(sg.ReactionField(cutoff=1.0)))[0].terms[0]
    pair = ForceField([end])
    box, params = Box(torch.full((1, 3), 9.0, dtype=torch.float64)), None
    charges = Charges(PerAtom(Joined(["q"], (1,)), torch.zeros(2, dtype=torch.int64)))
    pair = ForceField([ChargePairs(Shape("reaction", end.table), charges, 3, torch.float64, None)])
    params = Params({"q": torch.ones(1, dtype=torch.float64)})
    x = torch.tensor([[[0.0, 0.0, 0.0], [1.0 - 1e-6, 0.0, 0.0]]], dtype=torch.float64)
    assert abs(float(pair.force(x, box, params)[0, 0, 0])) < 1e-5
    assert abs(float(pair.sums(x, box, params)[0, 0])) < 1e-9


def test_excluded_pairs_do_not_see_each_other():
    charges = Charges(PerAtom(Joined(["q"], (1,)), torch.zeros(3, dtype=torch.int64)), constant=2.0)
    params = Params({"q": torch.full((1,), 1.5, dtype=torch.float64)})
    box = Box(torch.full((1, 3), torch.inf, dtype=torch.float64))
    bare = Shape("bare", torch.tensor([[torch.inf, 0.0, 0.0, 0.0]], dtype=torch.float64))
    excluded = torch.tensor([[1, -1], [0, 2], [1, -1]], dtype=torch.int32)
    pairs = pairs_of_table(excluded)
    assert pairs.tolist() == [[0, 1], [1, 2]]
    kept = torch.tensor([0.0, 0.5], dtype=torch.float64)
    field = ForceField([ChargePairs(bare, charges, 3, torch.float64, None), corrections(charges, pairs, kept)])
    x = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 0.0, 0.0]]], dtype=torch.float64)
    assert float(field.sums(x, box, params)[0, 0]) == pytest.approx(2.0 * 1.5**2 * (0.5 / 2.0 + 1.0 / 3.0))
    # Where lists leave pairs out and waves do not, only what waves count is taken back.
    alpha = torch.ones(1, dtype=torch.float64)
    rest = ForceField([corrections(charges, pairs, kept, alpha)]).sums(x, box, params)[0, 0]
    assert float(rest) == pytest.approx(2.0 * 1.5**2 * (-math.erf(1.0) + (0.5 - math.erf(2.0)) / 2.0))


def test_single_precision_is_the_same_to_its_digits():
    for method in (sg.Ewald(), sg.PME()):
        forces, box, x, params = compiled(crystal(method, shake=0.05))
        solver, state, few = sg.compile(crystal(method, shake=0.05), device="cpu", dtype="float32")
        found = solver.system.forces.force(state.position, box, few)
        torch.testing.assert_close(found.double(), forces.force(x, box, params), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: {**e, "A": e["A"].model_copy(update={"charge": 1.25})}, "add up to 8"),
        (lambda e: {**e, "charges": sg.Electrostatics(method=sg.Direct())}, "open space"),
        (lambda e: {**e, "charges": sg.Electrostatics(method=sg.Ewald(cutoff=1.1))}, "half of the shortest edge"),
        (lambda e: {**e, "again": sg.Electrostatics()}, "once more"),
        (lambda e: {**e, **{k: e[k].model_copy(update={"charge": 0.0}) for k in "AB"}}, "finds no charge"),
    ],
    ids=["unbalanced", "open", "cutoff", "twice", "none"],
)
def test_what_cannot_be_summed_is_refused(change, words):
    scene = crystal(sg.PME())
    with pytest.raises(sg.SceneError, match=words):
        sg.compile(scene.model_copy(update={"entities": change(dict(scene.entities))}), device="cpu")


def test_rock_salt_has_the_energy_and_the_size_that_are_measured():
    """787 kJ/mol, and 5.640 Angstrom at room temperature, where a static crystal is smaller [CRC Handbook]."""
    sizes = np.array([5.55, 5.6, 5.65])
    energies = []
    for lattice in sizes:
        solver, state, params = sg.compile(sg.library.rock_salt(lattice=lattice), device="cpu", dtype="float64")
        energies.append(float(solver.observe(state, params)["potential_energy"]) / 256)
    curve = np.polynomial.Polynomial.fit(sizes, energies, 2)
    size = float(curve.deriv().roots()[0])
    assert size == pytest.approx(5.640, rel=0.01)
    assert float(curve(size)) == pytest.approx(-787.0 / 96.485, rel=0.02)

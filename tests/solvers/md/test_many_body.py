"""Stillinger & Weber's silicon: its crystal, its stiffness, and its derivatives by differences."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.many_body.surroundings import SurroundingsTerm

EPSILON, LATTICE = 2.1683, 5.431
GIGAPASCAL = 160.21766  # of an eV/Angstrom^3


def silicon(size=(2, 2, 2), edges=None, **values):
    return sg.Scene(
        name="silicon",
        units="metal",
        domain=sg.Domain.periodic(size=edges or tuple(LATTICE * n for n in size)),
        entities={
            "Si": sg.Atoms(lattice=sg.Diamond(cells=size), mass=28.085),
            "law": sg.StillingerWeber(**values),
        },
        time=sg.Time(end=1.0, dt=0.001),
    )


def compiled(scene, shake=0.0):
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    live = Params({a: value.detach().clone().requires_grad_() for a, value in params.items()})
    x = state.position.detach().clone()
    x += shake * torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(x.shape)))
    return solver.system.forces, solver.system.box, x, live


def slope(function, x, direction, h):
    """By differences of fourth order."""
    near, far = (function(x + k * h * direction) - function(x - k * h * direction) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * h)


@pytest.fixture(scope="module")
def shaken():
    return compiled(silicon(), shake=0.2)


def by_loops(x, box, epsilon=EPSILON, sigma=2.0951):
    """The potential as it is written down, triplet by triplet."""
    x, edges, end, total = x[0].numpy(), box.edges[0].numpy(), 1.8 * sigma, 0.0
    for i in range(len(x)):
        d = x - x[i]
        d -= edges * np.rint(d / edges)
        r = np.linalg.norm(d, axis=1)
        near = [j for j in range(len(x)) if j != i and r[j] < end]
        for a, j in enumerate(near):
            pair = 7.049556277 * (0.6022245584 * (sigma / r[j]) ** 4 - 1.0) * np.exp(sigma / (r[j] - end))
            total += 0.5 * epsilon * pair
            for k in near[a + 1 :]:
                cos = d[j] @ d[k] / (r[j] * r[k])
                fall = np.exp(1.2 * sigma / (r[j] - end) + 1.2 * sigma / (r[k] - end))
                total += epsilon * 21.0 * (cos + 1.0 / 3.0) ** 2 * fall
    return total


def test_moments_are_the_sum_over_triplets(shaken):
    forces, box, x, params = shaken
    assert float(forces.sums(x, box, params)[0, 0]) == pytest.approx(by_loops(x, box), rel=1e-12)


def test_cohesive_energy_and_lattice_constant():
    """Two epsilon an atom, 4.3363 eV, and no stress where the crystal is at rest."""
    forces, box, x, params = compiled(silicon())
    sums = forces.sums(x, box, params)[0]
    assert float(sums[0]) / 64 == pytest.approx(-4.3363, abs=1e-3)
    assert float(sums[0]) / 64 == pytest.approx(-2.0 * EPSILON, rel=1e-5)
    assert abs(float(sums[1::4].sum())) / (3.0 * float(box.volume)) * GIGAPASCAL < 0.05
    assert float(forces.force(x, box, params).abs().max()) < 1e-10


def test_elastic_constants_are_the_published_ones():
    """151.4 and 76.4 GPa [Balamane, Halicioglu & Tiller 1992, Phys. Rev. B 46, 2250]."""
    h = 1e-4
    stress = []
    for sign in (1.0, -1.0):
        edges = (2 * LATTICE * (1.0 + sign * h), 2 * LATTICE, 2 * LATTICE)
        forces, box, x, params = compiled(silicon(edges=edges))
        stress.append(-forces.sums(x, box, params)[0, 1:].view(3, 3).diagonal() / float(box.volume) * GIGAPASCAL)
    c11, c12, _ = ((stress[0] - stress[1]) / (2.0 * h)).tolist()
    assert c11 == pytest.approx(151.4, rel=0.005)
    assert c12 == pytest.approx(76.4, rel=0.005)


def test_force_is_the_slope_of_the_energy(shaken):
    forces, box, x, params = shaken
    w = torch.from_numpy(np.random.default_rng(1).standard_normal(tuple(x.shape)))
    expected = -slope(lambda y: forces.sums(y, box, params)[:, 0], x, w, 1e-4)
    assert float((forces.force(x, box, params) * w).sum()) == pytest.approx(float(expected), rel=1e-7)


def test_virial_is_the_slope_of_the_energy_under_a_stretch(shaken):
    forces, box, x, params = shaken
    virial = forces.sums(x, box, params)[0, 1:].view(3, 3)
    along = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)

    def energy(e):
        by = 1.0 + e * along
        return forces.sums(x * by, Box(box.edges * by), params)[0, 0]

    expected = -slope(energy, torch.tensor(0.0), 1.0, 1e-4)
    torch.testing.assert_close(virial[1, 1], expected, rtol=1e-7, atol=1e-7)


def test_transposed_derivative_of_the_force(shaken):
    forces, box, x, params = shaken
    rng = np.random.default_rng(2)
    w, v = (torch.from_numpy(rng.standard_normal(tuple(x.shape))) for _ in range(2))
    x_bar, bars = forces.product(x, box, params, w)
    expected = slope(lambda y: (w * forces.force(y, box, params)).sum(), x, v, 1e-4)
    assert float((x_bar * v).sum()) == pytest.approx(float(expected), rel=1e-7)
    for name in ("epsilon", "sigma", "pair_strength", "balance", "stiffness", "fall"):
        address = f"law.{name}"

        def pulled(value, address=address):
            return (w * forces.force(x, box, Params({**params, address: value.detach()}))).sum()

        expected = slope(pulled, params[address], 1.0, 1e-5)
        assert float(bars[address]) == pytest.approx(float(expected), rel=1e-6), name


def test_a_box_too_small_and_an_unknown_species_are_refused():
    with pytest.raises(sg.SceneError, match="half of the shortest edge"):
        sg.compile(silicon(size=(1, 1, 1)), device="cpu")
    with pytest.raises(sg.SceneError, match="the atoms here are Si"):
        sg.compile(silicon(of="C"), device="cpu")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_kernels_do_what_the_energy_in_torch_does(dtype, tolerance):
    """Of members that differ, among other atoms that they do not feel, in both precisions."""
    half = {"lattice": sg.Diamond(cells=(2, 2, 2)), "mass": 28.085, "share": 0.5}
    atoms = {"Si": sg.Atoms(**half, temperature=300.0), "other": sg.Atoms(**half)}
    scenes = [
        silicon(edges=(edge,) * 3).model_copy(
            update={"entities": {**atoms, "law": sg.StillingerWeber(of="Si", epsilon=energy, sigma=2.9)}, "seed": 3}
        )
        for edge, energy in ((11.0, 2.0), (11.3, 2.5))
    ]
    solver, state, params = sg.compile(scenes, device="cpu", dtype=dtype)
    live = Params({a: value.detach().clone().requires_grad_() for a, value in params.items()})
    (term,), box = solver.system.forces.terms, solver.system.box
    x = state.position.detach()
    x = x + 0.1 * torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(x.shape))).to(x)
    w = torch.from_numpy(np.random.default_rng(1).standard_normal(tuple(x.shape))).to(x)

    def found(kind):
        force, x_bar = torch.zeros_like(x), torch.zeros_like(x)
        kind.add_force(term, x, box, live, force)
        bars = kind.add_product(term, x, box, live, w, x_bar)
        return {"force": force, "sums": kind.sums(term, x, box, live).to(x), "x_bar": x_bar, **bars}

    kernels, torches = found(type(term)), found(SurroundingsTerm)
    assert kernels.keys() == torches.keys()
    assert len(kernels) == 9
    for name, known in torches.items():
        assert float((kernels[name] - known).abs().max()) <= tolerance * float(known.abs().max()), name

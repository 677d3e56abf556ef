"""Bonds, angles and dihedrals: forces are slopes of energies, and every derivative that the adjoint uses is one."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.bonded import angles, bonds, dihedrals, listed  # noqa: F401  # known from here on
from scenegrad.solvers.md.bonded.laws import LAWS
from scenegrad.solvers.md.bonded.shapes import ATOMS
from scenegrad.solvers.md.bonded.term import BondedTerm
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import ForceField

EDGE = 6.0
NUMBERS = {
    "harmonic_bond": ([40.0, 1.1], [55.0, 0.9]),
    "fene": ([30.0, 2.1], [20.0, 2.4]),
    "harmonic_angle": ([12.0, 1.9], [7.0, 2.3]),
    "cosine_angle": ([3.0], [2.0]),
    "periodic_dihedral": ([1.3, 0.4, 3.0], [0.7, -0.2, 2.0]),
    "lennard_jones_14": ([0.7, 1.0], [1.2, 0.9]),
    "charges_14": ([1.4], [-0.6]),
    "harmonic_dihedral": ([2.0, 2.9], [3.0, -2.8]),
}
CASES = [(kind, dim) for kind in NUMBERS for dim in (2, 3) if dim == 3 or ATOMS[LAWS[kind].shape] < 4]


def molecules(kind, dim):
    """Two systems of a bent chain of seven atoms, one of which lies across the sides of its box; two entities."""
    rng = np.random.default_rng(4)
    size = ATOMS[LAWS[kind].shape]
    steps = rng.normal(size=(2, 7, dim))
    x = np.cumsum(steps / np.linalg.norm(steps, axis=2, keepdims=True), axis=1) * np.array([1.0, 0.95])[:, None, None]
    folded = np.stack([x[0], np.mod(x[1], EDGE)])
    box = Box(torch.full((2, dim), EDGE, dtype=torch.float64))
    windows = np.arange(7 - size + 1)[:, None] + np.arange(size)
    term = BondedTerm(kind, ["a", "b"], [windows[:2], windows[2:]], box, 7, torch.float64)
    names = [f"{name}.{p}" for name in "ab" for p in LAWS[kind].parameters]
    values = [torch.full((2,), v, dtype=torch.float64, requires_grad=True) for row in NUMBERS[kind] for v in row]
    return (
        ForceField([term]),
        torch.from_numpy(folded),
        torch.from_numpy(x),
        box,
        Params(dict(zip(names, values, strict=True))),
    )


def along(function, point, direction, h=1e-5):
    """Central difference of fourth order."""
    near, far = (function(point + s * h * direction) - function(point - s * h * direction) for s in (1, 2))
    return float((8.0 * near - far) / (12.0 * h))


def random_like(value, seed):
    return torch.randn(value.shape, generator=torch.Generator().manual_seed(seed), dtype=value.dtype)


def moved(params, h, direction):
    return Params({a: (p.detach() + h * direction[a]).requires_grad_() for a, p in params.items()})


@pytest.mark.parametrize(("kind", "dim"), CASES)
def test_force_is_the_downward_slope_of_the_energy(kind, dim):
    field, x, _, box, params = molecules(kind, dim)
    force = field.force(x, box, params)
    v = random_like(x, 1) + force.sign()
    slope = along(lambda y: field.sums(y, box, params)[:, 0].sum(), x, v)
    assert slope == pytest.approx(-float((force * v).sum()), rel=1e-9)


@pytest.mark.parametrize(("kind", "dim"), CASES)
def test_product_is_the_transposed_derivative_of_the_force(kind, dim):
    field, x, _, box, params = molecules(kind, dim)
    w, v = random_like(x, 1), random_like(x, 2)
    x_bar, bars = field.product(x, box, params, w)
    v = v + x_bar.sign()
    assert along(lambda y: (w * field.force(y, box, params)).sum(), x, v) == pytest.approx(
        float((x_bar * v).sum()), rel=1e-8
    )
    q = {a: random_like(p.detach(), 3) + 2.0 * bars[a].sign() for a, p in params.items()}
    difference = along(lambda h: (w * field.force(x, box, moved(params, h, q))).sum(), 0.0, 1.0)
    assert difference == pytest.approx(sum(float((bars[a] * q[a]).sum()) for a in q), rel=1e-8)


@pytest.mark.parametrize(("kind", "dim"), CASES)
def test_sums_and_their_adjoint_are_derivatives_of_the_energy(kind, dim):
    field, x, whole, box, params = molecules(kind, dim)
    sums = field.sums(x, box, params)
    stretch = random_like(torch.empty(dim, dim, dtype=torch.float64), 5)
    far = Box(torch.full((2, dim), math.inf, dtype=torch.float64))

    def strained(h):
        return field.sums(whole @ (torch.eye(dim, dtype=torch.float64) + h * stretch).T, far, params)[:, 0].sum()

    virial = sums[:, 1:].reshape(2, dim, dim).sum(0)
    assert along(strained, 0.0, 1.0) == pytest.approx(-float((virial * stretch).sum()), rel=1e-8)

    bar = random_like(sums, 6)
    x_bar, bars = field.sums_adjoint(x, box, params, bar)
    v = random_like(x, 7) + x_bar.sign()
    assert along(lambda y: (bar * field.sums(y, box, params)).sum(), x, v) == pytest.approx(
        float((x_bar * v).sum()), rel=1e-8
    )
    q = {a: random_like(p.detach(), 3) + 2.0 * bars[a].sign() for a, p in params.items()}
    difference = along(lambda h: (bar * field.sums(x, box, moved(params, h, q))).sum(), 0.0, 1.0)
    assert difference == pytest.approx(sum(float((bars[a] * q[a]).sum()) for a in q), rel=1e-8)


@pytest.mark.parametrize(("kind", "dim"), CASES)
def test_molecules_across_the_sides_of_the_box_are_whole(kind, dim):
    field, x, whole, box, params = molecules(kind, dim)
    assert not torch.equal(x[1], whole[1])
    torch.testing.assert_close(field.sums(x, box, params), field.sums(whole, box, params), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(field.force(x, box, params), field.force(whole, box, params), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("kind", "dim"), CASES)
def test_the_stability_bound_is_above_every_eigenvalue_of_stretched_springs(kind, dim):
    """At rest a potential's Hessian is u'' q_s q_s^T, and no combination of groups swings faster than the bound."""
    field, x, _, box, params = molecules(kind, dim)
    mass = torch.tensor([[1.0, 3.0, 0.5, 2.0, 1.0, 1.0, 4.0]] * 2, dtype=torch.float64)
    bound = field.highest_frequency(x, box, params, mass, torch.ones(2, dtype=torch.float64))
    root = mass.rsqrt()[..., None]
    size = x[0].numel()
    columns = []
    for k in range(size):
        w = torch.zeros(2, size, dtype=torch.float64)
        w[:, k] = 1.0
        columns.append((-root * field.product(x, box, params, root * w.view_as(x))[0]).flatten(1))
    top = torch.linalg.eigvalsh(torch.stack(columns, dim=2)).amax(dim=1)
    assert bool((top <= 1.6 * bound).all()), f"{top} above {bound}"


@pytest.mark.parametrize("kind", ["fene", "harmonic_angle", "periodic_dihedral"])
def test_molecules_across_the_sides_of_a_leaning_box_are_whole(kind):
    _, _, whole, _, params = molecules(kind, 3)
    box = Box(torch.full((2, 3), EDGE, dtype=torch.float64), torch.tensor([[0.3, -0.2, 0.4]] * 2, dtype=torch.float64))
    inside = whole @ torch.linalg.inv(box.matrix)
    folded = (inside - inside.floor()) @ box.matrix
    size = ATOMS[LAWS[kind].shape]
    windows = np.arange(7 - size + 1)[:, None] + np.arange(size)
    field = ForceField([BondedTerm(kind, ["a", "b"], [windows[:2], windows[2:]], box, 7, torch.float64)])
    assert float((folded[:, 1:] - folded[:, :-1]).norm(dim=2).max()) > 2.0
    torch.testing.assert_close(field.sums(folded, box, params), field.sums(whole, box, params), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(field.force(folded, box, params), field.force(whole, box, params), rtol=1e-9, atol=1e-9)


def test_a_dihedral_angle_is_pi_for_trans_and_zero_for_cis():
    box = Box(torch.full((1, 3), math.inf, dtype=torch.float64))
    term = BondedTerm("harmonic_dihedral", ["d"], [np.array([[0, 1, 2, 3]])], box, 4, torch.float64)
    params = Params({"d.stiffness": torch.ones(1).double(), "d.angle": torch.zeros(1).double()})
    for twist, energy in ((0.0, 0.0), (math.pi, 0.5 * math.pi**2), (1.0, 0.5), (-1.0, 0.5)):
        last = [1.0, math.cos(twist), math.sin(twist)]
        x = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], last]], dtype=torch.float64)
        assert float(term.sums(x, box, params)[0, 0]) == pytest.approx(energy, abs=1e-12)


def dumbbells(**changes):
    parts = {
        "A": sc.Atoms(lattice=sc.Sites(((1.0, 1.0, 1.0), (2.1, 1.0, 1.0), (1.0, 3.0, 1.0), (5.9, 3.1, 1.0)))),
        "pair": sc.LennardJones(cutoff=2.5),
        "bond": sc.HarmonicBond(stiffness=50.0, length=1.0, groups=((0, 1), (2, 3))),
    } | changes
    return sc.Scene(
        name="dumbbells", units="lj", domain=sc.Domain.periodic(size=(6.0, 6.0, 6.0)), entities=parts,
        time=sc.Time(end=0.01, dt=0.002),
    )  # fmt: skip


def test_bonded_pairs_are_left_out_of_pair_potentials_and_reach_across_the_sides():
    solver, state, params = compile_scene(dumbbells(), device="cpu", dtype="float64")
    both = float(solver.observe(state, params)["potential_energy"])
    bare = dumbbells(bond=sc.HarmonicBond(stiffness=50.0, length=1.0, groups=((0, 1), (2, 3)), excludes=False))
    solver, state, params = compile_scene(bare, device="cpu", dtype="float64")
    free = float(solver.observe(state, params)["potential_energy"])
    long = math.hypot(1.1, 0.1)
    springs = 25.0 * (0.1**2 + (long - 1.0) ** 2)

    def shifted(r, rc=2.5):
        u, s = (lambda z: 4 * (z**-12 - z**-6)), (lambda z: -4 * (12 * z**-13 - 6 * z**-7))
        return u(r) - u(rc) - (r - rc) * s(rc)

    others = [math.hypot(0, 2), math.hypot(1.1, 2.0), math.hypot(1.1, 2.1), math.hypot(2.2, 2.1)]
    rest = sum(shifted(r) for r in others if r < 2.5)
    assert both == pytest.approx(springs + rest, rel=1e-10)
    assert free - both == pytest.approx(shifted(1.1) + shifted(long), rel=1e-9)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (sc.HarmonicBond(stiffness=1.0, length=1.0, groups=((0, 9),)), r"\(0, 9\).*4 atoms"),
        (sc.HarmonicBond(stiffness=1.0, length=1.0, of="B"), "names 'B'"),
        (sc.HarmonicBond(stiffness=1.0, length=1.0), "no chains of 2 beads"),
        (sc.FENE(groups=((0, 1), (0, 2))), "atoms 0 and 2, which start 2 apart"),
    ],
)
def test_bonds_that_cannot_be_are_refused_with_their_atoms(part, words):
    with pytest.raises(SceneError, match=words):
        compile_scene(dumbbells(bond=part), device="cpu", dtype="float64")


def test_a_group_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match="3 different atoms"):
        sc.HarmonicAngle(stiffness=1.0, angle=2.0, groups=((0, 1),))

"""Alanine dipeptide: third neighbours act in part, kinds of atoms mix, a dielectric stands around them."""

import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError


def compiled(scene):
    return sg.compile(scene, device="cpu", dtype="float64")


def shaken(state, size=0.03):
    noise = torch.randn(state.position.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return state.position + size * noise


@pytest.mark.parametrize("medium", ["vacuum", "water"])
def test_forces_of_a_peptide_and_their_derivatives_are_slopes(medium):
    scene = sg.library.alanine_dipeptide(medium=medium)
    names = ["pairs-CT.epsilon", "pairs-O.sigma", "O.charge", "H.charge", "dihedral-C-N-CT-C-2.stiffness"]
    scene = scene.replace({name: sg.Parameter(scene.at(name)) for name in names})
    solver, state, params = compiled(scene)
    forces, box = solver.system.forces, solver.system.box
    x = shaken(state)
    g = torch.Generator().manual_seed(2)
    v, w = (torch.randn(x.shape, generator=g, dtype=torch.float64) for _ in range(2))
    h = 1e-4

    def slope(function):
        return (8.0 * (function(h) - function(-h)) - function(2 * h) + function(-2 * h)) / (12.0 * h)

    energy = slope(lambda s: float(forces.sums(x + s * v, box, params)[0, 0]))
    assert energy == pytest.approx(-float((forces.force(x, box, params) * v).sum()), rel=1e-8)
    x_bar, bars = forces.product(x, box, params, w)
    bent = slope(lambda s: float((forces.force(x + s * v, box, params) * w).sum()))
    assert bent == pytest.approx(float((x_bar * v).sum()), rel=1e-7)
    for name in names:

        def moved(s, name=name):
            return Params({a: p.detach() + (s if a == name else 0.0) for a, p in params.items()})

        found = slope(lambda s, moved=moved: float((forces.force(x, box, moved(s)) * w).sum()))
        assert found == pytest.approx(float(bars[name].sum()), rel=1e-6), name


def test_shares_of_third_neighbours_are_shares_of_what_they_would_feel():
    """Two atoms that are all third neighbours: what they feel is the share of what they feel without a scaled pair."""

    def energy(*scaled):
        scene = sc.Scene(
            name="pair",
            units="real",
            domain=sc.Domain.unbounded(dim=3),
            entities={
                "A": sc.Atoms(lattice=sc.Sites(((0.0, 0.0, 0.0),)), charge=0.4),
                "B": sc.Atoms(lattice=sc.Sites(((3.1, 0.2, 0.0),)), charge=-0.3),
                "a": sc.MixedLennardJones(of=("A",), epsilon=0.2, sigma=3.0, cutoff=50.0, cut="switch"),
                "b": sc.MixedLennardJones(of=("B",), epsilon=0.05, sigma=3.4, cutoff=50.0, cut="switch"),
                "charges": sc.Electrostatics(method=sc.Direct()),
                **dict(scaled),
            },
            time=sc.Time(end=1.0),
        )
        solver, state, params = compiled(scene)
        return [
            float(term.sums(state.position, solver.system.box, params)[0, 0]) for term in solver.system.forces.terms
        ]

    pairs, charges = energy()
    scaled = energy(("third", sc.ScaledPairs(groups=((0, 1),), pairs=0.25, charges=0.6)))
    assert scaled[:2] == [0.0, 0.0]  # left out of the lists
    assert scaled[2:] == pytest.approx([0.25 * pairs, 0.6 * charges], rel=1e-12)
    r, sigma = (3.1**2 + 0.2**2) ** 0.5, 3.2
    assert pairs == pytest.approx(4.0 * 0.1 * ((sigma / r) ** 12 - (sigma / r) ** 6), rel=1e-12)


def test_twists_are_those_that_bonds_are_written_in():
    scene = sg.library.alanine_dipeptide(end=2.0, every=1.0)
    outputs = sg.run(scene, device="cpu", dtype="float64")
    # C7eq, where the molecule starts
    assert torch.rad2deg(torch.as_tensor(outputs["shape"].phi).flatten()[0]) == pytest.approx(-77.48, abs=0.01)
    assert torch.rad2deg(torch.as_tensor(outputs["shape"].psi).flatten()[0]) == pytest.approx(54.08, abs=0.01)


def test_rigid_hydrogens_keep_their_lengths():
    scene = sg.library.alanine_dipeptide(hydrogens="rigid", dt=1.25, end=20.0)
    solver, state, params = compiled(scene)
    bonds = solver.motion.bonds
    assert bonds.count == 12
    end = sg.rollout(solver, state, params).state.position.detach()
    apart = bonds.apart(end, solver.system.box).norm(dim=3)
    assert float(((apart / bonds.length - 1.0) * bonds.real).abs().max()) < 1e-11


def test_wrong_mixtures_and_solvents_are_refused_in_words():
    scene = sg.library.alanine_dipeptide(medium="water")
    wrong = {
        "pairs-O.of": (["O", "Q"], "'Q'"),
        "pairs-H.of": (["H", "O"], "already"),
        "pairs-N.cutoff": (20.0, "is 20"),
        "water.radius": ({"O": 1.5}, "no number for"),
    }
    for address, (value, told) in wrong.items():
        with pytest.raises(SceneError, match=told):
            sg.compile(scene.replace({address: value}), device="cpu", dtype="float64")


def test_a_pair_that_is_scaled_twice_is_refused():
    """As the ends of two dihedrals of a ring would be."""
    with pytest.raises(ValueError, match=r"the pair \(3, 0\) twice"):
        sc.ScaledPairs(groups=((0, 3), (1, 4), (3, 0)))

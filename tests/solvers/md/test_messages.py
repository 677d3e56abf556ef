"""What is wrong with atoms is told by the atom, the pair or the bond."""

import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.md.solver import AtomSolver


def three(apart, **parts):
    """Two species; the first two atoms stand `apart`, across a side of the box."""
    return sc.Scene(
        name="three",
        units="lj",
        domain=sc.Domain.periodic(size=(10.0,) * 3),
        entities={
            "A": sc.Atoms(lattice=sc.Sites(((9.9, 1.0, 1.0), (4.0, 5.0, 5.0)))),
            "B": sc.Atoms(lattice=sc.Sites(((9.9 + apart - 10.0, 1.0, 1.0),))),
            **(parts or {"pair": sc.LennardJones()}),
        },
        dynamics=sc.NVE(),
        outputs={"energy": sc.Energy(every=0.1)},
        time=sc.Time(end=1.0, dt=0.005),
    )


def test_atoms_on_one_place_are_named():
    with pytest.raises(SceneError, match=r"atom 0 \(A 0\) and atom 2 \(B 0\)"):
        sg.run(three(0.0))


def test_atoms_that_overlap_are_named_where_they_bound_the_step():
    with pytest.raises(StabilityError, match=r"atom 0 \(A 0\) and atom 2 \(B 0\) are 0.3 apart"):
        sg.run(three(0.3))


def test_a_bond_that_starts_beyond_its_extent_is_named():
    bond = {"bond": sc.FENE(groups=((0, 2),), extent=1.5), "pair": sc.WCA()}
    with pytest.raises(SceneError, match=r"bond.extent.*atoms 0 and 2, which start 1.6 apart"):
        sg.run(three(1.6, **bond))


def test_a_bond_that_breaks_ends_the_run_at_that_step(monkeypatch, tmp_path):
    """Two beads that push themselves so hard that a step leaves the extent of their bond. The bound of the step would
    not let that happen; here it is lifted."""
    monkeypatch.setattr(AtomSolver, "max_dt", lambda self, state, params: torch.ones(1, dtype=torch.float64))
    scene = sc.Scene(
        name="torn",
        units="lj",
        domain=sc.Domain.periodic(size=(10.0,) * 3),
        entities={
            "A": sc.Atoms(lattice=sc.Sites(((4.5, 5.0, 5.0), (5.5, 5.0, 5.0)))),
            "bond": sc.FENE(groups=((0, 1),)),
            "pair": sc.WCA(),
        },
        dynamics=sc.ActiveBrownian(temperature=0.01, speed=300.0, rotation=1.0),
        time=sc.Time(end=1.0, dt=0.001),
    )
    with pytest.raises(Diverged, match=r"after step \d+ ") as told:
        sg.run(scene, out=tmp_path / "torn")
    assert "The bond bond of atom 0 (A) and atom 1 (A) is drawn out to" in str(told.value)


def test_a_force_beyond_the_extent_is_no_number():
    solver, state, params = sg.compile(
        three(1.0, bond=sc.FENE(groups=((0, 2),)), pair=sc.WCA()), device="cpu", dtype="float64"
    )
    x = state.position.clone()
    x[0, 2, 0] += 0.6
    force = solver.system.forces.force(x, solver.system.box, params)[0]
    assert force[[0, 2], 0].isnan().all()
    assert force[1].isfinite().all()
    assert "1.07 of its extent" in solver.broken(type(state)(**{**vars(state), "position": x}), params, 0)


def test_charges_that_do_not_add_up_are_counted():
    charged = {
        "charges": sc.Electrostatics(method=sc.Ewald()),
        "pair": sc.LennardJones(),
    }
    scene = three(1.2, **charged).replace({"A.charge": 1.0, "B.charge": -1.0})
    with pytest.raises(SceneError, match=r"add up to 1 \(2 A x 1 \+ 1 B x -1\)"):
        sg.run(scene)


def test_a_kind_of_bond_without_numbers_is_named_with_its_atoms(tmp_path):
    (tmp_path / "water.pdb").write_text(
        "HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O\n"
        "HETATM    2  H1  HOH A   1       0.960   0.000   0.000  1.00  0.00           H\n"
        "CONECT    1    2\nEND\n"
    )
    found = sc.read_molecules(tmp_path / "water.pdb")
    with pytest.raises(SceneError, match=r"no numbers for bond-H-O, of atoms 1-2"):
        found.entities()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"mass": 12.0', '"mass": -12.0'), "atoms 0 mass"),
        (('"atoms": [[0, 1]]', '"atoms": [[0, 7]]'), r"bond-C-C names atom 7 in \(0, 7\)"),
        (('"stiffness": 300.0, ', ""), "bonds C-C stiffness"),
        (("]}}", ""), "line"),
        (('"units": "real"', '"units": "metal"'), "units"),
    ],
)
def test_a_wrong_table_of_a_molecule_is_refused_with_its_place(tmp_path, change, told):
    atom = '{"kind": "C", "mass": 12.0, "position": [%g, 0, 0], "epsilon": 0.1, "sigma": 3.4}'
    text = (
        '{"units": "real",\n "atoms": [' + atom % 0.0 + ",\n" + atom % 1.5 + "],\n"
        ' "bonds": {"C-C": {"stiffness": 300.0, "length": 1.5, "atoms": [[0, 1]]}}}'
    )
    assert change[0] in text
    path = tmp_path / "molecule.json"
    path.write_text(text)
    assert len(sc.read_molecules(path).bonds) == 1
    path.write_text(text.replace(*change, 1) if change[0] != "]}}" else text[: -len("]}}")])
    with pytest.raises(SceneError, match=told):
        sc.read_molecules(path)

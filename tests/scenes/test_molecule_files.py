"""Molecule files come in whole, in the units of the scene, or are refused with their line."""

import itertools
import math

import numpy as np
import pytest

import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.lattice import read_points

LAMMPS = """LAMMPS data file of one bent molecule across a side of its box

4 atoms
3 bonds
2 angles
1 dihedrals
2 atom types
1 bond types
1 angle types
1 dihedral types

-1.0 9.0 xlo xhi
0.0 12.0 ylo yhi
0.0 14.0 zlo zhi

Masses

1 12.011
2 1.008  # hydrogen

Pair Coeffs # lj/cut

1 0.1 3.4
2 0.02 2.6

Bond Coeffs # harmonic

1 310.0 1.5

Angle Coeffs # harmonic

1 50.0 109.5

Dihedral Coeffs # charmm

1 1.4 3 180 0.5

Atoms # full

1 1 2 0.1 8.0 1.0 1.0
2 1 1 -0.1 -0.5 1.0 1.0 1 0 0
3 1 1 -0.1 -0.1 2.4 1.0 1 0 0
4 1 2 0.1 1.0 2.4 2.0 1 0 0

Velocities

1 0.001 0 0
2 -0.001 0 0
3 0 0 0
4 0 0 0

Bonds

1 1 1 2
2 1 2 3
3 1 3 4

Angles

1 1 1 2 3
2 1 2 3 4

Dihedrals

1 1 1 2 3 4
"""
GRO = """Argon and water t= 0.0
    4
    1SOL     OW    1   0.126   1.624   1.679  0.1227 -0.0580  0.0434
    1SOL    HW1    2   0.190   1.661   1.747  0.8085  0.3191 -0.7791
    1SOL    HW2    3   0.177   1.568   1.613 -0.9045 -2.6469  1.3180
    2CA      CA    4   1.275   0.053   0.622  0.2519  0.3140 -0.1734
   1.82060   1.82060   1.92060
"""
PDB = """CRYST1   20.000   21.000   22.000  90.00  90.00  90.00 P 1           1
ATOM      1  CA  ALA A   1      11.104   6.134  -6.504  1.00  0.00           C
ATOM      2  N   ALA A   1      11.639   6.071  -5.147  1.00  0.00           N
HETATM    3 CL    CL A   2       1.000   2.000   3.000  1.00  0.00          CL
CONECT    1    2
CONECT    2    1
END
"""
XYZ = """2
Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"
Ar 0 0 0
Ar 1 1 1
"""


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_lammps_file_becomes_a_scene_with_its_energy(tmp_path):
    """All terms by hand: x of the four atoms, whole, is 8, 9.5, 9.9, 11 from -1."""
    found = sc.read_molecules(written(tmp_path, "bent.data", LAMMPS))
    assert found.size == (10.0, 12.0, 14.0)
    assert [atom.position[0] for atom in found.atoms] == pytest.approx([9.0, 10.5, 10.9, 12.0])
    entities = found.entities()
    assert list(found.species().values()) == [[0, 3], [1, 2]]
    assert entities["type2"].charge == 0.1
    assert entities["type1"].mass == 12.011
    assert entities["type2"].lattice.velocities[0] == (0.001, 0.0, 0.0)
    charges = {name: part for name, part in entities.items() if isinstance(part, sc.Atoms) and part.charge}
    entities |= {name: part.model_copy(update={"charge": 0.0}) for name, part in charges.items()}
    scene = sc.Scene(
        name="bent", units="real", domain=found.domain(), entities=entities, time=sc.Time(end=1.0, dt=0.5)
    )  # fmt: skip
    scene = sc.Scene.load(scene.save(tmp_path / "bent.toml"))
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    x = [(8.0, 1.0, 1.0), (9.5, 1.0, 1.0), (9.9, 2.4, 1.0), (11.0, 2.4, 2.0)]
    bonds = sum(310.0 * (math.dist(a, b) - 1.5) ** 2 for a, b in itertools.pairwise(x))

    def angle(a, b, c):
        u, v = [p - q for p, q in zip(a, b, strict=True)], [p - q for p, q in zip(c, b, strict=True)]
        return math.acos(sum(p * q for p, q in zip(u, v, strict=True)) / (math.dist(a, b) * math.dist(c, b)))

    angles = sum(50.0 * (angle(*x[k : k + 3]) - math.radians(109.5)) ** 2 for k in (0, 1))
    total = float(solver.observe(state, params)["potential_energy"])
    # The first bond lies along x and the second in the plane, so the twist is that of the last bond out of the plane.
    b2, b3 = (0.4, 1.4, 0.0), (1.1, 0.0, 1.0)
    n1, n2 = (0.0, 0.0, 1.5 * 1.4), (b2[1] * b3[2], -b2[0] * b3[2], -b2[1] * b3[0])
    cosine = n1[2] * n2[2] / (n1[2] * math.hypot(*n2))
    twisted = 1.4 * (1.0 + math.cos(3.0 * math.acos(cosine) - math.pi))
    assert total == pytest.approx(bonds + angles + twisted, rel=1e-9)


def test_a_gro_file_is_brought_to_the_units_of_the_scene(tmp_path):
    found = sc.read_molecules(written(tmp_path, "water.gro", GRO), units="metal")
    assert found.size == pytest.approx((18.206, 18.206, 19.206))
    assert [atom.kind for atom in found.atoms] == ["O", "H", "H", "Ca"]
    assert found.atoms[0].position == pytest.approx((1.26, 16.24, 16.79))
    assert found.atoms[2].velocity == pytest.approx((-9.045, -26.469, 13.180))


def test_a_pdb_file_has_elements_a_box_and_bonds(tmp_path):
    found = sc.read_molecules(written(tmp_path, "small.pdb", PDB))
    assert found.size == (20.0, 21.0, 22.0)
    assert [(atom.kind, atom.name) for atom in found.atoms] == [("C", "CA"), ("N", "N"), ("Cl", "CL")]
    assert [group.atoms for group in found.bonds] == [(0, 1)]
    with pytest.raises(SceneError, match="no numbers for bond-C-N, of atoms 1-2"):
        found.entities()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.data", LAMMPS.replace("3 1 3 4\n", ""), r"line \d+: Bonds has 2 rows.*header says 3"),
        ("a.data", LAMMPS[: LAMMPS.index("Atoms")], "line 37: the file ends without a section Atoms"),
        ("a.data", LAMMPS.replace("3 1 3 4\n", "3 7 3 4\n"), "line 56: bond 3 is of the type 7"),
        ("a.data", LAMMPS.replace("4 1 2 0.1 1.0", "4 1 3 0.1 1.0"), "line 43: atom 4 is of the type 3, which Masses"),
        ("a.data", LAMMPS.replace("-0.5 1.0", "x 1.0"), "line 41: 'x' is no finite number"),
        ("a.data", LAMMPS.replace("3 1 3 4\n", "3 1 3 9\n"), "line 56: bond 3 names atom 9"),
        ("a.gro", GRO[: GRO.index("    2CA")], "line 5: the file ends here; 4 atoms and the box take 7 lines"),
        ("a.gro", GRO.replace("2CA      CA", "2QQ      QQ"), "line 6: 'QQ' is no element"),
        ("a.gro", GRO.replace("1.624", "1.x24"), "line 3"),
        ("a.pdb", PDB[:115], "line 2.*columns 31 to 54"),
        ("a.pdb", PDB.replace("CONECT    1    2", "CONECT    1    8"), "line 5: CONECT names atom 8"),
        ("a.mol2", "", "no molecule file"),
        ("a.data", LAMMPS.replace("8.0 1.0 1.0", "nan 1.0 1.0"), "line 40: 'nan' is no finite number"),
        ("a.data", LAMMPS.replace("3 1 1 -0.1", "2 1 1 -0.1"), "line 42: there is an atom 2 already"),
        ("a.data", LAMMPS.replace("2 -0.001 0 0", "2 -0.001 0"), "line 48: a row of Velocities has 4 numbers; found 3"),
        ("a.data", LAMMPS.replace("4 0 0 0\n", "9 0 0 0\n"), "line 50: Velocities names atom 9"),
        ("a.data", LAMMPS.replace("4 0 0 0\n", ""), "line 49: Velocities has 3 rows.*header says 4"),
        ("a.data", LAMMPS.replace("1 12.011", "1 -2"), "line 18: the mass -2 of type 1 is not positive"),
        ("a.data", LAMMPS.replace("1 12.011", "1"), "line 18: a row of Masses has 2 numbers; found 1"),
        ("a.data", LAMMPS.replace("1 0.1 3.4", "1 0.1"), "line 23: a row of Pair Coeffs has 3 numbers; found 2"),
        ("a.data", LAMMPS.replace("-1.0 9.0 xlo", "9.0 -1.0 xlo"), "line 12: the box reaches from 9 to -1"),
        ("a.data", LAMMPS[:-20], "line 63: 'Dih' is no section"),
        ("a.gro", GRO.replace("1.624", "  nan"), "line 3"),
        ("a.gro", GRO.replace("-0.0580", "    nan"), "line 3: 'nan' is no finite number"),
        ("a.gro", GRO.replace("    4\n", "    5\n"), "line 7: the file ends here; 5 atoms"),
        ("a.gro", GRO.replace("    4\n", "    3\n"), "line 6: .2CA. is no finite number"),
        ("a.gro", GRO.replace("1.92060", "    nan"), "line 7: 'nan' is no finite number"),
        ("a.pdb", PDB.replace("11.104", "   nan"), "line 2: 'nan' is no finite number"),
        ("a.pdb", PDB.replace("20.000", "   nan"), "line 1: 'nan' is no finite number"),
        ("a.pdb", PDB.replace("END\n", ""), "line 6: the file ends without END"),
        ("a.pdb", PDB.replace("          CL", "          QQ"), "line 4: 'Qq' is no element"),
        ("a.xyz", XYZ.replace("1 1 1", "1 nan 1"), "line 4: 'nan' is no finite number"),
        ("a.xyz", XYZ[:-9], "line 3: the file ends within a frame of 2 atoms that began in line 1"),
        ("a.xyz", XYZ[:-3], "line 4: an atom has 4 columns here; found 3"),
        ("a.xyz", XYZ.replace("2\n", "3\n", 1), "line 4: the file ends within a frame of 3 atoms"),
        ("a.xyz", XYZ.replace("2\n", "1\n", 1), "line 4: a frame begins with the number of its atoms"),
        ("a.xyz", XYZ.replace("Ar 1", "Qq 1"), "line 4: 'Qq' is no element"),
        ("a.xyz", XYZ.replace("5 0 0 0 5", "nan 0 0 0 5"), "line 2: 'nan' is no finite number"),
        ("a.xyz", XYZ.replace("pos:R:3", "pos:R:x"), "line 2: Properties is name:kind:columns"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(tmp_path, name, text, words):
    with pytest.raises(SceneError, match=words):
        sc.read_molecules(written(tmp_path, name, text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n0,0\n1,one\n", "line 3: a number cannot be read in '1,one'"),
        ("0,0\n1,nan\n", "line 2: '1,nan' is not finite"),
        ("0,0\n1\n", "line 2: 1 numbers, where rows are x, y"),
        ("0,0\n1,2,3\n", "line 2: 3 numbers, where rows are x, y"),
        ("", "holds an array of shape"),
    ],
)
def test_a_table_of_positions_that_is_wrong_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(SceneError, match=words):
        read_points(sc.PointFile(str(written(tmp_path, "points.csv", text))))


def test_an_array_of_positions_that_is_wrong_is_refused_with_its_atom(tmp_path):
    points = np.zeros((5, 3))
    points[3, 1] = np.inf
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(SceneError, match="puts atom 3, counted from 0, at"):
        read_points(sc.PointFile(str(tmp_path / "points.npy")))
    whole = (tmp_path / "points.npy").read_bytes()
    (tmp_path / "points.npy").write_bytes(whole[:-20])
    with pytest.raises(SceneError, match="holds no positions"):
        read_points(sc.PointFile(str(tmp_path / "points.npy")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Angle Coeffs # harmonic\n\n1 50.0 109.5", "Angle Coeffs # charmm\n\n1 50.0 109.5 20.0 2.5", "line 32.*ends"),
        ("Pair Coeffs # lj/cut", "Pair Coeffs # buck", "line 21.*buck"),
    ],
)
def test_lammps_potentials_that_would_lose_a_part_are_refused(tmp_path, old, new, message):
    assert old in LAMMPS
    with pytest.raises(SceneError, match=message):
        sc.read_molecules(written(tmp_path, "molecule.data", LAMMPS.replace(old, new)))

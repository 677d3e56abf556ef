"""Data sets of others become datasets of ours and go back to theirs; atoms become scenes that run."""

import json

import h5py
import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.cli import main
from scenegrad.engine.dataset import open_dataset
from scenegrad.engine.errors import EngineError, FileError, OutputInUse
from scenegrad.exporting import export
from scenegrad.importing import KINDS, import_file
from scenegrad.surrogates import PDEBench, TheWell, read_gns, write_gns
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.formats.the_well_writing import write_the_well


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Flow:
    """Trajectories in memory."""

    probes = ("fields",)
    members = tuple(range(12))
    hash = "0" * 64
    parameters = {"nu": np.linspace(0.5, 1.5, 12).astype(np.float32).astype(np.float64)}  # noqa: RUF012
    fields = {"w": noise(12, 5, 6, 4), "v": noise(12, 5, 6, 4, 2, seed=1)}  # noqa: RUF012

    def quantities(self, probe):
        return list(self.fields)

    def times(self, probe):
        return 0.25 * np.arange(5)

    def read(self, member, probe, quantity, frames=slice(None)):
        return self.fields[quantity][member][frames]


@pytest.fixture
def well(tmp_path):
    """A folder of The Well."""
    axes = (0.5 * np.arange(6), 0.1 + 0.25 * np.arange(4))
    write_the_well(Flow(), tmp_path / "theirs", name="noise", axes=axes, periodic=(True, False))
    return tmp_path / "theirs"


def by_number(data, name="w"):
    """Frames of each member by its parameter, whatever its place."""
    return {data.parameters["nu"][i]: data.read(m, data.probes[0], name) for i, m in enumerate(data.members)}


def test_a_data_set_of_the_well_becomes_ours_and_is_seen_as_theirs_without_a_copy(well, tmp_path, check_the_well):
    made = import_file(well, tmp_path / "ours")
    data = open_dataset(tmp_path / "ours")
    assert made.kind == "well"
    with pytest.raises(FileError, match="none of the files"):
        import_file(next((tmp_path / "ours" / "shards").iterdir()), tmp_path / "one")
    assert len(data) == 12
    assert {len(data.manifest["parts"][part]) for part in ("validation", "test")} == {1}
    for name in ("w", "v"):
        for nu, frames in by_number(data, name).items():
            place = Flow.parameters["nu"].tolist().index(pytest.approx(nu))
            assert np.array_equal(frames, Flow.fields[name][place])
    files = export(data, "well", tmp_path / "seen")
    links, views = files[:-3], files[-3:]
    assert [f.relative_to(tmp_path / "seen").parts[1] for f in links] == ["train"] * 10 + ["valid", "test"]
    assert all(f.is_symlink() for f in links)
    whole = sum(f.stat().st_size for f in (tmp_path / "ours" / "shards").iterdir())
    assert sum(f.stat().st_size for f in views) < whole
    assert import_file(tmp_path / "seen", tmp_path / "back").kind == "well"
    seen, before = TheWell(tmp_path / "seen"), TheWell(well)
    assert (seen.grid, seen.periodic) == (before.grid, before.periodic)
    np.testing.assert_allclose(seen.axes[1], before.axes[1], rtol=1e-6)
    for name in ("w", "v"):
        wanted = by_number(before, name)
        assert same(by_number(seen, name), wanted)
        assert same({n: f for view in views for n, f in by_number(TheWell(view), name).items()}, wanted)
    for path in files:
        check_the_well(path)
    with h5py.File(views[0]) as file:
        assert [view.stem for view in views] == ["train", "valid", "test"]
        assert file["t0_fields/w"].is_virtual
        assert file["t1_fields/v"].dtype == np.float32
        assert file["t1_fields/v"].shape == (10, 5, 6, 4, 2)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for folder in ("ours", "seen"):
        (tmp_path / folder).rename(moved / folder)  # together with what they point to
    assert same(by_number(TheWell(moved / "seen")), by_number(before))
    assert not np.isnan(TheWell(moved / "seen" / "virtual" / "train.hdf5").read(0, "fields", "w")).any()


def same(found, wanted):
    return found.keys() == wanted.keys() and all(np.array_equal(found[nu], wanted[nu]) for nu in wanted)


def test_the_loader_of_the_well_reads_the_view(well, tmp_path):
    peer = pytest.importorskip("the_well.data")
    import_file(well, tmp_path / "ours")
    export(tmp_path / "ours", "well", tmp_path / "seen")
    data = peer.WellDataset(path=str(tmp_path / "seen"), well_split_name="train", n_steps_input=2, n_steps_output=1)
    assert len(data) == 10 * 3
    item = data[0]
    seen = TheWell(tmp_path / "seen" / "data" / "train")
    assert np.array_equal(item["input_fields"][..., 0], seen.read(0, "fields", "w", slice(0, 2)))
    assert np.array_equal(item["output_fields"][..., 1:], seen.read(0, "fields", "v", slice(2, 3)))


def test_a_view_of_a_dataset_with_missing_or_damaged_members_is_refused_before_anything_is_written(well, tmp_path):
    import_file(well, tmp_path / "ours")
    shard = tmp_path / "ours" / "shards" / "m00003.h5"
    with h5py.File(shard, "r+") as file:
        file.move("t1_fields/v", "t1_fields/other")
    with pytest.raises(FileError, match=r"m00003\.h5 does not hold t1_fields/v"):
        export(tmp_path / "ours", "well", tmp_path / "seen")
    shard.unlink()
    with pytest.raises(EngineError, match=r"1 members are missing \(3\)"):
        export(tmp_path / "ours", "well", tmp_path / "seen")
    assert not list((tmp_path / "seen").rglob("*.*"))
    import_file(well, tmp_path / "ours")  # goes on where it stopped
    assert export(tmp_path / "ours", "well", tmp_path / "seen")


def test_double_precision_and_some_frames_are_seen_in_single_precision(tmp_path):
    from scenegrad.engine.dataset_folder import DatasetFolder
    from scenegrad.engine.files.shard import Shard
    from scenegrad.engine.solver import Grid, Probe

    folder, rng = DatasetFolder(tmp_path / "ours"), np.random.default_rng(3)
    values = rng.normal(size=(4, 6, 5, 3))
    stress = rng.normal(size=(4, 6, 5, 3, 2, 2))
    identity = {"scene": "x", "seed": 0, "sampler": "sobol", "dtype": "float64", "device": "cpu", "gradients": []}
    about = {"identity": identity, "name": "100%", "scene": {}, "n": 4, "parameters": {"a": [0.0, 1.0, 2.0, 3.0]}}
    folder.write(about)
    probe = Probe("fields", 0.5, lambda state, params: {}, Grid((5, 3), (1.0, 1.0), (0.0, 0.0), (True, True)))
    for member in range(4):
        shard = Shard(folder.shard(member), [probe], [[0.5 * n for n in range(6)]], 0, {}, {"a": float(member)}, "s")
        for n in range(6):
            shard.append(0, n, {"u": values[member, n], "stress": stress[member, n]})
        shard.seal()
    export(tmp_path / "ours", "well", tmp_path / "seen", frames="1::2")
    for seen in (TheWell(tmp_path / "seen"), TheWell(tmp_path / "seen" / "virtual" / "train.hdf5")):
        for row, a in enumerate(seen.parameters["a"]):
            found = seen.read(row, "fields", "u")
            assert found.dtype == np.float32
            assert np.array_equal(found, values[int(a), 1::2].astype(np.float32))
            wanted = stress[int(a), 1::2].astype(np.float32).reshape(3, 5, 3, 4)
            assert np.array_equal(seen.read(row, "fields", "stress"), wanted)


def test_pdebench_in_and_out_is_the_same(well, tmp_path):
    import_file(well, tmp_path / "ours")
    (path,) = export(tmp_path / "ours", "pdebench")
    with h5py.File(path) as file:
        assert sorted(file) == [f"{n:04d}" for n in range(12)]
        assert file["0007/data"].shape == (5, 6, 4, 3)
        assert set(file["0007/grid"]) == {"x", "y", "t"}
        assert "nu: " in file["0007"].attrs["config"]
        data = open_dataset(tmp_path / "ours")
        assert np.array_equal(file["0007/data"][..., 0], data.read(7, "fields", "w"))
        assert np.array_equal(file["0007/data"][..., 1:], data.read(7, "fields", "v"))
    made = import_file(path, tmp_path / "back")
    back = open_dataset(tmp_path / "back")
    assert made.kind == "pdebench"
    assert list(back.quantities("fields")) == ["u0", "u1", "u2"]
    assert np.array_equal(back.read(7, "fields", "u0"), data.read(7, "fields", "w"))
    assert back.parameters["nu"] == pytest.approx(data.parameters["nu"])
    assert PDEBench(path).hash == back.manifest["identity"]["scene"]


def test_darcy_pairs_of_pdebench_are_members_of_two_equal_frames(tmp_path):
    nu, u = noise(4, 6, 6), noise(4, 1, 6, 6, seed=1)
    with h5py.File(tmp_path / "darcy.hdf5", "w") as file:
        file["nu"], file["tensor"] = nu, u
        file["x-coordinate"] = file["y-coordinate"] = (np.arange(6) + 0.5) / 6
        file.attrs["beta"] = 1.0
    import_file(tmp_path / "darcy.hdf5", tmp_path / "ours")
    data = open_dataset(tmp_path / "ours")
    assert list(data.quantities("fields")) == ["nu", "u"]
    assert np.array_equal(data.read(2, "fields", "nu"), np.stack([nu[2]] * 2))
    assert np.array_equal(data.read(2, "fields", "u"), np.stack([u[2, 0]] * 2))
    (again,) = export(data, "pdebench", tmp_path / "again.hdf5", frames="0")
    with h5py.File(again) as file:
        assert np.array_equal(file["nu"], nu)
        assert np.array_equal(file["tensor"], u)
    files = export(data, "neuraloperator", tmp_path / "pt", frames="0")
    found = [torch.load(f, weights_only=True) for f in files]
    assert sorted(map(float, torch.cat([f["x"] for f in found]).ravel())) == sorted(map(float, nu.ravel()))


def test_neuraloperator_in_and_out_is_the_same(tmp_path):
    x, y = noise(12, 2, 8, 8), noise(12, 1, 8, 8, seed=1)
    torch.save({"x": torch.tensor(x), "y": torch.tensor(y)}, tmp_path / "flow_train_8.pt")
    import_file(tmp_path / "flow_train_8.pt", tmp_path / "ours")
    data = open_dataset(tmp_path / "ours")
    assert list(data.quantities("fields")) == ["x", "y"]
    assert np.array_equal(data.read(5, "fields", "x")[0], np.moveaxis(x[5], 0, -1))
    files = export(data, "neuraloperator", tmp_path / "out", frames="0")
    assert [f.name for f in files] == [f"flow_train_8_{part}_8.pt" for part in ("train", "validation", "test")]
    found = [torch.load(f, weights_only=True) for f in files]
    assert found[0]["x"].shape == (10, 2, 8, 8)
    assert {t.dtype for f in found for t in f.values()} == {torch.float32}
    assert sorted(torch.cat([f["x"] for f in found]).ravel().tolist()) == sorted(x.ravel().tolist())


def test_what_was_imported_has_a_card_and_is_trained_on(tmp_path, capsys):
    x = noise(12, 8, 8)
    torch.save({"x": torch.tensor(x), "y": torch.tensor(2.0 * x)}, tmp_path / "double.pt")
    assert main(["import", str(tmp_path / "double.pt"), "--out", str(tmp_path / "data"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"] == 12
    assert main(["card", str(tmp_path / "data")]) == 0
    (tmp_path / "r.toml").write_text(
        '[model]\nkind = "fno"\nmodes = [2, 2]\nwidth = 4\nfields = ["x"]\noutputs = ["y"]\ndepth = 1\n'
        "[training]\nepochs = 2\nbatch_size = 4\n"
    )
    words = ["train", str(tmp_path / "r.toml"), str(tmp_path / "data"), "--out", str(tmp_path / "fit"), "--quiet"]
    assert main(words) == 0
    assert main(["evaluate", str(tmp_path / "fit"), str(tmp_path / "data"), "--metrics", "one_step"]) == 0


def test_particles_of_gns_in_and_out_are_the_same(tmp_path):
    x = tuple(noise(6, 7, 2, seed=n) for n in range(12))
    kind = tuple(np.array([3, 3, 5, 5, 5, 6, 6]) for _ in x)
    theirs = ParticleTrajectories(x, kind, 0.0025, radius=0.015)
    write_gns(theirs, tmp_path / "gns")
    import_file(tmp_path / "gns" / "train.npz", tmp_path / "ours")
    data = open_dataset(tmp_path / "ours")
    assert data.table("particles")[2] == "points"
    export(data, "gns", tmp_path / "back")
    wanted = {a.tobytes() for a in read_gns(tmp_path / "gns" / "train.npz").position}
    back = [read_gns(f) for f in sorted((tmp_path / "back").glob("*.npz"))]
    assert {a.tobytes() for part in back for a in part.position} == wanted
    assert all(k.tolist() == kind[0].tolist() for part in back for k in part.kind)
    assert back[0].dt == pytest.approx(0.0025)
    written = export(data, "pvd", tmp_path / "pvd", member=3, frames="-1")
    assert [p.name for p in written] == ["m00003_particles.pvd", "00005.vtu"]


def test_atoms_become_scenes_that_start_where_the_file_ends(tmp_path):
    scene = sg.Scene(
        name="gas", units="lj", domain=sg.Domain.periodic(size=(6.0, 6.0, 6.0)), time=sg.Time(end=0.02, dt=0.002),
        entities={
            "A": sg.Atoms(lattice=sg.FCC(cells=(3, 3, 3)), temperature=0.5, share=0.5, mass=1.5),
            "B": sg.Atoms(lattice=sg.FCC(cells=(3, 3, 3)), temperature=0.5, share=0.5),
            "pair": sg.LennardJones(epsilon=1.0, sigma=1.0, cutoff=2.5),
        },
        outputs={"atoms": sg.Particles("position", "velocity", every=0.01)},
    )  # fmt: skip
    run = sg.run(scene, tmp_path / "run", device="cpu", dtype="float64", progress=False)
    (text,) = export(run, "extxyz", tmp_path / "gas.extxyz")
    starts = [import_file(run.folder / "atoms.h5md", tmp_path / "a.toml"), import_file(text, tmp_path / "b.toml")]
    last = np.asarray(run["atoms"].position[-1])
    for made in starts:
        again = sg.load_scene(made.paths[0])
        rows = np.concatenate([again.at(f"{name}.lattice.positions") for name in ("A", "B")])
        moving = np.concatenate([again.at(f"{name}.lattice.velocities") for name in ("A", "B")])
        assert np.array_equal(rows, last)
        assert np.array_equal(moving, np.asarray(run["atoms"].velocity[-1]))
        assert again.at("A.mass") == 1.5
        assert again.units == "lj"
        assert main(["check", str(made.paths[0])]) == 0


def test_files_that_are_something_else_are_refused_in_words(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(FileError, match=r"a\.txt is none of the files .* pdebench"):
        import_file(tmp_path / "a.txt")
    with pytest.raises(FileError, match="is not there"):
        import_file(tmp_path / "b.h5")
    with pytest.raises(EngineError, match="Did you mean 'pdebench'"):
        import_file(tmp_path / "a.txt", kind="pdbench")
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: False)
        with pytest.raises(FileError, match=r"a\.txt cannot be read: permission denied"):
            import_file(tmp_path / "a.txt")
    torch.save({"x": torch.zeros(3, 8), "y": torch.zeros(3, 5, 8)}, tmp_path / "odd.pt")
    with pytest.raises(EngineError, match="unlike grids"):
        import_file(tmp_path / "odd.pt", tmp_path / "odd")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    torch.save({"x": torch.zeros(3, 8), "y": torch.zeros(3, 8)}, tmp_path / "good.pt")
    with pytest.raises(OutputInUse, match="is not empty and holds no dataset"):
        import_file(tmp_path / "good.pt", tmp_path / "used")
    assert {"well", "pdebench", "neuraloperator", "gns", "h5md", "molecules"} <= set(KINDS)

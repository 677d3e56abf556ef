"""Shards: what they hold, who can read it, and that a member is the same bytes beside whatever companions."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from scenegrad.engine.dataset import open_dataset
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.errors import Diverged, EngineError, FileError, OutputInUse
from scenegrad.engine.members import Member, simulate_members
from scenegrad.engine.reductions import Average, Final, Greatest
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Atoms, Grid, Points, Probe, Series
from scenegrad.engine.state import member, with_tensors
from scenegrad.engine.step_adjoints import Adjoints


def spread(state, *shape):
    """Some numbers that depend on the state of each member [batch, *shape]."""
    pattern = torch.arange(1.0, 1.0 + np.prod(shape)).reshape(shape).to(state.angle)
    return state.angle.reshape(-1, *[1] * len(shape)) * pattern


PROBES = (
    Probe(
        "fields",
        0.5,
        lambda state, params: {"w": spread(state, 4, 3), "u": spread(state, 4, 3, 2), "s": spread(state, 4, 3, 2, 2)},
        Grid((4, 3), (0.25, 0.5), (0.0, 0.1), (True, False)),
        {"u": "m/s"},
    ),
    Probe(
        "drops",
        0.5,
        lambda state, params: {"position": spread(state, 5, 2), "mass": spread(state, 5)},
        Points({"body": torch.tensor([0, 0, 1, 1, 1])}),
    ),
    Probe(
        "atoms",
        1.0,
        lambda state, params: {"position": spread(state, 3, 3)},
        Atoms(torch.tensor([0, 1, 0]), torch.ones(3), torch.tensor([[5.0, 6.0, 7.0]]).repeat(3, 1), ("A", "B")),
    ),
    Probe("angle", 0.25, lambda state, params: {"angle": state.angle[:, 0], "two": spread(state, 2)}, Series()),
)
PARAMETERS = {"pendulum.stiffness": 4.0}


@pytest.fixture
def made(make_pendulum, tmp_path):
    """Three members in a dataset, and the rollout that says what should be in it."""
    folder = DatasetFolder(tmp_path / "data")
    about = {"identity": {"scene": "abc"}, "n": 4, "scene": {"name": "s"}, "parameters": {"a": [1.0, 2.0, 3.0, 4.0]}}
    folder.write(about)
    solver, state, params = make_pendulum(batch=3)
    solver.program = replace(solver.program, probes=PROBES)
    simulate_members(solver, state, params, {i: told(folder, i) for i in range(3)})
    return open_dataset(folder.path), rollout(solver, state, params)


def told(folder, index):
    return Member(folder.shard(index), {"name": "swings", "member": index}, PARAMETERS)


def test_a_dataset_gives_back_what_a_rollout_measures(made):
    data, roll = made
    assert sorted(data.probes) == ["angle", "atoms", "drops", "fields"]
    assert data.members == [0, 1, 2]
    assert data.missing == [3]
    assert list(data.parameters["a"]) == [1.0, 2.0, 3.0]
    for probe in data.probes:
        assert np.array_equal(data.times(probe), roll.times[probe].numpy())
        outputs = roll.outputs[probe]
        outputs = outputs if isinstance(outputs, dict) else {"position": outputs}
        for index in data.members:
            assert set(data.trajectory(index, probe)) == set(outputs)
            for key, expected in outputs.items():
                whole = expected[index].detach().numpy()
                assert np.array_equal(data.read(index, probe, key), whole)
                assert np.array_equal(data.trajectory(index, probe)[key], whole)
                for frames in (slice(1, 3), slice(None, None, 2), slice(-2, None), slice(None, None, -1)):
                    assert np.array_equal(data.read(index, probe, key, frames), whole[frames])


def test_grids_have_the_layout_of_the_well(made):
    data, roll = made
    with h5py.File(data.folder.shard(1)) as file:
        assert file.attrs["n_trajectories"] == 1
        assert file.attrs["n_spatial_dims"] == 2
        assert file.attrs["grid_type"] == "cartesian"
        assert file.attrs["dataset_name"] == "swings"
        assert list(file.attrs["simulation_parameters"]) == ["pendulum.stiffness"]
        assert file.attrs["pendulum.stiffness"] == 4.0
        assert list(file["dimensions"].attrs["spatial_dims"]) == ["x", "y"]
        assert np.array_equal(file["dimensions/time"], roll.times["fields"].numpy().astype(np.float32))
        assert list(file["dimensions/x"]) == [0.0, 0.25, 0.5, 0.75]
        assert file["dimensions/y"][:] == pytest.approx([0.1, 0.6, 1.1])
        for order, key, shape in ((0, "w", ()), (1, "u", (2,)), (2, "s", (2, 2))):
            group = file[f"t{order}_fields"]
            assert list(group.attrs["field_names"]) == [key]
            assert group[key].shape == (1, 5, 4, 3, *shape)
            assert group[key].attrs["sample_varying"]
            assert group[key].attrs["time_varying"]
            assert list(group[key].attrs["dim_varying"]) == [True, True]
            assert np.array_equal(group[key][0], roll.outputs["fields"][key][1].detach().numpy())
        assert file["scalars/pendulum.stiffness"].shape == (1,)
        kinds = {name: side.attrs["bc_type"] for name, side in file["boundary_conditions"].items()}
        assert kinds == {"x_periodic": "PERIODIC", "y_wall": "WALL"}
        assert list(file["boundary_conditions/y_wall/mask"]) == [True, False, True]
        for data_set in ("dimensions/time", "dimensions/x", "scalars/pendulum.stiffness"):
            assert {"sample_varying", "time_varying"} <= set(file[data_set].attrs)


def test_particles_and_atoms_lie_as_h5md_has_them(made):
    data, roll = made
    with h5py.File(data.folder.shard(2)) as file:
        drops, atoms = file["particles/drops"], file["particles/atoms"]
        assert list(drops["body"]) == [0, 0, 1, 1, 1]
        assert np.array_equal(drops["position/value"], roll.outputs["drops"]["position"][2].detach().numpy())
        assert np.array_equal(atoms["position/time"], roll.times["atoms"].numpy())
        assert np.array_equal(atoms["box/edges/value"][-1], [5.0, 6.0, 7.0])


def test_a_member_is_the_same_bytes_beside_any_companions(made, make_pendulum, tmp_path):
    data, _ = made
    alone = DatasetFolder(tmp_path / "alone")
    alone.prepare()
    solver, state, params = make_pendulum(batch=3)
    solver.program = replace(solver.program, probes=PROBES)
    simulate_members(solver, member(state, 1), member(params, 1), {0: told(alone, 1)})
    assert alone.shard(1).read_bytes() == data.folder.shard(1).read_bytes()
    simulate_members(solver, state, params, {1: told(alone, 1)})  # the others are there already
    assert alone.shard(1).read_bytes() == data.folder.shard(1).read_bytes()
    assert [path.name for path in (tmp_path / "alone" / "shards").iterdir()] == ["m00001.h5"]


def test_a_batch_that_fails_leaves_nothing(make_pendulum, tmp_path):
    folder = DatasetFolder(tmp_path)
    folder.prepare()
    solver, state, params = make_pendulum(batch=2)
    broken = with_tensors(state, {"rate": torch.tensor([[0.0], [torch.inf]], dtype=torch.float64)})
    with pytest.raises(Diverged, match="member 1"):
        simulate_members(solver, broken, params, {i: told(folder, i) for i in range(2)})
    assert not list((tmp_path / "shards").iterdir())


def test_recorded_gradients_agree_with_central_differences(make_pendulum, tmp_path):
    folder = DatasetFolder(tmp_path)
    folder.write({"identity": {}, "n": 3, "scene": {}, "parameters": {}})
    solver, state, params = make_pendulum(batch=3)
    members = {i: told(folder, i) for i in range(3)}
    simulate_members(solver, state, params, members, gradients=["pendulum.stiffness"])
    found = open_dataset(tmp_path).gradients("height.height", "pendulum.stiffness")

    def means(change):
        moved = params.detach().replace({"pendulum.stiffness": params["pendulum.stiffness"].detach() + change})
        return rollout(solver, state, moved).outputs["height"].mean(dim=1)

    expected = (means(1e-5) - means(-1e-5)) / 2e-5
    assert found == pytest.approx(expected.numpy(), rel=1e-7)


def test_numbers_are_recorded_with_their_derivatives_by_parameters_and_by_the_first_state(
    make_pendulum, tmp_path, monkeypatch
):
    folder = DatasetFolder(tmp_path)
    folder.write({"identity": {}, "n": 3, "scene": {}, "parameters": {}})
    solver, state, params = make_pendulum(batch=3)
    numbers = (Final("height.height"), Greatest("height.height"), Average("height.height", first=2))
    by = ["pendulum.stiffness", "initial.angle"]
    with monkeypatch.context() as patch:
        patch.setattr("time.process_time", lambda: float(solver.calls))  # the time that a step takes is the unit
        cost = simulate_members(solver, state, params, {i: told(folder, i) for i in range(3)}, by, numbers)
    data = open_dataset(tmp_path)
    assert set(data.outcomes) == {"final height.height", "greatest height.height", "height.height from 2"}
    heights = rollout(solver, state, params).outputs["height"].detach().numpy()
    assert np.array_equal(data.outcome(numbers[0]), heights[:, -1])
    assert np.array_equal(data.outcome(numbers[1]), heights.max(axis=1))
    assert data.outcome(numbers[2]) == pytest.approx(heights[:, 2:].mean(axis=1), rel=1e-12)
    assert data.gradient_addresses(numbers[0]) == sorted(by)
    assert cost.gradients > cost.solve == 200

    def last(stiffness=0.0, angle=0.0):
        moved = params.detach().replace({"pendulum.stiffness": params["pendulum.stiffness"].detach() + stiffness})
        return rollout(solver, with_tensors(state, {"angle": state.angle + angle}), moved).outputs["height"][:, -1]

    by_stiffness = (last(stiffness=1e-5) - last(stiffness=-1e-5)) / 2e-5
    assert data.gradients(numbers[0], "pendulum.stiffness") == pytest.approx(by_stiffness.numpy(), rel=1e-6)
    by_angle = (last(angle=1e-5) - last(angle=-1e-5)) / 2e-5
    assert data.gradients(numbers[0], "initial.angle").sum(axis=1) == pytest.approx(by_angle.numpy(), rel=1e-6)
    with pytest.raises(KeyError, match=r"it holds final height\.height by"):
        data.gradients("cost", "pendulum.stiffness")


@pytest.mark.parametrize(
    ("numbers", "by", "message"),
    [
        ((Final("height.width"),), [], "no series 'height.width'"),
        ((Final("height.height"),), ["initial.length"], r"no field 'length' .* initial\.angle"),
    ],
)
def test_numbers_that_are_not_there_are_refused(make_pendulum, tmp_path, numbers, by, message):
    folder = DatasetFolder(tmp_path)
    folder.prepare()
    solver, state, params = make_pendulum(batch=1)
    with pytest.raises(EngineError, match=message):
        simulate_members(solver, state, params, {0: told(folder, 0)}, by, numbers)
    assert not list((tmp_path / "shards").iterdir())


def test_recorded_adjoints_are_those_of_the_steps_between_frames(make_pendulum, tmp_path):
    """<w, J d> = <J^T w, d> for any d, with J d by central differences along the recorded trajectory."""
    folder = DatasetFolder(tmp_path)
    folder.write({"identity": {}, "n": 2, "scene": {}, "parameters": {}})
    solver, state, params = make_pendulum(batch=2)
    probe = Probe("whole", 0.5, lambda state, params: {"angle": state.angle, "rate": state.rate}, Series())
    solver.program = replace(solver.program, probes=(probe,))
    asked = Adjoints("whole", by=("pendulum.stiffness",), directions=2)
    simulate_members(solver, state, params, {i: told(folder, i) for i in range(2)}, adjoints=asked)
    data = open_dataset(tmp_path)
    times = data.times("whole")
    frame = 1
    rng, plain = np.random.default_rng(0), params.detach()
    for i in range(2):
        fields = {name: data.read(i, "whole", name)[frame] for name in ("angle", "rate")}
        moves = {name: rng.standard_normal(value.shape) for name, value in fields.items()}
        stiff = rng.standard_normal()

        def after(h, i=i, fields=fields, moves=moves, stiff=stiff):
            begun = member(state, i)
            begun = with_tensors(begun, {n: torch.from_numpy(v + h * moves[n])[None] for n, v in fields.items()})
            told_ = member(plain, i)
            told_ = told_.replace({"pendulum.stiffness": told_["pendulum.stiffness"] + h * stiff})
            end = rollout(solver, begun, told_, times[frame + 1], start=times[frame], probes=()).state
            return {"angle": end.angle[0].numpy(), "rate": end.rate[0].numpy()}

        ends = after(1e-5), after(-1e-5)
        for one in range(2):
            pushed = sum(
                ((ends[0][n] - ends[1][n]) / 2e-5 * data.adjoint(i, "whole", f"{n}/direction")[frame, one]).sum()
                for n in fields
            )
            pulled = sum((data.adjoint(i, "whole", f"{n}/bar")[frame, one] * moves[n]).sum() for n in fields)
            pulled += data.adjoint(i, "whole", "by/pendulum.stiffness")[frame, one] * stiff
            assert float(pulled) == pytest.approx(float(pushed), rel=1e-6)
    assert not np.array_equal(*(data.adjoint(i, "whole", "angle/direction") for i in range(2)))


def test_adjoints_need_an_output_that_is_the_state(make_pendulum, tmp_path):
    folder = DatasetFolder(tmp_path)
    folder.prepare()
    solver, state, params = make_pendulum(batch=1)
    with pytest.raises(EngineError, match="needs an output that is the state itself"):
        simulate_members(solver, state, params, {0: told(folder, 0)}, adjoints=Adjoints("height"))


def test_smooth_directions_have_the_spectrum_that_they_say():
    asked = Adjoints("fields", smooth=2.0, directions=400, seed=3)
    drawn = asked.draw(0, 0, (16, 16), (0, 1))
    power = (np.abs(np.fft.fft2(drawn)) ** 2).mean(0)
    assert power[0, 4] / power[0, 1] == pytest.approx(((1 + 1) / (1 + 16)) ** 2, rel=0.25)
    assert (drawn**2).mean() == pytest.approx(1.0, rel=0.05)
    assert np.array_equal(drawn, asked.draw(0, 0, (16, 16), (0, 1)))


def test_gradients_without_a_series_are_refused(make_pendulum, tmp_path):
    folder = DatasetFolder(tmp_path)
    folder.prepare()
    solver, state, params = make_pendulum(batch=1)
    solver.program = replace(solver.program, probes=PROBES[:1])
    with pytest.raises(EngineError, match="needs a scalar series"):
        simulate_members(solver, state, params, {0: told(folder, 0)}, gradients=["pendulum.stiffness"])


def test_wrong_names_are_told_with_the_right_ones(made):
    data, _ = made
    with pytest.raises(KeyError, match="it has angle, atoms, drops, fields"):
        data.times("feilds")
    with pytest.raises(KeyError, match="it recorded w, u, s"):
        data.read(0, "fields", "vorticity")
    with pytest.raises(FileError, match=r"Member 3 of .* is missing"):
        data.read(3, "fields", "w")
    with pytest.raises(OutputInUse, match="another dataset"):
        data.folder.refuse_another({"scene": "xyz"})


def test_a_pickled_dataset_opens_its_files_anew(made):
    import pickle

    data, _ = made
    data.read(0, "fields", "w")
    again = pickle.loads(pickle.dumps(data))
    assert not again.handles
    assert np.array_equal(again.read(0, "fields", "w"), data.read(0, "fields", "w"))

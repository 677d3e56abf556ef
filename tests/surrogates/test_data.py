"""Windows hold what they say, and nothing of the parts that judge a network leaks into training."""

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.formats.part import Part
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split, SplitByParameter, SplitByPlace
from scenegrad.surrogates.data.statistics import Moments
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.names import Names

U = Names(("u",), ("u",), ("fluid.viscosity",), {})


def test_window_holds_the_frames_that_lie_strides_ahead(ensemble):
    samples = Windows(ensemble, stride=3, first=1).bind(U, horizon=2)
    assert samples.dt == pytest.approx(0.3)
    assert samples.grid == (64,)
    starts = 11 - 1 - 2 * 3
    assert samples.count("train") == starts * len(samples.parts["train"])
    window = samples.window("train", [0, starts + 2])
    for row, (trajectory, start) in enumerate([(0, 1), (1, 3)]):
        place = samples.parts["train"][trajectory]
        truth = ensemble.fields["u"][place]
        assert np.array_equal(window.inputs["u"][row], truth[start])
        assert np.array_equal(window.targets[0]["u"][row], truth[start + 3])
        assert np.array_equal(window.targets[1]["u"][row], truth[start + 6])
        assert window.params["fluid.viscosity"][row].item() == pytest.approx(
            ensemble.parameters["fluid.viscosity"][place]
        )
    last = samples.window("train", [samples.count("train") - 1])
    assert np.array_equal(last.targets[1]["u"][0], ensemble.fields["u"][samples.parts["train"][-1]][-1])


def test_frames_are_the_same_read_at_once_or_one_by_one(ensemble, monkeypatch):
    at_hand = Windows(ensemble).bind(U, 1).window("train", [3, 70])
    monkeypatch.setattr("scenegrad.surrogates.data.windows.MEMORY", 1000)
    samples = Windows(ensemble).bind(U, 1)
    before = ensemble.reads
    one_by_one = samples.window("train", [3, 70])
    assert ensemble.reads == before + 2, "a window is one read of each field"
    assert torch.equal(at_hand.inputs["u"], one_by_one.inputs["u"])
    assert torch.equal(at_hand.targets[0]["u"], one_by_one.targets[0]["u"])


def test_every_trajectory_has_one_part_whatever_the_order_of_the_files(ensemble):
    samples = Windows(ensemble).bind(U, 1)
    everyone = sorted(place for part in samples.parts.values() for place in part)
    assert everyone == list(range(40))
    assert [len(samples.parts[part]) for part in ("train", "validation", "test")] == [32, 4, 4]
    order = np.random.default_rng(0).permutation(40).tolist()
    again = Windows(ensemble.taken(order)).bind(U, 1)
    for part, places in samples.parts.items():
        assert {samples.keys[i] for i in places} == {again.keys[i] for i in again.parts[part]}
    assert samples.parts["test"] != sorted(again.parts["test"]), "the order of the files decided"


def test_networks_of_any_fields_are_judged_on_the_same_trajectories(ensemble):
    """The split is one of the dataset: a network of one field keeps from training what a network of two does."""
    both = {"u": ensemble.fields["u"], "heat": ensemble.fields["u"] ** 2}
    data = type(ensemble)(both, ensemble.parameters, ensemble.every)
    cuts = [Windows(data).bind(Names(fields, fields), 1) for fields in (("u",), ("heat",), ("heat", "u"))]
    assert cuts[0].parts == cuts[1].parts == cuts[2].parts
    assert cuts[0].keys != cuts[1].keys
    late = Part(data, data.probes[0], range(2, 6))
    assert Windows(late).bind(U, 1).parts == cuts[0].parts, "some frames of it have another split"
    x, y = ({name: values[:, frame] for name, values in both.items()} for frame in (0, 1))
    pairs = Pairs.from_arrays(x, y, ensemble.parameters)
    cuts = [pairs.bind(Names((name,), (name,)), 1) for name in both]
    assert cuts[0].parts == cuts[1].parts


def test_equal_trajectories_are_never_on_both_sides(ensemble):
    doubled = ensemble.taken([*range(40), *range(40)])
    samples = Windows(doubled, split=Split(0.2, 0.2)).bind(U, 1)
    for place in samples.parts["test"]:
        assert (place + 40) % 80 in samples.parts["test"]
    assert not {samples.keys[i] for i in samples.parts["train"]} & {samples.keys[i] for i in samples.parts["test"]}


def test_statistics_are_of_the_training_part_alone(ensemble):
    samples = Windows(ensemble, stride=2).bind(U, 1)
    found = samples.statistics()
    train = ensemble.fields["u"][samples.parts["train"]].astype(np.float64)
    assert float(found.input_mean) == pytest.approx(train.mean(), abs=1e-7)
    assert float(found.output_std) == pytest.approx(train.std(), rel=1e-6)
    assert float(found.output_change) == pytest.approx((train[:, 2:] - train[:, :-2]).std(), rel=1e-6)
    nu = ensemble.parameters["fluid.viscosity"][samples.parts["train"]]
    assert float(found.parameter_mean) == pytest.approx(nu.mean())
    assert float(found.parameter_std) == pytest.approx(nu.std())
    spoilt = ensemble.taken(list(range(40)))
    spoilt.fields["u"] = spoilt.fields["u"].copy()
    for part in ("validation", "test"):
        spoilt.fields["u"][samples.parts[part], 1:] *= 100.0  # the first frame says which part it is in
    again = Windows(spoilt, stride=2).bind(U, 1).statistics()
    assert torch.equal(again.input_std, found.input_std)
    assert torch.equal(again.output_change, found.output_change)


def test_moments_gathered_in_blocks_are_those_of_the_whole():
    values = np.random.default_rng(0).normal(1e4, 1.0, size=(1000, 2))
    moments = Moments(2)
    for block in np.split(values, [10, 300, 301]):
        moments.add(block)
    mean, std = moments.tensors()
    np.testing.assert_allclose(mean, values.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(std, values.std(axis=0), rtol=1e-10)
    constant = Moments(1)
    constant.add(np.full((5, 1), 3.0))
    assert float(constant.tensors()[1]) == 1.0


def test_pairs_of_arrays_are_examples():
    x, y = np.arange(40.0).reshape(10, 4), 2 * np.arange(40.0).reshape(10, 4)
    samples = Pairs.from_arrays(x, y, {"k": np.arange(10)}).bind(Names(("x",), ("y",), ("k",), {}), 1)
    window = samples.window("train", [0, 1])
    assert torch.equal(window.targets[0]["y"], 2 * window.inputs["x"])
    assert window.params["k"].tolist() == [samples.parts["train"][i] for i in (0, 1)]
    train = y[samples.parts["train"]]
    assert float(samples.statistics().output_mean) == pytest.approx(train.mean())


def test_statistics_of_pairs_are_of_the_training_part_alone():
    x = np.random.default_rng(0).normal(size=(20, 4))
    names = Names(("x",), ("y",), ("k",), {})

    def bound(y, k):
        return Pairs.from_arrays(x, y, {"k": k}, split=SplitByPlace(validation=(3,), test=(5, 8))).bind(names, 1)

    y, k = x**2, np.arange(20.0)
    found = bound(y, k).statistics()
    train = bound(y, k).parts["train"]
    assert float(found.output_std) == pytest.approx(y[train].std(), rel=1e-6)
    assert float(found.parameter_mean) == pytest.approx(k[train].mean())
    spoilt, other = y.copy(), k.copy()
    spoilt[[3, 5, 8]] *= 100.0
    other[[3, 5, 8]] += 100.0
    again = bound(spoilt, other).statistics()
    assert torch.equal(again.output_std, found.output_std)
    assert torch.equal(again.parameter_std, found.parameter_std)


def test_vectors_become_channels_and_come_back():
    names = Names(("w", "v"), ("w", "v"), (), {"v": 2})
    values = {"w": torch.randn(3, 4, 5), "v": torch.randn(3, 4, 5, 2)}
    packed = names.pack(values, names.fields)
    assert packed.shape == (3, 3, 4, 5)
    assert torch.equal(packed[:, 2], values["v"][..., 1])
    back = names.unpack(packed, names.fields)
    assert all(torch.equal(back[name], values[name]) for name in values)


@pytest.mark.parametrize(
    ("how", "names", "message"),
    [
        ({"stride": 11}, U, "do not fit into the 11 frames"),
        ({"probe": "drag"}, U, r"u of probe='drag'. What was recorded: fields: u"),
        ({"stride": 0}, U, "a stride is a positive number"),
        ({}, Names(("w",), ("w",), (), {}), r"fields w of these trajectories\. What was recorded: fields: u"),
        ({}, Names(("u",), ("u",), ("fluid.density",), {}), "fluid.density, which these trajectories do not record"),
        ({"split": Split(0.1, 0.1)}, U, None),
    ],
)
def test_windows_that_cannot_be_cut_are_refused(ensemble, how, names, message):
    if message is None:
        with pytest.raises(EngineError, match="cannot be split"):
            Windows(ensemble.taken([0, 1]), **how).bind(names, 1)
        return
    with pytest.raises(EngineError, match=message):
        Windows(ensemble, **how).bind(names, 1)


def test_values_that_are_not_finite_are_named(ensemble):
    broken = ensemble.taken(list(range(40)))
    broken.fields["u"] = broken.fields["u"].copy()
    broken.fields["u"][7, 5, 3] = np.nan
    with pytest.raises(EngineError, match="u of member 17 has values that are not finite"):
        Windows(broken, split=Split(0.0, 0.0)).bind(U, 1).statistics()


def test_history_goes_in_from_the_oldest_frame_and_ages_by_one_step_at_a_time(ensemble):
    network = FNO((4,), 4, ["u"], history=3)
    samples = Windows(ensemble, stride=2).bind(network.names, 2)
    assert network.names.inputs == ("u[-2]", "u[-1]", "u")
    window = samples.window("train", [0])
    member, start = samples.parts["train"][0], samples.examples[0][0]
    assert start == 4  # the first frame that has two strides before it
    for name, frame in (("u[-2]", 0), ("u[-1]", 2), ("u", 4)):
        assert torch.equal(window.inputs[name][0], torch.from_numpy(ensemble.fields["u"][member, frame]))
    after = network.names.follow(window.inputs, window.targets[0])
    for name, frame in (("u[-2]", 2), ("u[-1]", 4), ("u", 6)):
        assert torch.equal(after[name][0], torch.from_numpy(ensemble.fields["u"][member, frame]))
    rolled = samples.rollout("train", 0)
    assert all(torch.equal(rolled.inputs[name], window.inputs[name]) for name in network.names.inputs)
    assert samples.statistics().input_std.shape == (3,)


def test_split_by_parameter_keeps_what_lies_outside_from_training(ensemble):
    nu = ensemble.parameters["fluid.viscosity"]
    split = SplitByParameter("fluid.viscosity", 0.06, 0.09, then=Split(0.1, 0.2))
    samples = Windows(ensemble, split=split).bind(U, 1)
    assert sorted(place for part in samples.parts.values() for place in part) == list(range(40))
    assert samples.parts["ood"] == np.flatnonzero((nu < 0.06) | (nu > 0.09)).tolist()
    assert all(samples.count(part) for part in ("train", "validation", "test", "ood"))
    train = ensemble.fields["u"][samples.parts["train"]].astype(np.float64)
    assert float(samples.statistics().input_std) == pytest.approx(train.std(), rel=1e-6)
    again = Windows.again(ensemble, {"split": samples.cut["split"]})
    assert again.split == split
    assert again.bind(U, 1).hash == samples.hash


def test_regions_of_several_bounds_leave_one_part_outside(ensemble):
    pair = {"a": np.arange(10.0), "b": np.arange(10.0)[::-1]}
    split = SplitByParameter("a", high=7.0, then=SplitByParameter("b", high=7.0, then=Split(0.0, 0.2)))
    parts = split.assign([str(i) for i in range(10)], pair)
    assert parts["ood"] == [0, 1, 8, 9]
    assert sorted(parts["train"] + parts["test"]) == list(range(2, 8))
    pairs = Pairs.from_arrays(np.ones((10, 3)) * np.arange(10)[:, None], np.ones((10, 3)), pair, split=split)
    assert pairs.bind(Names(("x",), ("y",), ("a",), {}), 1).parts["ood"] == [0, 1, 8, 9]


def test_split_by_place_is_as_told(ensemble):
    parts = Windows(ensemble, split=SplitByPlace(validation=(3, 1), test=(39,))).bind(U, 1).parts
    assert (parts["validation"], parts["test"]) == ([3, 1], [39])
    assert set(parts["train"]) == set(range(40)) - {1, 3, 39}


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda: SplitByParameter("fluid.viscosity"), "it needs one of them"),
        (lambda: SplitByParameter("fluid.viscosity", 0.2, 0.1), "and low < high"),
        (lambda: SplitByParameter("fluid.density", 0.2), r"by fluid\.density, .* they record fluid\.viscosity"),
        (
            lambda: SplitByParameter("fluid.viscosity", 1.0),
            r"have fluid\.viscosity out of \[1, inf\]: it is from 0\.05",
        ),
        (lambda: SplitByPlace(test=(40,)), r"got \[40\]; there are the places 0 to 39"),
        (lambda: SplitByPlace(test=(1,), validation=(1,)), "each of the others in one part"),
    ],
)
def test_splits_that_cannot_be_made_are_refused(ensemble, split, message):
    with pytest.raises(EngineError, match=message):
        Windows(ensemble, split=split()).bind(U, 1)


def test_unfinished_data_are_refused(ensemble):
    ensemble = ensemble.taken(list(range(40)))
    ensemble.missing = [40, 41]
    with pytest.raises(EngineError, match=r"is not finished: 2 members are missing \(40, 41\)\. Run generate again"):
        Windows(ensemble).bind(U, 1)


def test_a_value_that_is_not_finite_is_named_where_frames_are_read_one_by_one(ensemble, monkeypatch):
    monkeypatch.setattr("scenegrad.surrogates.data.windows.MEMORY", 1000)
    broken = ensemble.taken(list(range(40)))
    broken.fields["u"] = broken.fields["u"].copy()
    broken.fields["u"][7, 5, 3] = np.nan
    samples = Windows(broken, split=SplitByPlace(test=(7,))).bind(U, 1)
    samples.statistics()
    samples.window("test", [0])
    with pytest.raises(EngineError, match="u of member 17 has values that are not finite"):
        samples.window("test", [4])


def test_pairs_that_are_not_finite_are_named():
    x = np.ones((10, 4))
    x[[3, 8], 1] = np.inf
    with pytest.raises(EngineError, match=r"Pair 3 \(in x\) has values that are not finite, as have 1 others"):
        Pairs.from_arrays(x, np.ones((10, 4))).bind(Names(("x",), ("y",), (), {}), 1)


def test_trajectories_of_another_shape_are_named(ensemble):
    odd = ensemble.taken(list(range(40)))
    odd.fields["u"] = [*odd.fields["u"][:-1], odd.fields["u"][-1, :, :32]]
    odd.times = lambda probe: 0.1 * np.arange(11)
    with pytest.raises(EngineError, match=r"u of member 49 has shape \(32,\), that of member 10 \(64,\)"):
        Windows(odd).bind(U, 1)


def test_another_number_of_components_is_refused(ensemble):
    vectors = type(ensemble)({"v": np.zeros((5, 4, 8, 2), np.float32) + np.arange(5)[:, None, None, None]}, {}, 0.1)
    with pytest.raises(EngineError, match=r"takes v to have 3 components; in the data it has 2\. Build it with"):
        Windows(vectors).bind(Names(("v",), ("v",), (), {"v": 3}), 1)
    with pytest.raises(EngineError, match=r"takes v to have 3 components; in the data it has 2"):
        Pairs.from_arrays({"v": np.zeros((5, 8, 2))}, {"v": np.zeros((5, 8, 2))}).bind(
            Names(("v",), ("v",), (), {"v": 3}), 1
        )

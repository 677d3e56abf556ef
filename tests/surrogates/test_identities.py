"""What a trajectory is decides its part, however it is told; files are looked at once for it, arrays each time."""

import pytest

import scenegrad as sg
from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import EngineError
from scenegrad.scenes.library import kolmogorov
from scenegrad.surrogates.data.formats.part import Part
from scenegrad.surrogates.data.trajectories import identities
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.recipes.log_gas import Logs
from scenegrad.surrogates.recipes.plane_flow import Filtered

W = Names(("vorticity",), ("vorticity",))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    scene = kolmogorov(cells=20, viscosity=sg.LogUniform(0.01, 0.03), end=0.5, every=0.25)
    out = tmp_path_factory.mktemp("flows") / "data"
    return sg.generate(sg.vary(scene, 12), out=out, batch=12, device="cpu", workers=1, progress=False)


def readings(monkeypatch):
    """Every reading of a dataset from now on: (member, quantity)."""
    reads, read = [], Dataset.read

    def counted(self, member, probe, quantity, frames=slice(None)):
        reads.append((member, quantity))
        return read(self, member, probe, quantity, frames)

    monkeypatch.setattr(Dataset, "read", counted)
    return reads


def test_a_dataset_that_is_bound_again_is_not_read_again(data, monkeypatch):
    fresh, reads = sg.open_dataset(data.path), readings(monkeypatch)
    first = Windows(fresh).bind(W, 1)
    looked = len(reads)
    assert looked >= len(fresh.members)
    again = Windows(fresh, first=1).bind(W, 1)
    assert len(reads) == looked, reads[looked:]
    assert (again.keys, again.parts, again.grid) == (first.keys, first.parts, first.grid)
    assert identities(sg.open_dataset(data.path)) == identities(fresh)
    assert len(reads) > looked, "another that was opened is another, and may hold more"


def test_what_was_found_for_some_fields_is_not_taken_for_others(data):
    both = Part(data, "fields", range(3))
    plain, filtered = Windows(data).bind(W, 1), Windows(Filtered(data, 8)).bind(W, 1)
    assert plain.grid == (20, 20)
    assert filtered.grid == (8, 8)
    assert filtered.keys != plain.keys
    assert Windows(both).bind(W, 1).keys == plain.keys


def test_trajectories_told_otherwise_have_the_parts_of_those_they_are_of(data, ensemble):
    parts = Windows(data).bind(W, 1).parts
    assert Filtered(data, 8).identities == identities(data)
    assert Windows(Filtered(data, 8)).bind(W, 1).parts == parts
    assert Windows(Part(data, "fields", range(1, 3))).bind(W, 1).parts == parts
    gas = type(ensemble)({"density": ensemble.fields["u"] ** 2 + 1.0}, ensemble.parameters, ensemble.every)
    told = [
        Windows(one).bind(Names((name,), (name,)), 1) for one, name in ((gas, "density"), (Logs(gas), "log_density"))
    ]
    assert told[0].parts == told[1].parts
    assert told[0].keys != told[1].keys


def test_trajectories_told_otherwise_lack_what_those_lack_that_they_are_of(ensemble):
    ensemble = ensemble.taken(list(range(40)))
    ensemble.missing = [40]
    for told in (Part(ensemble, "fields", range(4)), Logs(ensemble), Filtered(ensemble, 8)):
        with pytest.raises(EngineError, match="1 members are missing"):
            Windows(told).bind(W, 1)


def test_arrays_that_changed_are_looked_at_again(ensemble):
    mine = ensemble.taken(list(range(40)))
    before = identities(mine)
    mine.fields["u"] = mine.fields["u"] + 1.0
    assert not set(before) & set(identities(mine))

"""Ensembles: every member is made once, whatever dies on the way, and a failure is told and harms no companion."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import pytest

from scenegrad.engine.dataset import open_dataset
from scenegrad.engine.dataset_folder import DatasetFolder, Outcome
from scenegrad.engine.ensemble import blocks_of_share, generate_members
from scenegrad.engine.errors import DiskFull, Diverged, OutputInUse


def about(n, **identity):
    return {"identity": {"scene": "abc", **identity}, "n": n, "scene": {}, "parameters": {"a": list(range(n))}}


def write_shard(folder, member):
    with h5py.File(folder.shard(member), "w") as file:
        file["member"] = member


class Simulate:
    """Writes a number for each wanted member, and remembers who was asked for beside whom."""

    def __init__(self, folder, diverging=(), failing=(), full_after=10**9):
        self.folder, self.diverging, self.failing, self.full_after = folder, diverging, failing, full_after
        self.calls = []

    def __call__(self, members, wanted):
        self.calls.append((members, wanted))
        if bad := [i for i in members if i in self.diverging]:
            raise Diverged(f"member {bad[0]} ran away", tuple(bad))
        if any(i in self.failing for i in members):
            raise ValueError("a strange thing")
        if len(self.calls) > self.full_after:
            raise DiskFull("no room")
        for i in wanted:
            write_shard(self.folder, i)


@pytest.fixture
def folder(tmp_path):
    return DatasetFolder(tmp_path / "data")


def test_members_are_made_in_blocks_and_only_once(folder):
    first = Simulate(folder)
    generate_members(first, folder, about(5), batch=2)
    assert first.calls == [((0, 1), (0, 1)), ((2, 3), (2, 3)), ((4,), (4,))]
    folder.shard(3).unlink()
    again = Simulate(folder)
    generate_members(again, folder, about(5), batch=2)
    assert again.calls == [((2, 3), (3,))]  # beside its old companion, for the sake of its last digits


def test_companions_of_a_failure_come_through_and_the_failure_is_told(folder):
    simulate = Simulate(folder, diverging=[1], failing=[4])
    tried = generate_members(simulate, folder, about(6), batch=3)
    assert {o.member: o.status for o in tried} == {0: "ok", 1: "diverged", 2: "ok", 3: "ok", 4: "failed", 5: "ok"}
    data = open_dataset(folder.path)
    assert data.members == [0, 2, 3, 5]
    assert (data.diverged, data.failed) == ([1], [4])
    assert list(data.parameters["a"]) == [0, 2, 3, 5]
    told = json.loads(folder.failure(4).read_text())
    assert told["error"] == "a strange thing"
    assert "Traceback" in told["traceback"]
    assert folder.read()["status"] == ["ok", "diverged", "ok", "ok", "failed", "ok"]


def test_failures_are_tried_again_but_what_diverged_would_diverge_again(folder):
    generate_members(Simulate(folder, diverging=[0], failing=[1]), folder, about(2))
    again = Simulate(folder)
    generate_members(again, folder, about(2))
    assert again.calls == [((1,), (1,))]
    assert open_dataset(folder.path).status == ["diverged", "ok"]
    assert not folder.failure(1).exists()


def test_a_full_disk_stops_the_ensemble_and_blames_no_member(folder):
    with pytest.raises(DiskFull):
        generate_members(Simulate(folder, full_after=2), folder, about(5))
    assert folder.status(5) == ["ok", "ok", "missing", "missing", "missing"]


def test_shares_make_every_member_once(folder):
    for index in range(3):
        generate_members(Simulate(folder), folder, about(8), batch=2, share=(index, 3))
    assert open_dataset(folder.path).members == list(range(8))
    shares = [blocks_of_share(8, 2, (index, 3)) for index in range(3)]
    assert shares == [[(0, 1), (6, 7)], [(2, 3)], [(4, 5)]]


def test_an_ensemble_can_grow_but_not_change(folder):
    generate_members(Simulate(folder), folder, about(2))
    grown = Simulate(folder)
    generate_members(grown, folder, about(4))
    assert grown.calls == [((2,), (2,)), ((3,), (3,))]
    generate_members(Simulate(folder), folder, about(2))
    assert folder.read()["n"] == 4
    with pytest.raises(OutputInUse, match=r"another dataset \(scene abc, now xyz\)"):
        generate_members(Simulate(folder), folder, {**about(4), "identity": {"scene": "xyz"}})


def test_what_a_dead_process_left_unfinished_is_swept_away(folder):
    folder.prepare()
    part = folder.path / "shards" / "m00001.host-123.part.h5"
    part.write_text("half")
    assert folder.status(2) == ["missing", "missing"]
    generate_members(Simulate(folder), folder, about(2))
    assert not part.exists()
    assert open_dataset(folder.path).members == [0, 1]


def test_any_executor_will_do(folder):
    with ThreadPoolExecutor(3) as executor:
        generate_members(Simulate(folder), folder, about(7), executor=executor)
    assert open_dataset(folder.path).members == list(range(7))


def test_the_time_of_simulations_adds_up_over_calls(folder, monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def slow(members, wanted):
        nonlocal now
        now += 0.25 * len(members)
        Simulate(folder)(members, wanted)

    spent = []
    for count in (4, 4, 6):
        generate_members(slow, folder, about(count), batch=2)
        spent.append(open_dataset(folder.path).seconds)
    assert spent == [1.0, 1.0, 1.5]


def test_outcomes_are_json(folder):
    folder.prepare()
    folder.record(Outcome(3, "failed", "why", "where"))
    assert json.loads(folder.failure(3).read_text()) == {
        "member": 3, "status": "failed", "error": "why", "traceback": "where"
    }  # fmt: skip


DEADLY = """
import os, signal, sys, time
import h5py
from pathlib import Path
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.ensemble import generate_members

folder = DatasetFolder(Path(sys.argv[1]))

def simulate(members, wanted):
    if members[0] == 2 and not (mark := folder.path / "died-once").exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    if members[0] == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    with h5py.File(folder.shard(members[0]), "w") as file:
        file["member"] = members[0]

if __name__ == "__main__":
    about = {"identity": {}, "n": 8, "scene": {}, "parameters": {}}
    for outcome in sorted(generate_members(simulate, folder, about, workers=2), key=lambda o: o.member):
        print(outcome.member, outcome.status, outcome.error)
"""


def test_a_worker_that_is_killed_costs_its_own_job_at_most(tmp_path):
    script = tmp_path / "deadly.py"
    script.write_text(DEADLY)
    child = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data")], capture_output=True, text=True, check=False, timeout=600
    )
    rows = [line.split(" ", 2) for line in child.stdout.splitlines()]
    status = {int(member): status for member, status, *_ in rows}
    assert status == {i: "failed" if i == 5 else "ok" for i in range(8)}, child.stderr
    assert "its process died 3 times" in rows[5][2]


UNGUARDED = """
import sys
from pathlib import Path
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.ensemble import generate_members

about = {"identity": {}, "n": 1, "scene": {}, "parameters": {}}
generate_members(print, DatasetFolder(Path(sys.argv[1])), about, workers=2)
"""


def test_a_script_without_a_guard_is_told_so(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    child = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data")], capture_output=True, text=True, check=False, timeout=600
    )
    assert "if __name__ == '__main__':" in child.stderr

"""Ensembles on a Dask cluster: whatever dies, every member is made, to the byte as one process makes it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from string import Template

import pytest

import scenegrad as sg
from scenegrad.clusters import faults
from scenegrad.engine.device import device_of, same_devices
from scenegrad.engine.progress import COMPILING, Quiet

distributed = pytest.importorskip("distributed", reason="Dask is the extra [cluster]")
ROOT = Path(__file__).resolve().parents[2]


PATIENCE = 600  # [s] with a machine that is busy with other things

# Every worker's: members from the third on wait for a file, so that some are under way when a worker is killed.
WAITING = """
import time
from contextlib import suppress
from pathlib import Path
from scenegrad.member_task import MemberTask

def waiting(make):
    def make_when_told(self, members, wanted):
        while members[0] >= 2 and not Path({go!r}).exists():
            time.sleep(0.01)
        make(self, members, wanted)
    return make_when_told

MemberTask.__call__ = waiting(MemberTask.__call__)  # Dask may run this file twice
"""


def dask(*words):
    """A part of a cluster, with everything that it starts."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "distributed.cli." + words[0], *map(str, words[1:])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": f"{PATIENCE}s"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler on loopback with two workers, each looked after by a nanny; the file they wait for."""
    folder = tmp_path_factory.mktemp("cluster")
    told, waiting, go = folder / "scheduler.json", folder / "waiting.py", folder / "go"
    waiting.write_text(WAITING.format(go=str(go)))
    here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", told)
    parts = [
        dask("dask_scheduler", *here, "--port", 0),
        dask("dask_worker", *here, "--nworkers", 2, "--nthreads", 1, "--preload", waiting),
    ]
    try:
        yield address_in(told, parts[0]), go
    finally:
        for part in parts:
            os.killpg(part.pid, signal.SIGTERM)
        for part in parts:
            try:
                part.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(part.pid, signal.SIGKILL)


def address_in(told, part):
    """What a scheduler writes down once it listens."""
    begin = time.monotonic()
    while True:
        assert part.poll() is None, "the scheduler ended"
        assert time.monotonic() < begin + PATIENCE
        with suppress(OSError, ValueError):
            return json.loads(told.read_text())["address"]
        time.sleep(0.05)


def client_of(address):
    return distributed.Client(address, timeout=f"{PATIENCE}s", set_as_default=False)


@pytest.fixture
def cluster(scheduler):
    """The address, when both workers are there: one that was killed is started again."""
    with client_of(scheduler[0]) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
    return scheduler[0]


def scene(end):
    return sg.library.kolmogorov(cells=20, end=end, every=0.05)


class KillAWorker(Quiet):
    """As the kernel does when memory runs out, once a member is made and others are under way."""

    def __init__(self, address, go):
        self.client, self.go = client_of(address), go
        self.killed, self.said = None, []

    def update(self, done, steps):
        if self.killed is None:
            pids = self.client.run(os.getpid)
            busy = [worker for worker, tasks in self.client.processing().items() if tasks]
            self.killed = pids[busy[0]]
            os.kill(self.killed, signal.SIGKILL)
            self.go.touch()

    def say(self, text):
        self.said.append(text)


def test_a_worker_that_is_killed_costs_no_member_and_no_byte(scheduler, cluster, tmp_path):
    shown = KillAWorker(cluster, scheduler[1])
    made = sg.generate(scene(0.5), 6, out=tmp_path / "cluster", device="cpu", executor=cluster, progress=shown)
    still = set(shown.client.run(os.getpid).values())
    shown.client.close()
    assert shown.killed is not None
    assert shown.killed not in still
    assert made.members == list(range(6))
    assert [text for text in shown.said if not text.endswith(COMPILING)] == []  # which a busy machine tells
    alone = sg.generate(scene(0.5), 6, out=tmp_path / "alone", device="cpu", progress=False)
    for i in range(6):
        assert made.folder.shard(i).read_bytes() == alone.folder.shard(i).read_bytes()
    assert {path.name for path in (tmp_path / "cluster" / "shards").iterdir()} == {f"m{i:05d}.h5" for i in range(6)}


def test_workers_with_other_versions_are_refused_by_name(cluster, scenegrad, monkeypatch):
    from scenegrad.engine.record import library_versions

    monkeypatch.setattr("scenegrad.clusters.library_versions", lambda: {**library_versions(), "torch": "1.0"})
    answer = scenegrad("generate", "kolmogorov", "-n", 2, "--out", "data", "--cluster", cluster, "--quiet")
    assert answer.code == 1
    assert len(re.findall(r"- tcp://127\.0\.0\.1:\d+ has torch .*, here it is 1\.0", answer.err)) == 2
    assert "Install the same versions on all workers" in answer.err


def test_an_address_where_nobody_answers_is_told(scenegrad):
    answer = scenegrad("generate", "kolmogorov", "-n", 2, "--cluster", "nonsense://127.0.0.1:1", "--quiet")
    assert answer.code == 1
    assert "No Dask scheduler answers at nonsense://127.0.0.1:1" in answer.err
    assert "dask scheduler --host 127.0.0.1" in answer.err


def test_without_dask_the_extra_is_named(scenegrad, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = scenegrad("generate", "kolmogorov", "-n", 2, "--cluster", "tcp://127.0.0.1:1", "--quiet")
    assert answer.code == 1
    assert "pip install 'scenegrad[cluster]'" in answer.err


def test_what_a_worker_lacks_is_told_in_words(tmp_path):
    here = {"versions": {"scenegrad": "1.0", "commit": "abc", "numpy": "2"}, "sees": True}
    fit = {"versions": {"scenegrad": "1.0", "commit": None, "numpy": "2"}, "sees": True}
    assert list(faults("a", fit, here, tmp_path)) == []
    old = {"versions": {"scenegrad": "0.9", "commit": "abd"}, "sees": False}
    said = "; ".join(faults("a", old, here, tmp_path))
    assert "a has scenegrad 0.9, here it is 1.0; a has commit abd, here it is abc; a has numpy None" in said
    assert "must lie on a disk that all of them share" in said
    assert "is scenegrad installed there?" in "".join(faults("a", ModuleNotFoundError("scenegrad"), here, tmp_path))


def test_all_members_are_made_on_one_kind_of_device():
    assert same_devices("auto", {"a": [], "b": []}) == ("cpu", "cpu")
    assert same_devices("cpu", {"a": ["H200"], "b": []}) == ("cpu", "cpu")
    assert same_devices("auto", {"a": ["H200", "H200"], "b": ["H200"]}) == ("cuda", "H200")
    with pytest.raises(sg.DeviceError, match=r"1 of 2 workers have a GPU, b for one has none"):
        same_devices("auto", {"a": ["H200"], "b": []})
    with pytest.raises(sg.DeviceError, match=r"GPUs of several kinds: A100, H200"):
        same_devices("cuda", {"a": ["A100"], "b": ["H200"]})
    with pytest.raises(sg.DeviceError, match=r"'cuda:1' was asked for; on a cluster each worker has its own"):
        same_devices("cuda:1", {"a": ["H200", "H200"]})


def test_gpus_take_turns_but_a_worker_of_dask_cuda_keeps_its_own(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert [device_of("cuda", turn) for turn in range(4)] == ["cuda:0", "cuda:1", "cuda:2", "cuda:0"]
    assert device_of("cuda:2", 0) == "cuda:2"
    monkeypatch.setitem(sys.modules, "dask_cuda", sys)
    assert {device_of("cuda", turn) for turn in range(4)} == {"cuda:0"}


def test_the_job_script_of_the_docs_makes_every_member_once(scenegrad, tmp_path):
    """Each task of the array, with the numbers that Slurm gives it, in the smallest form."""
    text = (ROOT / "docs" / "many_machines.md").read_text()
    script = next(block for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) if "#SBATCH --array" in block)
    last = int(re.search(r"--array=0-(\d+)", script)[1])
    small = ["--set", "domain.cells=[20, 20]", "--set", "time.end=0.1", "--device", "cpu"]
    sg.library.kolmogorov(cells=20).save(tmp_path / "flow.toml")
    line = next(line for line in script.replace("\\\n", " ").splitlines() if "scenegrad generate" in line)
    made = []
    for task in range(last + 1):
        slurm = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": str(last + 1)}
        words = shlex.split(Template(line).substitute(slurm))
        words = words[words.index("scenegrad") + 1 :]
        words[words.index("-n") + 1] = str(last + 2)
        words[words.index("--out") + 1] = "data"
        assert scenegrad(*words, *small).code == 0
        made.append(len(sg.open_dataset("data")))
    assert made == [*(task + 2 for task in range(last + 1))]


GENERATE = """
import sys
from scenegrad.cli import main
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds its workers in /proc")
def test_local_workers_may_be_killed_and_stopped(tmp_path):
    """Half a minute. One of two workers is killed, then Ctrl-C is pressed, which all processes of a terminal get."""
    file, script = scene(1.0).save(tmp_path / "scene.toml"), tmp_path / "go.py"
    script.write_text(GENERATE)
    words = ["generate", file, "-n", 60, "--out", tmp_path / "data", "--workers", 2, "--device", "cpu", "--quiet"]
    child = subprocess.Popen(
        [sys.executable, "-P", script, *map(str, words)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    shards = tmp_path / "data" / "shards"

    def wait_for(count):
        begin = time.monotonic()
        while len(list(shards.glob("m?????.h5"))) < count:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < begin + 200
            time.sleep(0.02)

    def workers():
        theirs = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        return [int(pid) for pid in theirs if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    wait_for(2)
    before = workers()
    os.kill(before[0], signal.SIGKILL)
    wait_for(len(list(shards.glob("m?????.h5"))) + 3)
    before = workers()
    assert len(before) == 2
    os.killpg(child.pid, signal.SIGINT)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 130, said
    assert re.search(r"Stopped with \d+ of 60 members", said)
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in before)
    assert not list(shards.glob("*.part.h5"))
    made = len(sg.open_dataset(tmp_path / "data"))
    assert 5 <= made < 60
    alone = sg.generate(scene(1.0), made, out=tmp_path / "alone", device="cpu", progress=False)
    for i in (i for i in alone.members if (shards / f"m{i:05d}.h5").exists()):
        assert (shards / f"m{i:05d}.h5").read_bytes() == alone.folder.shard(i).read_bytes()

"""What several processes learn together is what one learns alone, but for the order of sums."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.dataset import open_dataset
from scenegrad.surrogates import load_model
from scenegrad.surrogates.training.checkpoint import read_checkpoint
from scenegrad.surrogates.training.shares import shares_of

RECIPE = """
[model]
kind = "fno"
modes = [4, 4]
width = 8
depth = 2
fields = ["vorticity"]

[training]
epochs = 4
batch_size = 7
average = 0.9
target = { kind = "noise", std = 0.1, then = { kind = "unrolled", steps = 2 } }
"""

FLOW = """
[model]
kind = "flow"
operator = { kind = "fno", modes = [4, 4], width = 8, depth = 2, fields = ["vorticity"] }
start = { kind = "from_present", noise = 0.1 }

[training]
epochs = 2
batch_size = 7
accumulate = 2
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, recipes, and what one process makes of them."""
    folder = tmp_path_factory.mktemp("processes")
    scene = sg.library.kolmogorov(cells=20, viscosity=2e-2, end=1.5, every=0.25)
    data = sg.generate(sg.vary(scene, 8, seed=7), out=folder / "data", batch=8, progress=False)
    for name, recipe in (("stepper", RECIPE), ("flow", FLOW)):
        (folder / f"{name}.toml").write_text(recipe)
        sg.train(folder / f"{name}.toml", data, out=folder / name, device="cpu", progress=False)
    return folder


def torchrun(
    place: Path, recipe: str, out: Path, *options: str, processes: int = 2
) -> "subprocess.CompletedProcess[str]":
    """Several processes on the CPU, or where the options say, through the command line."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    told = ["-m", "scenegrad", "train", str(place / f"{recipe}.toml"), str(place / "data"), "--out", str(out), "--json"]
    return subprocess.run(
        [*command, *told, *(options if "--device" in options else ("--device", "cpu", *options))],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=800,
    )  # fmt: skip


@pytest.fixture(scope="module")
def parted(place: Path) -> tuple[Path, str]:
    """What two processes with parts of the weights make of it, and what they say."""
    made = torchrun(place, "stepper", place / "parted", "--parallel", "fsdp")
    assert made.returncode == 0, made.stderr
    return place / "parted", made.stdout


def curve(folder: Path) -> list[tuple[float, float]]:
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [(line["loss"], line["validation"]) for line in lines]


def agree(place: Path, recipe: str, out: Path, said: str) -> None:
    assert json.loads(said)["epochs"] == len(curve(out)), "the first process alone speaks"
    torch.testing.assert_close(torch.tensor(curve(out)), torch.tensor(curve(place / recipe)), rtol=1e-5, atol=0)
    alone, together = (read_checkpoint(folder / "checkpoint.pt") for folder in (place / recipe, out))
    assert together["record"]["processes"] == 2
    assert together["optimiser"]["state"][0]["exp_avg"].shape == alone["optimiser"]["state"][0]["exp_avg"].shape
    for name, weight in alone["weights"].items():
        torch.testing.assert_close(together["weights"][name], weight, rtol=1e-3, atol=1e-5)
    assert load_model(out).names.fields == ("vorticity",)


@pytest.mark.parametrize("recipe", ["stepper", "flow"])
def test_two_processes_follow_the_curve_of_one(place, tmp_path, recipe):
    """At an equal global batch of 7, four examples and three, with noise; the last batch of an epoch is smaller."""
    made = torchrun(place, recipe, tmp_path, "--parallel", "ddp")
    assert made.returncode == 0, made.stderr
    agree(place, recipe, tmp_path, made.stdout)


def test_two_processes_with_parts_of_the_weights_follow_the_curve_of_one(place, parted):
    agree(place, "stepper", *parted)


@pytest.mark.gpu
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_processes_on_gpus_follow_the_curve_of_one_on_the_cpu(place, tmp_path, parallel):
    """As many as there are GPUs, which speak by NCCL."""
    made = torchrun(
        place, "stepper", tmp_path, "--parallel", parallel, "--device", "cuda", processes=torch.cuda.device_count()
    )
    assert made.returncode == 0, made.stderr
    torch.testing.assert_close(torch.tensor(curve(tmp_path)), torch.tensor(curve(place / "stepper")), rtol=1e-2, atol=0)


DYING = """
import os, signal, sys
from scenegrad.surrogates.training.sampler import Sampler
from scenegrad.surrogates import train
from scenegrad.engine.dataset import open_dataset

drawn, draw = [], Sampler.draw

def fatal(self):
    drawn.append(None)
    if len(drawn) == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(self)

Sampler.draw = fatal
data = open_dataset({data!r})
train({recipe!r}, data, out={out!r}, device="cpu", parallel={parallel!r}, progress=False, save_every=0.0)
"""


def test_processes_go_on_where_they_were_killed(place, parted, tmp_path):
    """Two with parts of the weights, killed in the middle of the third epoch: two go on to the same bits, and one alone
    to the same curve, for the checkpoint knows nothing of parts."""
    out, script = tmp_path / "killed", tmp_path / "dying.py"
    batches = -(-6 * 5 // 7)  # of six trajectories with five windows of two steps each
    told = {"data": str(place / "data"), "recipe": str(place / "stepper.toml"), "out": str(out), "parallel": "fsdp"}
    script.write_text(DYING.format(step=2 * batches + 3, **told))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=800)
    assert "SIGKILL" in killed.stderr, killed.stderr
    reached = read_checkpoint(out / "checkpoint.pt")
    assert (reached["step"], len(reached["history"])) == (2 * batches + 2, 2)
    shutil.copytree(out, tmp_path / "alone")
    made = torchrun(place, "stepper", out, "--parallel", "fsdp", "--resume")
    assert made.returncode == 0, made.stderr
    sg.train(
        place / "stepper.toml", open_dataset(place / "data"), out=tmp_path / "alone", device="cpu", progress=False,
        resume=True,
    )  # fmt: skip
    straight, resumed = (read_checkpoint(folder / "checkpoint.pt") for folder in (parted[0], out))
    for name in ("weights", "average"):
        assert all(torch.equal(resumed[name][key], value) for key, value in straight[name].items())
    assert curve(out) == curve(parted[0])
    for folder in (out, tmp_path / "alone"):
        torch.testing.assert_close(
            torch.tensor(curve(folder)), torch.tensor(curve(place / "stepper")), rtol=1e-5, atol=0
        )


@pytest.mark.parametrize(("count", "size", "parts"), [(7, 2, 1), (8, 2, 2), (3, 4, 2), (1, 1, 1), (16, 3, 5)])
def test_shares_are_the_batch(count, size, parts):
    """Every example in one share of one process, and the weights of the shares add up to one."""
    shares = [share for rank in range(size) for share in shares_of(count, rank, size, parts)]
    assert len(shares) == size * parts
    examples = [example for share in shares if share.weight for example in share.of(range(count))]
    assert sorted(examples) == list(range(count))
    assert sum(share.weight for share in shares) == pytest.approx(1.0)
    assert all(len(share.of(range(count))) > 0 for share in shares)


@pytest.mark.parametrize(
    "draw",
    [
        lambda n, random: torch.randn(n, 3, generator=random),
        lambda n, random: torch.randn((n, 2, 2), generator=random, dtype=torch.float64),
        lambda n, random: torch.rand(n, generator=random),
        lambda n, random: torch.rand(size=(n, 1), generator=random),
        lambda n, random: torch.randint(0, 9, (n, 4), generator=random),
    ],
)
def test_the_draws_of_the_shares_are_those_of_the_batch(draw):
    whole = draw(7, torch.Generator().manual_seed(3))
    other = torch.randn(11, generator=torch.Generator().manual_seed(0))  # whose first axis is not that of examples
    found = []
    for rank in range(3):
        (share,) = shares_of(7, rank, 3, 1)
        with share.drawing():
            found.append(draw(share.last - share.first, torch.Generator().manual_seed(3)))
            assert torch.equal(torch.randn(11, generator=torch.Generator().manual_seed(0)), other)
    assert torch.equal(torch.cat(found), whole)

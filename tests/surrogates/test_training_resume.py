"""Six epochs at once, against three, a kill -9 in the middle of the fourth, and the rest: the same bits."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import Interrupted
from scenegrad.surrogates import (
    FNO,
    Flow,
    FlowMatching,
    FromPresent,
    Mastery,
    Noise,
    OneCycle,
    Patience,
    Plus,
    Settings,
    Sobolev,
    Unrolled,
    Windows,
    train,
)
from scenegrad.surrogates.training.checkpoint import read_checkpoint, write_checkpoint
from scenegrad.surrogates.training.sampler import Sampler

HERE = Path(__file__).parent
BATCHES = 5  # of an epoch, at most 64 of the 288 examples of 32 trajectories


def operator() -> FNO:
    torch.manual_seed(0)
    return FNO((6,), 8, ["u"], ["fluid.viscosity"], depth=2)


def flow() -> Flow:
    return Flow(operator(), start=FromPresent(noise=0.1), objective=FlowMatching())


CASES: dict[str, tuple[Callable[[], Any], Settings]] = {
    "one step": (operator, Settings(epochs=6, batch_size=64)),
    "flow": (flow, Settings(epochs=6, batch_size=64, average=0.9)),
    "every option": (
        operator,
        Settings(
            epochs=6,
            batch_size=64,
            accumulate=3,
            schedule=OneCycle(),
            average=0.9,
            precision="float16",
            target=Mastery((Noise(0.05), Noise(0.05, then=Unrolled(2))), below=0.745),
            loss=Plus(second=Sobolev(dim=1)),
            stop=Patience(5),
        ),
    ),
}


def trained(case: str, burgers: Callable[..., Any], out: Path, **how: Any) -> Any:
    make, settings = CASES[case]
    data = Windows(burgers(frames=10 + (settings.target is not None)))  # nine windows a trajectory, of one step or two
    return train(make(), data, out=out, settings=settings, device="cpu", progress=False, **how)


def die_in_step(number: int) -> None:
    """A kill -9 of this process, while it works on a batch."""
    drawn, draw = [], Sampler.draw

    def fatal(self: Sampler) -> list[int]:
        drawn.append(None)
        if len(drawn) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return draw(self)

    Sampler.draw = fatal  # type: ignore[method-assign]


CHILD = """
import sys
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
import conftest
import test_training_resume as tests
tests.die_in_step({step})
tests.trained({case!r}, conftest.burgers, {out!r}, save_every={save_every})
"""


@pytest.mark.parametrize(
    ("case", "save_every"), [("one step", 0.0), ("flow", 0.0), ("every option", 0.0), ("flow", 60.0)]
)
def test_six_epochs_are_three_a_kill_and_the_rest(make_burgers, tmp_path, case, save_every):
    straight = trained(case, make_burgers, tmp_path / "straight")
    fatal = 3 * BATCHES + 3
    out = tmp_path / "killed"
    code = CHILD.format(here=str(HERE), step=fatal, case=case, out=str(out), save_every=save_every)
    child = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    reached = read_checkpoint(out / "checkpoint.pt")
    assert reached["step"] == (fatal - 1 if save_every == 0.0 else 3 * BATCHES)
    assert len(reached["history"]) == 3
    torch.manual_seed(99)
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    resumed = trained(case, make_burgers, out, resume=True)
    a, b = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("straight", "killed"))
    assert a.keys() == b.keys()
    assert a["step"] > fatal
    for name in a:
        if name not in ("seconds", "history", "chance"):
            assert equal(a[name], b[name]), name
    assert equal(a["chance"]["torch"], b["chance"]["torch"]), "the others are not seeded by a training, only kept"
    assert equal(straight.model.state_dict(), resumed.model.state_dict())
    for one, other in zip(straight.history, resumed.history, strict=True):
        assert (one.loss, one.validation, one.learning_rate) == (other.loss, other.validation, other.learning_rate)


def test_every_option_is_used_by_the_case_that_says_so(make_burgers, tmp_path):
    """The scaler has counted, the curriculum has moved on, a best epoch is kept: else there is nothing to come back."""
    trained("every option", make_burgers, tmp_path)
    found = read_checkpoint(tmp_path / "checkpoint.pt")
    assert found["scaler"]["_growth_tracker"] == found["step"]
    assert found["place"] == 1
    assert found["best"].keys() == found["average"].keys() == found["weights"].keys()


def equal(a: Any, b: Any) -> bool:
    """Whether nested tables and lists hold the same numbers, bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


def test_ctrl_c_leaves_a_checkpoint_in_the_middle_of_an_epoch(make_burgers, tmp_path, monkeypatch):
    """The step at work is finished; what goes on from there ends with the same bits."""
    straight = trained("flow", make_burgers, tmp_path / "straight")
    drawn, draw = [], Sampler.draw

    def ask(self: Sampler) -> list[int]:
        drawn.append(None)
        if len(drawn) == BATCHES + 2:
            signal.raise_signal(signal.SIGINT)
        return draw(self)

    monkeypatch.setattr(Sampler, "draw", ask)
    with pytest.raises(
        Interrupted, match=rf"Stopped after step {BATCHES + 2} of {6 * BATCHES}\. Train again with resume"
    ):
        trained("flow", make_burgers, tmp_path / "stopped")
    assert read_checkpoint(tmp_path / "stopped" / "checkpoint.pt")["step"] == BATCHES + 2
    resumed = trained("flow", make_burgers, tmp_path / "stopped", resume=True)
    assert equal(straight.model.state_dict(), resumed.model.state_dict())


def test_a_checkpoint_has_the_same_bytes_whichever_process_writes_it(tmp_path, monkeypatch):
    written = []
    for process in (7, 65432):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        write_checkpoint(tmp_path / "checkpoint.pt", {"weights": {"a": torch.arange(3.0)}, "epoch": 2})
        written.append((tmp_path / "checkpoint.pt").read_bytes())
    assert written[0] == written[1]

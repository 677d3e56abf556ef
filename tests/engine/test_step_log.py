"""The log of steps gives back what was put in, however long it grows."""

import pytest
import torch

from scenegrad.engine.loop import StepRecord
from scenegrad.engine.step_log import StepLog


def test_records_come_back_as_they_were_taken():
    log = StepLog(batch=2)
    taken = [
        StepRecord(
            torch.tensor([n * 0.1, n * 0.2], dtype=torch.float64),
            torch.tensor([0.1, 0.2 / (n + 1)], dtype=torch.float64),
            torch.tensor([True, n % 3 == 0]),
        )
        for n in range(200)
    ]
    early = None
    for n, record in enumerate(taken):
        log.append(record)
        early = log[0] if n == 0 else early
    assert len(log) == 200
    for n, record in enumerate(taken):
        for name in ("time", "dt", "active"):
            assert torch.equal(getattr(log[n], name), getattr(record, name))
    assert early is not None
    assert torch.equal(early.dt, taken[0].dt)
    with pytest.raises(IndexError):
        log[200]

"""The steps of a march, as they were taken."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.loop import StepRecord

__all__ = ["StepLog"]


class StepLog:
    """Records in three tables that double when they are full.

    A list of records would keep small tensors of every step on the heap, between the large ones that come and go: each
    pins a hole that no state fits into any more, and the process was measured to grow by about a state a step.
    """

    def __init__(self, batch: int):
        self.time = torch.empty(64, batch, dtype=torch.float64)
        self.dt = torch.empty(64, batch, dtype=torch.float64)
        self.active = torch.empty(64, batch, dtype=torch.bool)
        self.count = 0

    def append(self, record: StepRecord) -> None:
        if self.count == len(self.time):
            self.time, self.dt, self.active = (doubled(table) for table in (self.time, self.dt, self.active))
        row = self.count
        self.time[row], self.dt[row], self.active[row] = record.time, record.dt, record.active
        self.count += 1

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> StepRecord:
        if not 0 <= row < self.count:
            raise IndexError(f"step {row} of {self.count}")
        return StepRecord(self.time[row], self.dt[row], self.active[row])


def doubled(table: Tensor) -> Tensor:
    return torch.cat([table, torch.empty_like(table)])

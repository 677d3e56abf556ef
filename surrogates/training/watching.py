"""Watching a training beyond its own log.jsonl."""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.training.fit import Epoch

__all__ = ["TensorBoard"]


class TensorBoard:
    """Writes every epoch for `tensorboard --logdir folder`: train(..., watch=TensorBoard("runs/fno"))."""

    def __init__(self, folder: str | Path):
        if find_spec("tensorboard") is None:
            raise EngineError("Writing for TensorBoard needs it: pip install 'scenegrad[log]'.")
        self.folder = Path(folder)
        self.writer: Any = None

    def __call__(self, epoch: Epoch) -> None:
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # What an interrupted training had written beyond its checkpoint is made again.
            self.writer = SummaryWriter(str(self.folder), purge_step=epoch.epoch)
        for name, value in asdict(epoch).items():
            if name != "epoch" and value is not None:
                self.writer.add_scalar(name, value, epoch.epoch)
        self.writer.flush()

"""What a format is: what it holds, who opens it, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.exporting.recording import Recording

if TYPE_CHECKING:
    from scenegrad.engine.dataset import Dataset

__all__ = ["DatasetFormat", "Format", "OutputFormat"]


@dataclass(frozen=True)
class OutputFormat:
    """One file, with more beside it where the format wants that, for each output.

    kinds: of outputs that it has room for. write: gets the frames and the path of the file; returns all it wrote.
    """

    name: str
    suffix: str
    kinds: tuple[str, ...]
    holds: str
    opened_by: str
    write: Callable[[Recording, Path], list[Path]]


@dataclass(frozen=True)
class DatasetFormat:
    """All members of a dataset together. write: gets the dataset, one of its outputs, the frames and the folder."""

    name: str
    suffix: str
    kinds: tuple[str, ...]
    holds: str
    opened_by: str
    write: Callable[[Dataset, str, Any, Path], list[Path]]


Format = OutputFormat | DatasetFormat

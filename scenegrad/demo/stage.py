"""Where the demo plays."""

from __future__ import annotations

from dataclasses import dataclass

from scenegrad.view import report

__all__ = ["Stage"]


@dataclass(frozen=True)
class Stage(report.Stage):
    """small: the form for continuous integration, with less of everything and looser claims."""

    small: bool = False

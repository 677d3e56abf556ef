"""Runs and datasets in the formats of other programs."""

from scenegrad.exporting.export import export
from scenegrad.exporting.format import Format
from scenegrad.exporting.known import FORMATS

__all__ = ["FORMATS", "Format", "export"]

"""Readers of mesh files, one a format: what a file holds becomes `Elements`, and damage of any kind a MeshError."""

from scenegrad.engine.geometry.readers.elements import Elements, damaged
from scenegrad.engine.geometry.readers.suffixes import SUFFIXES, read_elements

__all__ = ["SUFFIXES", "Elements", "damaged", "read_elements"]

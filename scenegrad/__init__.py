"""Describe a physical scene once: simulate it, differentiate it, learn it, look at it."""

__version__ = "0.1.0"

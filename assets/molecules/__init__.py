"""Molecules with their force fields."""

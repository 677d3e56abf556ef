"""Potentials of more than two atoms at once."""

"""Equations that the pseudo-spectral solver steps, one a file."""

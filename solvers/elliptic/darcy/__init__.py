"""Steady flow through porous media."""

"""Solvers that get better with the equations that they have solved."""

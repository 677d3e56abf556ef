"""Surrogates and solvers together: each does what it is better at."""

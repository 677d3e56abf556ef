"""Pair potentials: their functions, cuts, kernels, and the term they make of a force field."""

"""Godunov's method for conservation laws: compressible gases and shallow water."""

"""Pseudo-spectral solvers on periodic boxes."""

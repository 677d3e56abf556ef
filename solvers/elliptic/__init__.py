"""Poisson, Helmholtz and Darcy: elliptic equations behind one interface."""

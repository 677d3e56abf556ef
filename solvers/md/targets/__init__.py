"""Targets of samplers, wells and biases as terms of the force field."""

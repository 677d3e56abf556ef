"""Backward Euler: stiff bodies at steps that no wave bounds."""

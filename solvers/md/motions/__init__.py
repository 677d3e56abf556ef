"""Equations of motion and the ways to step them."""

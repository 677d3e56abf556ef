"""Meshes to simulate with, and the scripts that made them."""

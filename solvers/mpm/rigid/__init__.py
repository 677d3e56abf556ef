"""Rigid bodies that matter, walls and each other push."""

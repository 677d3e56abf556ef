"""Gravity: between every two bodies, or by a tree."""

"""Solid bodies in a flow: their distance and motion, how they hold the fluid, and what it does to them."""

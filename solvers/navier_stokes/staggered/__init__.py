"""Projection method on staggered (marker-and-cell) grids."""

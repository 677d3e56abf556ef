"""Charges: the forces between them in open space and in boxes that repeat themselves."""

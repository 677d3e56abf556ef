"""How good a learned solver is, and whether it is worth its cost."""

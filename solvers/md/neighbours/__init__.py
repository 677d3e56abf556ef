"""Lists of the atoms that are close to each other."""

"""Forces within molecules: bonds, angles, dihedrals, and the pairs that they leave out."""

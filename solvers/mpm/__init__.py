"""Material point method: solids and free-surface fluids on particles and a grid."""

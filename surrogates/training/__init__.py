"""Training: what to compare, in which order, and how to go on after an interruption to the same weights."""

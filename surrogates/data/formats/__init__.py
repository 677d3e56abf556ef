"""Data of other projects, read as trajectories or pairs, and ours written so that their loaders read them."""

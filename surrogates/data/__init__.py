"""What networks learn from: windows of trajectories, pairs of fields, their statistics and their splits."""

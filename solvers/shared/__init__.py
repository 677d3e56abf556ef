"""What the solver families have in common."""

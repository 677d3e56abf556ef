"""A finer grid around a region, blended into the coarse one."""

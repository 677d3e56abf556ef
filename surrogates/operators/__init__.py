"""Networks that map fields to fields on grids of any resolution."""

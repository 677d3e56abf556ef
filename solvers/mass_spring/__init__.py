"""Point masses joined by springs."""

"""What can be read off atoms."""

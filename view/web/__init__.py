"""Runs on a page of a browser: one that is sent as a file, and one that is served while it is looked at."""

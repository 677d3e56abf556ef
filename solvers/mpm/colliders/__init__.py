"""Rigid things in the way of matter, given by their signed distance: contact, friction, and what holds."""

"""Particles and graphs: who is close to whom, networks that pass messages between neighbours, and what they drive."""

"""Incompressible flow."""

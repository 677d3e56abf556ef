"""Equations on meshes solved where their numbers are: Krylov methods with multigrid, in Warp and torch."""

"""Frames on disk: ordinary HDF5 that ParaView, MD programs and training read; a crash costs at most one frame."""

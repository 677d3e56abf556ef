"""Finite elements on unstructured meshes of triangles and tetrahedra: flows, porous media, heat, elastic solids."""

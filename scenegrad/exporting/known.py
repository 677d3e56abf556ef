"""The formats that there are."""

from __future__ import annotations

from scenegrad.exporting.copying import write_h5md, write_vtkhdf
from scenegrad.exporting.datasets import (
    write_dataset_gns,
    write_dataset_neuraloperator,
    write_dataset_pdebench,
    write_well,
)
from scenegrad.exporting.extxyz import write_xyz
from scenegrad.exporting.format import DatasetFormat, Format, OutputFormat
from scenegrad.exporting.pvd import write_pvd
from scenegrad.exporting.tables import write_csv, write_npz
from scenegrad.exporting.xdmf import write_xdmf

__all__ = ["FORMATS"]

IN_SPACE = ("grid", "points", "atoms")

ALL: tuple[Format, ...] = (
    OutputFormat(
        "vtkhdf", ".vtkhdf", IN_SPACE, "fields on grids, particles, meshes and atoms, all frames in one file",
        "ParaView 5.13 and later, VTK 9.5 and later", write_vtkhdf,
    ),
    OutputFormat(
        "pvd", ".pvd", IN_SPACE, "fields on grids (.vti), particles, meshes and atoms (.vtu), a file a frame",
        "ParaView, VTK; the .vtu also by meshio", write_pvd,
    ),
    OutputFormat(
        "xdmf", ".xdmf", IN_SPACE, "fields on grids, particles, meshes and atoms, in the run's own file",
        "ParaView (its Xdmf readers), VisIt, VTK", write_xdmf,
    ),
    OutputFormat("h5md", ".h5md", ("atoms",), "atoms", "MDAnalysis, OVITO, VMD, h5py", write_h5md),
    OutputFormat("extxyz", ".extxyz", ("atoms",), "atoms, as text", "ASE, OVITO, VMD", write_xyz),
    OutputFormat(
        "npz", ".npz", (*IN_SPACE, "series"), "everything that was recorded, as arrays", "numpy", write_npz
    ),
    OutputFormat("csv", ".csv", ("series",), "numbers over time, a row a frame", "spreadsheets, pandas", write_csv),
    DatasetFormat(
        "well", "", ("grid",), "a dataset of fields on a grid, by links to its shards: nothing is copied",
        "the_well's WellDataset, neuraloperator", write_well,
    ),
    DatasetFormat(
        "pdebench", ".h5", ("grid",), "a dataset of fields on a grid, in one file", "PDEBench", write_dataset_pdebench
    ),
    DatasetFormat(
        "neuraloperator", ".pt", ("grid",), "a dataset of fields on a grid, as pairs of its first and last frame",
        "neuraloperator's PTDataset, torch.load", write_dataset_neuraloperator,
    ),
    DatasetFormat(
        "gns", ".npz", ("points",), "a dataset of particles", "geoelements/gns, PhysicsNeMo", write_dataset_gns
    ),
)  # fmt: skip

FORMATS: dict[str, Format] = {format.name: format for format in ALL}

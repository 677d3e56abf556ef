"""Reads one file with VTK and writes its arrays as .npz: `python vtk_child.py FILE OUT`.

A damaged file can make VTK touch memory that is not its own, which ends the process it runs in: this one, and not that
of a simulation. It imports nothing of the package, so that it starts in a fifth of a second.
"""

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

MEMORY = 8 << 30  # bytes, and as many times the size of the file
GROWTH = 200


def reader_of(path: Path) -> Any:
    if path.suffix.lower() in (".gltf", ".glb"):
        from vtkmodules.vtkIOGeometry import vtkGLTFReader

        return vtkGLTFReader()
    if path.suffix.lower() == ".vtk":
        from vtkmodules.vtkIOLegacy import vtkGenericDataObjectReader

        return vtkGenericDataObjectReader()
    from vtkmodules import vtkIOXML

    return vtkIOXML.vtkXMLPolyDataReader() if path.suffix.lower() == ".vtp" else vtkIOXML.vtkXMLUnstructuredGridReader()


def leaves(data: Any) -> list[Any]:
    """The data sets in a tree of them."""
    if data is None:
        return []
    if not data.IsA("vtkMultiBlockDataSet"):
        return [data]
    return [leaf for n in range(data.GetNumberOfBlocks()) for leaf in leaves(data.GetBlock(n))]


def main(path: Path, out: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkAppendFilter, vtkTriangleFilter

    limit = MEMORY + GROWTH * path.stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    reader = reader_of(path)
    reader.SetFileName(str(path))
    reader.Update()
    if reader.GetErrorCode():
        raise SystemExit(f"error {reader.GetErrorCode()}")
    join = vtkAppendFilter()
    for part in leaves(reader.GetOutputDataObject(0)):
        if part.IsA("vtkPolyData"):
            flat = vtkTriangleFilter()
            flat.SetInputData(part)
            flat.PassVertsOff()
            flat.Update()
            part = flat.GetOutput()
        join.AddInputData(part)
    join.Update()
    grid = join.GetOutput()
    if not grid.GetNumberOfPoints():
        raise SystemExit("it holds no points")
    arrays = {
        "points": vtk_to_numpy(grid.GetPoints().GetData()),
        "corners": vtk_to_numpy(grid.GetCells().GetConnectivityArray()),
        "starts": vtk_to_numpy(grid.GetCells().GetOffsetsArray()),
        "kinds": np.array([grid.GetCellType(n) for n in range(grid.GetNumberOfCells())], dtype=np.int64),
    }
    fields = grid.GetCellData()
    for n in range(fields.GetNumberOfArrays()):
        field = fields.GetArray(n)
        if field is not None and field.GetNumberOfComponents() == 1:
            arrays[f"field {field.GetName()}"] = vtk_to_numpy(field)
    np.savez(out, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

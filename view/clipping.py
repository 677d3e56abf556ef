"""Cutting away what a plane cuts away, from whatever is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenegrad.view.choices import Clip

if TYPE_CHECKING:
    import pyvista

__all__ = ["cut_away", "face_of"]


def cut_away(actor: Any, clip: Clip | None) -> None:
    """Hide the part of an actor that lies ahead of the plane."""
    if clip is None:
        return
    from vtkmodules.vtkCommonDataModel import vtkPlane

    plane = vtkPlane()
    plane.SetNormal([-part for part in clip.normal])  # VTK keeps what lies ahead
    plane.SetOrigin(clip.through)
    actor.GetMapper().AddClippingPlane(plane)


def face_of(data: pyvista.DataSet, clip: Clip) -> pyvista.PolyData:
    """What lies in the plane itself."""
    return data.slice(normal=clip.normal, origin=clip.through)

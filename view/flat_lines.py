"""What lies on a field in the plane: lines along the flow, arrows, or lines of equal value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.choices import Clip
from scenegrad.view.clipping import cut_away
from scenegrad.view.colours import Colouring
from scenegrad.view.letters import ticks
from scenegrad.view.quantities import flow_of, quantity
from scenegrad.view.styles import Arrows, Isosurfaces, Streamlines, Style
from scenegrad.view.vtkhdf import ElementFrames, GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["FlatLines"]

OVER = 0.3e-3  # height over the field, in breadths of the picture; obstacles lie above
LIGHT, DARK = "#ffffff", "#202020"
LINES = 250
FINE = 160  # samples along the longer side on which lines are followed
LEVELS = 12  # lines of equal value, about
HEAD, SHAFT = 0.38, 0.045  # of an arrow: length of its head, half the breadth of its shaft, in its length
LEAST = 0.02  # of the fastest: arrows of what is slower are left out


class FlatLines:
    """The look of them; the field itself and all that stands around it are there already."""

    def __init__(
        self,
        plotter: pyvista.Plotter,
        frames: GridFrames | ElementFrames,
        colours: Colouring,
        style: Style,
        clip: Clip | None,
    ):
        self.plotter, self.frames, self.colours, self.style, self.clip = plotter, frames, colours, style, clip
        flow = None if isinstance(style, Isosurfaces) else flow_of(frames, getattr(style, "of", None))
        self.flow = None if flow is None else flow.name
        if isinstance(style, Isosurfaces):
            self.shape = quantity(frames, style.of) if style.of is not None else colours.quantity
            self.values = np.asarray(style.values) if style.values else self.round_values()
        if isinstance(style, Arrows):
            some = np.unique(np.linspace(0, len(frames.times) - 1, 8).round().astype(int))
            speeds = [np.linalg.norm(self.frames.values(str(self.flow), index), axis=-1) for index in some]
            self.fastest = max(float(np.nanmax(speed)) for speed in speeds) or 1.0

    def show(self, index: int) -> None:
        match self.style:
            case Streamlines():
                shape, colour = self.lines(index, self.style), LIGHT
            case Arrows():
                shape, colour = self.arrows(index, self.style), DARK
            case _:
                shape, colour = self.isolines(index), DARK
        if not shape.n_points:
            self.plotter.remove_actor("flat lines", reset_camera=False, render=False)
            return
        places = np.array(shape.points)
        low, high = np.array(self.frames.frame(index).bounds).reshape(3, 2).T
        places[:, 2] = OVER * float(np.max(high - low))
        shape.points = places
        width = 1.6 if isinstance(self.style, Streamlines) else 1.2
        actor = self.plotter.add_mesh(
            shape, color=colour, line_width=width, lighting=False, name="flat lines", opacity=0.85, reset_camera=False,
            render=False, pickable=False,
        )  # fmt: skip
        cut_away(actor, self.clip)

    def round_values(self) -> NDArray[np.float64]:
        """Round numbers in the range of the colours, or of the field that is lined."""
        if self.shape.name == self.colours.quantity.name:
            low, high = self.colours.limits
        else:
            first, last = (np.ravel(self.shape.of(self.frames, k)) for k in (0, len(self.frames.times) - 1))
            low, high = (float(edge) for edge in np.nanpercentile(np.concatenate([first, last]), [1, 99]))
        return ticks(low, high, LEVELS)

    def dataset(self, index: int, name: str, values: NDArray[Any]) -> pyvista.DataSet:
        """The frame with one array; a grid up to the ends of a periodic box."""
        flat = np.asarray(values, dtype=np.float64)
        if isinstance(self.frames, GridFrames):
            data, flat = closed(self.frames, flat)
        else:
            data = self.frames.frame(index)
            data.clear_point_data()
        per = flat.shape[-1] if flat.ndim > 1 and data.n_points * flat.shape[-1] == flat.size else 1
        data.point_data[name] = flat.reshape(data.n_points, per) if per > 1 else flat.reshape(-1)
        return data

    def isolines(self, index: int) -> pyvista.PolyData:
        data = self.dataset(index, "shape", self.shape.of(self.frames, index))
        return data.contour(list(self.values), scalars="shape", compute_normals=False)

    def sampled(self, index: int, many: int) -> pyvista.ImageData:
        """The flow on a uniform grid with `many` samples along its longer side, nothing outside of a mesh."""
        import pyvista

        values = np.asarray(self.frames.values(str(self.flow), index), dtype=np.float64)
        padded = np.zeros((*values.shape[:-1], 3))
        padded[..., :2] = values[..., :2]
        data = self.dataset(index, "flow", padded)
        low, high = np.array(data.bounds).reshape(3, 2).T[:, :2]
        h = float(np.max(high - low)) / many
        counts = np.maximum(np.floor((high - low) / h).astype(int), 2)
        start = 0.5 * (low + high) - 0.5 * h * (counts - 1)
        grid = pyvista.ImageData(dimensions=(*counts, 1), spacing=(h, h, 1.0), origin=(*start, 0.0))
        return grid.sample(data)

    def lines(self, index: int, style: Streamlines) -> pyvista.PolyData:
        """Evenly spaced lines [Jobard & Lefer 1997, Visualization in Scientific Computing, 43]."""
        import pyvista

        grid = self.sampled(index, FINE)
        speed = np.linalg.norm(grid.point_data["flow"], axis=1)
        if not speed.max() > 0:
            return pyvista.PolyData()
        apart = 0.55 * (grid.n_points / (style.seeds or LINES)) ** 0.5 / 2
        fastest = grid.points[int(np.argmax(speed))]
        return grid.streamlines_evenly_spaced_2D(
            vectors="flow", start_position=fastest, separating_distance=apart, separating_distance_ratio=0.5,
            step_length=0.5, terminal_speed=1e-6 * float(speed.max()), max_steps=4000, compute_vorticity=False,
        )  # fmt: skip

    def arrows(self, index: int, style: Arrows) -> pyvista.PolyData:
        """Triangles of arrows, each as long as what it stands for is fast, the fastest as long as they are apart."""
        import pyvista

        grid = self.sampled(index, style.across)
        flow = np.asarray(grid.point_data["flow"])[:, :2]
        speed = np.linalg.norm(flow, axis=1)
        kept = speed > LEAST * self.fastest
        if not kept.any():
            return pyvista.PolyData()
        along = flow[kept] / speed[kept, None]
        length = float(grid.spacing[0]) * np.minimum(speed[kept] / self.fastest, 1.0) ** 0.5
        outline = np.array(
            [[-0.5, -SHAFT], [0.5 - HEAD, -SHAFT], [0.5 - HEAD, -3.2 * SHAFT], [0.5, 0.0], [0.5 - HEAD, 3.2 * SHAFT],
             [0.5 - HEAD, SHAFT], [-0.5, SHAFT]]
        )  # fmt: skip
        side = np.stack([-along[:, 1], along[:, 0]], axis=1)
        corners = outline[None, :, :1] * along[:, None] + outline[None, :, 1:] * side[:, None]
        places = grid.points[kept][:, None, :2] + corners * length[:, None, None]
        points = np.pad(places.reshape(-1, 2), ((0, 0), (0, 1)))
        count = len(outline)
        starts = count * np.arange(len(places))[:, None]
        pieces = np.array([[0, 1, 5], [0, 5, 6], [2, 3, 4]])  # the shaft, and the head
        faces = np.insert((starts[:, :, None] + pieces[None]).reshape(-1, 3), 0, 3, axis=1)
        return pyvista.PolyData(points, faces=faces.ravel())


def closed(frames: GridFrames, values: NDArray[np.float64]) -> tuple[pyvista.RectilinearGrid, NDArray[np.float64]]:
    """The places of a flat grid, and values [ny, nx, ...] there. Along periodic axes both reach to the ends of the box,
    where the field lies between its last sample and its first."""
    import pyvista

    box, periodic, places = frames.setting.box, frames.setting.periodic, []
    for axis, (begin, apart, count) in enumerate(zip(frames.origin, frames.spacing, frames.cells, strict=True)):
        x, along, slack = begin + apart * np.arange(count), 1 - axis, 1e-4 * apart
        if box is not None and periodic and periodic[axis]:
            before, behind = x[0] - box[0, axis], box[1, axis] - x[-1]
            if min(before, behind) > -slack and abs(before + behind - apart) < slack:  # all of the box, and no more
                first, last = values.take([0], axis=along), values.take([-1], axis=along)
                end = last + behind / apart * (first - last)
                if behind > slack:
                    x, values = np.append(x, box[1, axis]), np.concatenate([values, end], axis=along)
                if before > slack:
                    x, values = np.insert(x, 0, box[0, axis]), np.concatenate([end, values], axis=along)
        places.append(x)
    return pyvista.RectilinearGrid(*places, np.zeros(1)), values

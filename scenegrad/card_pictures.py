"""The pictures of a dataset card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.surrogates.data.card import members_looked_at, space_of
from scenegrad.surrogates.evaluation.spectrum import power_spectrum
from scenegrad.view.plots import Bars, Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Picture

__all__ = ["parameter_picture", "sample_pictures", "series_picture", "spectrum_picture"]

MEMBERS, FRAMES, QUANTITIES = 3, 5, 4  # that are shown
CURVES = 12  # members whose series are drawn
AVERAGED = 16  # members whose spectra are averaged


def parameter_picture(data: Dataset, folder: Path) -> list[Picture]:
    """A histogram of each number that was drawn."""
    panels = []
    for address, values in data.parameters.items():
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            continue
        bins, wide = min(24, max(4, len(values) // 4)), bool(values.min() > 0 and values.max() > 5 * values.min())
        marks = np.geomspace(values.min(), values.max(), bins + 1) if wide else bins
        heights, edges = np.histogram(values, bins=marks)
        panels.append(Panel([Bars(edges, heights)], "", address, "members", "x" if wide else ""))
    if not panels:
        return []
    return [Picture(plot_panels(panels[:9], folder / "varied.png", columns=3), "What was drawn, member by member.")]


def sample_pictures(data: Dataset, folder: Path) -> list[Picture]:
    """Some frames of some members of what lies on grids or is made of particles."""
    pictures = []
    for probe in data.probes:
        columns, times, kind = data.table(probe)
        if kind == "series" or not len(times):
            continue
        frames = np.unique(np.linspace(0, len(times) - 1, FRAMES).round().astype(int))
        titles = [f"t = {times[frame]:.3g}" for frame in frames]
        members = members_looked_at(data, MEMBERS)
        named = [name for name in columns if kind == "grid" or name != "position"] or list(columns)
        for name in named[:QUANTITIES]:
            path = folder / f"sample_{probe}_{name}.png"
            rows = []
            for number, member in enumerate(members):
                fields = [scalar(data, probe, name, frame_of(data, member, probe, name, f), kind) for f in frames]
                places = None
                if kind != "grid" and "position" in columns:
                    places = [frame_of(data, member, probe, "position", f) for f in frames]
                label, unit = told(data, probe, name, kind)
                rows.append(Row(f"member {member}", fields, titles if number == 0 else (), label, unit, places))
            if all(one.ndim == 1 for row in rows for one in row.fields) and rows[0].places is None:
                draw_lines(rows, titles, path)
            else:
                plot_tiles(rows, path)
            pictures.append(Picture(path, f"{probe}: {name} of {len(rows)} members."))
    return pictures


def draw_lines(rows: list[Row], titles: list[str], path: Path) -> None:
    panels = []
    for row in rows:
        curves = [
            Curve(np.arange(len(one)), one, title, "-", number)
            for number, (one, title) in enumerate(zip(row.fields, titles, strict=True))
        ]
        panels.append(Panel(curves, row.label, "point", row.name))
    plot_panels(panels, path, columns=3)


def frame_of(data: Dataset, member: int, probe: str, name: str, frame: int) -> np.ndarray:
    return data.read(member, probe, name, slice(frame, frame + 1))[0]


def scalar(data: Dataset, probe: str, name: str, values: np.ndarray, kind: str) -> np.ndarray:
    """One number for each point: of a vector its length."""
    space = space_of(data, probe, name) if kind == "grid" else 1
    return np.linalg.norm(values.reshape(*values.shape[:space], -1), axis=-1) if values.ndim > space else values


def told(data: Dataset, probe: str, name: str, kind: str) -> tuple[str, str]:
    """How it is called on a colour bar, and its unit."""
    column = data.quantities(probe)[name]
    space = space_of(data, probe, name) if kind == "grid" else 1
    return (f"|{name}|" if len(column.shape) > space else name), column.unit


def spectrum_picture(data: Dataset, folder: Path) -> list[Picture]:
    """Mean power spectra of what lies on grids, at the first, a middle and the last frame."""
    panels = []
    for probe in data.probes:
        columns, times, kind = data.table(probe)
        if kind != "grid" or not len(times):
            continue
        for name in list(columns)[:QUANTITIES]:
            dim, curves = space_of(data, probe, name), []
            if min(columns[name].shape[:dim]) < 4:
                continue
            for number, frame in enumerate(sorted({0, len(times) // 2, len(times) - 1})):
                fields = [frame_of(data, m, probe, name, frame) for m in members_looked_at(data, AVERAGED)]
                power = power_spectrum(torch.from_numpy(np.stack(fields)).double(), dim)[:, 1:].numpy()
                k = np.arange(1, power.shape[1] + 1)
                low, high = power.min(axis=0), power.max(axis=0)
                curves.append(Curve(k, power.mean(axis=0), f"t = {times[frame]:.3g}", "-", number, low, high))
            top = max(float(np.max(curve.y)) for curve in curves)
            least = min(float(np.min(curve.y)) for curve in curves)
            floor = max(0.3 * least, 1e-10 * top)
            panels.append(
                Panel(curves, f"{probe}: {name}", "wavenumber", "power", "xy" if top > 0 else "", floor=floor)
            )
    if not panels:
        return []
    path = plot_panels(panels, folder / "spectra.png")
    return [Picture(path, "Power spectra: the mean over members, and from the least to the greatest of them.")]


def series_picture(data: Dataset, folder: Path) -> list[Picture]:
    """Numbers over time, of some members."""
    panels = []
    for probe in data.probes:
        columns, times, kind = data.table(probe)
        if kind != "series":
            continue
        for name, column in columns.items():
            if column.shape:
                continue
            curves = [
                Curve(times, data.read(member, probe, name), "", "-", number)
                for number, member in enumerate(members_looked_at(data, CURVES))
            ]
            unit = f" [{column.unit}]" if column.unit else ""
            panels.append(Panel(curves, f"{probe}: {name}", "time", f"{name}{unit}"))
    if not panels:
        return []
    path = plot_panels(panels[:9], folder / "series.png", columns=3)
    return [Picture(path, f"Numbers over time, of up to {CURVES} members.")]

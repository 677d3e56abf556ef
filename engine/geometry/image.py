"""Pictures as regions of the plane."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.geometry.turning import rotation

__all__ = ["Picture", "Silhouette", "read_picture", "silhouette"]

Array = NDArray[np.float64]

LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue [ITU-R BT.709]
MOST = 100_000_000  # pixels


def read_picture(path: str | Path) -> dict[str, Array]:
    """How dark, how bright and how opaque each pixel is, 0..1 [row from below, column].

    Dark: as seen on white paper. Bright: as seen on black. So a transparent pixel is neither."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST:
                raise FileError(f"{path} has {picture.width} x {picture.height} pixels; at most {MOST:g} are read.")
            light, opaque = light_and_opacity(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f"{path} cannot be read as a picture ({error}). Save it as .png.") from error
    light, opaque = light[::-1], opaque[::-1]
    return {"dark": opaque * (1 - light), "bright": opaque * light, "opaque": opaque}


def light_and_opacity(picture: Any) -> tuple[Array, Array]:
    if picture.mode.startswith(("I", "F")):  # 16 bits or numbers: Pillow would cut them off at 255
        values = np.asarray(picture, dtype=np.float64)
        if picture.mode == "F":
            top = max(float(values.max()), 1.0)
        else:
            top = 65535.0 if values.max() > 255 else 255.0
        return np.clip(values / top, 0, 1), np.ones(values.shape)
    colours = np.asarray(picture.convert("RGBA"), dtype=np.float64) / 255
    return colours[..., :3] @ np.array(LUMA), colours[..., 3]


class Silhouette:
    """The pixels that are matter, as a region of the plane; the lower left corner of the picture is the origin.

    pixel: width and height of one."""

    def __init__(self, matter: NDArray[np.bool_], pixel: tuple[float, float]):
        from scipy.ndimage import distance_transform_edt

        self.pixel = np.asarray(pixel, dtype=np.float64)
        self.size = self.pixel * matter.shape[::-1]  # of the whole picture [2]
        padded = np.pad(matter, 1)  # where the picture ends, so does the matter
        sampling = (pixel[1], pixel[0])
        half = 0.5 * min(pixel)
        inside = distance_transform_edt(padded, sampling=sampling)
        outside = distance_transform_edt(~padded, sampling=sampling)
        self.distances = np.where(padded, half - inside, outside - half)
        rows, columns = np.nonzero(matter)
        self.low = np.array([columns.min(), rows.min()]) * self.pixel
        self.high = np.array([columns.max() + 1, rows.max() + 1]) * self.pixel
        self.area = float(matter.sum() * self.pixel.prod())

    def signed_distance(self, points: Array) -> Array:
        """Distance to the edge between matter and none, negative inside [n]; to within half a pixel.

        At the middle of a pixel it is that to the nearest pixel of the other kind, less half a pixel; linear
        between. Beyond the picture, |x - m|^2 >= |x - c|^2 + |c - m|^2 for all matter m, c being the place in the
        picture nearest to x."""
        from scipy.ndimage import map_coordinates

        index = points / self.pixel + 0.5  # the middle of the first pixel of the padded picture is at -1/2
        held = np.clip(index, 0, np.array(self.distances.shape[::-1]) - 1.0)
        beyond = np.linalg.norm((index - held) * self.pixel, axis=1)
        found = map_coordinates(self.distances, held.T[::-1], order=1, mode="nearest")
        return np.where(beyond > 0, np.hypot(found, beyond), found)

    def placed(self, degrees: float, center: Array | None) -> Picture:
        """Turned counter-clockwise; the middle of the whole picture comes to lie at the center, without one its lower
        left corner at the origin."""
        turn = rotation((0.0, 0.0, degrees))[:2, :2]
        return Picture(self, turn, np.zeros(2) if center is None else center - turn @ (0.5 * self.size))


@dataclass(frozen=True)
class Picture:
    """x = corner + turn y for y in the frame of the silhouette."""

    silhouette: Silhouette
    turn: Array  # [2, 2]
    corner: Array  # [2]

    def signed_distance(self, points: Array) -> Array:
        return self.silhouette.signed_distance((points - self.corner) @ self.turn)

    @property
    def bounds(self) -> tuple[Array, Array]:
        (x0, y0), (x1, y1) = self.silhouette.low, self.silhouette.high
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self.turn.T + self.corner
        return corners.min(axis=0), corners.max(axis=0)


def silhouette(path: str | Path, matter: str, threshold: float, width: float, height: float | None) -> Silhouette:
    """The pixels that are darker, brighter or more opaque (`matter`) than the threshold, 0..1.

    width, height: of the whole picture; without a height pixels are squares."""
    amount = read_picture(path)[matter]
    chosen = amount > threshold
    if not chosen.any():
        raise FileError(
            f"{path} has no pixel that is {matter} beyond {threshold:g}; its pixels lie between {amount.min():.3g} and "
            f"{amount.max():.3g}. Lower the threshold, or take another of dark, bright, opaque."
        )
    rows, columns = chosen.shape
    edge = width / columns
    return Silhouette(chosen, (edge, edge if height is None else height / rows))

"""3D Gaussian splats in .ply files, as training codes write them [Kerbl et al. 2023], and what a deformation makes of
them [Xie et al. 2024, PhysGaussian]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.ply import Vertices, read_vertices, write_vertices
from scenegrad.engine.geometry.ellipsoids import axes_of, quaternions_of, rotations_of, turned_by
from scenegrad.engine.geometry.harmonics import turned_harmonics

__all__ = ["Splats", "read_splats"]

Array = NDArray[np.float64]

MEAN = ("x", "y", "z")
NORMAL = ("nx", "ny", "nz")
SCALE = ("scale_0", "scale_1", "scale_2")
ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
BASE = ("f_dc_0", "f_dc_1", "f_dc_2")
NEEDED = (*MEAN, *SCALE, *ROTATION, "opacity", *BASE)


@dataclass(frozen=True)
class Splats:
    """Gaussians by the rows of their file: mean x y z; opacity as a logit; scale_* the logarithms of the standard
    deviations along the axes; rot_* a quaternion w x y z of any length that turns the axes; f_dc_* and f_rest_* the
    spherical harmonics of the colour (all of red, then green, then blue). Other properties ride along."""

    vertices: Vertices

    def __len__(self) -> int:
        return len(self.vertices.rows)

    @property
    def mean(self) -> Array:
        """[n, 3], in the unit of the file."""
        return self.vertices.columns(*MEAN)

    @property
    def opacity(self) -> Array:
        """alpha = 1 / (1 + exp(-logit)) [n]"""
        return 1 / (1 + np.exp(-self.vertices.rows["opacity"].astype(np.float64)))

    @property
    def axes(self) -> Array:
        """R S [n, 3, 3]: its columns are the axes of the ellipsoid of one standard deviation."""
        rotation = rotations_of(self.vertices.columns(*ROTATION))
        return rotation * np.exp(self.vertices.columns(*SCALE))[:, None]

    @property
    def covariance(self) -> Array:
        """Sigma = R S S' R' [n, 3, 3]"""
        axes = self.axes
        return axes @ axes.swapaxes(1, 2)

    @property
    def harmonics(self) -> Array:
        """Coefficients of the colour [n, channel, (degree + 1)^2], degree by degree."""
        rest = (
            self.vertices.columns(*rest_names(self.vertices)) if rest_names(self.vertices) else np.empty((len(self), 0))
        )
        base = self.vertices.columns(*BASE)
        return np.concatenate([base[:, :, None], rest.reshape(len(self), 3, -1)], axis=2)

    def chosen(self, which: NDArray[np.bool_] | slice) -> Splats:
        return Splats(Vertices(self.vertices.rows[which], self.vertices.comments))

    def deformed(self, mean: Array, deformation: Array) -> Splats:
        """Gaussians at new means [n, 3] after the deformation F [n, 3, 3] of the space around each.

        Sigma' = F Sigma F', written as rotation and scales again; with F = 1 these stay what they were. Colours are
        seen from the material: they turn with the rotation of F, and so do normals."""
        lengths, turned = axes_of(deformation @ self.axes)
        before = self.vertices.columns(*ROTATION)
        after = quaternions_of(turned)
        sign = np.where((after * before).sum(1) < 0, -1.0, 1.0) * np.linalg.norm(before, axis=1)
        spin = turned_by(deformation)
        columns = {
            **named(MEAN, mean),
            **named(SCALE, np.log(np.maximum(lengths, np.finfo(np.float64).tiny))),
            **named(ROTATION, after * sign[:, None]),
        }
        if names := rest_names(self.vertices):
            colour = turned_harmonics(self.harmonics, spin)
            columns |= named(names, colour[:, :, 1:].reshape(len(self), -1))
        if set(NORMAL) <= set(self.vertices.names):
            columns |= named(NORMAL, (spin @ self.vertices.columns(*NORMAL)[:, :, None])[:, :, 0])
        rows = self.vertices.rows.copy()
        for name, column in columns.items():
            rows[name] = column
        return Splats(Vertices(rows, self.vertices.comments))

    def save(self, path: str | Path) -> None:
        """A binary .ply with the properties, their order and their types as they were read."""
        write_vertices(path, self.vertices)

    @staticmethod
    def of(
        mean: ArrayLike,
        covariance: ArrayLike,
        opacity: ArrayLike = 0.9,
        colour: ArrayLike = (0.5, 0.5, 0.5),
        degree: int = 0,
    ) -> Splats:
        """Gaussians [n] made by hand. colour: red, green and blue in 0..1 as seen from everywhere, [3] or [n, 3].

        degree: of the harmonics to leave room for, all zero beyond the first."""
        mean = np.asarray(mean, dtype=np.float64)
        values, vectors = np.linalg.eigh(np.broadcast_to(np.asarray(covariance, dtype=np.float64), (len(mean), 3, 3)))
        vectors[np.linalg.det(vectors) < 0, :, 2] *= -1
        share = np.broadcast_to(np.asarray(opacity, dtype=np.float64), len(mean))
        base = (np.broadcast_to(np.asarray(colour, dtype=np.float64), (len(mean), 3)) - 0.5) * (4 * np.pi) ** 0.5
        rest = [f"f_rest_{k}" for k in range(3 * ((degree + 1) ** 2 - 1))]
        names = (*MEAN, *NORMAL, *BASE, *rest, "opacity", *SCALE, *ROTATION)
        rows = np.zeros(len(mean), [(name, "f4") for name in names])
        columns = {
            **named(MEAN, mean), **named(BASE, base), "opacity": np.log(share / (1 - share)),
            **named(SCALE, 0.5 * np.log(values)), **named(ROTATION, quaternions_of(vectors)),
        }  # fmt: skip
        for name, column in columns.items():
            rows[name] = column
        return Splats(Vertices(rows))


def named(names: Sequence[str], columns: Array) -> dict[str, Array]:
    return dict(zip(names, columns.T, strict=True))


def rest_names(vertices: Vertices) -> list[str]:
    """The properties that hold harmonics above degree 0, in order."""
    count = sum(name.startswith("f_rest_") for name in vertices.names)
    return [f"f_rest_{k}" for k in range(count)]


def read_splats(path: str | Path) -> Splats:
    """Refuses what is no file of Gaussians, and Gaussians that are no numbers."""
    vertices = read_vertices(path)
    missing = [name for name in NEEDED if name not in vertices.names]
    if missing:
        raise FileError(
            f"{path} holds no Gaussian splats: its vertices have no {', '.join(missing)}. "
            f"They have {', '.join(vertices.names)}. If it is a cloud of points, take Points(path)."
        )
    rest = rest_names(vertices)
    if len(rest) not in (0, 9, 24, 45) or not set(rest) <= set(vertices.names):
        raise FileError(
            f"{path} has {len(rest)} properties f_rest_*; colours of degree 0, 1, 2 or 3 have 0, 9, 24 or 45, "
            f"numbered from f_rest_0. Export it with spherical harmonics up to degree 3."
        )
    numbers = vertices.columns(*NEEDED, *rest)
    bad = np.flatnonzero(~np.isfinite(numbers).all(axis=1) | ~vertices.columns(*ROTATION).any(axis=1))
    if len(bad):
        place = ", ".join(f"{x:.6g}" for x in numbers[bad[0], :3])
        raise FileError(
            f"{path}: {len(bad)} of {len(numbers)} Gaussians have numbers that are not finite or a rotation of length "
            f"zero; the first is number {bad[0]} at ({place}). Remove them in the program that made the file."
        )
    return Splats(vertices)

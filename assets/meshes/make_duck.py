"""Make duck.stl: a bath duck, modelled as a smooth union of signed distances and cut into triangles.

Run `python -m scenegrad.assets.meshes.make_duck [folder]`; the same versions of NumPy and VTK write the same bytes. The
duck looks along +x, stands on z = 0 with y = 0 through its middle, and is one unit long.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CELL = 0.011  # of the grid that is contoured; a duck is about 1.1 long before it is scaled
TRIANGLES = 8000


def ellipsoid(x: Array, center: tuple[float, ...], radii: tuple[float, ...], pitch: float = 0.0) -> Array:
    """First-order distance to an ellipsoid [Quilez, ellipsoid SDF]; pitch [deg] lifts its front about y."""
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    local = (x - np.array(center)) @ turn.T
    k0 = np.linalg.norm(local / np.array(radii), axis=1)
    k1 = np.linalg.norm(local / np.array(radii) ** 2, axis=1)
    return k0 * (k0 - 1.0) / np.maximum(k1, 1e-9)


def horn(x: Array, start: tuple[float, ...], end: tuple[float, ...], r_start: float, r_end: float) -> Array:
    """Distance to balls whose radius runs linearly along a segment, to first order."""
    a, along = np.array(start), np.array(end) - np.array(start)
    t = np.clip((x - a) @ along / (along @ along), 0.0, 1.0)
    return np.linalg.norm(x - a - t[:, None] * along, axis=1) - (r_start + t * (r_end - r_start))


def blend(a: Array, b: Array, width: float) -> Array:
    """Smooth minimum: the union of two shapes with a fillet of about this width."""
    h = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.minimum(a, b) - h**3 * width / 6.0


def duck(x: Array) -> Array:
    """Signed distance to the duck, near enough for contouring its zero."""
    x = np.stack([x[:, 0], np.abs(x[:, 1]), x[:, 2]], axis=1)  # left and right alike
    body = ellipsoid(x, (-0.02, 0.0, 0.27), (0.47, 0.345, 0.285))
    body = blend(body, ellipsoid(x, (0.17, 0.0, 0.33), (0.29, 0.29, 0.27)), 0.15)  # breast
    body = blend(body, horn(x, (-0.30, 0.0, 0.36), (-0.55, 0.0, 0.565), 0.19, 0.022), 0.22)  # tail
    wing = ellipsoid(x, (-0.06, 0.325, 0.335), (0.255, 0.075, 0.145), pitch=-14.0)
    wing = blend(wing, horn(x, (-0.16, 0.335, 0.37), (-0.345, 0.33, 0.475), 0.075, 0.02), 0.12)
    body = blend(body, wing, 0.045)
    head = ellipsoid(x, (0.225, 0.0, 0.745), (0.232, 0.225, 0.222))
    shape = blend(body, head, 0.17)
    upper = ellipsoid(x, (0.445, 0.0, 0.722), (0.135, 0.118, 0.045), pitch=14.0)
    lower = ellipsoid(x, (0.43, 0.0, 0.668), (0.105, 0.092, 0.038), pitch=-4.0)
    shape = blend(shape, np.minimum(upper, lower), 0.035)
    eye = ellipsoid(x, (0.387, 0.116, 0.822), (0.034, 0.034, 0.044))
    shape = blend(shape, eye, 0.012)
    return -blend(-shape, x[:, 2] - 0.012, 0.05)  # a flat base


def make(folder: Path) -> Path:
    """Contour, smooth, thin out, scale, write."""
    import pyvista

    low, high = np.array([-0.66, -0.48, -0.06]), np.array([0.68, 0.48, 1.04])
    count = np.round((high - low) / CELL).astype(int) // 2 * 2 + 1
    grid = pyvista.ImageData(dimensions=count, spacing=(CELL,) * 3, origin=low)
    grid["distance"] = duck(np.asarray(grid.points, dtype=np.float64))
    surface = grid.contour([0.0], scalars="distance").smooth_taubin(n_iter=20, pass_band=0.1)
    surface = surface.decimate(1.0 - TRIANGLES / surface.n_cells, volume_preservation=True).clean()
    surface.clear_data()
    x_low, x_high, y_low, y_high, z_low, _ = surface.bounds
    points = np.asarray(surface.points, dtype=np.float64)
    points -= [0.5 * (x_low + x_high), 0.5 * (y_low + y_high), z_low]
    surface.points = (points / (x_high - x_low)).astype(np.float32)
    path = folder / "duck.stl"
    surface.save(path, binary=True)
    return path


if __name__ == "__main__":
    print(make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))

"""How much of a set of Gaussians is at the points of a lattice."""

import numpy as np
import warp as wp
from numpy.typing import NDArray

__all__ = ["REACH", "gaussian_density"]

Array = NDArray[np.float64]

REACH = 3.0  # standard deviations beyond which a Gaussian is nothing


@wp.kernel
def add_gaussians(
    spacing: float,
    mean_in: wp.array[wp.vec3],
    root_in: wp.array[wp.mat33],
    extent_in: wp.array[wp.vec3],
    weight_in: wp.array[float],
    density_out: wp.array3d[float],
):
    """rho(x) = sum_p w_p exp(-|B_p (x - mu_p)|^2 / 2) at lattice points, B'B = Sigma^-1, within the box of `extent`."""
    p = wp.tid()
    first = wp.vec3i()
    last = wp.vec3i()
    for axis in range(3):
        at = mean_in[p][axis] / spacing
        reach = extent_in[p][axis] / spacing
        first[axis] = int(wp.ceil(wp.max(at - reach, 0.0)))
        last[axis] = int(wp.floor(wp.min(at + reach, float(density_out.shape[axis] - 1))))
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for k in range(first[2], last[2] + 1):
                x = spacing * wp.vec3(float(i), float(j), float(k))
                squared = wp.length_sq(root_in[p] * (x - mean_in[p]))
                if squared <= wp.static(REACH * REACH):
                    wp.atomic_add(density_out, i, j, k, weight_in[p] * wp.exp(-0.5 * squared))


def gaussian_density(
    mean: Array, lengths: Array, rotation: Array, weight: Array, low: Array, spacing: float, count: tuple[int, ...]
) -> NDArray[np.float32]:
    """rho [count] at low + spacing (i, j, k) of Gaussians with standard deviations `lengths` [n, 3] along the columns
    of `rotation` [n, 3, 3]; each is `weight` [n] at its mean and cut off at three standard deviations."""
    root = rotation.swapaxes(1, 2) / lengths[:, :, None]
    extent = REACH * np.sqrt(((rotation * lengths[:, None]) ** 2).sum(axis=2))
    with wp.ScopedDevice("cpu"):
        density = wp.zeros(count, dtype=float)
        inputs = [
            spacing, wp.array(mean - low, dtype=wp.vec3), wp.array(root, dtype=wp.mat33),
            wp.array(extent, dtype=wp.vec3), wp.array(weight, dtype=float),
        ]  # fmt: skip
        wp.launch(add_gaussians, len(mean), inputs=inputs, outputs=[density])
        return density.numpy()

"""Distance from points to triangles and segments: the Warp kernels."""

from typing import Any

import warp as wp

__all__ = ["distance_to_segments", "distance_to_triangles"]


@wp.kernel
def distance_to_triangles(
    tree: wp.uint64,
    reach: float,
    corners_in: wp.array2d[wp.vec3d],
    x_in: wp.array[wp.vec3d],
    distance_out: wp.array[wp.float64],
):
    """phi = s min_T |x - y|, y in T, the nearest triangle T found in single precision; s = -1 where w(x) > 1/2."""
    i = wp.tid()
    x = x_in[i]
    nearest = wp.mesh_query_point_sign_winding_number(tree, wp.vec3(x), reach)
    t = nearest.face
    squared = triangle_distance_squared(x, corners_in[t, 0], corners_in[t, 1], corners_in[t, 2])
    distance_out[i] = wp.float64(nearest.sign) * wp.sqrt(squared)


@wp.kernel
def distance_to_segments(ends_in: wp.array2d[wp.vec2d], x_in: wp.array[wp.vec2d], distance_out: wp.array[wp.float64]):
    """phi = s min_S |x - y|, y in S; s = -1 where a ray along the first axis crosses an odd number of segments."""
    i = wp.tid()
    x = x_in[i]
    squared = wp.float64(1e300)
    sign = wp.float64(1.0)
    for k in range(ends_in.shape[0]):
        a, b = ends_in[k, 0], ends_in[k, 1]
        squared = wp.min(squared, segment_distance_squared(x, a, b))
        if (a[1] > x[1]) != (b[1] > x[1]):  # an end on the ray belongs to one of its two segments only
            if x[0] < a[0] + (x[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]):
                sign = -sign
    distance_out[i] = sign * wp.sqrt(squared)


@wp.func
def segment_distance_squared(x: Any, a: Any, b: Any):
    """min_s |x - a - s (b - a)|^2, 0 <= s <= 1; a segment of no length is its first point."""
    along = b - a
    s = wp.dot(x - a, along) / wp.max(wp.dot(along, along), wp.float64(1e-300))
    return wp.length_sq(x - a - wp.clamp(s, wp.float64(0.0), wp.float64(1.0)) * along)


@wp.func
def triangle_distance_squared(x: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d):
    """To the plane where x lies above the triangle, else to the nearest edge; the latter too if it has no area."""
    normal = wp.cross(b - a, c - a)
    above = (
        wp.dot(wp.cross(normal, b - a), x - a) > wp.float64(0.0)
        and wp.dot(wp.cross(normal, c - b), x - b) > wp.float64(0.0)
        and wp.dot(wp.cross(normal, a - c), x - c) > wp.float64(0.0)
    )
    if above:
        height = wp.dot(normal, x - a)
        return height * height / wp.length_sq(normal)
    edges = wp.min(segment_distance_squared(x, a, b), segment_distance_squared(x, b, c))
    return wp.min(edges, segment_distance_squared(x, c, a))

"""Where a surface passes through itself: the Warp kernels."""

import warp as wp

__all__ = ["crossing_segments", "crossing_triangles", "depth_below"]

BELOW = 4e-6  # of the size of the mesh: less is lost in single precision, more would pass through thin sheets


@wp.func
def pierces(p: wp.vec3d, q: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, touch: wp.float64):
    """Whether the edge pq passes through the triangle abc, by more than `touch` on both sides of its plane and
    farther than that from its edges."""
    normal = wp.cross(b - a, c - a)
    area = wp.length(normal)
    longest = wp.max(wp.length(b - a), wp.max(wp.length(c - b), wp.length(a - c)))
    if area <= wp.float64(4.0) * touch * longest:
        return False  # a needle has no plane
    n = normal / area
    before = wp.dot(n, p - a)
    after = wp.dot(n, q - a)
    if wp.min(wp.abs(before), wp.abs(after)) <= touch or (before > wp.float64(0.0)) == (after > wp.float64(0.0)):
        return False
    x = p + (q - p) * (before / (before - after))
    return (
        wp.dot(wp.cross(n, b - a), x - a) > touch * longest
        and wp.dot(wp.cross(n, c - b), x - b) > touch * longest
        and wp.dot(wp.cross(n, a - c), x - c) > touch * longest
    )


@wp.kernel
def crossing_triangles(
    tree: wp.uint64,
    touch: wp.float64,
    vertices_in: wp.array[wp.vec3d],
    triangles_in: wp.array2d[wp.int32],
    partner_out: wp.array[wp.int32],
):
    """The lowest number of a triangle that triangle i passes through, of those above i; -1 where there is none.

    Two triangles cross where an edge of one pierces the other. Of two that share a vertex only the edges opposite to it
    can; two that share an edge do not cross."""
    i = wp.tid()
    low = wp.vec3d(wp.float64(1e30))
    high = wp.vec3d(wp.float64(-1e30))
    for k in range(3):
        low = wp.min(low, vertices_in[triangles_in[i, k]])
        high = wp.max(high, vertices_in[triangles_in[i, k]])
    query = wp.mesh_query_aabb(tree, wp.vec3(low), wp.vec3(high))
    other = int(0)
    found = int(2147483647)
    while wp.mesh_query_aabb_next(query, other):
        if other > i and other < found:
            shared = int(0)
            mine = int(-1)  # the corner that both have, counted from 0 in each
            theirs = int(-1)
            for k in range(3):
                for m in range(3):
                    if triangles_in[i, k] == triangles_in[other, m]:
                        shared += 1
                        mine = k
                        theirs = m
            if shared < 2:
                for k in range(3):
                    if (
                        (mine < 0 or mine == (k + 2) % 3)
                        and pierces(
                            vertices_in[triangles_in[i, k]],
                            vertices_in[triangles_in[i, (k + 1) % 3]],
                            vertices_in[triangles_in[other, 0]],
                            vertices_in[triangles_in[other, 1]],
                            vertices_in[triangles_in[other, 2]],
                            touch,
                        )
                    ) or (
                        (theirs < 0 or theirs == (k + 2) % 3)
                        and pierces(
                            vertices_in[triangles_in[other, k]],
                            vertices_in[triangles_in[other, (k + 1) % 3]],
                            vertices_in[triangles_in[i, 0]],
                            vertices_in[triangles_in[i, 1]],
                            vertices_in[triangles_in[i, 2]],
                            touch,
                        )
                    ):
                        found = other
    partner_out[i] = wp.where(found == 2147483647, -1, found)


@wp.kernel
def depth_below(
    tree: wp.uint64,
    vertices_in: wp.array[wp.vec3d],
    triangles_in: wp.array2d[wp.int32],
    layers_out: wp.array[wp.int32],
):
    """How often the surface winds around a point just below each triangle: 0, 1, or 2 for more."""
    i = wp.tid()
    a = vertices_in[triangles_in[i, 0]]
    b = vertices_in[triangles_in[i, 1]]
    c = vertices_in[triangles_in[i, 2]]
    normal = wp.cross(b - a, c - a)
    area = wp.length(normal)
    layers = int(1)
    if area > wp.float64(1e-10):
        x = wp.vec3((a + b + c) / wp.float64(3.0) - normal * (wp.static(wp.float64(BELOW)) / area))
        within = wp.mesh_query_point_sign_winding_number(tree, x, 8.0, 3.0, 0.5)
        twice = wp.mesh_query_point_sign_winding_number(tree, x, 8.0, 3.0, 1.5)
        if within.sign > 0.0:
            layers = 0
        elif twice.sign < 0.0:
            layers = 2
    layers_out[i] = layers


@wp.kernel
def crossing_segments(
    touch: wp.float64,
    vertices_in: wp.array[wp.vec2d],
    segments_in: wp.array2d[wp.int32],
    partner_out: wp.array[wp.int32],
):
    """The first segment after i that it crosses, both by more than `touch` on either side; -1 where there is none."""
    i = wp.tid()
    partner_out[i] = -1
    p = vertices_in[segments_in[i, 0]]
    q = vertices_in[segments_in[i, 1]]
    for j in range(i + 1, segments_in.shape[0]):
        a = vertices_in[segments_in[j, 0]]
        b = vertices_in[segments_in[j, 1]]
        if (
            partner_out[i] < 0
            and segments_in[i, 0] != segments_in[j, 0]
            and segments_in[i, 0] != segments_in[j, 1]
            and segments_in[i, 1] != segments_in[j, 0]
            and segments_in[i, 1] != segments_in[j, 1]
            and on_both_sides(p, q, a, b, touch)
            and on_both_sides(a, b, p, q, touch)
        ):
            partner_out[i] = j


@wp.func
def on_both_sides(p: wp.vec2d, q: wp.vec2d, a: wp.vec2d, b: wp.vec2d, touch: wp.float64):
    """Whether p and q lie on different sides of the line through a and b, farther than `touch` from it."""
    along = wp.normalize(b - a)
    before = along[0] * (p[1] - a[1]) - along[1] * (p[0] - a[0])
    after = along[0] * (q[1] - a[1]) - along[1] * (q[0] - a[0])
    return wp.min(wp.abs(before), wp.abs(after)) > touch and (before > wp.float64(0.0)) != (after > wp.float64(0.0))

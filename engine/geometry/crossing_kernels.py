"""Where a surface passes through itself: the Warp kernels."""

import warp as wp

__all__ = ["crossing_segments", "crossing_triangles", "depth_below"]

BELOW = 4e-6  # of the size of the mesh: less is lost in single precision, more would pass through thin sheets
NEAR = 0.05  # of the way from a corner to the middle


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


@wp.func
def spans(p: wp.vec3d, q: wp.vec3d, r: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, touch: wp.float64):
    """Whether the triangle pqr has corners on both sides of the plane of abc; false for nearly all neighbours."""
    n = wp.normalize(wp.cross(b - a, c - a))
    before = wp.vec3d(wp.dot(n, p - a), wp.dot(n, q - a), wp.dot(n, r - a))
    return wp.min(before) < -touch and wp.max(before) > touch


@wp.func
def corners(vertices: wp.array[wp.vec3d], triangles: wp.array2d[wp.int32], i: int):
    return vertices[triangles[i, 0]], vertices[triangles[i, 1]], vertices[triangles[i, 2]]


@wp.func
def strangers(triangles: wp.array2d[wp.int32], i: int, j: int):
    """Whether two triangles have no vertex in common."""
    for k in range(3):
        for m in range(3):
            if triangles[i, k] == triangles[j, m]:
                return False
    return True


@wp.kernel
def crossing_triangles(
    tree: wp.uint64,
    touch: wp.float64,
    vertices_in: wp.array[wp.vec3d],
    triangles_in: wp.array2d[wp.int32],
    partner_out: wp.array[wp.int32],
    entangled_out: wp.array[wp.int32],
):
    """The lowest number of a triangle that triangle i passes through, of those above i; -1 where there is none.

    Two triangles cross where an edge of one pierces the other. An edge that ends in a vertex of the other does not, nor
    one that meets an edge: strangers with corners on both sides of each other are marked as entangled, for
    `depth_below` to see what they enclose."""
    i = wp.tid()
    a, b, c = corners(vertices_in, triangles_in, i)
    low = wp.min(wp.min(a, b), c)
    high = wp.max(wp.max(a, b), c)
    query = wp.mesh_query_aabb(tree, wp.vec3(low), wp.vec3(high))
    other = int(0)
    found = int(2147483647)
    while wp.mesh_query_aabb_next(query, other):
        if other > i:
            p, q, r = corners(vertices_in, triangles_in, other)
            if spans(p, q, r, a, b, c, touch) and spans(a, b, c, p, q, r, touch):
                if strangers(triangles_in, i, other):
                    entangled_out[i] = 1
                    entangled_out[other] = 1
                if (
                    pierces(p, q, a, b, c, touch)
                    or pierces(q, r, a, b, c, touch)
                    or pierces(r, p, a, b, c, touch)
                    or pierces(a, b, p, q, r, touch)
                    or pierces(b, c, p, q, r, touch)
                    or pierces(c, a, p, q, r, touch)
                ):
                    found = wp.min(found, other)
    partner_out[i] = wp.where(found == 2147483647, -1, found)


@wp.func
def near(corner: wp.vec3d, middle: wp.vec3d):
    return corner + wp.static(wp.float64(NEAR)) * (middle - corner)


@wp.func
def enclosed_twice(tree: wp.uint64, x: wp.vec3d):
    return wp.mesh_query_point_sign_winding_number(tree, wp.vec3(x), 8.0, 3.0, 1.5).sign < 0.0


@wp.kernel
def depth_below(
    tree: wp.uint64,
    vertices_in: wp.array[wp.vec3d],
    triangles_in: wp.array2d[wp.int32],
    entangled_in: wp.array[wp.int32],
    layers_out: wp.array[wp.int32],
):
    """How often the surface winds around a point just below the middle of each triangle: 0, 1, or 2 for more, there or,
    where it is entangled, near a corner."""
    i = wp.tid()
    a, b, c = corners(vertices_in, triangles_in, i)
    normal = wp.cross(b - a, c - a)
    area = wp.length(normal)
    layers = int(1)
    if area > wp.float64(1e-10):
        middle, down = (a + b + c) / wp.float64(3.0), normal * (wp.static(wp.float64(BELOW)) / area)
        within = wp.mesh_query_point_sign_winding_number(tree, wp.vec3(middle - down), 8.0, 3.0, 0.5)
        if within.sign > 0.0:
            layers = 0
        elif enclosed_twice(tree, middle - down) or (
            entangled_in[i] != 0
            and (
                enclosed_twice(tree, near(a, middle) - down)
                or enclosed_twice(tree, near(b, middle) - down)
                or enclosed_twice(tree, near(c, middle) - down)
            )
        ):
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
        if partner_out[i] < 0 and on_both_sides(p, q, a, b, touch) and on_both_sides(a, b, p, q, touch):
            partner_out[i] = j


@wp.func
def on_both_sides(p: wp.vec2d, q: wp.vec2d, a: wp.vec2d, b: wp.vec2d, touch: wp.float64):
    """Whether p and q lie on different sides of the line through a and b, farther than `touch` from it."""
    along = wp.normalize(b - a)
    before = along[0] * (p[1] - a[1]) - along[1] * (p[0] - a[0])
    after = along[0] * (q[1] - a[1]) - along[1] * (q[0] - a[0])
    return wp.min(wp.abs(before), wp.abs(after)) > touch and (before > wp.float64(0.0)) != (after > wp.float64(0.0))

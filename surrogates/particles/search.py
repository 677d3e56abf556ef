"""The kernel that finds points within a radius on Warp's hash grid."""

from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["PRECISIONS", "search"]

PRECISIONS: dict[torch.dtype, tuple[Any, Any]] = {
    torch.float32: (wp.vec3f, wp.float32),
    torch.float64: (wp.vec3d, wp.float64),
}


@cache
def search(dtype: torch.dtype) -> wp.Kernel:
    """Of every query point the sources within the radius, among those of its own group.

    radii: the radius. boxes: edges along which space repeats, zero where it does not; points lie in [0, box)
    there. images: 3^dim of them, 1 where nothing repeats. mutual: 1 where queries
    and sources are the same points, of which each pair is then found once, by the one that comes first. count_out: how
    many there are; where found_out has room, they are written from start on.
    """
    vec, real = PRECISIONS[dtype]

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        grid: wp.uint64,
        radii: wp.array[real],
        boxes: wp.array[vec],
        images: wp.int32,
        mutual: wp.int32,
        queries: wp.array[vec],
        groups: wp.array[wp.int32],
        sources: wp.array[vec],
        start: wp.array[wp.int64],
        count_out: wp.array[wp.int32],
        found_out: wp.array[wp.int64],
    ):
        i = wp.tid()
        x = queries[i]
        radius = radii[0]
        box = boxes[0]
        limit = radius * radius
        reach = radius * real(1.001)  # of candidates; the test below is exact
        count = wp.int32(0)
        for image in range(images):
            shift = vec()
            near = wp.int32(1)
            rest = wp.int32(image)
            for a in range(3):
                step = rest % 3
                rest = rest / 3
                if step == 1:  # seen from beyond the upper side
                    shift[a] = box[a]
                    if box[a] == real(0.0) or x[a] > reach:
                        near = wp.int32(0)
                if step == 2:
                    shift[a] = -box[a]
                    if box[a] == real(0.0) or x[a] < box[a] - reach:
                        near = wp.int32(0)
            if near == 0:
                continue
            at = x + shift
            query = wp.hash_grid_query(grid, at, reach, groups[i])
            j = wp.int32(0)
            while wp.hash_grid_query_next(query, j):
                apart = sources[j] - at
                if wp.dot(apart, apart) <= limit and (mutual == 0 or j > i):
                    if found_out.shape[0] > 0:
                        found_out[start[i] + wp.int64(count)] = wp.int64(j)
                    count += 1
        count_out[i] = count

    return kernel

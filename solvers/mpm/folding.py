"""What nodes behind mirrors hand to their images, and take from them; see mirrors.py."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["fold", "reflect"]


@cache
def fold(n: Numbers, massive: bool) -> Any:
    """f_i += S f_-i of a vector at the nodes, or of a momentum with its mass, m_i += m_-i. What is behind stays
    there."""
    real, vec, Field = n.real, n.vec, n.packed if massive else n.vec

    if not massive:

        @wp.func
        def turned(value: Field, sign: vec):
            return wp.cw_mul(sign, value)

    elif n.dim == 2:

        @wp.func
        def turned(value: Field, sign: vec):
            return wp.cw_mul(Field(sign[0], sign[1], real(1.0)), value)

    else:

        @wp.func
        def turned(value: Field, sign: vec):
            return wp.cw_mul(Field(sign[0], sign[1], sign[2], real(1.0)), value)

    @wp.kernel(module="unique")
    def kernel(behind_in: wp.array[int], front_in: wp.array[int], sign_in: wp.array[vec], field_out: wp.array2d[Field]):
        b, k = wp.tid()
        wp.atomic_add(field_out, b, front_in[k], turned(field_out[b, behind_in[k]], sign_in[k]))

    return kernel


@cache
def reflect(n: Numbers) -> Any:
    """v_-i += S v_i, where v_-i was zero."""
    vec = n.vec

    @wp.kernel(module="unique")
    def kernel(behind_in: wp.array[int], front_in: wp.array[int], sign_in: wp.array[vec], v_out: wp.array2d[vec]):
        b, k = wp.tid()
        wp.atomic_add(v_out, b, behind_in[k], wp.cw_mul(sign_in[k], v_out[b, front_in[k]]))

    return kernel

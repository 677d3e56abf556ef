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
    def kernel(
        behind_in: wp.array2d[int], front_in: wp.array2d[int], sign_in: wp.array2d[vec], field_out: wp.array2d[Field]
    ):
        b, k = wp.tid()
        behind = behind_in[b, k]
        if behind >= 0:
            wp.atomic_add(field_out, b, front_in[b, k], turned(field_out[b, behind], sign_in[b, k]))

    return kernel


@cache
def reflect(n: Numbers) -> Any:
    """v_-i += S v_i, where v_-i was zero."""
    vec = n.vec

    @wp.kernel(module="unique")
    def kernel(behind_in: wp.array2d[int], front_in: wp.array2d[int], sign_in: wp.array2d[vec], v_out: wp.array2d[vec]):
        b, k = wp.tid()
        behind = behind_in[b, k]
        if behind >= 0:
            wp.atomic_add(v_out, b, behind, wp.cw_mul(sign_in[b, k], v_out[b, front_in[b, k]]))

    return kernel

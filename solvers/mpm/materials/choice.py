"""Several materials in one kernel."""

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["any_deform", "any_kirchhoff"]


@cache
def any_kirchhoff(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """wp.func (kind, row, F, C) -> tau of the law laws[kind]."""
    own = laws[0].kirchhoff(n)
    mat, Row = n.mat, n.row
    if len(laws) == 1:

        @wp.func
        def only(kind: int, constants: Row, F: mat, C: mat):
            return own(constants, F, C)

        return only
    others = any_kirchhoff(n, laws[1:])

    @wp.func
    def either(kind: int, constants: Row, F: mat, C: mat):
        if kind == 0:
            tau = own(constants, F, C)
        else:
            tau = others(kind - 1, constants, F, C)
        return tau

    return either


@cache
def any_deform(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """wp.func (kind, F, C, dt) -> F a time dt later, by the law laws[kind]."""
    own = laws[0].deform(n)
    mat, real = n.mat, n.real
    if len(laws) == 1:

        @wp.func
        def only(kind: int, F: mat, C: mat, dt: real):
            return own(F, C, dt)

        return only
    others = any_deform(n, laws[1:])

    @wp.func
    def either(kind: int, F: mat, C: mat, dt: real):
        if kind == 0:
            after = own(F, C, dt)
        else:
            after = others(kind - 1, F, C, dt)
        return after

    return either

"""Several materials in one kernel."""

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["any_deform", "any_kirchhoff"]


@cache
def any_kirchhoff(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """wp.func (kind, row, F, h, C) -> tau of the law laws[kind]."""
    own = laws[0].kirchhoff(n)
    mat, Row, History = n.mat, n.row, n.history
    if len(laws) == 1:

        @wp.func
        def only(kind: int, row: Row, F: mat, h: History, C: mat):
            return own(row, F, h, C)

        return only
    others = any_kirchhoff(n, laws[1:])

    @wp.func
    def either(kind: int, row: Row, F: mat, h: History, C: mat):
        if kind == 0:
            tau = own(row, F, h, C)
        else:
            tau = others(kind - 1, row, F, h, C)
        return tau

    return either


@cache
def any_deform(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """wp.func (kind, row, F, C, h, dt) -> F and h a time dt later, by the law laws[kind]."""
    own = laws[0].deform(n)
    mat, real, Row, History = n.mat, n.real, n.row, n.history
    if len(laws) == 1:

        @wp.func
        def only(kind: int, row: Row, F: mat, C: mat, h: History, dt: real):
            after, kept = own(row, F, C, h, dt)
            return after, kept

        return only
    others = any_deform(n, laws[1:])

    @wp.func
    def either(kind: int, row: Row, F: mat, C: mat, h: History, dt: real):
        if kind == 0:
            after, kept = own(row, F, C, h, dt)
        else:
            after, kept = others(kind - 1, row, F, C, h, dt)
        return after, kept

    return either

"""St. Venant-Kirchhoff solid in Hencky's strain, and what the plastic laws built on it share [Klar et al. 2016].

E = log(F F') / 2,   W = mu E:E + lambda/2 (tr E)^2,   tau = 2 mu E + lambda tr E I.
In two dimensions this is plane strain. Plastic laws carry the out-of-plane elastic strain E_zz in the history: the sum
of elastic and plastic strain along z is zero, not each of them. tr and dev are those of three dimensions.
A return map that changes E to E', coaxial with it, changes F to exp(E' - E) F.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.decompositions import exp_symmetric, log_stretch
from scenegrad.solvers.mpm.decompositions.of_tensors import log_stretch_of
from scenegrad.solvers.mpm.materials.elastic import carried, elastic_row, largest_square, no_diffusivity
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["ST_VENANT_KIRCHHOFF_HENCKY", "Hencky", "hencky", "hencky_law"]

Energy = Callable[[Tensor, Tensor, Tensor], Tensor]


class Hencky(NamedTuple):
    """Functions that the plastic laws of one dimension and precision share. e: the out-of-plane strain, 0 in 3D."""

    strain: Any  # F -> E
    volume: Any  # (E, e) -> tr of three dimensions
    shape: Any  # (E, tr) -> dev E
    shape_out: Any  # (e, tr) -> its out-of-plane entry, 0 in 3D
    out: Any  # h -> e
    changed: Any  # (F, tr' - tr, dev E' - dev E as a multiple r of dev E, dev E) -> F'


@cache
def hencky(n: Numbers, own: int) -> Hencky:
    """own: how many numbers the law remembers besides e, which comes after them."""
    dim, real, mat, History = n.dim, n.real, n.mat, n.history
    third = real(1 / 3)  # inside a kernel the quotient would be one of single precision
    exponential = exp_symmetric(n)

    @wp.func
    def volume(E: mat, e: real):
        return wp.trace(E) + e

    @wp.func
    def shape(E: mat, tr: real):
        return E - third * tr * wp.identity(n=wp.static(dim), dtype=real)

    if dim == 2:

        @wp.func
        def out(h: History):
            return h[wp.static(own)]

        @wp.func
        def shape_out(e: real, tr: real):
            return e - third * tr

    else:

        @wp.func
        def out(h: History):
            return real(0.0)

        @wp.func
        def shape_out(e: real, tr: real):
            return real(0.0)

    @wp.func
    def changed(F: mat, swelling: real, r: real, D: mat):
        after = wp.exp(third * swelling) * F
        if r != real(0.0):
            after = exponential(r * D) * after
        return after

    return Hencky(log_stretch(n), volume, shape, shape_out, out, changed)


def kirchhoff_of(own: int | None) -> Callable[[Numbers], Any]:
    """own: as in `hencky`; None for a law that is elastic, whose E_zz is 0."""

    @cache
    def kirchhoff(n: Numbers) -> Any:
        dim, real, mat, Row, History = n.dim, n.real, n.mat, n.row, n.history
        strain = log_stretch(n)
        remembers = own is not None and dim == 2

        @wp.func
        def tau(row: Row, F: mat, h: History, C: mat):
            E = strain(F)
            tr = wp.trace(E)
            if wp.static(remembers):
                tr += h[wp.static(own or 0)]
            return real(2.0) * row[2] * E + row[3] * tr * wp.identity(n=wp.static(dim), dtype=real)

        return tau

    return kirchhoff


def out_of_plane(F: Tensor, h: Tensor, own: int | None) -> Tensor:
    """E_zz [...]"""
    remembers = own is not None and F.shape[-1] == 2
    return h[..., own] if remembers else torch.zeros_like(F[..., 0, 0])


def hencky_law(
    constants: tuple[str, ...],
    row: Callable[..., Tensor],
    deform: Callable[[Numbers], Any],
    own: int | None,
    start: Callable[[Tensor, int], Tensor] | None = None,
    gained: int | None = None,
) -> Law:
    """A law of Hencky's elasticity. row: (rho, lambda + 2 mu, mu, lambda, own ...). own: as in `hencky`. gained: which
    of the numbers remembered is the logarithm of the volume gained besides the elastic one, if one is."""

    def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
        E = log_stretch_of(F)
        tr = E.diagonal(dim1=-2, dim2=-1).sum(-1) + out_of_plane(F, h, own)
        one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
        return 2 * row[..., 2, None, None] * E + (row[..., 3] * tr)[..., None, None] * one

    def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
        E, e = log_stretch_of(F), out_of_plane(F, h, own)
        tr = E.diagonal(dim1=-2, dim2=-1).sum(-1) + e
        return row[..., 2] * (E.square().sum((-2, -1)) + e.square()) + row[..., 3] / 2 * tr.square()

    def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
        """rho c^2 <= lambda + 2 mu (1 + x) + t, t the largest compressive stress, x the largest difference of two
        principal strains; from bounds on these."""
        square, J, dim = F @ F.mT, torch.linalg.det(F), F.shape[-1]
        largest = largest_square(square)
        mean = square.diagonal(dim1=-2, dim2=-1).mean(-1)
        smallest = torch.maximum(mean - (dim - 1) * (largest - mean), J.square() / largest ** (dim - 1))
        low, high = smallest.log() / 2, largest.log() / 2
        mu, lam = row[..., 2], row[..., 3]
        pressing = -(2 * mu * low + lam * (J.log() + out_of_plane(F, h, own))).clamp(max=0.0)
        return ((lam + 2 * mu * (1 + high - low) + pressing) / row[..., 0]).sqrt()

    def volume(F: Tensor, h: Tensor) -> Tensor:
        J = torch.linalg.det(F) * out_of_plane(F, h, own).exp()
        return J if gained is None else J * h[..., gained].exp()

    def along_z(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
        e = out_of_plane(F, h, own)
        return 2 * row[..., 2] * e + row[..., 3] * (torch.linalg.det(F).log() + e)

    def memory(dim: int) -> int:
        return 0 if own is None else own + (dim == 2)

    known = {} if start is None else {"start": start}
    return Law(
        constants, row, kirchhoff_of(own), deform, stress, energy, wave_speed, no_diffusivity, memory=memory,
        volume=volume, out_of_plane=along_z, **known,
    )  # fmt: skip


ST_VENANT_KIRCHHOFF_HENCKY = hencky_law(("youngs_modulus", "poisson_ratio", "density"), elastic_row, carried, None)

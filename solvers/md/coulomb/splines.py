"""Between charges and a mesh: cardinal B-splines [Essmann et al. 1995, J. Chem. Phys. 103, 8577, section II]."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["MeshLaw", "moduli", "read", "spread"]


@dataclass(frozen=True)
class MeshLaw:
    """What the kernels are specialised for. order: of the splines, mesh points that an atom touches along an axis."""

    order: int
    dtype: torch.dtype


@cache
def weights(law: MeshLaw) -> Any:
    """M_p, M_p' and M_p'' at f + k, k = 0 ... p - 1, in the order of the mesh points that start at the atom's own."""
    real = numbers(3, law.dtype).real
    return recursion(law.order, real, wp.types.vector(law.order, real), wp.types.matrix((3, law.order), real))


def recursion(p: int, real: Any, row: Any, three: Any) -> Any:

    @wp.func
    def raised(lower: row, f: real, order: int) -> row:
        """From the spline of one order less."""
        over = real(1.0) / real(order - 1)
        higher = row()
        for j in range(wp.static(p)):
            if j < order:
                before = real(0.0)
                if j > 0:
                    before = lower[j - 1]
                higher[j] = over * ((f + real(order - 1 - j)) * before + (real(1 + j) - f) * lower[j])
        return higher

    @wp.func
    def slope(lower: row) -> row:
        """M_p'(u) = M_{p-1}(u) - M_{p-1}(u - 1), from the spline of one order less."""
        d = row()
        d[0] = -lower[0]
        for j in range(1, wp.static(p)):
            d[j] = lower[j - 1] - lower[j]
        return d

    @wp.func
    def derivatives(f: real) -> three:
        w = row()
        w[0] = real(1.0) - f
        w[1] = f
        for order in range(3, wp.static(p - 1)):
            w = raised(w, f, order)
        bend = slope(slope(w))
        w = raised(w, f, wp.static(p - 1))
        first = slope(w)
        w = raised(w, f, wp.static(p))
        out = three()
        for j in range(wp.static(p)):
            out[0, j] = w[j]
            out[1, j] = first[j]
            out[2, j] = bend[j]
        return out

    return derivatives


@cache
def folded(dtype: torch.dtype) -> Any:
    real = numbers(3, dtype).real

    @wp.func
    def wrapped(h: real, n: int) -> int:
        """The number of a mesh point, which may be any, within 0 ... n - 1."""
        return wp.clamp(int(h - real(n) * wp.floor(h / real(n))), 0, n - 1)

    return wrapped


@cache
def spread(law: MeshLaw, dipoles: bool) -> wp.Kernel:
    """Q(m) += sum_i q_i W(m - x_i), W the product of splines; with `dipoles`, += sum_i q_i (w_i . d/dx_i) W."""
    n, p = numbers(3, law.dtype), law.order
    real, vec = n.real, n.vec
    derivatives, wrapped = weights(law), folded(law.dtype)

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        q: wp.array2d[real],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        mesh_out: wp.array4d[real],
    ):
        b, i = wp.tid()
        nx = mesh_out.shape[1]
        ny = mesh_out.shape[2]
        nz = mesh_out.shape[3]
        points = vec(real(nx), real(ny), real(nz))
        u = wp.cw_div(wp.cw_mul(x[b, i], points), box[b])
        tx = derivatives(u[0] - wp.floor(u[0]))
        ty = derivatives(u[1] - wp.floor(u[1]))
        tz = derivatives(u[2] - wp.floor(u[2]))
        ix = wrapped(wp.floor(u[0]), nx)
        iy = wrapped(wp.floor(u[1]), ny)
        iz = wrapped(wp.floor(u[2]), nz)
        mine = q[b, i]
        lean = vec()
        if wp.static(dipoles):
            lean = mine * wp.cw_div(wp.cw_mul(w[b, i], points), box[b])
        for jx in range(wp.static(p)):
            plane = mesh_out[b, (ix + jx) % nx]
            for jy in range(wp.static(p)):
                line = plane[(iy + jy) % ny]
                both = mine * tx[0, jx] * ty[0, jy]
                tilt = real(0.0)
                if wp.static(dipoles):
                    both = lean[0] * tx[1, jx] * ty[0, jy] + lean[1] * tx[0, jx] * ty[1, jy]
                    tilt = lean[2] * tx[0, jx] * ty[0, jy]
                for jz in range(wp.static(p)):
                    k = iz + jz
                    if k >= nz:
                        k -= nz
                    part = both * tz[0, jz]
                    if wp.static(dipoles):
                        part += tilt * tz[1, jz]
                    wp.atomic_add(line, k, part)

    return kernel


@cache
def read(law: MeshLaw, bends: bool) -> wp.Kernel:
    """The potential where an atom is: phi, its gradient, and with `bends` its second derivatives xx yy zz yz xz xy."""
    n, p = numbers(3, law.dtype), law.order
    real, vec = n.real, n.vec
    derivatives, wrapped = weights(law), folded(law.dtype)
    size = 10 if bends else 4
    row = wp.types.vector(size, real)

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(box: wp.array[vec], x: wp.array2d[vec], mesh: wp.array4d[real], found_out: wp.array2d[row]):
        b, i = wp.tid()
        nx = mesh.shape[1]
        ny = mesh.shape[2]
        nz = mesh.shape[3]
        scale = wp.cw_div(vec(real(nx), real(ny), real(nz)), box[b])
        u = wp.cw_mul(x[b, i], scale)
        tx = derivatives(u[0] - wp.floor(u[0]))
        ty = derivatives(u[1] - wp.floor(u[1]))
        tz = derivatives(u[2] - wp.floor(u[2]))
        ix = wrapped(wp.floor(u[0]), nx)
        iy = wrapped(wp.floor(u[1]), ny)
        iz = wrapped(wp.floor(u[2]), nz)
        total = row()
        for jx in range(wp.static(p)):
            plane = mesh[b, (ix + jx) % nx]
            for jy in range(wp.static(p)):
                line = plane[(iy + jy) % ny]
                f0 = real(0.0)
                f1 = real(0.0)
                f2 = real(0.0)
                for jz in range(wp.static(p)):
                    k = iz + jz
                    if k >= nz:
                        k -= nz
                    value = line[k]
                    f0 += tz[0, jz] * value
                    f1 += tz[1, jz] * value
                    if wp.static(bends):
                        f2 += tz[2, jz] * value
                flat = tx[0, jx] * ty[0, jy]
                total[0] = total[0] + flat * f0
                total[1] = total[1] + tx[1, jx] * ty[0, jy] * f0
                total[2] = total[2] + tx[0, jx] * ty[1, jy] * f0
                total[3] = total[3] + flat * f1
                if wp.static(bends):
                    total[4] = total[4] + tx[2, jx] * ty[0, jy] * f0
                    total[5] = total[5] + tx[0, jx] * ty[2, jy] * f0
                    total[6] = total[6] + flat * f2
                    total[7] = total[7] + tx[0, jx] * ty[1, jy] * f1
                    total[8] = total[8] + tx[1, jx] * ty[0, jy] * f1
                    total[9] = total[9] + tx[1, jx] * ty[1, jy] * f0
        for a in range(3):
            total[1 + a] = total[1 + a] * scale[a]
        if wp.static(bends):
            for a in range(3):
                total[4 + a] = total[4 + a] * scale[a] * scale[a]
                total[7 + a] = total[7 + a] * scale[(a + 1) % 3] * scale[(a + 2) % 3]
        found_out[b, i] = total

    return kernel


def moduli(points: int, order: int) -> torch.Tensor:
    """|b(m)|^2 of each wave along an axis [points], float64: 1 / |sum_k M_p(k + 1) exp(2 pi i m k / points)|^2.

    0 at the shortest wave of an even number of points, which has no direction; there the sum vanishes for odd orders.
    """
    spline = torch.zeros(order + 1, dtype=torch.float64)
    spline[1] = 1.0  # M_2 at the integers
    at = torch.arange(order + 1, dtype=torch.float64)
    for k in range(3, order + 1):
        before = torch.cat([spline.new_zeros(1), spline[:-1]])
        spline = (at * spline + (k - at) * before) / (k - 1)
    wave = torch.fft.fft(torch.nn.functional.pad(spline[1:order], (0, max(points - order + 1, 0)))[:points])
    size = wave.real.square() + wave.imag.square()
    if points % 2 == 0:
        size[points // 2] = torch.inf
    return 1.0 / size

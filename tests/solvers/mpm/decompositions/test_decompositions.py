"""Factors multiply to the whole, and adjoints are right where singular values are equal."""

from typing import Any

import pytest
import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.decompositions import (
    exp_symmetric,
    log_stretch,
    polar_rotation,
    singular_values,
)
from scenegrad.solvers.mpm.decompositions.of_tensors import log_stretch_of, polar_rotation_of
from scenegrad.solvers.mpm.materials.snow import clamped_stretches
from scenegrad.solvers.mpm.numbers import Numbers, numbers

DTYPES = {"float32": torch.float32, "float64": torch.float64}
ROUNDING = {"float32": 1.2e-7, "float64": 2.3e-16}


def function(name: str, n: Numbers) -> Any:
    """wp.func F -> Y; clamped between 0.97 and 1.02 where that is what is asked for."""
    if name != "clamp":
        return {"polar": polar_rotation, "log": log_stretch, "exp": exp_symmetric}[name](n)
    clamped = clamped_stretches(n)
    mat, low, high = n.mat, n.real(0.97), n.real(1.02)

    @wp.func
    def within(F: mat):
        return clamped(F, low, high)

    return within


def applied(name: str, F: Tensor, Y_bar: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Y of each matrix, and the cotangent of F where that of Y is given."""
    n = numbers(F.shape[-1], F.dtype)
    f, mat = function(name, n), n.mat

    @wp.kernel(module="unique")
    def kernel(F_in: wp.array[mat], Y_out: wp.array[mat]):
        p = wp.tid()
        Y_out[p] = f(F_in[p])

    wp.init()
    Y, F_bar = torch.zeros_like(F), torch.zeros_like(F)
    arrays = [wp.from_torch(t.contiguous(), dtype=mat) for t in (F, Y)]
    wp.launch(kernel, len(F), arrays[:1], arrays[1:], device="cpu")
    if Y_bar is None:
        return Y, None
    bars = [wp.from_torch(t.clone().contiguous(), dtype=mat) for t in (F_bar, Y_bar)]
    wp.launch(
        kernel, len(F), arrays[:1], arrays[1:], adj_inputs=bars[:1], adj_outputs=bars[1:], adjoint=True, device="cpu"
    )
    return Y, wp.to_torch(bars[0])


def rotations(dim: int, count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    Q, _ = torch.linalg.qr(torch.randn(count, dim, dim, generator=generator, dtype=torch.float64))
    Q[:, :, 0] *= torch.linalg.det(Q)[:, None]
    return Q


def samples(dim: int) -> Tensor:
    """Matrices that decompositions are known to stumble over; det F > 0."""
    one = torch.eye(dim, dtype=torch.float64)
    U, V = rotations(dim, 40, 1), rotations(dim, 40, 2)
    noise = torch.randn(40, dim, dim, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    values = torch.ones(40, dim, dtype=torch.float64)
    values[:20, 0], values[20:, -1] = 1.4, 0.7  # all the others equal
    values[:10] *= 1.3
    return torch.cat(
        [
            one[None], U, 0.95 * U, 1.7 * U, U @ torch.diag_embed(values) @ V, one + 0.01 * noise, one + 1e-4 * noise,
            U @ (one + 0.1 * noise), U @ torch.diag_embed(values + 1e-5 * noise[:, 0]) @ V,
        ]
    )  # fmt: skip


def stretched(dim: int, values: tuple[float, ...], count: int = 30) -> Tensor:
    diagonal = torch.tensor(values[:dim], dtype=torch.float64)
    return rotations(dim, count, 4) @ torch.diag(diagonal) @ rotations(dim, count, 5)


def exact(name: str, F: Tensor) -> Tensor:
    """By the factorisations of LAPACK in double precision."""
    if name == "exp":
        return torch.linalg.matrix_exp(F)
    U, s, Vh = torch.linalg.svd(F)
    if name == "polar":
        return U @ Vh
    if name == "log":
        return U @ torch.diag_embed(s.log()) @ U.mT
    return U @ torch.diag_embed(s.clamp(0.97, 1.02)) @ Vh


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["polar", "log", "clamp", "exp"])
def test_functions_of_the_deformation(name, dim, dtype, measure):
    F = torch.cat([samples(dim), stretched(dim, (3.0, 0.05, 0.8)), stretched(dim, (1e-3, 1.0, 2.0))])
    if name == "exp":
        F = 0.8 * (F - 0.9 * torch.eye(dim, dtype=torch.float64))
        F = F + F.mT
    found, _ = applied(name, F.to(DTYPES[dtype]))
    expected = exact(name, F.to(DTYPES[dtype]).double())
    size = expected.abs().amax((-2, -1)).clamp(min=1.0)
    if name in ("log", "clamp"):  # both undo what F does: they are as sensitive as F is ill-conditioned
        s = torch.linalg.svdvals(F)
        size = size * (s.amax(-1) / s.amin(-1)).clamp(min=1.0)
    worst = float(((found.double() - expected).abs().amax((-2, -1)) / size).max())
    measure(f"error of the {name} of a matrix, {dim}D {dtype}", worst, f"{40 * ROUNDING[dtype]:.1g}")
    assert worst < 40 * ROUNDING[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_factors_multiply_to_the_whole_even_near_singularity(dim, dtype):
    F = torch.cat([samples(dim), stretched(dim, (1.0, 1e-6, 2.0)), stretched(dim, (1e-6, 1e-6, 1.0))]).to(DTYPES[dtype])
    n = numbers(dim, DTYPES[dtype])
    factors, mat, vec = singular_values(n), n.mat, n.vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(F_in: wp.array[mat], U_out: wp.array[mat], s_out: wp.array[vec]):
        p = wp.tid()
        U, s = factors(F_in[p])
        U_out[p] = U
        s_out[p] = s

    U, s = torch.zeros_like(F), torch.zeros_like(F[..., 0])
    arrays = [wp.from_torch(F, dtype=mat), wp.from_torch(U, dtype=mat), wp.from_torch(s, dtype=vec)]
    wp.launch(kernel, len(F), arrays[:1], arrays[1:], device="cpu")
    rows = U.mT @ F
    one = torch.eye(dim, dtype=F.dtype)
    assert float((U.mT @ U - one).abs().max()) < 10 * ROUNDING[dtype]
    assert float((torch.linalg.vector_norm(rows, dim=-1) - s).abs().max()) < 20 * ROUNDING[dtype]
    assert float((rows @ rows.mT - torch.diag_embed(s.square())).abs().max()) < 60 * ROUNDING[dtype]


def differences(name: str, F: Tensor, Y_bar: Tensor, h: float) -> Tensor:
    """Central differences of fourth order, of <Y_bar, Y>."""
    slope = torch.zeros_like(F)
    for i in range(F.shape[-1]):
        for j in range(F.shape[-1]):
            push = torch.zeros(F.shape[-2:], dtype=F.dtype)
            push[i, j] = h
            if name == "exp":  # a function of symmetric matrices
                push = (push + push.mT) / 2
            values = {k: (exact(name, F + k * push) * Y_bar).sum((-2, -1)) for k in (-2, -1, 1, 2)}
            slope[:, i, j] = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
    return slope


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["polar", "log", "clamp", "exp"])
def test_adjoints_at_rest_at_rotations_and_at_equal_singular_values(name, dim, dtype, measure):
    F = torch.cat([samples(dim), stretched(dim, (2.0, 0.4, 0.8)), stretched(dim, (1.0185, 1.0215, 0.98))])
    if name == "exp":
        F = F - 0.9 * torch.eye(dim, dtype=torch.float64)
        F = F + F.mT
    if name == "clamp":  # away from the kinks
        s = torch.linalg.svdvals(F)
        F = F[((s - 0.97).abs().amin(-1) > 1e-3) & ((s - 1.02).abs().amin(-1) > 1e-3)]
        assert len(F) > 200
    Y_bar = torch.randn(F.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    given = F.to(DTYPES[dtype])
    _, F_bar = applied(name, given, Y_bar.to(DTYPES[dtype]))
    assert F_bar is not None
    expected = differences(name, given.double(), Y_bar, 5e-6 if name == "clamp" else 5e-5)
    found = F_bar.double()
    if name == "exp":
        found = (found + found.mT) / 2
    worst = float(((found - expected).abs().amax((-2, -1)) / expected.abs().amax((-2, -1)).clamp(min=1.0)).max())
    tolerance = {"float32": 5e-5 if name == "clamp" else 1e-5, "float64": 3e-9}[dtype]
    measure(f"error of the adjoint of the {name} of a matrix, {dim}D {dtype}", worst, f"{tolerance:g}")
    assert worst < tolerance


@pytest.mark.parametrize("name", ["polar", "log"])
def test_torch_knows_the_same_functions_and_derivatives(name, dim):
    F = torch.cat([samples(dim), stretched(dim, (2.0, 0.4, 0.8)), stretched(dim, (1.0185, 1.0215, 0.98))])
    Y_bar = torch.randn(F.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    Y, F_bar = applied(name, F, Y_bar)
    of_tensors = {"polar": polar_rotation_of, "log": log_stretch_of}[name]
    F = F.requires_grad_()
    found = of_tensors(F)
    (bar,) = torch.autograd.grad(found, F, Y_bar)
    assert F_bar is not None
    assert float((found.detach() - Y).abs().max()) < 1e-14
    assert float((bar - F_bar).abs().max()) < 1e-11

"""Fast transforms solve their equation to round-off, whatever the ends of the axes."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from scenegrad.solvers.elliptic import transforms
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.fast import FastPoisson

WALLS = ("neumann", "dirichlet", "node")
ENDS = [("periodic", "periodic"), *product(WALLS, WALLS)]


def second_difference(axis: Axis) -> np.ndarray:
    """-d2/dx2 written out from what its ends mean."""
    n = axis.count
    matrix = 2.0 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    if axis.periodic:
        matrix[0, -1] -= 1.0
        matrix[-1, 0] -= 1.0
    for end, place in ((axis.lo, 0), (axis.hi, -1)):
        matrix[place, place] += {"neumann": -1.0, "dirichlet": 1.0, "node": 0.0, "periodic": 0.0}[end]
    return matrix / axis.spacing**2


def minus_laplace(axes: tuple[Axis, ...], x: Tensor) -> Tensor:
    total = torch.zeros_like(x)
    for dim, axis in enumerate(axes):
        matrix = torch.from_numpy(second_difference(axis)).to(x)
        total += torch.tensordot(x, matrix, dims=([1 + dim], [0])).movedim(-1, 1 + dim)
    return total


@pytest.mark.parametrize("count", [7, 8, 200, 201])
@pytest.mark.parametrize("ends", ENDS, ids="-".join)
def test_each_kind_of_axis_solves_its_equation(ends, count):
    axes = (Axis(count, 0.3, *ends),)
    fast = FastPoisson(axes, dtype=torch.float64)
    b = torch.randn(3, count, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = fast.solve(b, shift=torch.tensor([0.7, 2.0, 30.0]), diffusivity=torch.tensor([1.0, 0.5, 0.0]))
    left = torch.tensor([0.7, 2.0, 30.0]).double()[:, None] * x
    left += torch.tensor([1.0, 0.5, 0.0]).double()[:, None] * minus_laplace(axes, x)
    assert torch.allclose(left, b, atol=1e-11)


@pytest.mark.parametrize(
    "kinds",
    [
        (0, 1), (1, 0), (0, 0), (1, 5), (9, 3), (0, 1, 5), (2, 0, 4), (0, 6, 0), (1, 1, 1), (0, 0, 0),
    ],
)  # fmt: skip
def test_each_axis_has_ends_of_its_own(kinds):
    axes = tuple(Axis(5 + 2 * n, 0.1 * (n + 1), *ENDS[kind]) for n, kind in enumerate(kinds))
    fast = FastPoisson(axes, dtype=torch.float64)
    b = torch.randn(2, *fast.cells, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = fast.solve(b)
    wanted = b - b.mean(dim=tuple(range(1, b.ndim)), keepdim=True) if fast.floats else b
    assert torch.allclose(minus_laplace(axes, x), wanted, atol=1e-10)
    assert torch.allclose(-fast.laplace(x), wanted, atol=1e-10)


def test_a_constant_that_nothing_determines_is_taken_away():
    fast = FastPoisson((Axis(12, 0.1, "neumann", "neumann"), Axis(10, 0.2)), dtype=torch.float64)
    b = torch.rand(2, 12, 10, dtype=torch.float64)
    x = fast.solve(b, shift=torch.tensor([0.0, 1.0]))
    assert abs(float(x[0].mean())) < 1e-14
    assert torch.allclose(x[1].mean(), b[1].mean())


@pytest.mark.parametrize(("ends", "count"), [(("neumann",) * 2, 96), (("dirichlet",) * 2, 97), (("node",) * 2, 63)])
def test_every_way_to_transform_gives_the_same_numbers(ends, count):
    axis = Axis(count, 0.1, *ends)
    x = torch.randn(2, count, 3, dtype=torch.float64)
    dense = transforms.Dense(torch.from_numpy(axis.basis))
    name, kind = transforms.KINDS[ends]
    others = [transforms.Pocket(name, kind)]
    if kind == 2:
        others.append(transforms.Cosines(count, name == "dst", "cpu", torch.float64))
    for other in others:
        assert torch.allclose(other.forward(x, 1).abs(), dense.forward(x, 1).abs(), atol=1e-12)
        assert torch.allclose(other.back(other.forward(x, 1), 1), x, atol=1e-12)


@pytest.mark.parametrize("walls", [False, True])
def test_spectral_symbol_is_exact_for_the_waves_of_the_grid(walls):
    n, k = 16, 3
    axis = Axis(n, 1.0 / n, "neumann", "neumann") if walls else Axis(n, 1.0 / n)
    place = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    turn = (np.pi if walls else 2 * np.pi) * k
    wave = torch.cos(turn * place)[None]
    x = FastPoisson((axis,), dtype=torch.float64, symbol="spectral").solve(turn**2 * wave)
    assert torch.allclose(x, wave, atol=1e-12)


def test_derivative_of_a_solve_is_a_solve_of_the_derivative():
    axes = (Axis(5, 0.3, "neumann", "dirichlet"), Axis(4, 0.2))
    fast = FastPoisson(axes, dtype=torch.float64)
    b = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    shift = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    diffusivity = torch.tensor([0.7, 1.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fast.solve, (b, shift, diffusivity), atol=1e-6, rtol=1e-6)
    assert torch.autograd.gradgradcheck(fast.solve, (b, shift, diffusivity), atol=1e-6, rtol=1e-5)
    floating = FastPoisson((Axis(4, 0.3, "neumann", "neumann"), Axis(4, 0.2)), dtype=torch.float64)
    assert torch.autograd.gradcheck(floating.solve, (b[:, :4].detach().requires_grad_(),), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("ends", [("neumann", "neumann"), ("periodic", "periodic")], ids="-".join)
def test_a_member_does_not_feel_its_companions(ends):
    fast = FastPoisson((Axis(160, 0.1, *ends), Axis(24, 0.1, "dirichlet", "dirichlet")))
    b = torch.randn(3, 160, 24)
    shift = torch.tensor([0.0, 1.0, 100.0])
    together = fast.solve(b, shift)
    alone = torch.cat([fast.solve(b[i : i + 1], shift[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-6 * float(alone.abs().max()), rtol=0.0)


def test_single_precision_leaves_a_residual_of_round_off():
    fast = FastPoisson((Axis(256, 1 / 256, "neumann", "neumann"), Axis(256, 1 / 256, "neumann", "neumann")))
    b = torch.randn(1, 256, 256)
    b -= b.mean()
    left = minus_laplace(fast.axes, fast.solve(b).double())
    assert float((left - b).norm() / b.norm()) < 2e-4


@pytest.mark.gpu
@pytest.mark.parametrize("count", [48, 1500])
@pytest.mark.parametrize("ends", ENDS, ids="-".join)
def test_a_gpu_finds_what_a_cpu_finds(ends, count):
    axes = (Axis(count, 0.3, *ends), Axis(20, 0.2))
    b = torch.randn(2, count, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    ours, theirs = (
        FastPoisson(axes, device, torch.float64).solve(b.to(device), 0.3).cpu() for device in ("cpu", "cuda")
    )
    assert torch.allclose(ours, theirs, atol=1e-10)

"""Multigrid: each cycle takes the same part of the error away, however fine the grid."""

import pytest
import torch

from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient
from scenegrad.solvers.elliptic.diffusion import between, diffusion, face_counts
from scenegrad.solvers.elliptic.multigrid import Cycles, Multigrid
from scenegrad.solvers.elliptic.solver import EllipticSolver

DOUBLE = torch.float64


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(3))


def even(*axes: Axis, batch: int = 1) -> list[torch.Tensor]:
    return [torch.ones(batch, *face_counts(axes, n), dtype=DOUBLE) for n in range(len(axes))]


def factor(axes, faces, b, iteration) -> float:
    """By which the residual falls in an iteration, on the average of many."""
    outcome = EllipticSolver(axes, iteration, tolerance=1e-9).solve(b, faces)
    assert bool(outcome.solved.all())
    return float(outcome.residual.max()) ** (1 / int(outcome.iterations.max()))


@pytest.mark.parametrize("end", ["neumann", "dirichlet", "node", "periodic"])
def test_convergence_factor_is_the_same_on_every_grid(end):
    found = []
    for cells in (16, 32, 64, 128):
        axes = (Axis(cells, 1 / cells, end, end),) * 2
        found.append(factor(axes, even(*axes), noise(1, cells, cells), Cycles()))
    assert max(found) < 0.16, found


@pytest.mark.parametrize("kind", ["cylinder", "porous"])
def test_coefficients_change_little(problems, kind):
    for cells in (32, 128):
        problem = problems[kind](cells)
        b = noise(1, cells, cells)
        assert factor(problem.axes, problem.faces, b, Cycles()) < 0.2
        assert factor(problem.axes, problem.faces, b, ConjugateGradient(Multigrid())) < 0.1


def media(problems, cells: int, above: float):
    problem = problems["porous"](cells)
    return problem.axes, between(problem.axes, torch.where(problem.cells > 6, above, 1.0).double()), problem.b


def cut(problems, cells: int):
    """A disk of area fractions, where single cells hang on others by one face."""
    problem = problems["cylinder"](cells)
    return problem.axes, problem.faces, noise(1, cells, cells)


def maze(cells: int):
    """A box with four walls of no thickness that do not end where coarse cells do."""
    axes = (Axis(cells, 1 / cells, "neumann", "neumann"),) * 2
    across, along = even(*axes)
    gap = cells // 16
    across[:, cells // 3, gap:] = 0.0
    across[:, 2 * cells // 3, :-gap] = 0.0
    across[:, cells // 2 + 1, gap : cells - gap] = 0.0
    along[:, cells // 3 + 1 : cells // 2, 3 * cells // 7] = 0.0
    return axes, [across, along], noise(1, cells, cells)


@pytest.mark.parametrize(
    ("given", "most"),
    [
        (lambda problems, n: media(problems, n, 1e2), 10),
        (lambda problems, n: media(problems, n, 1e4), 11),
        (lambda problems, n: media(problems, n, 1e6), 12),
        (lambda problems, n: maze(n), 13),
        (lambda problems, n: cut(problems, n), 9),
    ],
    ids=["1e2", "1e4", "1e6", "walls", "cut cells"],
)
def test_neither_contrasts_nor_thin_walls_cost_iterations(problems, given, most):
    """Coarse coefficients that are means of fine ones need 33, 113 and 47 for contrasts of 1e4, 1e6 and walls."""
    found = []
    for cells in (32, 64, 128):
        axes, faces, b = given(problems, cells)
        outcome = EllipticSolver(axes, ConjugateGradient(Multigrid()), 1e-8).solve(b, faces)
        assert bool(outcome.solved)
        found.append(int(outcome.iterations))
    assert max(found) <= most, found


def test_members_of_unlike_difficulty_do_not_feel_each_other(problems):
    """Contrasts of 1, 1e3 and 1e6 in one batch, as alone; with two threads, and in float32."""
    given = [media(problems, 48, above) for above in (1.0, 1e3, 1e6)]
    axes = given[0][0]
    faces = [torch.cat(three) for three in zip(*(one[1] for one in given), strict=True)]
    b = torch.cat((given[0][2], noise(1, 48, 48), given[2][2]))
    solver = EllipticSolver(axes, ConjugateGradient(Multigrid()), 1e-8)
    together = solver.solve(b, faces)
    assert len(set(together.iterations.tolist())) > 1
    for i in range(3):
        alone = solver.solve(b[i : i + 1], [face[i : i + 1] for face in faces])
        assert int(alone.iterations) == int(together.iterations[i])
        assert torch.allclose(alone.x[0], together.x[i], rtol=0.0, atol=1e-12 * float(alone.x.abs().max()))
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        twice = solver.solve(b, faces)
    finally:
        torch.set_num_threads(threads)
    assert torch.allclose(twice.x, together.x, rtol=1e-9, atol=0.0)
    single = EllipticSolver(axes, ConjugateGradient(Multigrid())).solve(b.float(), [face.float() for face in faces])
    assert bool(single.solved.all())
    difference = (single.x.double() - together.x).flatten(1).norm(dim=1) / together.x.flatten(1).norm(dim=1)
    assert float(difference[:2].max()) < 1e-3, difference
    assert bool(torch.isfinite(single.residual).all())


AXES = [
    (Axis(37, 0.1, "neumann", "dirichlet"), Axis(22, 0.1, "node", "neumann")),
    (Axis(12, 0.1), Axis(9, 0.1, "dirichlet", "neumann"), Axis(11, 0.1, "node", "node")),
    (Axis(50, 0.1, "dirichlet", "neumann"),),
    (Axis(32, 0.02, "neumann", "neumann"), Axis(16, 0.1, "dirichlet", "dirichlet")),
]


@pytest.mark.parametrize("axes", AXES)
def test_any_number_of_cells_and_axes_is_solved(axes):
    b = noise(2, *(axis.count for axis in axes))
    assert factor(axes, even(*axes, batch=2), b, Cycles()) < 0.35


@pytest.mark.parametrize("axes", AXES[:2])
def test_a_cycle_is_symmetric_and_positive(axes):
    cells = [axis.count for axis in axes]
    faces = [face * (0.2 + noise(*face.shape).abs()) for face in even(*axes, batch=2)]
    cycle = Multigrid().prepare(diffusion(axes, faces, torch.tensor([0.0, 3.0])))
    a, b = noise(2, *cells), noise(2, *cells).flip(1)
    forth, back = ((p * cycle(q)).flatten(1).sum(1) for p, q in ((a, b), (b, a)))
    assert torch.allclose(forth, back, rtol=1e-10)
    assert bool(((a * cycle(a)).flatten(1).sum(1) > 0).all())


def test_a_periodic_axis_needs_an_even_number_of_cells():
    axes = (Axis(9, 0.1),)
    with pytest.raises(ValueError, match="even number"):
        EllipticSolver(axes, Cycles()).solve(noise(1, 9), even(*axes))


def test_gradients_agree_with_those_of_fast_transforms():
    axes = (Axis(12, 0.1, "dirichlet", "neumann"), Axis(8, 0.1))
    faces = [0.5 + noise(2, *face_counts(axes, n)).abs() for n in range(2)]
    found = []
    for iteration in (Cycles(), EllipticSolver.fast(axes, dtype=DOUBLE).iteration):
        given = [face.clone().requires_grad_() for face in faces]
        x = EllipticSolver(axes, iteration, 1e-12).solve(noise(2, 12, 8), given).x
        found.append(torch.autograd.grad((x**2).sum(), given))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.parametrize("axes", AXES)
def test_a_gpu_finds_what_a_cpu_finds(axes):
    faces = [face * (0.2 + noise(*face.shape).abs()) for face in even(*axes, batch=2)]
    b = noise(2, *(axis.count for axis in axes))
    found = []
    for device in ("cpu", "cuda"):
        given = [face.to(device).requires_grad_() for face in faces]
        outcome = EllipticSolver(axes, ConjugateGradient(Multigrid()), 1e-12).solve(b.to(device), given, 0.3)
        gradients = torch.autograd.grad((outcome.x**2).sum(), given)
        found.append([outcome.x.detach().cpu(), *(gradient.cpu() for gradient in gradients)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-10)

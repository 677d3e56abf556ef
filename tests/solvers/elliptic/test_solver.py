"""Variable coefficients: iterations that do not grow with the grid, and gradients by a second solve."""

import pytest
import torch

from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Jacobi
from scenegrad.solvers.elliptic.diffusion import between, diffusion, face_counts, pockets, right_side
from scenegrad.solvers.elliptic.solver import EllipticSolver

DOUBLE = torch.float64


def positive(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.5 + torch.rand(*shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cells", [64, 128, 256])
def test_a_cylinder_takes_as_many_iterations_on_any_grid(problems, cells):
    sharp, smooth = problems["cylinder"](cells, sharp=True), problems["cylinder"](cells)
    noise = torch.randn(1, cells, cells, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    solver = EllipticSolver.fast(sharp.axes, dtype=DOUBLE, tolerance=1e-6)
    assert int(solver.solve(noise, sharp.faces).iterations) <= 8
    assert int(solver.solve(sharp.b, sharp.faces).iterations) <= 11
    assert int(solver.solve(smooth.b, smooth.faces).iterations) <= 13


@pytest.mark.parametrize("cells", [64, 128, 256])
def test_a_porous_medium_takes_as_many_iterations_on_any_grid(problems, cells):
    problem = problems["porous"](cells)
    outcome = EllipticSolver.fast(problem.axes, dtype=DOUBLE, tolerance=1e-6).solve(problem.b, problem.faces)
    assert 10 <= int(outcome.iterations) <= 17
    assert float(outcome.residual) < 1e-6


def test_without_transforms_iterations_grow_with_the_grid(problems):
    counts = []
    for cells in (32, 64):
        problem = problems["porous"](cells)
        solver = EllipticSolver(problem.axes, ConjugateGradient(Jacobi()), tolerance=1e-6)
        counts.append(int(solver.solve(problem.b, problem.faces).iterations))
    assert counts[1] > 1.7 * counts[0] > 80


def test_a_residual_above_the_tolerance_is_told_and_not_raised(problems):
    problem = problems["porous"](64, dtype=torch.float32)
    outcome = EllipticSolver.fast(problem.axes, tolerance=1e-9).solve(problem.b, problem.faces)
    assert bool(outcome.solved)
    assert 1e-9 < float(outcome.residual) < 1e-3
    cut_short = EllipticSolver.fast(problem.axes, tolerance=1e-9, iterations=3).solve(problem.b, problem.faces)
    assert not bool(cut_short.solved)
    assert int(cut_short.iterations) == 3
    assert float(cut_short.residual) > 1e-3


def test_what_is_no_number_is_not_called_solved(problems):
    problem = problems["porous"](16)
    b = problem.b.clone()
    b[0, 3, 4] = torch.nan
    assert not bool(EllipticSolver.fast(problem.axes, dtype=DOUBLE).solve(b, problem.faces).solved)


def test_a_gradient_is_given_where_the_tolerance_is_out_of_reach(problems):
    problem = problems["porous"](64, dtype=torch.float32)
    faces = [face.clone().requires_grad_() for face in problem.faces]
    outcome = EllipticSolver.fast(problem.axes, tolerance=1e-12).solve(problem.b, faces)
    gradients = torch.autograd.grad(outcome.x.square().mean(), faces)
    exact = [face.detach().double().requires_grad_() for face in faces]
    x = EllipticSolver.fast(problem.axes, dtype=DOUBLE).solve(problem.b.double(), exact).x
    for found, wanted in zip(gradients, torch.autograd.grad(x.square().mean(), exact), strict=True):
        assert float((found - wanted).norm()) < 1e-3 * float(wanted.norm())


def test_a_member_does_not_feel_its_companions(problems):
    easy, hard = problems["porous"](32, seed=1), problems["porous"](32, seed=2)
    flat = tuple(torch.ones_like(face) for face in easy.faces)
    faces = [torch.cat(three) for three in zip(easy.faces, flat, hard.faces, strict=True)]
    b = torch.cat((easy.b, easy.b, torch.randn(1, 32, 32, dtype=DOUBLE)))
    shift = torch.tensor([0.0, 3.0, 50.0], dtype=DOUBLE)
    solver = EllipticSolver.fast(easy.axes, dtype=DOUBLE, tolerance=1e-8)
    together = solver.solve(b, faces, shift)
    assert len(set(together.iterations.tolist())) == 3
    for i in range(3):
        alone = solver.solve(b[i : i + 1], [face[i : i + 1] for face in faces], shift[i : i + 1])
        assert int(alone.iterations) == int(together.iterations[i])
        assert torch.allclose(alone.x[0], together.x[i], rtol=0.0, atol=1e-13)


def test_null_space_is_of_no_concern(problems):
    problem = problems["cylinder"](32)
    solver = EllipticSolver.fast(problem.axes, dtype=DOUBLE)
    outcome = solver.solve(problem.b + 7.0, problem.faces)
    operator = diffusion(problem.axes, problem.faces)
    inside = operator.unknown == 0
    assert bool(inside.any())
    assert float(outcome.x[inside].abs().max()) == 0.0
    assert abs(float(outcome.x.sum())) < 1e-10
    assert torch.allclose(outcome.x, solver.solve(problem.b, problem.faces).x, atol=1e-9)
    assert float(outcome.residual) < 1e-9


def test_a_good_guess_saves_iterations_and_changes_no_gradient(problems):
    problem = problems["porous"](24)
    solver = EllipticSolver.fast(problem.axes, dtype=DOUBLE, tolerance=1e-12)
    b = problem.b.requires_grad_()
    cold = solver.solve(b, problem.faces)
    warm = solver.solve(b, problem.faces, guess=cold.x * (1 + 1e-6))
    assert int(warm.iterations) < 0.7 * int(cold.iterations)
    gradients = [torch.autograd.grad((one.x**2).sum(), b)[0] for one in (cold, warm)]
    assert torch.allclose(*gradients, rtol=1e-9, atol=0.0)


AXES = {
    "walls": (Axis(4, 0.3, "dirichlet", "neumann"), Axis(3, 0.2, "neumann", "dirichlet")),
    "closed": (Axis(4, 0.3, "neumann", "neumann"), Axis(3, 0.2)),
    "faces": (Axis(3, 0.3, "node", "node"), Axis(2, 0.2, "dirichlet", "dirichlet"), Axis(2, 0.5)),
    "line": (Axis(6, 0.3, "dirichlet", "dirichlet"),),
}


@pytest.mark.parametrize("kind", AXES)
def test_gradients_reach_everything_the_equation_holds(kind):
    axes = AXES[kind]
    cells = tuple(axis.count for axis in axes)
    solver = EllipticSolver.fast(axes, dtype=DOUBLE, tolerance=1e-13, iterations=60)
    b = (positive(2, *cells, seed=9) - 1.0).requires_grad_()
    faces = [positive(2, *face_counts(axes, n), seed=n).requires_grad_() for n in range(len(axes))]
    shifts = [torch.tensor([0.7, 2.0], dtype=DOUBLE, requires_grad=True), positive(2, *cells).requires_grad_()]

    def solve(b, shift, *faces):
        return solver.solve(b, faces, shift).x

    for shift in shifts:
        assert torch.autograd.gradcheck(solve, (b, shift, *faces), atol=1e-6, rtol=1e-6)
    assert torch.autograd.gradcheck(lambda b, *f: solver.solve(b, f).x, (b, *faces), atol=1e-6, rtol=1e-6)


def test_gradients_reach_the_values_at_the_walls():
    axes = AXES["walls"]
    solver = EllipticSolver.fast(axes, dtype=DOUBLE, tolerance=1e-13, iterations=60)
    cell_values = positive(2, 4, 3).requires_grad_()
    left, bottom = positive(2, 3, seed=1).requires_grad_(), positive(2, seed=2).requires_grad_()
    b = positive(2, 4, 3, seed=3)

    def solve(beta, left, bottom):
        faces = between(axes, beta)
        return solver.solve(right_side(axes, faces, b, {(0, "lo"): left, (1, "lo"): bottom}), faces).x

    assert torch.autograd.gradcheck(solve, (cell_values, left, bottom), atol=1e-6, rtol=1e-6)


def test_walls_hold_what_they_are_told():
    """x between walls at -1 and 5 is linear, and a flux enters where it is given."""
    axes = (Axis(8, 0.125, "dirichlet", "dirichlet"),)
    faces = (torch.full((1, 9), 3.0, dtype=DOUBLE),)
    solver = EllipticSolver.fast(axes, dtype=DOUBLE)
    ends = {(0, "lo"): torch.tensor([-1.0]), (0, "hi"): torch.tensor([5.0])}
    x = solver.solve(right_side(axes, faces, torch.zeros(1, 8, dtype=DOUBLE), ends), faces).x
    place = (torch.arange(8, dtype=DOUBLE) + 0.5) / 8
    assert torch.allclose(x, -1.0 + 6.0 * place)
    axes = (Axis(8, 0.125, "dirichlet", "neumann"),)
    ends = {(0, "hi"): torch.tensor([6.0])}
    x = EllipticSolver.fast(axes, dtype=DOUBLE).solve(right_side(axes, faces, torch.zeros_like(x), ends), faces).x
    assert torch.allclose(x, 2.0 * place[None])


def test_layers_across_the_flow_are_exact():
    """Fluxes through layers in series: the harmonic mean of neighbours keeps them [Patankar 1980]."""
    axes = (Axis(6, 0.5, "dirichlet", "dirichlet"),)
    beta = torch.tensor([[1.0, 1.0, 10.0, 10.0, 2.0, 2.0]], dtype=DOUBLE)
    faces = between(axes, beta)
    b = right_side(axes, faces, torch.zeros(1, 6, dtype=DOUBLE), {(0, "hi"): torch.tensor([1.0])})
    x = EllipticSolver.fast(axes, dtype=DOUBLE).solve(b, faces).x
    flux = 1.0 / (1.0 / 1.0 + 1.0 / 10.0 + 1.0 / 2.0)
    assert torch.allclose((1.0 - x[0, -1]) / 0.25 * 2.0, torch.tensor(flux, dtype=DOUBLE))


def test_a_pocket_that_nothing_connects_keeps_a_constant_of_its_own():
    axes = (Axis(9, 0.1, "neumann", "neumann"), Axis(6, 0.1))
    faces = [positive(2, *face_counts(axes, n), seed=n) for n in range(2)]
    faces[0][1, 4] = 0.0  # a wall right across the second member
    b = torch.randn(2, 9, 6, dtype=DOUBLE)
    solver = EllipticSolver.fast(axes, dtype=DOUBLE)
    apart = pockets(axes, faces)
    assert apart.unique().numel() == 3
    outcome = solver.solve(b, faces, apart=apart)
    assert bool(outcome.solved.all())
    for part in (outcome.x[0], outcome.x[1, :4], outcome.x[1, 4:]):
        assert abs(float(part.mean())) < 1e-12
    balanced = b.clone()
    balanced[0] -= b[0].mean()
    balanced[1, :4] -= b[1, :4].mean()
    balanced[1, 4:] -= b[1, 4:].mean()
    assert torch.allclose(diffusion(axes, faces).apply(outcome.x), balanced, atol=1e-8)

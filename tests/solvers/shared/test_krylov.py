"""Linear and nonlinear equations of a batch, against direct solutions."""

import pytest
import torch

from scenegrad.solvers.shared.krylov import biconjugate_gradient, conjugate_gradient, dot
from scenegrad.solvers.shared.newton import Linear, newton

SOLVERS = [conjugate_gradient, biconjugate_gradient]


def matrices(sizes=(10.0, 1e4), n=60, skew=0.0):
    """Positive definite, of these condition numbers [batch, n, n]; skew: a part that is not symmetric."""
    generator = torch.Generator().manual_seed(3)
    found = []
    for condition in sizes:
        q, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
        values = torch.logspace(0, torch.log10(torch.tensor(condition)).item(), n, dtype=torch.float64)
        twist = torch.randn(n, n, generator=generator, dtype=torch.float64)
        found.append(q @ torch.diag(values) @ q.T + skew * (twist - twist.T))
    return torch.stack(found)


def right_side(batch, n=60):
    return torch.randn(batch, n, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def times(a):
    return lambda x: (a @ x[..., None])[..., 0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_solution_is_that_of_elimination(solver):
    a, b = matrices(), right_side(2)
    diagonal = a.diagonal(dim1=1, dim2=2)
    goal = 1e-12 * b.norm(dim=1)
    found = solver(times(a), b, goal=goal, iterations=1000, precondition=lambda r: r / diagonal)
    assert bool(found.solved.all())
    torch.testing.assert_close(found.x, torch.linalg.solve(a, b), rtol=1e-6, atol=1e-8)
    left = (b - times(a)(found.x)) / diagonal
    torch.testing.assert_close(left.norm(dim=1), found.residual, rtol=1e-2, atol=1e-12)


def test_conjugate_gradients_end_after_as_many_iterations_as_there_are_eigenvalues():
    """Three different eigenvalues: three iterations."""
    values = torch.tensor([1.0, 5.0, 40.0], dtype=torch.float64).repeat(20)
    b = right_side(1)
    found = conjugate_gradient(lambda x: values * x, b, goal=1e-10 * b.norm(dim=1), iterations=20)
    assert int(found.iterations) == 3


def test_matrices_without_symmetry_are_solved_too():
    a, b = matrices(sizes=(20.0, 50.0), skew=3.0), right_side(2)
    found = biconjugate_gradient(times(a), b, goal=1e-10 * b.norm(dim=1), iterations=2000)
    torch.testing.assert_close(found.x, torch.linalg.solve(a, b), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_member_never_feels_its_companions(solver):
    """Bit for bit: the easy member ends long before the hard one does."""
    a, b = matrices(), right_side(2)
    goal = 1e-8 * b.norm(dim=1)

    def product(a):
        return lambda x: (a * x[:, None, :]).sum(2)

    both = solver(product(a), b, goal=goal, iterations=300)
    assert int(both.iterations[0]) < int(both.iterations[1])
    for m in range(2):
        one = slice(m, m + 1)
        alone = solver(product(a[one]), b[one], goal=goal[one], iterations=300)
        assert torch.equal(alone.x[0], both.x[m])
        assert int(alone.iterations[0]) == int(both.iterations[m])


def test_a_direction_of_negative_curvature_ends_the_search_downhill():
    values = torch.tensor([-1.0, 2.0, 3.0], dtype=torch.float64)
    b = torch.tensor([[3.0, 0.1, 0.1], [0.0, 1.0, 1.0]], dtype=torch.float64)
    found = conjugate_gradient(lambda x: values * x, b, goal=torch.full((2,), 1e-9).double(), iterations=50)
    assert not bool(found.solved[0])
    assert bool(found.solved[1])
    assert float(dot(found.x, b)[0]) > 0.0
    assert bool(torch.isfinite(found.x).all())


class Springs:
    """r = K x + x^3 - b, a chain of springs on hardening ground; outside |x| < 30 nothing is defined."""

    def __init__(self, b, skew=0.0):
        self.a, self.b = matrices(sizes=(30.0,), skew=skew)[0], b
        self.symmetric = skew == 0.0
        self.asked = 0

    def residual(self, x):
        self.asked += 1
        wide = x.abs().amax(1, keepdim=True) > 30.0
        return torch.where(wide, torch.nan, x @ self.a.T + x**3 - self.b)

    def linear(self, x):
        return Linear(lambda d: d @ self.a.T + 3 * x**2 * d, torch.full((len(x),), self.symmetric))

    def precondition(self, r):
        return r / self.a.diagonal()

    def size(self, d):
        return d.norm(dim=1)


@pytest.mark.parametrize("skew", [0.0, 0.5])
def test_newton_finds_the_root_from_outside_of_the_domain(skew):
    springs = Springs(right_side(2) * torch.tensor([[1.0], [300.0]], dtype=torch.float64), skew)
    start = torch.full((2, 60), 50.0, dtype=torch.float64)
    root = newton(springs, start, lambda x: torch.full((2,), 1e-9).double(), steps=40, iterations=200)
    assert bool(root.found.all())
    assert float(springs.residual(root.x).abs().max()) < 1e-8


def test_newton_of_a_batch_is_that_of_its_members():
    b = right_side(2) * torch.tensor([[0.1], [300.0]], dtype=torch.float64)
    start = torch.zeros(2, 60, dtype=torch.float64)

    def solve(b, start):
        class Each(Springs):  # a product that does not depend on the size of the batch
            def residual(self, x):
                return (self.a * x[:, None, :]).sum(2) + x**3 - self.b

            def linear(self, x):
                return Linear(lambda d: (self.a * d[:, None, :]).sum(2) + 3 * x**2 * d, alike(x))

        return newton(Each(b), start, lambda x: torch.full((len(x),), 1e-9).double(), steps=40, iterations=200)

    def alike(x):
        return torch.ones(len(x), dtype=torch.bool)

    both = solve(b, start)
    assert int(both.steps[0]) != int(both.steps[1])
    for m in range(2):
        assert torch.equal(solve(b[m : m + 1], start[m : m + 1]).x[0], both.x[m])


def test_newton_says_where_it_failed():
    class Nowhere(Springs):
        def residual(self, x):
            return super().residual(x).abs() + 1.0

    root = newton(Nowhere(right_side(1)), torch.zeros(1, 60).double(), lambda x: torch.full((1,), 1e-9).double(),
                  steps=5, iterations=50)  # fmt: skip
    assert not bool(root.found[0])
    assert float(root.error[0]) > 0.01

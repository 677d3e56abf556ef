"""Solvers that learn: what they learn pays, and what they solve stays right."""

import numpy as np
import pytest
import torch

from scenegrad.scenes.values import MaternField
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient
from scenegrad.solvers.elliptic.darcy.fields import random_field
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion, face_counts
from scenegrad.solvers.elliptic.learned.bandit import TsallisBandit
from scenegrad.solvers.elliptic.learned.cycle import CycleNet, Learned
from scenegrad.solvers.elliptic.learned.recycling import Recycling, along_a_path
from scenegrad.solvers.elliptic.learned.training import train_cycle
from scenegrad.solvers.elliptic.relaxation import FixedOmega, Relaxation
from scenegrad.solvers.elliptic.solver import EllipticSolver

DOUBLE = torch.float64


def ones(axes, batch):
    return [torch.ones(batch, *face_counts(axes, n), dtype=DOUBLE) for n in range(len(axes))]


# ---- a preconditioner


def media(problems, cells: int, seeds: range) -> Diffusion:
    found = [problems["porous"](cells, seed=seed) for seed in seeds]
    return diffusion(found[0].axes, [torch.cat(faces) for faces in zip(*(one.faces for one in found), strict=True)])


def iterations(net, problem, tolerance=1e-8) -> int:
    outcome = EllipticSolver(problem.axes, ConjugateGradient(Learned(net), 60), tolerance).solve(
        problem.b, problem.faces
    )
    assert bool(outcome.solved)
    assert float(outcome.residual) < 2 * tolerance
    return int(outcome.iterations)


def test_training_on_small_grids_saves_iterations_on_large_ones(problems):
    torch.manual_seed(0)
    net = CycleNet()
    before = [iterations(net, problems["porous"](cells)) for cells in (32, 64, 128)]
    losses = train_cycle(
        net, lambda step: media(problems, 16, range(100 + 2 * step, 102 + 2 * step)), steps=40, rate=1e-2
    )
    after = [iterations(net, problems["porous"](cells)) for cells in (32, 64, 128)]
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])
    assert all(new < old for new, old in zip(after, before, strict=True)), (before, after)
    assert max(after) <= 7, (before, after)
    assert max(after) <= min(after) + 1, after
    cylinders = [iterations(net, problems["cylinder"](cells)) for cells in (32, 64, 128)]  # that it has never seen
    assert max(cylinders) <= 8, cylinders


@pytest.mark.parametrize("axes", [(Axis(8, 0.1), Axis(13, 0.1, "neumann", "dirichlet")), (Axis(12, 0.1), Axis(8, 0.1))])
def test_coarse_equations_are_the_fine_ones_for_what_is_interpolated(axes):
    """P' A P, with P and P' as a learned cycle applies them and A on the coarse grid as Warp has made it."""
    torch.manual_seed(0)
    faces = [0.5 + torch.rand(2, *face_counts(axes, n), dtype=DOUBLE) for n in range(2)]
    operator = diffusion(axes, faces, 0.3)
    fine, coarse = Learned(CycleNet()).grids(operator)[:2]
    x, y = torch.randn(2, *(axis.count for axis in axes), dtype=DOUBLE), torch.randn_like(coarse.diagonal)
    assert torch.allclose(fine.apply(x), operator.apply(x))
    assert torch.allclose((fine.transfer.raised(y) * x).sum(), (y * fine.transfer.lowered(x)).sum())
    assert torch.allclose(fine.transfer.lowered(fine.apply(fine.transfer.raised(y))), coarse.apply(y))


def test_a_learned_preconditioner_changes_no_solution_and_no_gradient(problems):
    torch.manual_seed(1)
    problem = problems["porous"](16)
    found = []
    for solver in (
        EllipticSolver(problem.axes, ConjugateGradient(Learned(CycleNet()), 100), 1e-12),
        EllipticSolver.fast(problem.axes, dtype=DOUBLE, tolerance=1e-12),
    ):
        given = [face.clone().requires_grad_() for face in problem.faces]
        x = solver.solve(problem.b, given).x
        found.append((x.detach(), *torch.autograd.grad((x**2).sum(), given)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-7, atol=1e-12 + 1e-9 * float(other.abs().max()))


@pytest.mark.parametrize("axes", [(Axis(8, 0.1), Axis(16, 0.1, "neumann", "dirichlet")), (Axis(8, 0.1), Axis(8, 0.1))])
def test_a_learned_cycle_is_symmetric(axes):
    torch.manual_seed(2)
    cells = [axis.count for axis in axes]
    faces = [0.5 + torch.rand(2, *face_counts(axes, n), dtype=DOUBLE) for n in range(2)]
    net = CycleNet()
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.1)
    cycle = Learned(net).prepare(diffusion(axes, faces, 0.3))
    a, b = torch.randn(2, *cells, dtype=DOUBLE), torch.randn(2, *cells, dtype=DOUBLE)
    assert torch.allclose((a * cycle(b)).sum((1, 2)), (b * cycle(a)).sum((1, 2)), rtol=1e-9)


# ---- a relaxation parameter


def implicit_viscosity(members: int, cells: int = 12):
    """Helmholtz equations in media of two phases, with shifts over a factor of 20."""
    axes = (Axis(cells, 1 / cells, "dirichlet", "dirichlet"),) * 2
    generator = torch.Generator().manual_seed(0)
    shift = (1.0 + 3.0 * torch.rand(members, dtype=DOUBLE, generator=generator)).exp()
    return axes, ones(axes, members), shift


def test_over_relaxation_is_as_fast_as_theory_says():
    """omega = 2 / (1 + sin(pi h)), the best for Poisson [Young 1971]: the error falls by omega - 1 an iteration."""
    cells = 24
    axes = (Axis(cells - 1, 1 / cells, "node", "node"),) * 2
    b = torch.randn(1, cells - 1, cells - 1, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    best = 2.0 / (1.0 + np.sin(np.pi / cells))
    counts = {
        omega: int(EllipticSolver(axes, Relaxation(FixedOmega(omega)), 1e-8).solve(b, ones(axes, 1)).iterations)
        for omega in (1.0, best - 0.1, best, best + 0.1)
    }
    assert min(counts, key=counts.__getitem__) == best, counts
    assert counts[best] < 1.4 * np.log(1e-8) / np.log(best - 1.0)


def test_a_bandit_comes_within_a_tenth_of_the_best_fixed_parameter():
    axes, _, shift = implicit_viscosity(64)
    omegas = np.linspace(1.0, 1.9, 7)
    noise = torch.randn(64, 12, 12, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    fixed = [
        EllipticSolver(axes, Relaxation(FixedOmega(omega)), 1e-6)
        .solve(noise, ones(axes, 64), shift)
        .iterations.double()
        .mean()
        for omega in omegas
    ]
    best = float(min(fixed))
    bandit = TsallisBandit(omegas, patience=int(2.5 * best))
    solver = EllipticSolver(axes, Relaxation(bandit), 1e-6)
    spent, last = 0.0, []
    for step in range(96):
        order = torch.arange(32 * step, 32 * step + 32) % 64
        count = solver.solve(noise[order], ones(axes, 32), shift[order]).iterations.double()
        spent += float(count.mean()) / 96
        last.append(float(count.mean()))
    assert spent < 1.1 * best, (spent, best)
    assert np.mean(last[-16:]) < 1.05 * best
    assert bandit.best == omegas[int(np.argmin(fixed))]


def test_a_bandit_is_as_likely_to_choose_as_tsallis_entropy_says():
    """w minimises w.L - (4 / rate) sum sqrt(w) over the simplex: 2 / (rate sqrt(w_i)) - L_i is the same for all."""
    bandit = TsallisBandit([1.0, 1.5, 1.9], patience=100)
    bandit.losses[:] = (3.0, 1.0, 8.0)
    bandit.told = 50
    w = bandit.chances
    assert w.sum() == pytest.approx(1.0)
    slopes = 2.0 / (bandit.rate * np.sqrt(w)) - bandit.losses
    assert np.ptp(slopes) < 1e-6


# ---- a subspace


def sound(members: int, cells: int):
    """Waves of one frequency in media whose speed varies a little: -laplace p - k^2 p = 1, indefinite."""
    axes = (Axis(cells, 1 / cells, "dirichlet", "dirichlet"),) * 2
    size = (cells, cells)
    fields = [
        random_field(MaternField(alpha=3.0, tau=3.0, scale=3.0, seed=s), size, (1.0, 1.0)) for s in range(members)
    ]
    shift = -120.0 * (1.0 + torch.from_numpy(np.stack(fields)))
    return axes, ones(axes, members), torch.ones(members, *size, dtype=DOUBLE), shift


def test_recycling_along_a_path_of_helmholtz_equations_saves_four_of_five_iterations():
    axes, faces, b, shift = sound(5, 20)
    plain, recycled = (
        EllipticSolver(axes, iteration, 1e-6).solve(b, faces, shift)
        for iteration in (Recycling(kept=0, ordered=False), Recycling())
    )
    assert bool(plain.solved.all())
    assert bool(recycled.solved.all())
    assert float(recycled.residual.max()) < 1e-6
    assert int(plain.iterations.sum()) > 5 * int(recycled.iterations.sum())


def test_full_gmres_finds_the_smallest_residual_of_its_krylov_space():
    axes, faces, b, shift = sound(1, 6)
    operator = diffusion(axes, faces, shift)
    columns = torch.eye(36, dtype=DOUBLE).view(36, 6, 6)
    matrix = torch.cat([operator.apply(one[None]).view(1, 36) for one in columns]).T
    krylov = [b.flatten()]
    for _ in range(7):
        krylov.append(matrix @ krylov[-1] / 1e3)
    space = torch.linalg.qr(torch.stack(krylov, 1)).Q
    best = (
        b.flatten() - matrix @ space @ torch.linalg.lstsq(matrix @ space, b.flatten()[:, None]).solution[:, 0]
    ).norm()
    outcome = EllipticSolver(axes, Recycling(width=8, kept=0, iterations=9), 1e-12).solve(b, faces, shift)
    assert float(outcome.residual) == pytest.approx(float(best / b.norm()), rel=1e-6)


def test_a_path_goes_to_the_nearest_that_is_left():
    heights = torch.tensor([1.0, 8.0, 2.0, 4.0, 1.5], dtype=DOUBLE)
    assert along_a_path(heights[:, None]) == [0, 4, 2, 3, 1]

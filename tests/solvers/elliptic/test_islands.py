"""Regions of a few cells that hardly hang on the others are relaxed as wholes."""

import torch

import scenegrad.scenes.library as library
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient
from scenegrad.solvers.elliptic.diffusion import between, diffusion
from scenegrad.solvers.elliptic.islands import has_weak_links, islands
from scenegrad.solvers.elliptic.multigrid import Multigrid, hierarchy, stencil
from scenegrad.solvers.elliptic.solver import EllipticSolver

WALLS = ("dirichlet", "dirichlet")


def scattered(cells: int = 16, contrast: float = 1e4) -> tuple[tuple[Axis, ...], torch.Tensor]:
    """Two cells and four that conduct far better than all else, away from each other; periodic along x."""
    axes = (Axis(cells, 1 / cells), Axis(cells, 1 / cells, *WALLS), Axis(cells, 1 / cells, *WALLS))
    k = torch.ones(2, *(cells,) * 3, dtype=torch.float64)
    k[:, 3, 3, 5:7] = contrast
    k[0, 9:11, 9:11, 7] = contrast
    k[1, [cells - 1, 0], 5, 5] = contrast  # one region across the seam
    return axes, k


def test_islands_are_the_regions_that_stand_apart():
    axes, k = scattered()
    operator = diffusion(axes, between(axes, k))
    grids, _ = hierarchy(operator)
    top = grids[0]
    found = islands(stencil(top, operator), top.cells, (top.wraps[0], top.wraps[1], top.wraps[2]), 3)
    assert found is not None
    assert found.counts.tolist() == [2, 4, 2, 2]
    number = found.cells.tolist()
    flat = torch.zeros(2 * 16**3).index_fill_(0, found.cells, 1.0).view(2, 16, 16, 16)
    assert len(set(number)) == 10
    torch.testing.assert_close(flat.double(), (k > 1.0).double())
    shores = 10 * 2.0 / (1.0 + 1e-4) * 256  # ten faces of means of 1 and 1e4, over spacing^2
    assert abs(float(1.0 / found.inverse[0]) / shores - 1.0) < 1e-12


def test_the_mean_of_an_island_is_right_after_one_relaxation():
    """Where only it is wrong: x = c on the island, and its residual is that of nothing else."""
    axes, k = scattered()
    operator = diffusion(axes, between(axes, k[:1]))
    grids, _ = hierarchy(operator)
    top = grids[0]
    found = islands(stencil(top, operator), top.cells, (1, 0, 0), 3)
    x = torch.zeros(1, 16, 16, 16, dtype=torch.float64)
    x[0, 3, 3, 5:7] = 0.7
    found.relax(-operator.apply(x), x)
    assert float(x.abs().max()) < 1e-10


def test_a_cycle_with_islands_is_a_symmetric_positive_preconditioner():
    axes, k = scattered()
    once = Multigrid().prepare(diffusion(axes, between(axes, k)))
    draw = torch.Generator().manual_seed(1)
    a, b = (torch.randn(k.shape, dtype=torch.float64, generator=draw) for _ in range(2))
    left, right = ((one * once(other)).flatten(1).sum(1) for one, other in ((a, b), (b, a)))
    torch.testing.assert_close(left, right, rtol=1e-10, atol=0)
    assert bool(((a * once(a)).flatten(1).sum(1) > 0.0).all())


def test_iterations_in_space_stay_few_where_a_grid_does_not_resolve_the_phases():
    """Without islands it is 13, 23 and 14."""
    scenes = [library.darcy(cells=32, dim=3, above=1e4, below=1.0, seed=seed) for seed in range(3)]
    solver, state, params = compile_scene(scenes, "cpu", "float64")
    faces, b = solver.equation(state, params)
    way = EllipticSolver(solver.elliptic.axes, ConjugateGradient(Multigrid()), 1e-8)
    outcome = way.solve(b, faces)
    assert int(outcome.iterations.max()) <= 13
    assert bool(outcome.solved.all())
    alone = way.solve(b[1:2], [face[1:2] for face in faces])
    torch.testing.assert_close(alone.x, outcome.x[1:2], rtol=1e-7, atol=0)
    assert int(alone.iterations) == int(outcome.iterations[1])


def test_each_member_is_searched_for_islands_as_if_it_were_alone():
    """A medium that conducts a thousand times better all over makes no weak links of its companion."""
    axes, k = scattered()
    plain, island = torch.full_like(k[:1], 1e-3), k[:1]
    operator = diffusion(axes, between(axes, torch.cat([plain, 1e3 * plain, island])))
    grids, _ = hierarchy(operator)
    top = grids[0]
    assert top.faces is not None
    weak = has_weak_links(top.faces.weights)
    assert weak.tolist() == [False, False, True]
    assert not has_weak_links(tuple(w[:2] for w in top.faces.weights)).any()
    entries, wraps = stencil(top, operator), (top.wraps[0], top.wraps[1], top.wraps[2])
    found = islands(entries, top.cells, wraps, 3, weak)
    assert found is not None
    assert found.counts.tolist() == [2, 4]
    assert islands(entries, top.cells, wraps, 3, ~weak) is None

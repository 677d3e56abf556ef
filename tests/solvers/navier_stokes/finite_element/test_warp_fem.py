"""The sums over elements are those of warp.fem, which knows nothing of ours."""

import numpy as np
import pytest
import torch
import warp as wp
import warp.fem as fem
from scipy.sparse import coo_matrix

from scenegrad.engine.geometry.tagged import read_tagged
from scenegrad.scenes.library import cylinder_channel
from scenegrad.solvers.navier_stokes.finite_element.flow import FlowEquations, Moment
from scenegrad.solvers.navier_stokes.finite_element.space import Space


@fem.integrand
def form(s: fem.Sample, u: fem.Field, v: fem.Field, viscosity: wp.float64, pace: wp.float64):
    return viscosity * wp.dot(fem.grad(u, s), fem.grad(v, s)) + pace * u(s) * v(s)


@pytest.mark.slow
def test_matrix_of_a_step_has_the_numbers_of_warp_fem():
    """Nodes are numbered differently there, so rows are compared by their sums of squares, one after the other."""
    domain = cylinder_channel().domain
    assert domain.mesh is not None
    mesh = read_tagged(domain.mesh.path)
    viscosity, pace = 0.3, 40.0
    grid = fem.Trimesh2D(
        tri_vertex_indices=wp.array(mesh.cells, dtype=int, device="cpu"),
        positions=wp.array(mesh.vertices, dtype=wp.vec2d, device="cpu"),
    )
    with wp.ScopedDevice("cpu"):
        functions = fem.make_polynomial_space(grid, degree=2, dtype=wp.float64)
        cells = fem.Cells(grid)
        trial, test = fem.make_trial(functions, domain=cells), fem.make_test(functions, domain=cells)
        values = {"viscosity": viscosity, "pace": pace}
        theirs = fem.integrate(form, fields={"u": trial, "v": test}, values=values, output_dtype=wp.float64)
        count = theirs.nnz_sync()
        rows = np.repeat(np.arange(theirs.nrow), np.diff(theirs.offsets.numpy()))[:count]
        squares = np.bincount(rows, theirs.values.numpy()[:count].ravel() ** 2)

    space = Space.of(mesh.vertices, mesh.cells, mesh.facets, "cpu")
    one = torch.ones(1, dtype=torch.float64)
    now = Moment(
        space.shape(space.vertices[None]),
        viscosity * one,
        0 * one,
        pace * one,
        torch.zeros(1, 2, dtype=torch.float64),
        torch.zeros(1, space.count, 2, dtype=torch.float64),
    )
    local = FlowEquations(space, advected=False).local(torch.zeros(1, 1, dtype=torch.float64), now, False)[0, :, :6, :6]
    ends = (space.nodes.repeat_interleave(6, 1).flatten().numpy(), space.nodes.repeat(1, 6).flatten().numpy())
    ours = coo_matrix((local.flatten().numpy(), ends)).tocsr()
    mine = np.asarray(ours.power(2).sum(axis=1)).ravel()
    np.testing.assert_allclose(np.sort(mine), np.sort(squares), rtol=1e-10)

"""A finer grid around a region: nothing is lost where it blends into the coarse one."""

import math
from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError


def crossing(lab, dim, refine, **fields) -> sc.Scene:
    """A block turns and crosses the border of the region, in part above a floor."""
    refine = None if refine is None else refine.model_copy(update={"particles": "even"})
    velocity = sc.Parameter((1.0, *(0.4,) * (dim - 2), -0.4))
    jelly = sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), poisson_ratio=0.3, density=1000.0)
    block = lab.box_of((0.3,) * dim, (0.25,) * dim, jelly, velocity=velocity, particles_per_cell=4**dim)
    return lab.scene_of(
        dim, cells=12, **{"entities": {"block": block}, "method": sc.MaterialPoint(refine=refine)} | fields
    )


def swinging(state, params, dim):
    """The state with a spin and a stretch of its own."""

    arm = state.position - state.position.mean(1, keepdim=True)
    turn = torch.zeros_like(arm)
    turn[..., 0], turn[..., 1] = -3.0 * arm[..., 1], 3.0 * arm[..., 0]
    spin = torch.zeros_like(state.affine)
    spin[..., 0, 1], spin[..., 1, 0] = -3.0, 3.0
    return replace(state, velocity=state.velocity + turn, affine=spin)


@pytest.mark.parametrize("around", ["block", "place"])
def test_momentum_and_angular_momentum_are_kept_across_the_border(lab, dim, around):
    place = "block" if around == "block" else (0.5,) * dim
    finer = sc.Finer(size=(0.03,) * dim, around=place, blend=0.085)
    solver, state, params = lab.compiled(crossing(lab, dim, finer))
    state = swinging(state, params, dim)
    share = solver.matter.refinement.share(state)
    assert bool((share == 0.0).any())
    assert bool(((share > 0.0) & (share < 1.0)).any())
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 60)[0], params)
    for name in ("momentum", "angular_momentum"):
        assert float((after[name] - before[name]).abs().max()) < 1e-11 * float(before["mass"]), name


def test_a_linear_motion_passes_both_grids_unchanged(lab, dim):
    """v = A x survives one exchange with the nodes to rounding, in the blend too.

    In a step so short that nothing moves: C is told anew where a particle goes (see refined/transfer.py).
    """

    solver, state, params = lab.compiled(crossing(lab, dim, sc.Finer(size=(0.15,) * dim, around=(0.45,) * dim)))
    A = torch.randn(dim, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start = replace(state, velocity=state.position @ A.mT, affine=A.expand_as(state.affine))
    after, _ = lab.march(solver, start, params, 1, 1e-13)
    assert float((after.velocity - start.velocity).abs().max()) < 1e-12
    assert float((after.affine - start.affine).abs().max()) < 1e-10


def test_where_nothing_is_near_the_region_the_coarse_grid_alone_counts(lab):
    far = sc.Finer(size=(0.01, 0.01), around=(0.97, 0.97), blend=0.09)
    ends = []
    for refine in (None, far):
        scene = crossing(lab, 2, refine)
        solver, state, params = lab.compiled(scene)
        ends.append(lab.march(solver, state, params, 40, 5e-4)[0].position)
    assert float((ends[0] - ends[1]).abs().max()) < 1e-13


def test_where_all_matter_is_in_the_region_the_fine_grid_alone_counts(lab):
    coarse = crossing(lab, 2, sc.Finer(size=(3.0, 3.0), around=(0.5, 0.5)))
    fine = coarse.model_copy(
        update={
            "domain": sc.Domain(size=(1.0, 1.0), cells=(24, 24)),
            "method": None,
            "entities": {"block": coarse.entities["block"].model_copy(update={"particles_per_cell": 4})},
        }
    )
    ends = []
    for scene in (coarse, fine):
        solver, state, params = lab.compiled(scene)
        ends.append(lab.march(solver, state, params, 40, 2e-4)[0].position)
    assert float((ends[0] - ends[1]).abs().max()) < 1e-13


def test_fine_nodes_follow_the_body_and_no_others_are_kept(lab):
    solver, state, params = lab.compiled(
        crossing(lab, 2, sc.Finer(size=(0.1, 0.1), around="block", blend=0.05, factor=4))
    )
    lab.march(solver, state, params, 30)
    assert solver.work.fine.nodes < 0.4 * (4 * 12) ** 2


def test_gradients_agree_with_central_differences(lab, dim):
    """Through 100 steps in which the block crosses the border, falls on a floor with friction, and leads the region."""
    normal = (0.0,) * (dim - 1) + (1.0,)
    base = crossing(lab, dim, sc.Finer(size=(0.15,) * dim, around="block"))
    floor = sc.Wall(normal=normal, offset=sc.Parameter(0.29), contact=sc.Coulomb(sc.Parameter(0.3)))
    gravity = sc.Parameter((0.0,) * (dim - 1) + (-9.81,))
    entities = {**base.entities, "floor": floor}
    scene = base.model_copy(update={"entities": entities, "gravity": gravity, "time": sc.Time(end=0.1)})
    assert len(scene.parameters()) == 5
    lab.differentiates(scene, 100, 1e-3)


def test_sparse_grids_are_refined_like_dense_ones(lab):
    finer, ends = sc.Finer(size=(0.15, 0.15), around=(0.45, 0.45)), []
    for grid in (sc.Dense(), sc.Sparse()):
        scene = crossing(lab, 2, finer)
        other = lab.box_of((0.7, 0.7), (0.2, 0.2))
        method = sc.MaterialPoint(refine=finer, grid=grid)
        scene = scene.model_copy(update={"method": method, "entities": {**scene.entities, "other": other}})
        solver, state, params = lab.compiled([scene, scene])
        ends.append(lab.march(solver, state, params, 60, 1e-3)[0].position)
    assert float((ends[0] - ends[1]).abs().max()) < 1e-12


def test_what_cannot_be_refined_is_refused(lab):
    with pytest.raises(SceneError, match=r"'blok' is no body.*block"):
        lab.compiled(crossing(lab, 2, sc.Finer(size=(0.1, 0.1), around="blok")))
    with pytest.raises(SceneError, match=r"has 3 entries in 2 dimensions"):
        lab.compiled(crossing(lab, 2, sc.Finer(size=(0.1, 0.1, 0.1), around="block")))
    with pytest.raises(SceneError, match=r"is 0.06, less than 2 fine cells, 0.08333"):
        lab.compiled(crossing(lab, 2, sc.Finer(size=(0.1, 0.1), around="block", blend=0.06)))


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_what_is_evenly_stressed_stays_at_rest_across_the_border(lab, dim):
    """Matter without an end, sheared and pressed: it creeps where grids blend, by a small part of its strain."""
    finer = sc.Finer(size=(0.3,) * dim, around=(0.5,) * dim, factor=2)
    block = lab.box_of((0.0,) * dim, (1.0,) * dim)
    around = sc.Boundary(default=sc.Periodic())
    method = sc.MaterialPoint(refine=finer)
    scene = lab.scene_of(dim, 12, entities={"block": block}, boundary=around, method=method)
    solver, state, params = lab.compiled(scene)
    F = torch.eye(dim, dtype=torch.float64)
    F[0, 0], F[0, 1], F[1, 1] = 1.05, 0.02, 0.97
    start = replace(state, deformation=F.expand_as(state.deformation).clone())
    after, _ = lab.march(solver, start, params, 100)
    crept = (after.deformation - start.deformation).abs()
    assert float(crept.mean()) < 0.01 * 0.05
    assert float(crept.max()) < 0.1 * 0.05


def places_of(lab, finer, shape, dim=2, **body):
    """Places and volumes of the particles of a body in cells 1/12 wide."""
    block = sc.Body(shape=shape, material=lab.jelly, **body)
    scene = lab.scene_of(dim, 12, entities={"block": block}, method=sc.MaterialPoint(refine=finer))
    solver, state, _ = lab.compiled(scene)
    return state.position[0], solver.matter.volume[0], solver.matter.refinement.share(state)[0]


def test_bodies_begin_with_as_many_particles_in_fine_cells_as_in_coarse_ones(lab, dim):
    """The box is filled exactly, wherever its lattice is finer; what the fine grid carries is fine."""
    finer, dx = sc.Finer(size=(0.2,) * dim, around=(0.35,) * dim, factor=3, blend=0.06), 1 / 12
    box = sc.Box(center=(0.5,) * dim, size=(5 * dx,) * dim)
    places, volumes, share = places_of(lab, finer, box, dim, jitter=0.5)
    assert float(volumes.sum()) == pytest.approx((5 * dx) ** dim, rel=1e-13)
    whole, cut = (dx / 2) ** dim, (dx / 6) ** dim
    assert bool((volumes[share > 0.3] < 1.01 * cut).all())
    assert bool(((volumes - whole).abs() < 1e-12).logical_or((volumes - cut).abs() < 1e-12).all())
    assert 0 < int((volumes > 0.99 * whole).sum()) < 10**dim
    center = (volumes[:, None] * places).sum(0) / volumes.sum()
    assert float((center - 0.5).abs().max()) < 0.2 * dx


def test_a_round_body_is_filled_the_better_the_finer(lab):
    """Cells of the lattice that the outline cuts are told inside from outside by the finer points in them."""
    ball, exact = sc.Sphere(center=(0.5, 0.5), radius=0.31), math.pi * 0.31**2
    errors = []
    for factor in (2, 8):
        finer = sc.Finer(size=(0.7, 0.7), around="block", factor=factor)
        errors.append(abs(float(places_of(lab, finer, ball)[1].sum()) / exact - 1))
    assert errors[1] < min(errors[0], 2e-3)


def test_bodies_may_be_as_dense_everywhere(lab):
    finer = sc.Finer(size=(0.2, 0.2), around=(0.35, 0.35), particles="even")
    _, volumes, _ = places_of(lab, finer, sc.Box(center=(0.5, 0.5), size=(0.5, 0.5)), particles_per_cell=16)
    assert len(volumes) == 24**2
    assert bool((volumes == volumes[0]).all())


@pytest.mark.parametrize("grid", [sc.Dense(), sc.Sparse()], ids=["dense", "sparse"])
def test_a_region_on_a_periodic_side_is_like_one_in_the_middle(lab, grid):
    """Shifted by half the box, everything goes the same way; the region's image meets the block that comes round."""
    ends = []
    for shift in (0.0, 0.5):
        block = lab.box_of((0.05 + shift, 0.4), (0.25, 0.25), velocity=(-2.0, 0.5))
        finer = sc.Finer(size=(0.15, 0.3), around=(shift, 0.5), blend=0.1)
        scene = lab.scene_of(
            2, entities={"block": block}, boundary=sc.Boundary(x=sc.Periodic(), default=sc.Separate()),
            method=sc.MaterialPoint(refine=finer, grid=grid),
        )  # fmt: skip
        solver, state, params = lab.compiled(scene)
        assert len(set(solver.matter.volume[0].tolist())) == 2
        share = solver.matter.refinement.share(state)
        after, _ = lab.march(solver, state, params, 150, 1e-3)
        late = solver.matter.refinement.share(after)
        ends.append(((after.position - torch.tensor([shift, 0.0])), share, late))
    (one, first, last), (other, *shares) = ends
    assert float((one - other).abs().max()) < 1e-11
    assert float((first - shares[0]).abs().max()) < 1e-12
    assert bool((last > 0.5).any())
    assert float(one[..., 0].amin()) < -0.2

"""A grid that follows the particles changes nothing but the memory that it takes."""

from dataclasses import replace

import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import Diverged
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.grid.blocks import blocks
from scenegrad.solvers.mpm.grid.grid import Grid


def falling(lab, dim, **fields):
    """A block that falls on a floor with friction, between walls along which it slips."""
    down = (0.0,) * (dim - 1)
    entities = {
        "block": lab.box_of((0.35,) * dim, (0.25,) * dim, velocity=(1.0, 0.3, -2.0)[:dim]),
        "floor": sc.Wall(normal=(*down, 1.0), offset=0.1, contact=sc.Coulomb(0.3)),
    }
    return lab.scene_of(dim, 16, entities=entities, gravity=(*down, -9.81), **fields)


LIKE = [(2, "quadratic"), (2, "cubic"), (3, "quadratic"), pytest.param(3, "cubic", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("dim", "spline"), LIKE)
def test_result_and_gradient_are_those_of_the_dense_grid(lab, dim, spline, device):
    """Each node sums the same terms in the same order, so that only products fused with sums may differ."""
    found = []
    for grid in ({}, {"grid": sc.Sparse()}):
        method = sc.MaterialPoint(spline=spline, **grid)
        scene = falling(lab, dim, method=method, boundary=sc.Boundary(x=sc.Slip(), default=sc.Separate()))
        solver, state, params = lab.compiled(scene, "float64", device)
        after, time = lab.march(solver, state, params, 60)
        bars = {name: torch.ones_like(field) for name, field in vars(after).items()}
        found.append((after, solver.vjp(after, params, time, time / 60, bars)[0], solver.work.layout.nodes))
    (dense, dense_bars, many), (sparse, sparse_bars, few) = found
    assert few < many
    pairs = [*zip(vars(dense).values(), vars(sparse).values(), strict=True)]
    for a, b in pairs + [(dense_bars[name], sparse_bars[name]) for name in dense_bars]:
        assert not a.numel() or float((a - b).abs().max()) < 1e-12 * float(a.abs().max())


def test_a_world_without_sides_moves_like_a_box_that_is_large_enough(lab, dim):
    free = {"gravity": (0.0,) * (dim - 1) + (-9.81,), "entities": {"block": lab.box_of((0.375,) * dim, (0.25,) * dim)}}
    ends = []
    for domain in (sc.Domain(size=(1.0,) * dim, cells=(16,) * dim), sc.Domain.unbounded(dx=1 / 16, dim=dim)):
        solver, state, params = lab.compiled(lab.scene_of(dim, domain=domain, **free))
        state = replace(state, deformation=1.02 * state.deformation)
        ends.append(lab.march(solver, state, params, 40, 2e-3)[0])
    assert float((ends[0].position - ends[1].position).abs().max()) < 1e-14
    assert float((ends[0].affine - ends[1].affine).abs().max()) < 1e-12


def test_memory_follows_the_matter_and_not_the_distance(lab, dim):
    """Two bodies that are thrown apart take as many nodes a kilometre from each other as side by side."""
    dx, edge = 0.125, 0.5
    entities = {
        "left": lab.box_of((-0.6,) + (0.0,) * (dim - 1), (edge,) * dim, velocity=(-1.0,) + (0.0,) * (dim - 1)),
        "right": lab.box_of((0.5,) + (0.0,) * (dim - 1), (edge,) * dim, velocity=(1.0,) + (0.0,) * (dim - 1)),
    }
    solver, state, params = lab.compiled(
        lab.scene_of(dim, domain=sc.Domain.unbounded(dx=dx, dim=dim), entities=entities)
    )
    near, _ = lab.march(solver, state, params, 3)
    close = solver.work.layout.nodes
    apart = torch.zeros_like(state.position)
    apart[..., 0] = torch.sign(state.velocity[..., 0]) * 500.0
    far, _ = lab.march(solver, replace(state, position=state.position + apart), params, 3)
    assert solver.work.layout.nodes <= 1.5 * close
    assert sum(room.numel() for room in solver.work.rooms.values()) < 60 * state.position.shape[1] * (1 + dim)
    assert float((far.position - apart - near.position).abs().max()) < 1e-9
    assert float((far.velocity - near.velocity).abs().max()) < 1e-9


def test_nodes_are_chosen_anew_only_now_and_then(lab, monkeypatch):
    from scenegrad.solvers.mpm.grid import layout

    chosen = []
    monkeypatch.setattr(layout, "blocks", lambda *args: chosen.append(0) or blocks(*args))
    solver, state, params = lab.compiled(falling(lab, 2, method=sc.MaterialPoint(grid=sc.Sparse())))
    lab.march(solver, state, params, 60)
    assert 2 <= len(chosen) <= 12


def test_blocks_are_the_same_whatever_the_order_of_the_particles():
    position = 40 * torch.rand(2, 300, 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64) - 20
    grid = Grid(0.5, (0, 0, 0), (False,) * 3, sparse=True, unbounded=True)
    one, other = blocks(grid, position), blocks(grid, position.flip(0, 1))
    assert torch.equal(one.places, other.places)
    assert torch.equal(one.near, other.near)
    assert torch.equal(one.home, other.home.flip(0, 1))
    middle = one.near[:, 13]
    assert torch.equal(middle, torch.arange(len(middle), dtype=torch.int32))
    for number, away in ((12, (0, 0, -1)), (22, (1, 0, 0))):  # neighbours stand where they should
        seen = one.near[:, number]
        known = seen >= 0
        assert bool(known.any())
        assert torch.equal(one.places[seen[known].long()], one.places[known] + torch.tensor(away))


def test_gradient_through_a_journey_across_blocks(lab):
    """A body that flies over many blocks while it rings; its last places against its first ones and its stiffness."""
    jelly = sc.NeoHookean(youngs_modulus=sc.Parameter(1e4), poisson_ratio=0.3, density=1000.0)
    block = lab.box_of((0.0, 0.0), (0.4, 0.4), jelly, velocity=sc.Parameter((6.0, -3.0)))
    scene = lab.scene_of(2, domain=sc.Domain.unbounded(dx=0.1, dim=2), entities={"block": block})
    solver, state, params = compile_scene(scene, "cpu", "float64")
    generator = torch.Generator().manual_seed(9)
    way, weights = (torch.randn(state.position.shape, generator=generator, dtype=torch.float64) for _ in range(2))
    stretched = replace(state, deformation=1.02 * state.deformation.detach(), velocity=state.velocity.detach())

    def loss(shift):
        moved = replace(stretched, position=state.position.detach() + 0.01 * shift * way)
        learnt = params.replace(
            {"block.material.youngs_modulus": params["block.material.youngs_modulus"] * (1 + shift)}
        )
        end = rollout(solver, moved, learnt, until=0.2, controller=Fixed(2e-3)).state
        return (weights * (end.position + 0.01 * end.velocity)).sum()

    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    loss(shift).backward()
    with torch.no_grad():
        found = [float(loss(h) - loss(-h)) / (2 * h) for h in (1e-4, 1e-5, 1e-6)]
    assert min(abs(f / float(shift.grad) - 1) for f in found) < 1e-7, (shift.grad, found)


def test_a_run_without_sides_is_written_and_read(lab, run_folder):
    """Outputs and pictures need no box."""
    scene = lab.scene_of(
        2,
        domain=sc.Domain.unbounded(dx=0.1, dim=2),
        gravity=(0.0, -9.81),
        entities={"block": lab.box_of((-0.2, 3.0), (0.4, 0.4))},
        outputs={"all": sc.Particles("position", "velocity", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.1),
    )
    assert sc.Scene.model_validate(scene.model_dump()) == scene
    run = sg.run(scene, device="cpu", out=run_folder)
    total = run.outputs["energy"]["total"]
    assert float(total[-1]) == pytest.approx(float(total[0]), rel=3e-3)  # symplectic Euler: g dt v


def test_what_a_world_without_sides_cannot_have_is_refused(lab):
    domain = sc.Domain.unbounded(dx=0.1, dim=2)
    with pytest.raises(SceneError, match="boundary"):
        compile_scene(lab.scene_of(2, domain=domain, boundary=sc.Boundary(default=sc.Stick())), "cpu", "float64")
    half = sc.Body(shape=sc.HalfSpace(normal=(0.0, 1.0), offset=0.0), material=lab.jelly)
    with pytest.raises(SceneError, match="has no end"):
        compile_scene(lab.scene_of(2, domain=domain, entities={"half": half}), "cpu", "float64")
    with pytest.raises((SceneError, ValueError), match="without sides"):
        sc.Domain(dx=0.1, dimensions=2, size=(1.0, 1.0))
    around = sc.Boundary(x=sc.Periodic(), default=sc.Separate())
    with pytest.raises(SceneError, match=r"has 18 along the periodic axis x.*take 16"):
        compile_scene(lab.scene_of(2, 18, boundary=around, method=sc.MaterialPoint(grid=sc.Sparse())), "cpu", "float64")


def test_a_particle_beyond_all_numbers_is_named(lab):
    solver, state, params = lab.compiled(lab.scene_of(2, domain=sc.Domain.unbounded(dx=0.1, dim=2)))
    state.position[0, 7] = float("nan")
    with pytest.raises(Diverged, match="particle 7 of member 0"):
        lab.march(solver, state, params, 2, 1e-3)


def circling(lab, dim, cells, method):
    """Two blocks that leave through a side and come back through the other; the lower one slides on a floor."""
    along = (3.0,) if dim == 2 else (3.0, 2.5)
    low, high = (0.02,) * (dim - 1) + (0.22,), (0.7,) * dim
    entities = {
        "one": lab.box_of(high, (0.25,) * dim, velocity=(*along, 0.1)),
        "other": lab.box_of(low, (0.25,) * dim, velocity=(*(-v for v in along), -0.1)),
        "floor": sc.Wall(normal=(0.0,) * (dim - 1) + (1.0,), offset=0.2, contact=sc.Coulomb(0.4)),
    }
    sides = {"x": sc.Periodic()} | ({"y": sc.Periodic()} if dim == 3 else {})
    gravity = (0.0,) * (dim - 1) + (-2.0,)
    boundary = sc.Boundary(**sides, default=sc.Separate())
    return lab.scene_of(dim, cells, entities=entities, boundary=boundary, gravity=gravity, method=method)


ROUND = [
    pytest.param(2, "quadratic", 16, id="2d"),
    pytest.param(2, "cubic", 8, id="2d, cubic, two blocks around"),
    pytest.param(3, "quadratic", 8, id="3d, two blocks around", marks=pytest.mark.slow),
    pytest.param(3, "cubic", 12, id="3d, cubic", marks=pytest.mark.slow),
    pytest.param(2, "quadratic", 4, id="2d, one block around"),
]


@pytest.mark.parametrize(("dim", "spline", "cells"), ROUND)
def test_periodic_sides_are_those_of_the_dense_grid(lab, dim, spline, cells):
    """Matter that goes round, forwards and backwards, meets the same nodes."""
    found = []
    for grid in (sc.Dense(), sc.Sparse()):
        solver, state, params = lab.compiled(circling(lab, dim, cells, sc.MaterialPoint(spline=spline, grid=grid)))
        after, time = lab.march(solver, state, params, 150, 2e-3)
        bars = {name: torch.ones_like(field) for name, field in vars(after).items()}
        found.append((after, solver.vjp(after, params, time, time / 150, bars)[0]))
    gone = (found[0][0].position - state.position)[0, :, 0]
    assert float(gone.amax()) > 0.6
    assert float(gone.amin()) < -0.5
    (dense, dense_bars), (sparse, sparse_bars) = found
    pairs = [*zip(vars(dense).values(), vars(sparse).values(), strict=True)]
    for a, b in pairs + [(dense_bars[name], sparse_bars[name]) for name in dense_bars]:
        assert not a.numel() or float((a - b).abs().max()) < 1e-10 * float(a.abs().max())


def test_few_blocks_are_kept_along_a_periodic_axis(lab):
    """A pipe ten times as long as what moves in it; the blocks at both ends serve a body that is in both."""
    body = lab.box_of((9.8, 0.4), (0.4, 0.3), velocity=(1.0, 0.0))
    domain = sc.Domain(size=(10.0, 1.0), cells=(160, 16))
    boundary = sc.Boundary(x=sc.Periodic(), default=sc.Separate())
    scene = lab.scene_of(2, domain=domain, boundary=boundary, entities={"body": body})
    nodes = []
    for grid in (sc.Dense(), sc.Sparse()):
        solver, state, params = lab.compiled(scene.model_copy(update={"method": sc.MaterialPoint(grid=grid)}))
        before = solver.observe(state, params)["momentum"]
        after, _ = lab.march(solver, state, params, 100)
        assert float((solver.observe(after, params)["momentum"] - before).abs().max()) < 1e-12 * float(
            before.abs().max()
        )
        nodes.append(solver.work.layout.nodes)
    assert nodes[1] < 0.1 * nodes[0]

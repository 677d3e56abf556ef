"""Iterations on the device find what factors on the host find, forward and backward, in as many turns on any mesh."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

import scenegrad.scenes as sc
from scenegrad.engine.state import tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.compile import compile_finite_element
from scenegrad.solvers.navier_stokes.finite_element.iterative.iterated import Iterated

Maker = Callable[..., str]
SEEN = ("velocity", "pressure", "tracers", "value", "displacement")
KINDS = ("steady", "marching", "sampled", "carrying", "carrying-on", "porous", "warm", "bent")


def stepped(scene: sc.Scene, steps: int, dt: float = 0.01) -> tuple[Any, dict[str, torch.Tensor], torch.Tensor]:
    """Solver, state after some steps, and the gradient of its square by all parameters."""
    solver, state, params = compile_scene(scene, "cpu", "float64")
    time, dt_all = torch.zeros(1, dtype=torch.float64), torch.full((1,), dt, dtype=torch.float64)
    for n in range(steps):
        state = solver.step(state, params, time + n * dt, dt_all).state
    end = {k: v for k, v in tensors(state).items() if k in SEEN}
    learnt = [value for value in params.values() if value.requires_grad]
    grads = torch.autograd.grad(sum(v.square().sum() for v in end.values()), learnt, allow_unused=True)
    return solver, end, torch.cat([g.flatten() for g in grads if g is not None])


def iterated(solver: Any) -> list[Iterated]:
    systems = [solver.system, *(one.system for one in getattr(solver, "tracers", ()))]
    return [one.linear for one in systems if isinstance(one.linear, Iterated)]


@pytest.mark.parametrize("case", KINDS)
def test_iterations_find_what_factors_find(mesh_file: Maker, mesh_scenes: ModuleType, case: str) -> None:
    scene = mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (6, 6)))
    steps = 2 if case in ("marching", "carrying-on", "warm") else 1
    _, wanted, slopes = stepped(mesh_scenes.solved_by(scene, sc.SparseLU()), steps)
    solver, found, theirs = stepped(mesh_scenes.solved_by(scene, sc.Multigrid(tolerance=1e-11)), steps)
    assert iterated(solver)
    assert all(bool(report.solved.all()) for linear in iterated(solver) for report in linear.reports)
    for name, value in ((k, v) for k, v in found.items() if v.numel()):
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=1e-8 * float(wanted[name].abs().max() + 1e-3))
    torch.testing.assert_close(theirs, slopes, rtol=0, atol=1e-7 * float(slopes.abs().max()))


@pytest.mark.parametrize("case", ["porous", "creeping", "bent-in-space"])
def test_in_space_too(mesh_file: Maker, mesh_scenes: ModuleType, case: str) -> None:
    scene = mesh_scenes.CASES[case](mesh_file((1.0, 1.0, 1.0), (3, 3, 3)))
    _, wanted, slopes = stepped(mesh_scenes.solved_by(scene, sc.SparseLU()), 1)
    _, found, theirs = stepped(mesh_scenes.solved_by(scene, sc.Multigrid(tolerance=1e-11)), 1)
    for name, value in ((k, v) for k, v in found.items() if v.numel()):
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=1e-8 * float(wanted[name].detach().abs().max()))
    torch.testing.assert_close(theirs, slopes, rtol=0, atol=1e-7 * float(slopes.abs().max()))


@pytest.mark.parametrize(
    ("case", "most"), [("porous", 11), ("warm", 9), ("bent", 18), ("creeping", 35), ("marching", 40)]
)
def test_finer_meshes_take_no_more_iterations(mesh_file: Maker, mesh_scenes: ModuleType, case: str, most: int) -> None:
    """Of which plain conjugate gradients take twice as many on a mesh twice as fine."""
    counts = []
    for cells in (8, 16, 24):
        scene = mesh_scenes.solved_by(mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (cells, cells))), sc.Multigrid())
        solver, _, _ = stepped(scene, 1)
        counts.append(max(int(report.iterations.max()) for linear in iterated(solver) for report in linear.reports))
    assert max(counts) <= most, counts


@pytest.mark.parametrize("case", ["porous", "carrying-on", "carrying"])
def test_members_do_not_feel_their_companions(mesh_file: Maker, mesh_scenes: ModuleType, case: str) -> None:
    """Not even in how long they are worked on."""
    scene = mesh_scenes.solved_by(mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (5, 5))), sc.Multigrid())
    name = "rock.permeability" if case == "porous" else "water.viscosity"
    scenes = [scene, scene.replace({name: sc.Parameter(0.2)})]
    clock = {"time": 0.0, "dt": 0.02}

    def ended(members: list[sc.Scene]) -> tuple[dict[str, torch.Tensor], list[list[int]]]:
        solver, state, params = compile_finite_element(members, "cpu", torch.float64)
        time, dt = (torch.full((len(members),), value, dtype=torch.float64) for value in clock.values())
        with torch.no_grad():
            state = solver.step(state, params.detach(), time, dt).state
        turns = [r.iterations.tolist() for linear in iterated(solver) for r in linear.reports]
        return {k: v for k, v in tensors(state).items() if k in SEEN}, turns

    both, turns = ended(scenes)
    for n, one in enumerate(scenes):
        alone, own = ended([one])
        for k, v in alone.items():
            torch.testing.assert_close(both[k][n : n + 1], v, rtol=1e-9, atol=1e-12)
        if case != "carrying":  # Newton's method goes on for the last of them
            assert [row[n] for row in turns] == [row[0] for row in own]


class OnOneDevice(TorchFunctionMode):
    """Numbers do not leave the device, but for an answer to whether anybody still works."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = getattr(func, "__name__", "")
        assert name not in ("cpu", "numpy", "tolist", "item", "__array__", "from_numpy", "__float__"), name
        self.looks += name == "__bool__"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("case", KINDS)
def test_a_step_stays_on_its_device(mesh_file: Maker, mesh_scenes: ModuleType, case: str) -> None:
    """Forward and backward: nothing is copied to the host, and tensors made without a word on their device, which would
    be the host's, cannot meet the others."""
    scene = mesh_scenes.solved_by(mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (4, 4))), sc.Multigrid())
    solver, state, params = compile_scene(scene, "cpu", "float64")
    leaves = [value for value in params.values() if value.requires_grad]
    clock = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.02, dtype=torch.float64)
    solver.step(state, params, *clock)  # what is made once for a mesh
    with OnOneDevice() as watch, torch.device("meta"):
        end = tensors(solver.step(state, params, *clock).state)
        torch.autograd.grad(sum(v.square().sum() for k, v in end.items() if k in SEEN), leaves, allow_unused=True)
    reports = [report for linear in iterated(solver) for report in linear.reports]
    assert watch.looks <= 12 + sum(int(r.iterations.max()) for r in reports)


@pytest.mark.gpu
@pytest.mark.parametrize("case", KINDS)
def test_a_gpu_finds_what_the_host_finds(mesh_file: Maker, mesh_scenes: ModuleType, case: str) -> None:
    scene = mesh_scenes.solved_by(mesh_scenes.CASES[case](mesh_file((1.0, 1.0), (6, 6))), sc.Multigrid())
    ends = []
    for device in ("cpu", "cuda:0"):
        solver, state, params = compile_scene(scene, device, "float64")
        clock = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.02, dtype=torch.float64)
        with torch.no_grad():
            end = tensors(solver.step(state, params, *clock).state)
        ends.append({k: v.cpu() for k, v in end.items() if k in SEEN and v.numel()})
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, rtol=0, atol=1e-7 * float(value.abs().max()))


def test_single_precision_is_as_good_as_it_can_be(mesh_file: Maker, mesh_scenes: ModuleType) -> None:
    scene = mesh_scenes.solved_by(mesh_scenes.CASES["porous"](mesh_file((1.0, 1.0), (6, 6))), sc.Multigrid())
    ends = []
    for dtype in ("float32", "float64"):
        solver, state, params = compile_scene(scene, "cpu", dtype)
        clock = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        ends.append(solver.step(state, params.detach(), *clock).state.value)
    assert ends[0].dtype == torch.float32
    torch.testing.assert_close(ends[0].double(), ends[1], rtol=1e-5, atol=1e-5)


def test_what_is_left_is_told_and_not_refused(mesh_file: Maker, mesh_scenes: ModuleType) -> None:
    scene = mesh_scenes.CASES["porous"](mesh_file((1.0, 1.0), (8, 8)))
    solver, _, _ = stepped(mesh_scenes.solved_by(scene, sc.Multigrid(iterations=3)), 1)
    report = iterated(solver)[0].reports[0]
    assert not bool(report.solved.any())
    assert 1e-10 < float(report.left) < 1e-1

"""Nothing that an adjoint reads again was overwritten: adjoints are launched by hand, and no tape watches them."""

import subprocess
import sys

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.passes import Pass


def bodies(lab):
    soft = sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), poisson_ratio=0.3, density=1000.0)
    one = lab.box_of((0.2, 0.35), (0.25,) * 2, soft, velocity=sc.Parameter((1.0, 0.3)))
    return {"one": one, "other": lab.box_of((0.5, 0.45), (0.25,) * 2, lab.jelly, velocity=(-1.0, 0.0))}


def things(lab):
    contacts = {"brick": sc.Coulomb(sc.Parameter(0.3)), "float": sc.Stick()}
    rigid = {
        name: sc.RigidBody(sc.Box(center=(0.3 + 0.4 * n, 0.3), size=(0.2, 0.1)), contact=contact, density=500.0)
        for n, (name, contact) in enumerate(contacts.items())
    }
    return {"block": lab.box_of((0.3, 0.34), (0.4, 0.2), velocity=sc.Parameter((0.3, -1.0))), **rigid}


FINER = sc.Finer(size=(0.2, 0.2), around="one")
SCENES = {
    "walls": lambda lab: lab.scene_of(
        2, entities=bodies(lab), boundary=sc.Boundary(y_lo=sc.Coulomb(0.3), default=sc.Separate())
    ),
    "apart": lambda lab: lab.scene_of(2, entities=bodies(lab), method=sc.MaterialPoint(contact=sc.Apart(0.4))),
    "finer": lambda lab: lab.scene_of(2, cells=12, entities=bodies(lab), method=sc.MaterialPoint(refine=FINER)),
    "rigid": lambda lab: lab.scene_of(2, entities=things(lab)),
}


@pytest.fixture(params=SCENES)
def scene(request, lab) -> sc.Scene:
    return SCENES[request.param](lab)


def memory(array):
    """The tensor in which an argument of a launch lies; None for numbers and the like."""
    return getattr(array, "_ref", None) if getattr(array, "_tensor", None) is None else array._tensor


def contents(arrays, names):
    """A copy of each of these arrays, by name, that is a tensor."""
    found = {name: memory(arrays.get(name)) for name in names}
    return {name: tensor.clone() for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def gradient(solver, state, params, dt=1e-3, steps=12):
    end = rollout(solver, state, params, until=steps * dt, controller=Fixed(dt), probes=()).state
    loss = sum((value * torch.linspace(0.5, 1.5, value.numel()).view_as(value)).sum() for value in vars(end).values())
    learning = [value for value in params.values() if value.requires_grad]
    return torch.autograd.grad(loss, learning)


def test_a_pass_changes_nothing_that_it_reads_and_its_transpose_nothing_of_the_way_there(scene, monkeypatch):
    """Or the transposed pass, which reads the same arrays, would be that of another one."""
    launch, launch_transposed, launched = Pass.launch, Pass.launch_transposed, set()

    def refuse_changes(each, before, arrays, names):
        for name, was in before.items():
            assert torch.equal(was.view(torch.uint8), memory(arrays[name]).view(torch.uint8)), (
                f"{each.kernel.key} over {each.over}, which reads {', '.join(each.inputs)}, wrote to {name}"
            )

    def watched(self, arrays):
        names = set(self.inputs) - set(self.outputs)
        before = contents(arrays, names)
        launch(self, arrays)
        refuse_changes(self, before, arrays, names)

    def watched_back(self, arrays, bars):
        names = {*self.inputs, *self.outputs}
        before, after = contents(arrays, names), contents(bars, set(self.outputs) - set(self.inputs))
        launch_transposed(self, arrays, bars)
        refuse_changes(self, before, arrays, names)
        refuse_changes(self, after, bars, names)
        launched.add((self.kernel.key, bool(before)))

    monkeypatch.setattr(Pass, "launch", watched)
    monkeypatch.setattr(Pass, "launch_transposed", watched_back)
    gradient(*compile_scene(scene, device="cpu", dtype="float64"), steps=3)
    assert len(launched) >= 3


def test_a_gradient_rests_on_nothing_that_was_left_in_scratch(scene, forgetful):
    """Every field of the nodes, and all that lies between the passes, is lost before each step, there and back."""
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    plain = gradient(solver, state, params)
    assert forgetful(solver).scratch
    forgotten = gradient(forgetful(solver), state, params)
    assert all(bool(value.abs().max() > 0.0) for value in plain)
    assert all(torch.equal(a, b) for a, b in zip(plain, forgotten, strict=True))


WATCH = """
import sys
import torch
import warp as wp

wp.config.verify_autograd_array_access = True  # before any kernel is built; each is then built anew
from scenegrad.scenes import Scene
from scenegrad.solvers.compile import compile_scene

known, view = {}, wp.from_torch

def one_array_for_one_place(tensor, dtype=None, **rest):
    key = tensor.data_ptr(), tensor.shape, dtype
    if key not in known:
        known[key] = view(tensor, dtype=dtype, requires_grad=False), tensor
    return known[key][0]

wp.from_torch = one_array_for_one_place
solver, state, params = compile_scene(Scene.model_validate_json(sys.stdin.read()), device="cpu", dtype="float64")
time, dt = torch.zeros(1, dtype=torch.float64), 0.3 * solver.max_dt(state, params)
for _ in range(2):
    with wp.Tape() as tape:
        state = solver.step(state, params.detach(), time, dt).state
    assert tape.launches
    for stream in (sys.stdout, sys.stderr):
        print("STEP", file=stream, flush=True)
"""


@pytest.mark.slow
def test_warp_sees_no_array_overwritten_within_a_step(scene):
    """Its own watch looks at what is on a tape, and a step is on none: here it is put on one. A second step uses the
    same scratch once more, at which the watch must cry out."""
    command, given = [sys.executable, "-c", WATCH], scene.model_dump_json()
    run = subprocess.run(command, input=given, capture_output=True, text=True, timeout=800, check=False)
    assert run.returncode == 0, run.stderr
    first, second = (
        "".join(parts) for parts in list(zip(run.stdout.split("STEP"), run.stderr.split("STEP"), strict=True))[:2]
    )
    assert "is being written to" not in first
    assert "is being written to" in second

"""Which scenes a GPU may replay: their steps ask nothing of the host, and written down they are what was launched."""

import pytest
import torch
import warp as wp

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, map_tensors
from scenegrad.solvers.compile import compile_scene


def pair(lab, **material):
    soft = sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), poisson_ratio=0.3, density=1000.0)
    one = lab.box_of((0.2, 0.35), (0.25,) * 2, material.get("material", soft), velocity=sc.Parameter((1.0, 0.3)))
    return {"one": one, "other": lab.box_of((0.5, 0.45), (0.25,) * 2, lab.jelly, velocity=(-1.0, 0.0))}


def held(lab, contact):
    """A block on something rigid that moves with it."""
    slab = sc.RigidBody(sc.Box(center=(0.5, 0.3), size=(0.4, 0.1)), contact=contact, density=500.0)
    return {"block": lab.box_of((0.4, 0.35), (0.2, 0.2)), "slab": slab}


def muscle():
    return sc.Muscle(
        youngs_modulus=sc.Parameter(2e4), strength=1e4, activation=sc.Table(0.004, sc.Parameter((0.0, 1.0, -0.5, 0.2)))
    )


REPLAYED = {
    "apart": lambda lab: lab.scene_of(2, entities=pair(lab), method=sc.MaterialPoint(contact=sc.Apart(0.4))),
    "finer": lambda lab: lab.scene_of(
        2, 12, entities=pair(lab), method=sc.MaterialPoint(refine=sc.Finer(size=(0.2, 0.2), around="one"))
    ),
    "muscle": lambda lab: lab.scene_of(2, entities=pair(lab, material=muscle())),
}
LAUNCHED = {
    "sparse": lambda lab: lab.scene_of(2, method=sc.MaterialPoint(grid=sc.Sparse())),
    "implicit": lambda lab: lab.scene_of(2, method=sc.MaterialPoint(integrator=sc.Implicit())),
    "stick": lambda lab: lab.scene_of(2, entities=held(lab, sc.Stick())),
}


@pytest.fixture(params=REPLAYED)
def compiled(request, lab, monkeypatch):
    """Twice a solver of a scene, the second as on a GPU as far as the way of its numbers goes; state and params."""
    scene = REPLAYED[request.param](lab)
    plain = compile_scene(scene, device="cpu", dtype="float64")[0]
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    monkeypatch.setattr(wp, "to_torch", lambda array: array._tensor)
    solver.work.seeks = False
    return plain, solver, state, params


def test_a_step_and_its_transpose_ask_nothing_of_the_host(compiled, alone):
    _, solver, state, params = compiled
    time, dt = torch.zeros(1, dtype=torch.float64), 0.3 * solver.max_dt(state, params)
    state, bars = map_tensors(torch.Tensor.detach, state), {k: torch.ones_like(v) for k, v in vars(state).items()}
    solver.step(state, params.detach(), time, dt)
    solver.vjp(state, params, time, dt, bars)
    again = Params({a: value.detach().clone().requires_grad_(value.requires_grad) for a, value in params.items()})
    with alone():
        after = solver.step(state, again.detach(), time, dt).state
        solver.vjp(after, again, time + dt, dt, bars)


def test_a_rollout_replayed_is_the_rollout(compiled, paper_graphs):
    plain, solver, _, params = compiled
    solver.replays.recorder = paper_graphs

    def slopes(solver, values):
        start = solver.program.initial(values)
        end = rollout(solver, start, values, until=0.015, controller=Fixed(1.1e-3), probes=()).state
        loss = (end.position.sin() * torch.linspace(0.5, 1.5, end.position.numel()).view_as(end.position)).sum()
        return [end.velocity, *torch.autograd.grad(loss, [v for v in values.values() if v.requires_grad])]

    for factor in (1.0, 1.01):
        now = Params({a: (factor * v.detach()).requires_grad_(v.requires_grad) for a, v in params.items()})
        pairs = list(zip(slopes(plain, now), slopes(solver, now), strict=True))
        assert all(torch.equal(a, b) and float(a.detach().abs().max()) > 0.0 for a, b in pairs)


@pytest.mark.parametrize("name", LAUNCHED)
def test_what_needs_the_host_says_so(lab, name):
    assert compile_scene(LAUNCHED[name](lab), device="cpu", dtype="float64")[0].replays is None

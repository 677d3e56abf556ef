"""What every solver owes the engine, whatever its physics: each passes this same file."""

import importlib.util
import warnings
from pathlib import Path

import pytest
import torch
import warp as wp

from scenegrad.engine.capture import CHUNK, take
from scenegrad.engine.graphs import Again
from scenegrad.engine.loop import Clock
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Linearizable
from scenegrad.engine.state import Params, batch_size, map_tensors, member, tensors, with_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.spectral import coefficients


def scenes_beside(path):
    """The scenes of a file that is no test, and so is nobody's to import."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SCENES


SCENES = scenes_beside(Path(__file__).with_name("conformance_scenes.py"))
ROUNDING = ("darcy", "spectral", "spectral-3d", "reaction-2d", "eddies-2d", "eddies-3d", "walls-2d", "body-2d",
            "body-3d", "mesh-marching-2d", "mesh-steady-2d", "mesh-heat-2d", "mesh-beam-2d")  # fmt: skip
EXACT = {name: name not in ROUNDING for name in SCENES}  # batched transforms and products may round differently
STEADY = {"darcy", "mesh-steady-2d", "mesh-beam-2d"}  # the first step leads to the end, others change nothing


@pytest.fixture(params=SCENES)
def case(request):
    """Name and scene of each solver."""
    return request.param, SCENES[request.param]()


def compiled(scene, dtype="float64", steps=5):
    """A state with some history: contact made, waves under way."""
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    dt = step_of(solver, state, params)
    clock = Clock.start(batch_size(state))
    frozen = params.detach()
    state = map_tensors(torch.Tensor.detach, state)
    for n in range(steps):
        state = solver.step(state, frozen, clock.time + n * dt, dt).state
    return solver, state, params, clock.time + steps * dt, dt


def step_of(solver, state, params):
    """A share of the bound; what has none takes the step of its scene."""
    bound = 0.3 * solver.max_dt(state, params)
    return torch.where(bound.isfinite(), bound, getattr(solver.program.controller, "dt", torch.nan))


def floating(state):
    return {name: value for name, value in tensors(state).items() if value.is_floating_point() and value.numel()}


def test_bounds_are_positive_and_one_for_each_member(case):
    solver, state, params, _, _ = compiled([case[1], case[1]])
    bound = solver.max_dt(state, params)
    assert bound.shape == (2,)
    assert bool((bound > 0).all())
    assert not bound.requires_grad


def test_a_step_is_a_function_of_what_it_is_given(case):
    solver, state, params, time, dt = compiled(case[1])
    before = {name: value.clone() for name, value in tensors(state).items()}
    params = params.detach()
    first = tensors(solver.step(state, params, time, dt).state)
    first = {name: value.clone() for name, value in first.items()}
    solver.step(map_tensors(lambda v: v * 1.0 if v.is_floating_point() else v, state), params, time, 0.5 * dt)
    second = tensors(solver.step(state, params, time, dt).state)
    for name, value in tensors(state).items():
        assert torch.equal(value, before[name]), f"{name} of the given state was overwritten"
        assert torch.equal(first[name], second[name]), f"{name} depends on what was computed before"
    assert case[0] in STEADY or any(not torch.equal(first[name], before[name]) for name in first)


def test_a_member_of_a_batch_equals_a_run_of_its_own(case):
    name, scene = case
    other = scene.replace({"seed": 1, **first_parameter_scaled(scene, 1.2)})
    solver, state, params, time, dt = compiled([scene, other])
    dt = dt * torch.tensor([1.0, 0.7], dtype=torch.float64)
    together = solver.step(state, params.detach(), time, dt).state
    for b, one in enumerate((scene, other)):
        alone_solver, _, alone_params = compile_scene(one, device="cpu", dtype="float64")
        alone = alone_solver.step(member(state, b), alone_params.detach(), time[b : b + 1], dt[b : b + 1]).state
        for field, value in tensors(alone).items():
            if EXACT[name]:
                assert torch.equal(value[0], tensors(together)[field][b]), field
            else:
                torch.testing.assert_close(value[0], tensors(together)[field][b], rtol=1e-12, atol=1e-12)


def first_parameter_scaled(scene, factor):
    address, parameter = next((a, p) for a, p in scene.parameters().items() if isinstance(p.value, float))
    return {f"{address}.value": parameter.value * factor}


def test_single_precision_follows_double_precision(case):
    solver, state, params, time, dt = compiled(case[1])
    exact = floating(solver.step(state, params.detach(), time, dt).state)
    single, rough, rough_params, _, _ = compiled(case[1], dtype="float32", steps=0)
    rough = with_tensors(rough, {n: v.float() if v.is_floating_point() else v for n, v in tensors(state).items()})
    found = floating(single.step(rough, rough_params.detach(), time, dt).state)
    for name, value in exact.items():
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name].double(), value, rtol=1e-3, atol=1e-4 * float(value.abs().max()) + 1e-7)


def test_vjp_of_a_step_is_the_transpose_of_its_derivative(case):
    """<w, J v> = <J' w, v>, the left side by central differences, for the state and for every parameter at once."""
    solver, state, params, time, dt = compiled(case[1])
    generator = torch.Generator().manual_seed(0)

    def like(value):
        size = float(value.abs().max()) or 1.0
        return size * torch.randn(value.shape, generator=generator, dtype=value.dtype)

    v_state = {name: like(value) for name, value in floating(state).items()}
    v_params = {a: like(p.detach()) for a, p in params.items() if p.requires_grad}
    after = floating(solver.step(state, params.detach(), time, dt).state)
    weights = {name: torch.randn(v.shape, generator=generator, dtype=v.dtype) for name, v in after.items()}

    def shifted(h, state_on, params_on):
        moved = with_tensors(state, {n: v + h * v_state[n] for n, v in floating(state).items() if state_on})
        values = params.detach().replace({a: params[a].detach() + h * v for a, v in v_params.items() if params_on})
        made = floating(solver.step(moved, values, time, dt).state)
        return sum(float((weights[n] * made[n]).sum()) for n in made)

    state_bars, param_bars = solver.vjp(state, params, time, dt, weights)
    for part, (state_on, params_on) in {"state": (True, False), "params": (False, True)}.items():
        predicted = (
            sum(float((state_bars[n] * v).sum()) for n, v in v_state.items() if n in state_bars) if state_on else 0
        )
        predicted += (
            sum(float((param_bars[a] * v).sum()) for a, v in v_params.items() if a in param_bars) if params_on else 0
        )
        differences = [
            (shifted(h, state_on, params_on) - shifted(-h, state_on, params_on)) / (2 * h)
            for h in (1e-5, 3e-6, 1e-6, 3e-7)
        ]
        misses = [abs(d - predicted) / abs(predicted) for d in differences]
        assert abs(predicted) > 1e-6, part
        assert min(misses) < 1e-6, f"{part}: vjp {predicted}, central differences {differences}"


def test_a_step_that_keeps_its_way_back_is_the_step_and_its_vjp(case):
    """To the last bit; and the next step does not spoil what was kept."""
    solver, state, params, time, dt = compiled(case[1])
    if not isinstance(solver, Linearizable):
        pytest.skip("it makes each step again on the way back")
    bars = {name: torch.randn_like(value) for name, value in floating(state).items()}
    middle, first = solver.linearize(state, params, time, dt)
    _, second = solver.linearize(middle, params, time + dt, dt)
    wanted = tensors(solver.step(state, params.detach(), time, dt).state)
    assert all(torch.equal(value, wanted[name]) for name, value in tensors(middle).items())
    assert not any(value.requires_grad for value in tensors(middle).values())
    for pull, before, start in ((second, middle, time + dt), (first, state, time)):
        for found, known in zip(pull(bars), solver.vjp(before, params, start, dt, bars), strict=True):
            assert set(found) == set(known)
            assert all(torch.equal(bar, known[name]) for name, bar in found.items())


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Lets a solver that was compiled for a CPU go the way it goes on a GPU, as far as the way of its numbers goes."""

    def prepare(solver):
        monkeypatch.setattr(coefficients, "known_by", coefficients.fingerprint)
        monkeypatch.setattr(wp, "to_torch", lambda array: array._tensor)  # without a detour through numpy
        if hasattr(solver, "work"):
            solver.work.seeks = False  # all nodes are kept there
        return solver

    return prepare


def test_a_step_that_may_be_replayed_and_its_transpose_ask_nothing_of_the_host(case, as_on_a_gpu, alone):
    solver, state, params, time, dt = compiled(case[1])
    if getattr(solver, "replays", None) is None:
        pytest.skip("its steps are launched one by one")
    as_on_a_gpu(solver)
    fixed, bars = params.detach(), {name: torch.ones_like(value) for name, value in floating(state).items()}
    solver.step(state, fixed, time, dt)  # what is made once may be made with the help of the host
    solver.vjp(state, params, time, dt, bars)
    copies = Params({a: value.detach().clone().requires_grad_(value.requires_grad) for a, value in params.items()})
    time, dt = time.clone(), dt.clone()
    with alone():
        after = solver.step(state, copies.detach(), time, dt).state
        solver.vjp(after, copies, time + dt, dt, bars)


def test_observables_are_finite_and_batched(case):
    solver, state, params, _, _ = compiled([case[1], case[1]])
    observed = solver.observe(state, params.detach())
    assert observed
    for name, value in observed.items():
        assert value.shape[0] == 2, name
        assert bool(torch.isfinite(value).all()), name


def test_every_requested_output_is_measured_with_units(case):
    _, scene = case
    solver, state, params, _, _ = compiled(scene)
    assert {probe.name for probe in solver.program.probes} == set(scene.outputs)
    for probe in solver.program.probes:
        measured = probe.measure(state, params.detach())
        assert set(measured) <= set(probe.units), f"{probe.name} lacks units of {set(measured) - set(probe.units)}"
        assert all(value.shape[0] == 1 for value in measured.values())


def test_a_rollout_reaches_its_end_and_gradients_reach_every_parameter(case):
    _, scene = case
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    roll = rollout(solver, state, params)
    loss = sum(
        (value.sin() * torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).view_as(value)).sum()
        for value in floating(roll.state).values()
    )
    loss.backward()
    for address in scene.parameters():
        assert params[address].grad is not None, f"no gradient reached {address}"
        assert float(params[address].grad.abs().max()) > 0, f"the gradient of {address} is zero"


def bytes_of(named):
    return {name: value.detach().contiguous().view(torch.uint8).clone() for name, value in named.items()}


def test_a_step_and_its_transpose_leave_what_they_are_given_as_it_was(case):
    """The way back reads states, params and cotangents again: nobody may have written there, not even the same sum."""
    solver, state, params, time, dt = compiled(case[1])
    bars = {name: torch.randn_like(value) for name, value in floating(state).items()}
    given = {
        "time": time,
        "dt": dt,
        **tensors(state),
        **params,
        **{f"cotangent of {n}": bar for n, bar in bars.items()},
    }
    before = bytes_of(given)
    after = tensors(solver.step(state, params.detach(), time, dt).state)
    made = bytes_of(after)
    solver.vjp(state, params, time, dt, bars)
    solver.observe(state, params)
    assert all(torch.equal(value, before[name]) for name, value in bytes_of(given).items())
    assert all(torch.equal(value, made[name]) for name, value in bytes_of(after).items())


def left_behind(solver, state, params):
    """The end of a rollout, what it measured and the gradients of a sum of all that."""
    roll = rollout(solver, state, params)
    measured = [v for out in roll.outputs.values() for v in (out.values() if isinstance(out, dict) else [out])]
    ends = [*floating(roll.state).values(), *measured]
    loss = sum((v.double().sin() * torch.linspace(0.5, 1.5, v.numel(), device=v.device).view_as(v)).sum() for v in ends)
    learning = [value for value in params.values() if value.requires_grad]
    slopes = torch.autograd.grad(loss, learning, retain_graph=True, allow_unused=True)
    return [*tensors(roll.state).values(), *measured, *(slope for slope in slopes if slope is not None)]


def test_a_gradient_rests_on_nothing_that_was_left_in_scratch(case, forgetful):
    """Hand-launched adjoints read what the steps before and after them may have overwritten, or did not fill."""
    solver, state, params = compile_scene(case[1], device="cpu", dtype="float64")
    plain = left_behind(solver, state, params)
    if not forgetful(solver).scratch:
        pytest.skip("it has no scratch")
    assert all(torch.equal(a, b) for a, b in zip(plain, left_behind(forgetful(solver), state, params), strict=True))


@pytest.mark.parametrize("form", ["again", "graphs"])
def test_a_rollout_replayed_is_the_rollout(case, form, as_on_a_gpu, paper_graphs):
    """Fixed places in memory, written again and again, in place of new tensors; and nothing that Python remembers of
    other params, times or steps."""
    solver, state, params = compile_scene(case[1], device="cpu", dtype="float64")
    if getattr(solver, "replays", None) is None:
        pytest.skip("its steps are launched one by one")
    plain, dt = compile_scene(case[1], device="cpu", dtype="float64")[0], 0.3 * solver.max_dt(state, params)
    as_on_a_gpu(solver).replays.recorder = Again() if form == "again" else paper_graphs
    for factor in (1.0, 1.01, 0.99):
        now = Params({a: (factor * value.detach()).requires_grad_(value.requires_grad) for a, value in params.items()})
        first = map_tensors(torch.Tensor.detach, state)
        pairs = zip(left_behind(plain, first, now), left_behind(solver, first, now), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
        many = take(solver, first, now.detach(), torch.zeros(1).double(), dt, 1, CHUNK + 1).state
        for n in range(CHUNK + 1):
            first = plain.step(first, now.detach(), (1 + n) * dt, dt).state
        assert all(torch.equal(value, tensors(many)[name]) for name, value in tensors(first).items())
    recording, *others = solver.replays.known.values()
    assert not others
    assert set(recording.forward) == {1, CHUNK}
    assert len(recording.back) == 1


class OneByOne:
    """A solver of which nothing is recorded."""

    def __init__(self, solver):
        self.solver, self.program, self.order = solver, solver.program, solver.order
        self.max_dt, self.step, self.vjp, self.observe = solver.max_dt, solver.step, solver.vjp, solver.observe


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gpu_replays_what_it_would_launch(case, dtype):
    """CUDA graphs give what launches give: to the bit where no two threads add to one place, else to rounding."""
    name, scene = case
    solver, state, params = compile_scene(scene, device="cuda:0", dtype=dtype)
    if getattr(solver, "replays", None) is None:
        pytest.skip("its steps are launched one by one")
    near = 0.0 if name == "spectral" else 1e-9 if dtype == "float64" else 1e-2
    for factor in (1.0, 1.01):
        now = Params({a: (factor * value.detach()).requires_grad_(value.requires_grad) for a, value in params.items()})
        first = map_tensors(torch.Tensor.detach, state)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # that something could not be recorded
            found = left_behind(solver, first, now)
        for one, two in zip(found, left_behind(OneByOne(solver), first, now), strict=True):
            torch.testing.assert_close(one, two, rtol=near, atol=near * float(two.abs().max()) if two.numel() else 0.0)
    assert all(recording.works for recording in solver.replays.known.values())


@pytest.mark.gpu
def test_a_gpu_takes_many_steps_at_once_as_one_by_one():
    """CHUNK of them in a graph, and the rest."""
    solver, state, params = compile_scene(SCENES["spectral"](), device="cuda:0", dtype="float64")
    fixed, time, dt = params.detach(), torch.zeros(1).double(), 0.3 * solver.max_dt(state, params).cpu()
    many = take(solver, state, fixed, time, dt, 0, 2 * CHUNK + 3).state
    for n in range(2 * CHUNK + 3):
        state = solver.step(state, fixed, n * dt, dt).state
    assert torch.equal(many.vorticity, state.vorticity)
    (recording,) = solver.replays.known.values()
    assert set(recording.forward) == {1, CHUNK}

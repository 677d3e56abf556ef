"""The differentiable rollout: its gradient is that of the map that was run, and its memory grows as sqrt(N)."""

import math
import weakref
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from scenegrad.engine import adjoint, keeping
from scenegrad.engine.controllers import CFL, PI, Fixed
from scenegrad.engine.errors import Diverged, EngineError
from scenegrad.engine.gradients import Reversible, Stored, Tape
from scenegrad.engine.journey import Journey
from scenegrad.engine.keeping import counted, keeps
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Step
from scenegrad.engine.state import Params, size_of, with_tensors

CONTROLLERS = [Fixed(0.013), CFL(0.1), PI(tolerance=1e-4, k=2)]


def loss_of(roll):
    return (roll.outputs["height"] ** 2).sum() + roll.state.rate.sum() + (roll.state.angle * 3).sin().sum()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("controller", CONTROLLERS, ids=str)
@pytest.mark.parametrize("room", [0, 2**29])
def test_gradient_equals_that_of_plain_autograd_over_the_same_steps(
    make_pendulum, controller, batch, room, monkeypatch
):
    """Frozen steps: autograd straight through every step must agree to round-off, whatever the checkpoints."""
    monkeypatch.setattr(keeping, "POCKET", room)
    solver, state, params = make_pendulum(batch=batch, controller=controller, end=2.0, every=0.3)
    leaves = with_tensors(state, {"angle": state.angle.requires_grad_(), "rate": state.rate.requires_grad_()})
    inputs = [leaves.angle, leaves.rate, *params.values()]
    found = torch.autograd.grad(loss_of(rollout(solver, leaves, params)), inputs)

    journey = Journey(solver, state, params, controller, solver.program.probes, 0.0, 2.0)
    journey.run()
    now, heights, frames = leaves, [], dict(journey.frames)
    for n, record in enumerate([*journey.records, None]):
        if frames.get(n):
            heights.append(solver.program.probes[0].measure(now, params)["height"])
        if record is not None:
            after = solver.step(now, params, record.time, record.dt).state
            mask = record.active[:, None]
            now = with_tensors(
                now, {k: torch.where(mask, getattr(after, k), getattr(now, k)) for k in ("angle", "rate")}
            )
    loss = (torch.stack(heights, 1) ** 2).sum() + now.rate.sum() + (now.angle * 3).sin().sum()
    for a, b in zip(found, torch.autograd.grad(loss, inputs), strict=True):
        assert float(b.abs().min()) > 1e-3
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def test_gradient_equals_the_central_difference(make_pendulum):
    solver, state, params = make_pendulum(controller=Fixed(0.01))
    loss = loss_of(rollout(solver, state, params))
    loss.backward()
    frozen = params.detach()
    for address in params:
        h = 1e-6
        ends = [loss_of(rollout(solver, state, frozen.replace({address: frozen[address] + s * h}))) for s in (1, -1)]
        difference = float(ends[0] - ends[1]) / (2 * h)
        assert abs(difference) > 0.1
        assert float(params[address].grad.sum()) == pytest.approx(difference, rel=1e-7)


def test_outputs_and_state_are_those_of_a_run_without_gradients(make_pendulum):
    solver, state, params = make_pendulum(batch=2)
    with_graph, without = rollout(solver, state, params), rollout(solver, state, params.detach())
    assert torch.equal(with_graph.outputs["height"], without.outputs["height"])
    assert with_graph.outputs["height"].shape == (2, 5)
    assert with_graph.times["height"].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert with_graph.state.angle.requires_grad
    assert not without.state.angle.requires_grad


def test_no_gradient_is_computed_for_what_does_not_ask(make_pendulum):
    solver, state, params = make_pendulum()
    only = params.detach().replace({"pendulum.damping": params["pendulum.damping"]})
    loss_of(rollout(solver, state, only)).backward()
    assert params["pendulum.damping"].grad is not None
    assert params["pendulum.stiffness"].grad is None


@pytest.mark.parametrize("steps", [100, 1000, 4000])
def test_states_held_grow_as_the_square_root_of_the_steps(make_pendulum, steps):
    solver, state, params = make_pendulum(controller=Fixed(1.0 / steps), end=1.0, every=1.0)
    journey = Journey(solver, state, params, Fixed(1.0 / steps), solver.program.probes, 0.0, 1.0)
    journey.run()
    marks = [*sorted(journey.keep), len(journey.records)]
    stretch = max(b - a for a, b in pairwise(marks))
    assert len(journey.records) == steps
    assert len(journey.keep) + stretch <= 3.2 * math.sqrt(steps) + 4


def test_forward_and_backward_take_each_step_a_bounded_number_of_times(make_pendulum):
    solver, state, params = make_pendulum(controller=Fixed(0.002), end=1.0)
    loss_of(rollout(solver, state, params)).backward()
    assert solver.calls == 500  # the way there keeps the derivatives


def slope_and_calls(make_pendulum, room, monkeypatch, memory=0.0):
    """Gradient and steps made, with so much room for the derivatives of steps [bytes]."""
    monkeypatch.setattr(keeping, "POCKET", room)
    solver, state, params = make_pendulum(controller=Fixed(0.002), end=1.0, every=0.1)
    loss_of(rollout(solver, state, params, gradient=Stored(memory))).backward()
    return params["pendulum.damping"].grad, solver.calls


def test_without_room_for_derivatives_each_step_is_taken_at_most_three_times(make_pendulum, monkeypatch):
    wanted, _ = slope_and_calls(make_pendulum, 2**29, monkeypatch)
    found, calls = slope_and_calls(make_pendulum, 0, monkeypatch)
    assert 2.8 * 500 < calls <= 3 * 500 + 1  # once forward, once in the replay, once for the derivative; one is weighed
    assert torch.equal(found, wanted)


def test_with_memory_for_all_states_no_step_is_replayed(make_pendulum, monkeypatch):
    wanted, _ = slope_and_calls(make_pendulum, 2**29, monkeypatch)
    found, calls = slope_and_calls(make_pendulum, 0, monkeypatch, memory=40000)
    assert calls == 2 * 500  # once forward, once for the derivative
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("most", [1, 3, 7])
def test_derivatives_held_at_once_fit_in_their_room(make_pendulum, monkeypatch, most):
    """And those steps that found no room are as right as the others."""
    sweeps, alive, held = [], [], []
    back, original = adjoint.Sweep.back, adjoint.linearize
    with monkeypatch.context() as patch:
        patch.setattr(adjoint.Sweep, "back", lambda sweep, bars: (sweeps.append(sweep), back(sweep, bars))[1])
        wanted, _ = slope_and_calls(make_pendulum, 2**29, monkeypatch)
    weight = sweeps[0].held
    assert weight > 4 * 8

    def watched(*given):
        made = original(*given)
        pull = made[1]
        alive.append(weakref.ref(pull))
        held.append(sum(one() is not None for one in alive))
        return made

    monkeypatch.setattr(adjoint, "linearize", watched)
    found, calls = slope_and_calls(make_pendulum, most * weight, monkeypatch)
    assert max(held) == most
    assert 2.0 * 500 < calls < 3.0 * 500
    assert torch.equal(found, wanted)


def test_what_a_step_keeps_is_weighed_once_whoever_keeps_it():
    a, b = torch.ones(10, dtype=torch.float64, requires_grad=True), torch.ones(20, dtype=torch.float64)
    with counted() as kept:
        product = a * a * a  # keeps a, and a * a
        keeps(b, b[3:], 7)
    assert kept.size == 2 * 80 + 160 + 7
    keeps(b)
    assert kept.size == 2 * 80 + 160 + 7
    (slope,) = torch.autograd.grad(product.sum(), a)
    assert slope.tolist() == [3.0] * 10


@pytest.mark.parametrize("room", [3, 40, 150, 900])
def test_states_held_fit_in_the_memory_that_is_given(make_pendulum, room):
    steps = 1000
    solver, state, params = make_pendulum(controller=Fixed(1.0 / steps), end=1.0, every=1.0)
    probes = solver.program.probes
    journey = Journey(solver, state, params, Fixed(1.0 / steps), probes, 0.0, 1.0, memory=room * size_of(state))
    journey.run()
    marks = [*sorted(journey.keep), len(journey.records)]
    held = len(journey.keep) + max(b - a for a, b in pairwise(marks)) - 1
    assert held <= max(room, 3.2 * math.sqrt(steps) + 4)
    assert held >= room / 2


@pytest.mark.parametrize(("room", "again"), [(1e6, False), (3e3, True)], ids=["for all", "for few"])
def test_no_step_is_taken_again_where_there_is_room_for_all_that_transposes_need(
    make_pendulum, room, again, monkeypatch
):
    monkeypatch.setattr(keeping, "POCKET", 0)
    solver, state, params = make_pendulum()
    gradients, taken = [], []
    linearize = solver.linearize
    solver.linearize = lambda *given: taken.append(1) or linearize(*given)
    for memory in (0.0, room):
        params = Params({a: value.detach().clone().requires_grad_() for a, value in params.items()})
        end = rollout(solver, state, params, gradient=Stored(memory))
        before = len(taken)
        loss_of(end).backward(retain_graph=True)
        gradients.append({a: value.grad.clone() for a, value in params.items()})
        if memory:
            assert len(taken) - before == (int(end.steps) if again else 0)
            loss_of(end).backward()  # what was kept has been used, so that steps are taken again
            for address, value in params.items():
                assert torch.equal(value.grad, 2.0 * gradients[-1][address])
    assert all(torch.equal(gradients[0][a], gradients[1][a]) for a in gradients[0])


@pytest.mark.parametrize("room", [0, 2**29])
def test_a_gradient_that_blows_up_is_an_error_that_names_step_and_field(make_pendulum, monkeypatch, room):
    solver, state, params = make_pendulum()
    linearize = solver.linearize

    def broken(state, params, time, dt):
        after, pull = linearize(state, params, time, dt)

        def worse(bars):
            found = pull(bars)
            if float(time[0]) < 0.5:
                found[0]["rate"] = found[0]["rate"] * torch.inf
            return found

        return after, worse

    solver.linearize = broken  # and with it vjp
    monkeypatch.setattr(keeping, "POCKET", room)
    with pytest.raises(Diverged, match=r"gradient with respect to rate .* step 49"):
        loss_of(rollout(solver, state, params)).backward()


def test_an_error_controlled_step_without_a_cap_spoils_the_gradient_and_the_cap_mends_it(make_pendulum):
    """A stiff mode that carries nothing: the error estimate lets dt grow past its stability bound, where the state is
    still right but the adjoint of the silent mode explodes. The cap of PI keeps both right."""

    class Stiff(type(make_pendulum()[0])):
        def slope(self, angle, rate, params):
            return -200.0 * (angle - 0.0), -0.5 * rate  # angle rests at 0: silent, but stiff

        def max_dt(self, state, params):
            return torch.full((angle_batch(state),), 2.0 / 200.0, dtype=torch.float64)

        def step(self, state, params, time, dt):
            made = super().step(state, params, time, dt)
            return Step(made.state, made.error)

    def angle_batch(state):
        return state.angle.shape[0]

    solver, state, params = make_pendulum()
    solver.__class__ = Stiff
    start = with_tensors(state, {"angle": torch.zeros(1, 1, dtype=torch.float64), "rate": torch.ones(1, 1).double()})
    sizes = {}
    for name, controller in {"capped": PI(1e-4, k=2), "uncapped": PI(1e-4, k=2, cap=1e9)}.items():
        leaf = with_tensors(start, {"angle": start.angle.clone().requires_grad_()})
        roll = rollout(solver, leaf, params.detach(), until=2.0, controller=controller, probes=())
        (roll.state.angle + roll.state.rate).sum().backward()
        sizes[name] = float(leaf.angle.grad.abs())
        assert float(roll.state.rate.detach()) == pytest.approx(math.exp(-1.0), rel=1e-3)
    assert sizes["capped"] < 1e-6  # exp(-400) in truth
    assert sizes["uncapped"] > 1e3


@pytest.mark.parametrize("what", ["params", "state"])
def test_what_changed_in_place_before_the_backward_pass_is_an_error(make_pendulum, what):
    solver, state, params = make_pendulum()
    loss = loss_of(rollout(solver, state, params))
    with torch.no_grad():
        (params["pendulum.stiffness"] if what == "params" else state.angle).mul_(1.1)
    with pytest.raises(EngineError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize("until", [-1.0, float("nan"), float("inf")])
def test_a_rollout_to_nowhere_is_refused(make_pendulum, until):
    solver, state, params = make_pendulum()
    with pytest.raises(EngineError, match="not possible"):
        rollout(solver, state, params, until)


def test_state_and_params_of_different_batches_are_refused(make_pendulum):
    solver, state, _ = make_pendulum(batch=2)
    with pytest.raises(EngineError, match=r"angle: 2.*pendulum\.stiffness: 3"):
        rollout(solver, state, make_pendulum(batch=3)[2])


def test_a_plain_number_replaces_a_parameter_of_every_member(make_pendulum):
    _, _, params = make_pendulum(batch=2)
    assert params.replace({"pendulum.damping": 0.3})["pendulum.damping"].tolist() == [0.3, 0.3]
    with pytest.raises(KeyError, match=r"there are: pendulum\.stiffness, pendulum\.damping"):
        params.replace({"pendulum.mass": 1.0})


@pytest.mark.parametrize("controller", [Fixed(0.01), PI(1e-5, k=2)], ids=["fixed", "pi"])
def test_the_tape_of_torch_gives_the_same_states_outputs_and_gradients(make_pendulum, controller):
    found = []
    for how in (Stored(), Tape()):
        solver, state, params = make_pendulum(batch=2, controller=controller)
        roll = rollout(solver, state, params, gradient=how)
        loss_of(roll).backward()
        found.append((roll, [value.grad for value in params.values()]))
    (one, bars), (other, slopes) = found
    assert torch.equal(one.state.angle, other.state.angle)
    assert torch.equal(one.outputs["height"], other.outputs["height"])
    assert torch.equal(one.steps, other.steps)
    assert all(torch.equal(one.times[name], other.times[name]) for name in one.times)
    for bar, slope in zip(bars, slopes, strict=True):
        torch.testing.assert_close(bar, slope, rtol=1e-12, atol=0.0)


def test_steps_that_cannot_be_undone_are_refused(make_pendulum):
    with pytest.raises(EngineError, match="cannot be undone"):
        rollout(*make_pendulum(), gradient=Reversible())


def test_steps_that_do_not_lead_back_are_found_out(make_pendulum):
    class Forgetful(type(make_pendulum()[0])):
        lost = 0.0

        def undoable(self, state, params):
            return self, state

        def undo(self, state, params, time, dt):
            before = self.path[round(float(time[0]) / 0.01)]
            before = with_tensors(before, {"angle": before.angle + self.lost})
            return before, lambda bars: self.vjp(before, params, time, dt, bars)

        def step(self, state, params, time, dt):
            if not torch.is_grad_enabled():
                self.path.append(state)
            return super().step(state, params, time, dt)

    gradients = []
    for lost in (None, 0.0, 1e-15):
        solver, state, params = make_pendulum(end=0.2)
        solver.__class__, solver.lost, solver.path = Forgetful, lost, []
        roll = rollout(solver, state, params, gradient=Stored() if lost is None else Reversible())
        if lost:
            with pytest.raises(EngineError, match="did not lead back"):
                roll.state.angle.sum().backward()
            continue
        roll.state.angle.sum().backward()
        gradients.append(params["pendulum.stiffness"].grad)
    assert torch.equal(*gradients)


def test_a_batch_that_the_solver_was_not_made_for_is_refused(make_pendulum):
    solver, state, params = make_pendulum(end=0.1)
    solver.program = replace(solver.program, members=3)
    with pytest.raises(EngineError, match="compiled for a batch of 3 and is given one of 1"):
        rollout(solver, state, params)

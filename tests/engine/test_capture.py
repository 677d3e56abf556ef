"""Steps recorded and replayed are the steps themselves: same states, outputs and gradients, to the last bit."""

import pytest
import torch

from scenegrad.engine.capture import CHUNK, Replays, take
from scenegrad.engine.controllers import CFL, PI, Fixed
from scenegrad.engine.graphs import Again, NotRecorded
from scenegrad.engine.loop import march
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, tensors

CONTROLLERS = [Fixed(0.0013), CFL(0.01, steps=11), PI(tolerance=1e-5, k=2)]


def gradients(solver, state, params):
    """Everything that a rollout leaves behind, and its gradients."""
    angle = state.angle.clone().requires_grad_()
    roll = rollout(solver, type(state)(angle, state.rate), params)
    loss = (roll.outputs["height"] ** 2).sum() + roll.state.rate.sum()
    return [roll.outputs["height"], roll.steps, *torch.autograd.grad(loss, [angle, *params.values()])]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("controller", CONTROLLERS, ids=str)
def test_a_march_replayed_is_the_march_itself(make_pendulum, controller, batch):
    """With landings on outputs, members that stand still while others go on, and rejected steps."""
    case = {"batch": batch, "controller": controller, "end": 0.17, "every": 0.05}
    solver, state, params = make_pendulum(**case)
    pauses = [0.05, 0.1, 0.17]
    plain = list(march(solver, state, params.detach(), controller, pauses))
    solver.replays = Replays(Again())
    replayed = list(march(solver, state, params.detach(), controller, pauses))
    assert len(plain) == len(replayed)
    for one, two in zip(plain, replayed, strict=True):
        assert torch.equal(one.clock.time, two.clock.time)
        assert torch.equal(one.clock.rejected, two.clock.rejected)
        assert all(torch.equal(value, tensors(two.state)[name]) for name, value in tensors(one.state).items())
    assert solver.replays.known


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("controller", CONTROLLERS, ids=str)
def test_outputs_and_gradients_of_a_rollout_replayed_are_those_of_the_rollout(make_pendulum, controller, batch):
    case = {"batch": batch, "controller": controller, "end": 0.17, "every": 0.05}
    plain = gradients(*make_pendulum(**case))
    solver, state, params = make_pendulum(**case)
    solver.replays = Replays(Again())
    for _ in range(2):  # once while recording, once with what was recorded
        assert all(torch.equal(a, b) for a, b in zip(plain, gradients(solver, state, params), strict=True))


class Counting(Again):
    """Knows how often something was recorded, and how often it was replayed."""

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def record(self, work):
        made, replay = super().record(work)
        self.recorded += 1

        def counted():
            self.replayed += 1
            replay()

        return made, counted


def test_few_graphs_serve_every_step_and_every_optimisation(make_pendulum):
    """Of CHUNK steps, of a single step, of its transpose: however dt changes and whatever the params are."""
    solver, state, params = make_pendulum(controller=Fixed(0.001), end=0.15, every=0.0505)
    recorder = Counting()
    solver.replays = Replays(recorder)
    plain = make_pendulum()[0]
    plain.program = solver.program
    for factor in (1.0, 1.1, 0.9):
        now = Params({a: (factor * value).detach().requires_grad_() for a, value in params.items()})
        found, wanted = gradients(solver, state, now), gradients(plain, state, now)
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert recorder.recorded == 3


def test_steps_that_nobody_looks_at_are_taken_together(make_pendulum):
    solver, state, params = make_pendulum(controller=Fixed(0.001, steps=4 * CHUNK + 1), end=1.0)
    solver.replays = Replays(recorder := Counting())
    list(march(solver, state, params.detach(), solver.program.controller, [0.001 * (4 * CHUNK + 1)]))
    assert recorder.replayed == 4 + 1


def test_a_state_handed_out_stays_what_it_was(make_pendulum):
    """The places of a recording are written again and again; what came of them is not."""
    solver, state, params = make_pendulum()
    solver.replays = Replays(Again())
    time, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    given = state.angle.clone()
    first = take(solver, state, params.detach(), time, dt).state
    kept = first.angle.clone()
    take(solver, first, params.detach(), time, dt, steps=3)
    assert torch.equal(first.angle, kept)
    assert torch.equal(state.angle, given)


def test_params_changed_in_place_are_seen(make_pendulum):
    solver, state, params = make_pendulum()
    solver.replays, params = Replays(Again()), params.detach()
    time, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    before = take(solver, state, params, time, dt).state
    params["pendulum.stiffness"].mul_(2.0)
    after = take(solver, state, params, time, dt).state
    assert not torch.equal(before.rate, after.rate)
    assert torch.equal(after.rate, solver.step(state, params, time, dt).state.rate)


def test_a_graph_of_autograd_is_not_lost_to_a_recording(make_pendulum):
    """Whoever steps with gradients on gets them."""
    solver, state, params = make_pendulum()
    solver.replays = Replays(Again())
    time, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    assert take(solver, state, params, time, dt).state.rate.requires_grad


def test_what_cannot_be_recorded_is_launched_step_by_step(make_pendulum):
    class Refuses:
        def record(self, work):
            raise NotRecorded("operation not permitted when stream is capturing")

    plain = gradients(*make_pendulum())
    solver, state, params = make_pendulum()
    solver.replays = Replays(Refuses())
    with pytest.warns(UserWarning, match="one by one, for they cannot be recorded: operation not permitted"):
        found = gradients(solver, state, params)
    assert all(torch.equal(a, b) for a, b in zip(plain, found, strict=True))

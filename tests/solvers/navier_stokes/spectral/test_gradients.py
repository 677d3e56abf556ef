"""Gradients through whole simulations agree with central differences in float64."""

import math
from itertools import pairwise

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.scenes import Energy, Fields, GaussianField, KolmogorovForcing, Parameter, Spectral, TaylorGreen, Time

STEPS = (3e-3, 1e-3, 3e-4, 1e-4)  # relative to the size of what is changed


def central_difference(loss, x: torch.Tensor, direction: torch.Tensor) -> list[float]:
    """One estimate for each size of the difference step."""
    scale = float(x.norm() / direction.norm()) if x.norm() > 0 else 1.0
    found = []
    for h in (relative * scale for relative in STEPS):
        with torch.no_grad():
            found.append(float(loss(x + h * direction) - loss(x - h * direction)) / (2 * h))
    return found


def assert_derivative(loss, x: torch.Tensor, direction: torch.Tensor, slope: float, name: str) -> None:
    estimates = central_difference(loss, x.detach(), direction)
    errors = [abs(slope - estimate) / abs(slope) for estimate in estimates]
    assert abs(slope) > 1e-3, f"{name}: the derivative {slope} is too near zero to say anything"
    # The best alone might be luck: a neighbour of it has to come near as well.
    assert any(min(two) < 1e-6 and max(two) < 1e-5 for two in pairwise(errors)), (
        f"{name}: {slope} against {estimates}, relative errors {errors}"
    )


@pytest.fixture(scope="module")
def weights() -> torch.Tensor:
    """What the loss looks at: a rough field, so that no symmetry makes a derivative vanish."""
    return torch.randn(32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("integrator", ["etdrk2", "etdrk4", "etdrk43", "ifdp5", "ars443"])
def test_gradient_with_respect_to_the_first_vorticity(flow, compiled, weights, integrator):
    """120 steps; five directions at random, smooth and rough."""
    solver, state, params = compiled(flow(32, time=Time(end=2.4, dt=0.02), method=Spectral(integrator=integrator)))

    def loss(w: torch.Tensor) -> torch.Tensor:
        end = rollout(solver, type(state)(w), params)
        assert int(end.steps) == 120
        return (end.state.vorticity * weights).sum() + end.state.vorticity.square().sum()

    w = state.vorticity.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(w), w)
    rng = torch.Generator().manual_seed(2)
    for trial in range(5):
        direction = torch.randn(w.shape, dtype=torch.float64, generator=rng)
        if trial % 2:
            direction = solver.modes.inverse(solver.modes.spectrum(direction) / (1 + solver.modes.k_squared) ** 2)
        direction /= direction.norm()
        assert_derivative(loss, w, direction, float((gradient * direction).sum()), f"direction {trial}")


ADDRESSES = ["fluid.viscosity", "fluid.drag", "fluid.forcing.amplitude", "fluid.vorticity.amplitude", "fluid.density"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_gradient_with_respect_to_every_parameter(flow, compiled, weights, address):
    """Through 120 steps, the first state, the fields and energies on the way, all members of a batch."""

    def scene(scale: float):
        return flow(
            32,
            time=Time(end=2.4, dt=0.02),
            viscosity=Parameter(0.03 * scale),
            drag=Parameter(0.1 * scale),
            density=Parameter(1.5 * scale),
            forcing=KolmogorovForcing(wavenumber=2, amplitude=Parameter(0.7 * scale)),
            vorticity=TaylorGreen(wavenumber=1, amplitude=Parameter(0.9 * scale)),
            outputs={"fields": Fields("vorticity", "pressure", every=0.6), "energy": Energy(every=0.4)},
        )

    scenes = [scene(1.0), scene(1.2)]
    _, _, params = compiled(scenes)

    def loss(value: torch.Tensor) -> torch.Tensor:
        solver, state, _ = compiled(scenes)
        changed = params.detach().replace({address: value})
        if address == "fluid.vorticity.amplitude":
            pattern = (state.vorticity / params[address].view(-1, 1, 1)).detach()
            state = type(state)(value.view(-1, 1, 1) * pattern)
        roll = rollout(solver, state, changed)
        energy = sum(part.sum() for part in roll.outputs["energy"].values())
        pressure = (roll.outputs["fields"]["pressure"] * weights).sum()
        return (roll.state.vorticity * weights).sum() + energy + pressure

    value = params[address].detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(value), value)
    assert gradient.shape == (2,)
    for member in range(2):
        direction = torch.eye(2, dtype=torch.float64)[member]
        assert_derivative(loss, value, direction, float(gradient[member]), f"{address} of member {member}")


def test_first_state_carries_the_gradient_of_its_amplitude(flow, compiled):
    solver, state, params = compiled(flow(16, forcing=None, vorticity=TaylorGreen(amplitude=Parameter(0.8))))
    end = rollout(solver, state, params, 1.0).state.vorticity
    end.square().sum().backward()
    exact = 2 * 0.8 * 16**2 * math.exp(-2 * (2 * 0.02 + 0.1))  # of A^2 256 exp(-2 (2 nu + drag))
    assert float(params["fluid.vorticity.amplitude"].grad) == pytest.approx(exact, rel=1e-12)


def test_the_two_ways_to_a_transposed_step_agree(flow, compiled):
    """And with differences of one step, for a cotangent and a direction at random."""
    solver, state, params = compiled(flow(24, viscosity=Parameter(0.02), drag=Parameter(0.1)))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.03, dtype=torch.float64)
    bar = torch.randn(1, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    by_hand = solver.vjp(state, params, zero, dt, {"vorticity": bar})
    by_graph = TorchAdjoint.vjp(solver, state, params, zero, dt, {"vorticity": bar})
    assert torch.equal(by_hand[0]["vorticity"], by_graph[0]["vorticity"])
    assert by_hand[1].keys() == by_graph[1].keys() == {"fluid.viscosity", "fluid.drag"}
    direction = torch.randn(1, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    direction = solver.modes.project(direction)
    h = 1e-4
    ahead, behind = (
        solver.step(type(state)(state.vorticity + s * h * direction), params.detach(), zero, dt).state.vorticity
        for s in (1, -1)
    )
    forwards = float((bar * (ahead - behind)).sum()) / (2 * h)
    assert float((by_hand[0]["vorticity"] * direction).sum()) == pytest.approx(forwards, rel=1e-9)


def test_a_step_is_one_node_that_keeps_its_inputs_only(flow, compiled):
    solver, state, params = compiled(flow(32, viscosity=Parameter(0.02)))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    w = state.vorticity.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        after = solver.step(type(state)(w), params, zero, dt).state.vorticity
    assert sorted(tensor.numel() for tensor in kept) == [1, 1, 1, 32 * 32]
    after.sum().backward()
    assert w.grad is not None


def test_numbers_that_ask_for_no_gradient_get_none(flow, compiled):
    solver, state, params = compiled(flow(16, drag=Parameter(0.1)))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    _, found = solver.vjp(state, params, zero, dt, {"vorticity": torch.ones_like(state.vorticity)})
    assert set(found) == {"fluid.drag"}


def test_coefficients_follow_a_number_that_was_changed_in_place(flow, compiled):
    """Coefficients are kept from step to step; an optimiser changes its tensors where they are."""
    solver, state, params = compiled(flow(16))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 0.01, dtype=torch.float64)
    first = solver.step(state, params, zero, dt).state.vorticity
    params["fluid.viscosity"].mul_(2.0)
    second = solver.step(state, params, zero, dt).state.vorticity
    fresh = Params({address: value.clone() for address, value in params.items()})
    assert not torch.equal(first, second)
    assert torch.equal(solver.step(state, fresh, zero, dt).state.vorticity, second)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_turbulence_agrees_too(flow, compiled, seed):
    """A flow with more modes awake than the smooth one above."""
    scene = flow(48, viscosity=2e-3, vorticity=GaussianField(peak=4, width=2, rms=5.0, seed=seed),
                 time=Time(end=0.5, dt=0.005))  # fmt: skip
    solver, state, params = compiled(scene)

    def loss(w: torch.Tensor) -> torch.Tensor:
        return rollout(solver, type(state)(w), params).state.vorticity[:, ::3, ::5].square().sum()

    w = state.vorticity.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(w), w)
    direction = torch.randn(w.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    direction /= direction.norm()
    assert_derivative(loss, w, direction, float((gradient * direction).sum()), f"seed {seed}")

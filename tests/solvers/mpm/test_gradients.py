"""Every parameter and every first state has a gradient that agrees with central differences in double precision."""

from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.solvers.compile import compile_scene

STEPS, DT = 120, 1e-3


def sliding_bodies() -> sc.Scene:
    """A block and a pool of water that hit a floor with friction and slide on it."""
    return sc.Scene(
        name="sliding",
        domain=sc.Domain(size=(1.0, 0.5), cells=(20, 10)),
        gravity=sc.Parameter((0.5, -9.81)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.3, 0.24), size=(0.2, 0.15)),
                velocity=sc.Parameter((0.6, -0.8)),
                material=sc.NeoHookean(
                    youngs_modulus=sc.Parameter(2e4), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(900.0)
                ),
            ),
            "water": sc.Body(
                shape=sc.Box(center=(0.7, 0.22), size=(0.2, 0.15)),
                velocity=sc.Parameter((-0.5, -0.3)),
                material=sc.WeaklyCompressible(
                    bulk_modulus=sc.Parameter(2e4),
                    gamma=sc.Parameter(7.0),
                    viscosity=sc.Parameter(2.0),
                    density=sc.Parameter(1000.0),
                ),
            ),
            "floor": sc.Wall(normal=(0.1, 1.0), offset=sc.Parameter(0.15), contact=sc.Coulomb(sc.Parameter(0.2))),
        },
        time=sc.Time(end=STEPS * DT),
    )


@pytest.fixture(scope="module")
def case():
    """Solver, first state, params, and a loss that looks at every field of the last state."""
    solver, state, params = compile_scene(sliding_bodies(), device="cpu", dtype="float64")
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: torch.randn(field.shape, generator=generator, dtype=torch.float64) / scale
        for (name, field), scale in zip(vars(state).items(), (0.1, 1.0, 20.0, 1.0), strict=True)
    }

    def loss(state, params):
        end = rollout(solver, state, params, controller=Fixed(DT)).state
        return sum((weights[name] * field).sum() for name, field in vars(end).items())

    resting = replace(state, **{name: field.detach() for name, field in vars(state).items()})
    return solver, resting, params, loss


def with_velocities(solver, state, params):
    """The state with the first velocities that the params hold, as compile makes it."""
    parts = [params[f"{b.name}.velocity"][:, None].expand(-1, b.end - b.first, -1) for b in solver.matter.bodies]
    return replace(state, velocity=torch.cat(parts, dim=1))


def touching(solver, state, params) -> torch.Tensor:
    """Which particles are pressed into the floor at each step [step, particle]."""
    floor = solver.matter.faces[-1]
    dt, time = torch.full((1,), DT, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    radius = 0.5 * solver.matter.volume[0].sqrt()
    history = []
    for _ in range(STEPS):
        history.append(state.position[0] @ floor.normal[0] - params["floor.offset"] - radius < 0)
        state = solver.step(state, params, time, dt).state
    return torch.stack(history)


def agree(exact: float, value, size: float) -> None:
    """The best of a sweep of central differences agrees; `value` is the loss as a function of the shift."""
    found = {}
    with torch.no_grad():
        for h in (1e-5 * size, 1e-6 * size, 1e-7 * size):
            found[h] = float((value(h) - value(-h)) / (2 * h))
    errors = [abs(difference - exact) / abs(exact) for difference in found.values()]
    assert min(errors) < 1e-6, f"adjoint {exact}, differences {found}"


def test_gradient_of_every_parameter(case):
    solver, state, params, loss = case
    learning = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items()})
    loss(with_velocities(solver, state, learning), learning).backward()
    assert len(learning) == 12
    frozen = learning.detach()
    pressed = touching(solver, with_velocities(solver, state, frozen), frozen)
    assert int(pressed.sum()) > 500, "nothing touches the floor"
    for address, parameter in learning.items():
        size = float(parameter.detach().abs().max())
        exact = float(parameter.grad.sum())
        assert abs(exact) * size > 1e-3, f"{address} has no influence"

        def shifted(h, address=address):
            return frozen.replace({address: frozen[address] + h})

        agree(exact, lambda h: loss(with_velocities(solver, state, p := shifted(h)), p), size)
        for sign in (1, -1):
            near = shifted(sign * 1e-7 * size)
            same = touching(solver, with_velocities(solver, state, near), near)
            assert torch.equal(same, pressed), f"{address}: the difference crosses a change of contact"


@pytest.mark.parametrize(
    ("name", "size"), [("position", 0.05), ("velocity", 1.0), ("affine", 10.0), ("deformation", 0.1)]
)
def test_gradient_of_every_first_state(case, name, size):
    """Along five random directions of each field; the gradient with respect to the field is far from zero."""
    solver, state, params, loss = case
    frozen = params.detach()
    state = with_velocities(solver, state, frozen)
    field = getattr(state, name).clone().requires_grad_()
    loss(replace(state, **{name: field}), frozen).backward()
    generator = torch.Generator().manual_seed(7)
    for _ in range(5):
        direction = torch.randn(field.shape, generator=generator, dtype=torch.float64)
        exact = float((field.grad * direction).sum())
        assert abs(exact) > 1e-2 * float(field.grad.norm())
        agree(exact, lambda h, d=direction: loss(replace(state, **{name: field + h * d}), frozen), size)


def test_gradients_flow_from_outputs_too(case):
    """What is measured on the way depends on params through the states and by itself, as energy on stiffness."""
    solver, state, params, _ = case
    address = "block.material.youngs_modulus"

    def energy(params):
        probe = Probe("energy", 0.04, lambda s, p: {"e": solver.observe(s, p)["total_energy"]}, Series())
        first = with_velocities(solver, state, params)
        return rollout(solver, first, params, controller=Fixed(DT), probes=[probe]).outputs["energy"].square().sum()

    learning = params.detach().replace({address: params[address].detach().clone().requires_grad_()})
    energy(learning).backward()
    size = float(params[address].detach())
    frozen = params.detach()
    exact = float(learning[address].grad)
    agree(exact, lambda h: energy(frozen.replace({address: frozen[address] + h})), size)


def test_a_batch_has_the_gradients_of_its_members():
    """Each member's gradient is its own, bit for bit."""
    stiffer = sliding_bodies().replace({"block.material.youngs_modulus.value": 3e4, "floor.offset.value": 0.14})

    def gradients(scenes):
        solver, state, params = compile_scene(scenes, device="cpu", dtype="float64")
        end = rollout(solver, state, params, controller=Fixed(DT)).state
        (end.position.square().sum() + end.velocity.square().sum()).backward()
        return {address: value.grad for address, value in params.items()}

    both, one, other = (gradients(s) for s in ([sliding_bodies(), stiffer], sliding_bodies(), stiffer))
    for address in both:
        assert torch.equal(both[address], torch.cat([one[address], other[address]])), address


def gradients_of(dtype, device):
    """Of a functional of the last state, with respect to everything that may learn, in double precision on the host."""
    solver, state, params = compile_scene(sliding_bodies(), device=device, dtype=dtype)
    end = rollout(solver, state, params, controller=Fixed(DT)).state
    (end.position.square().sum() + end.velocity.square().sum()).backward()
    return {address: value.grad.double().cpu() for address, value in params.items()}


def test_single_precision_gradients_follow_double():
    double, single = gradients_of("float64", "cpu"), gradients_of("float32", "cpu")
    for address, exact in double.items():
        assert float((single[address] - exact).abs().max()) < 1e-3 * float(exact.abs().max()), address


@pytest.mark.gpu
def test_gradients_are_the_same_on_the_gpu():
    host, gpu = gradients_of("float64", "cpu"), gradients_of("float64", "cuda:0")
    for address, exact in host.items():
        assert float((gpu[address] - exact).abs().max()) < 1e-8 * float(exact.abs().max()), address

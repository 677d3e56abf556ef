"""Every parameter and every first state has a gradient that agrees with central differences in double precision."""

import math
from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.contact import radius_of

STEPS, DT = 120, 1e-3


def sliding_bodies(dim: int = 2) -> sc.Scene:
    """A block and a pool of water that hit a floor with friction and slide on it."""

    def place(*along: float, up: float) -> tuple[float, ...]:
        return (*along[: dim - 1], up)

    fine = dim == 2
    return sc.Scene(
        name="sliding",
        domain=sc.Domain(size=(1.0, 0.5), cells=(20, 10))
        if fine
        else sc.Domain(size=(1.0, 0.6, 0.6), cells=(10, 6, 6)),
        gravity=sc.Parameter(place(0.5, 0.3, up=-9.81)),
        entities={
            "block": sc.Body(
                shape=sc.Box(
                    center=place(0.3, 0.3, up=0.24 if fine else 0.29), size=place(0.2, 0.35, up=0.15 if fine else 0.25)
                ),
                velocity=sc.Parameter(place(0.6, -0.2, up=-0.8)),
                material=sc.NeoHookean(
                    youngs_modulus=sc.Parameter(2e4), poisson_ratio=sc.Parameter(0.3), density=sc.Parameter(900.0)
                ),
            ),
            "water": sc.Body(
                shape=sc.Box(
                    center=place(0.7, 0.3, up=0.22 if fine else 0.27), size=place(0.2, 0.35, up=0.15 if fine else 0.2)
                ),
                velocity=sc.Parameter(place(-0.5, 0.4, up=-0.3)),
                material=sc.WeaklyCompressible(
                    bulk_modulus=sc.Parameter(2e4),
                    gamma=sc.Parameter(7.0),
                    viscosity=sc.Parameter(2.0),
                    density=sc.Parameter(1000.0),
                ),
            ),
            "floor": sc.Wall(
                normal=place(0.1, 0.05, up=1.0), offset=sc.Parameter(0.15), contact=sc.Coulomb(sc.Parameter(0.2))
            ),
        },
        time=sc.Time(end=STEPS * DT),
    )


@pytest.fixture(scope="module", params=[2, 3], ids=["2d", "3d"])
def case(request):
    """Solver, first state, params, and a functional that looks at every field of the last state."""
    solver, state, params = compile_scene(sliding_bodies(request.param), device="cpu", dtype="float64")
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: torch.randn(field.shape, generator=generator, dtype=torch.float64) / scale
        for (name, field), scale in zip(vars(state).items(), (0.1, 1.0, 20.0, 1.0, 1.0, 1.0, 1.0), strict=True)
    }

    def loss(end):
        return sum((weights[name] * field).sum() for name, field in vars(end).items())

    resting = replace(state, **{name: field.detach() for name, field in vars(state).items()})
    return solver, resting, params, loss


def with_velocities(solver, state, params):
    """The state with the first velocities that the params hold, as compile makes it."""
    parts = [params[f"{b.name}.velocity"][:, None].expand(-1, b.end - b.first, -1) for b in solver.matter.bodies]
    return replace(state, velocity=torch.cat(parts, dim=1))


def rolled(solver, state, params):
    """The last state, as one node of a graph."""
    return rollout(solver, state, params, controller=Fixed(DT)).state


def followed(solver, state, params):
    """The last state, and which particles are pressed into the floor at each step [step, particle]."""
    floor = solver.matter.faces[-1]
    dt, time = torch.full((1,), DT, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    radius = radius_of(solver.matter.volume[0], state.position.shape[-1])
    pressed = []
    with torch.no_grad():
        for _ in range(STEPS):
            pressed.append(state.position[0] @ floor.normal[0] - params["floor.offset"] - radius < 0)
            state = solver.step(state, params, time, dt).state
    return state, torch.stack(pressed)


def agree(exact: float, shifted, size: float) -> None:
    """Central differences of two neighbouring steps agree, one of them closely: one alone might do so by luck.

    shifted: (loss, contacts) as a function of the shift. A difference whose two ends have other contacts, and so lie
    on two sides of a kink, does not count.
    """
    errors = {}
    before = math.inf
    for h in (relative * size for relative in (3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7)):
        (ahead, pressed), (behind, touching) = shifted(h), shifted(-h)
        smooth = torch.equal(pressed, touching)
        error = abs(float(ahead - behind) / (2 * h) - exact) / abs(exact) if smooth else math.inf
        if min(before, error) < 1e-6 and max(before, error) < 1e-5:
            return
        errors[h] = before = error
    raise AssertionError(f"adjoint {exact}, relative errors of the differences {errors}")


def test_gradient_of_every_parameter(case):
    solver, state, params, loss = case
    learning = params.replace({a: p.detach().clone().requires_grad_() for a, p in params.items()})
    loss(rolled(solver, with_velocities(solver, state, learning), learning)).backward()
    assert len(learning) == 12
    frozen = learning.detach()
    _, pressed = followed(solver, with_velocities(solver, state, frozen), frozen)
    assert int(pressed.sum()) > 500, "nothing touches the floor"
    for address, parameter in learning.items():
        size = float(parameter.detach().abs().max())
        exact = float(parameter.grad.sum())
        assert abs(exact) * size > 1e-3, f"{address} has no influence"

        def shifted(h, address=address):
            near = frozen.replace({address: frozen[address] + h})
            end, pressed = followed(solver, with_velocities(solver, state, near), near)
            return loss(end), pressed

        agree(exact, shifted, size)


@pytest.mark.parametrize(
    ("name", "size"), [("position", 0.05), ("velocity", 1.0), ("affine", 10.0), ("deformation", 0.1)]
)
def test_gradient_of_every_first_state(case, name, size):
    """Along five random directions of each field; the gradient with respect to the field is far from zero."""
    solver, state, params, loss = case
    frozen = params.detach()
    state = with_velocities(solver, state, frozen)
    field = getattr(state, name).clone().requires_grad_()
    loss(rolled(solver, replace(state, **{name: field}), frozen)).backward()
    generator = torch.Generator().manual_seed(7)
    for _ in range(5):
        direction = torch.randn(field.shape, generator=generator, dtype=torch.float64)
        steepest = field.grad / field.grad.norm()
        if abs(float((steepest * direction).sum())) < 0.1:
            direction = direction + steepest  # a direction across the slope would test nothing
        exact = float((field.grad * direction).sum())
        assert abs(exact) > 1e-2 * float(field.grad.norm()) > 1e-3

        def shifted(h, direction=direction):
            end, pressed = followed(solver, replace(state, **{name: (field + h * direction).detach()}), frozen)
            return loss(end), pressed

        agree(exact, shifted, size)


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

    def shifted(h):
        near = frozen.replace({address: frozen[address] + h})
        return energy(near), followed(solver, with_velocities(solver, state, near), near)[1]

    agree(exact, shifted, size)


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

"""Constants that differ from particle to particle, or change with time."""

from typing import Literal

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.signals import ScalarOrSignal
from scenegrad.scenes.solids import Material
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.materials.neo_hookean import NEO_HOOKEAN

STEPS, DT = 100, 1e-3


class Softening(Material):
    """A neo-Hookean solid whose stiffness changes with time."""

    kind: Literal["test_softening"] = "test_softening"
    youngs_modulus: ScalarOrSignal
    poisson_ratio: float = 0.3
    density: float = 1000.0


@pytest.fixture(autouse=True)
def softening(monkeypatch):
    monkeypatch.setitem(LAWS, Softening, NEO_HOOKEAN)


def falling(lab, modulus, **fields) -> sc.Scene:
    """A block meets a floor that sticks and is squeezed."""
    jelly = sc.NeoHookean(youngs_modulus=modulus, poisson_ratio=0.3, density=1000.0)
    entities = {"block": lab.box_of((0.3, 0.01), (0.25, 0.25), jelly, velocity=(0.3, -1.0))}
    boundary = sc.Boundary(default=sc.Separate(), y_lo=sc.Coulomb(0.5))
    return lab.scene_of(2, entities=entities, boundary=boundary, gravity=(0.0, -9.81), time=sc.Time(end=0.1), **fields)


def test_equal_properties_by_particle_are_the_property_of_the_body(lab):
    ends = []
    for modulus in (2e4, sc.Parameter(2e4, each="particle")):
        solver, state, params = lab.compiled(falling(lab, modulus))
        ends.append(lab.march(solver, state, params, STEPS, DT)[0])
    assert params["block.material.youngs_modulus"].shape == state.position.shape[:2]
    for name, field in vars(ends[0]).items():
        assert torch.equal(field, getattr(ends[1], name)), name


def test_every_particle_has_a_gradient_of_its_own(lab):
    """Against central differences along directions in the space of all particles' moduli."""
    scene = falling(lab, sc.Parameter(2e4, each="particle"))
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    generator = torch.Generator().manual_seed(3)
    modulus = params["block.material.youngs_modulus"].detach()
    modulus = modulus * (1 + 0.3 * torch.rand(modulus.shape, generator=generator, dtype=torch.float64))
    weight = torch.randn(state.position.shape, generator=generator, dtype=torch.float64)

    def loss(values):
        known = params.replace({"block.material.youngs_modulus": values})
        return (weight * rollout(solver, state, known, until=0.1, controller=Fixed(DT)).state.position).sum()

    leaf = modulus.clone().requires_grad_()
    loss(leaf).backward()
    assert int((leaf.grad.abs() > 1e-3 * leaf.grad.abs().max()).sum()) > 0.8 * leaf.numel()
    for _ in range(2):
        push = torch.randn(modulus.shape, generator=generator, dtype=torch.float64)
        exact = float((leaf.grad * push).sum())
        slopes = [float(loss(modulus + h * push) - loss(modulus - h * push)) / (2 * h) for h in (0.1, 0.05, 0.02)]
        assert min(abs(slope / exact - 1) for slope in slopes) < 1e-6


def test_a_vector_of_values_starts_every_particle_at_its_own(lab):
    count = lab.compiled(falling(lab, 2e4))[1].position.shape[1]
    values = tuple(1e4 + 10.0 * k for k in range(count))
    params = lab.compiled(falling(lab, sc.Parameter(values, each="particle")))[2]
    assert params["block.material.youngs_modulus"][0].tolist() == list(values)


def test_values_that_do_not_fit_the_particles_are_refused(lab):
    with pytest.raises(SceneError, match=r"block.material.youngs_modulus has 3 values, but block has \d+ particles"):
        lab.compiled(falling(lab, sc.Parameter((1e4, 2e4, 3e4), each="particle")))


def test_stiffness_that_a_table_lowers_lets_the_block_sink_further(lab):
    """Forward: a constant table is the constant. Gradient: of each knot, against central differences."""
    softening = sc.Table(every=0.05, values=sc.Parameter((2e4, 1e4, 1.5e4)))
    constant = sc.Table(every=0.05, values=(2e4, 2e4))
    known = lab.march(*lab.compiled(falling(lab, 2e4)), STEPS, DT)[0]
    solver, state, params = compile_scene(timed(lab, constant), device="cpu", dtype="float64")
    same = rollout(solver, state, params, until=0.1, controller=Fixed(DT)).state
    assert torch.allclose(same.position, known.position, rtol=0, atol=1e-13)

    solver, state, params = compile_scene(timed(lab, softening), device="cpu", dtype="float64")
    leaf = params["block.material.youngs_modulus.values"]

    def loss(values):
        now = params.replace({"block.material.youngs_modulus.values": values})
        return rollout(solver, state, now, until=0.1, controller=Fixed(DT)).state.position[..., 1].mean()

    (found,) = torch.autograd.grad(loss(leaf), leaf)
    for knot in range(3):
        push = torch.zeros_like(leaf)
        push[0, knot] = 1.0
        slopes = [
            float(loss(leaf.detach() + h * push) - loss(leaf.detach() - h * push)) / (2 * h) for h in (1.0, 0.3, 0.1)
        ]
        assert min(abs(slope / float(found[0, knot]) - 1) for slope in slopes) < 1e-6
    assert float(found[0, 1].abs()) > 1e-9


def timed(lab, signal) -> sc.Scene:
    """The same block with a modulus that changes with time, by a material that allows it."""
    return falling(lab, 2e4).model_copy(
        update={
            "entities": {
                "block": lab.box_of((0.3, 0.01), (0.25, 0.25), Softening(youngs_modulus=signal), velocity=(0.3, -1.0))
            }
        }
    )

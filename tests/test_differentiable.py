"""What docs/differentiable.md says: the page is what the compilers answer, and each "yes" is a gradient."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors
from scenegrad.solvers.compile import compile_scene

CI = Path(__file__).resolve().parent.parent / ".ci"


def beside(name):
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


page, samples = beside("differentiable_page"), beside("differentiable_scenes")
SCENES = {f"{family}: {name}": make for family, scenes in samples.FAMILIES.items() for name, make in scenes.items()}
SLOW = {  # kernels of their own, or that conformance tests differentiate in all their numbers
    "Material points: materials", "Material points: shapes", "Material points: rigid things",
    "Material points: implicit", "Masses and springs: net", "Molecular dynamics: silicon",
    "Gases and shallow water: vortex", "Gases and shallow water: gas", "Gases and shallow water: water",
    "Flows in periodic boxes: convection", "Molecular dynamics: active", "Molecular dynamics: constant pressure",
    "Molecular dynamics: molecules", "Molecular dynamics: pairs", "Flows with walls: channel", "Flows with walls: body",
    "Finite elements: stream", "Molecular dynamics: targets", "Molecular dynamics: mixture",
    "Gases and shallow water: patches", "Gases and shallow water: patch of water", "Masses and springs: pulled",
    "Gases and shallow water: drifting vortex", "Molecular dynamics: stars",
}  # fmt: skip
WITHOUT_VISCOSITY = {"gas.prandtl", "gas.gas_constant"}  # heat flows with momentum
IDLE = {
    "Material points: shapes": {"post.shape.center"},  # nothing meets it so soon
    "Molecular dynamics: pairs": {"wca.epsilon", "wca.sigma"},  # no two atoms are as close
    "Gases and shallow water: patches": WITHOUT_VISCOSITY,
    "Gases and shallow water: drifting vortex": WITHOUT_VISCOSITY,
    "Gases and shallow water: vortex": WITHOUT_VISCOSITY,
    "Gases and shallow water: gas": {"gas.gas_constant"},  # it scales temperatures, which are an output
}


YIELDING = "Material points: materials"  # what has not yielded does not feel how; tests of the materials do it


def test_the_page_is_what_the_compilers_answer():
    text = page.page(samples.FAMILIES, samples.ELSEWHERE)
    assert page.PAGE.read_text() == text, "python .ci/differentiable_page.py writes it anew"


def test_every_number_that_may_learn_is_on_the_page():
    told = {
        (one.place.part.__name__, one.place.field)
        for name, make in SCENES.items()
        for one in page.answers(name, make())
    }
    assert page.everything() - told == set(samples.ELSEWHERE)


def test_every_refusal_is_in_words():
    for name, make in SCENES.items():
        for one in page.answers(name, make()):
            assert one.refusal is None or len(page.reason(one).split()) > 3, (name, one)


def weighed(state):
    """A sum of all fields of a state, each entry with a weight of its own, that is not stationary at rest."""
    total = 0.0
    for value in tensors(state).values():
        if value.is_floating_point() and value.numel():
            ramp = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).view_as(value)
            total = total + (ramp * (value + value.square() / (1.0 + value.detach().square()))).sum()
    return total


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in SCENES]
)
def test_every_number_that_learns_has_a_gradient(name):
    """Of all that the page says of this scene at once: finite and not zero."""
    scene = page.plain(SCENES[name]())
    yes = [one.place.address for one in page.answers(name, scene) if one.refusal is None]
    if not yes:
        return  # constant pressure: refused, and told so on the page
    for address in yes:
        scene = page.marked(scene, address)
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    roll = rollout(solver, state, params, until=scene.time.end)
    loss = weighed(roll.state) + sum(v.double().sum() for v in solver.observe(roll.state, params).values())
    learning = {address: value for address, value in params.items() if value.requires_grad}
    found = dict(zip(learning, torch.autograd.grad(loss, [*learning.values()], allow_unused=True), strict=True))
    flat = [a for a, bar in found.items() if bar is None or not float(bar.abs().max()) > 0]
    wild = [a for a, bar in found.items() if bar is not None and not bool(bar.isfinite().all())]
    assert not wild
    assert name == YIELDING or set(flat) == IDLE.get(name, set()), flat

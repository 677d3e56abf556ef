"""Energies that are differentiable twice, of every potential there is, and forces that teach their parameters."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import map_tensors, with_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.md.catalogue import POTENTIALS

H = 1e-4
SCENES = {f"{family}-{name}": scene for family, make in POTENTIALS.items() for name, scene in make()}
SCENES = {name: scene for name, scene in SCENES.items() if "plain" not in name}
QUICK = (
    "bonded",
    "gravity",
    "targets",
    "many_body",
    "charges-Direct",
    "pairs-LennardJones",
    "pairs-Morse",
    "pairs-mixture",
)
CASES = [pytest.param(n, marks=() if n.startswith(QUICK) else pytest.mark.slow, id=n) for n in SCENES]


def compiled(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params


def slope(function):
    """At 0, by differences of fourth order."""
    near, far = (function(k * H) - function(-k * H) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * H)


def loss_of_forces(solver, state, params, through_energy):
    """(F - R)^2, with forces R that are none of this potential; F as a function, or as the slope of the energy."""
    if through_energy:
        x = state.position if state.position.requires_grad else state.position.clone().requires_grad_()
        energy = sg.potential_energy(solver, with_tensors(state, {"position": x}), params)
        force = -torch.autograd.grad(energy.sum(), x, create_graph=True)[0]
    else:
        force = sg.forces(solver, state, params)
    wanted = torch.linspace(-1.0, 1.0, force.numel(), dtype=force.dtype).view_as(force)
    return (force - wanted).square().sum()


@pytest.mark.parametrize("name", CASES)
def test_a_loss_of_forces_has_the_gradient_of_differences(name):
    """By positions and by every parameter of the potential, each along one direction."""
    solver, state, params = compiled(SCENES[name])
    frozen, generator = params.detach(), torch.Generator().manual_seed(1)
    live = with_tensors(state, {"position": state.position.clone().requires_grad_()})
    asked = [address for address in solver.system.forces.addresses if params[address].requires_grad]
    assert asked
    inputs = [live.position, *(params[address] for address in asked)]
    found = torch.autograd.grad(loss_of_forces(solver, live, params, False), inputs, allow_unused=True)
    again = torch.autograd.grad(loss_of_forces(solver, live, params, True), inputs, allow_unused=True)
    pairs = []
    for what, value, bar, other in zip(["position", *asked], inputs, found, again, strict=True):
        bar = torch.zeros_like(value) if bar is None else bar
        other = torch.zeros_like(value) if other is None else other
        torch.testing.assert_close(bar, other, rtol=1e-9, atol=1e-9 * float(bar.abs().max()) + 1e-12)
        noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        way = noise + 2.0 * bar / bar.square().mean().sqrt().clamp(min=1e-30)
        value = value.detach()

        def moved(h, what=what, value=value, way=way):
            if what == "position":
                return float(loss_of_forces(solver, with_tensors(state, {what: value + h * way}), frozen, False))
            return float(loss_of_forces(solver, state, frozen.replace({what: value + h * way}), False))

        pairs.append((slope(moved), float((bar * way).sum())))
    largest = max(abs(exact) for _, exact in pairs)
    for what, (differences, exact) in zip(["position", *asked], pairs, strict=True):
        assert abs(differences - exact) < 1e-6 * max(abs(exact), 1e-3 * largest), (what, differences, exact)


def test_the_energy_is_that_of_the_solver_and_its_slopes_are_those_of_differences():
    solver, state, params = compiled(SCENES["pairs-mixture"])
    energy = sg.potential_energy(solver, state, params)
    assert energy.shape == (1,)
    assert torch.equal(energy, solver.observe(state, params)["potential_energy"])
    energy.sum().backward()
    for address in ("AA.sigma", "AB.epsilon", "BB.alpha"):

        def moved(h, address=address):
            moved = params.detach().replace({address: params[address].detach() + h})
            return float(sg.potential_energy(solver, state, moved))

        assert slope(moved) == pytest.approx(float(params[address].grad), rel=1e-8), address


def test_members_of_a_batch_have_energies_and_slopes_of_their_own():
    scene = SCENES["pairs-LennardJones"]
    solver, state, params = compiled([scene, scene.replace({"pair.sigma.value": 0.97})])
    x = state.position.clone().requires_grad_()
    energy = sg.potential_energy(solver, with_tensors(state, {"position": x}), params)
    weight = torch.tensor([2.0, -3.0], dtype=torch.float64)
    (pull,) = torch.autograd.grad((weight * energy).sum(), x, create_graph=True)
    torch.testing.assert_close(-pull, weight[:, None, None] * sg.forces(solver, state, params))
    pull[0].square().sum().backward()
    assert float(params["pair.sigma"].grad[1]) == 0.0
    assert float(params["pair.sigma"].grad[0]) != 0.0


def test_slopes_by_parameters_cannot_be_differentiated_again_and_say_so():
    solver, state, params = compiled(SCENES["pairs-LennardJones"])
    (by_sigma,) = torch.autograd.grad(
        sg.potential_energy(solver, state, params).sum(), params["pair.sigma"], create_graph=True
    )
    with pytest.raises(EngineError, match="loss be one of forces"):
        by_sigma.sum().backward()


def test_forces_teach_sigma_and_epsilon():
    """Force matching: from the forces in one configuration back to the potential that made them."""
    scene = SCENES["pairs-LennardJones"]
    solver, state, params = compiled(scene)
    with torch.no_grad():
        wanted = sg.forces(solver, state, params)
    learnt = {a: torch.tensor([v], dtype=torch.float64, requires_grad=True)
              for a, v in (("pair.sigma", 0.9), ("pair.epsilon", 1.7))}  # fmt: skip
    descent = torch.optim.LBFGS(
        learnt.values(), max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-14, tolerance_change=0.0
    )

    def misfit():
        descent.zero_grad()
        loss = (sg.forces(solver, state, params.detach().replace(learnt)) - wanted).square().mean()
        loss.backward()
        return loss

    descent.step(misfit)
    assert learnt["pair.sigma"].item() == pytest.approx(1.0, abs=1e-6)
    assert learnt["pair.epsilon"].item() == pytest.approx(1.1, abs=1e-6)


def test_only_atoms_have_a_potential_energy():
    with pytest.raises(EngineError, match="has no potential energy"):
        sg.potential_energy(object(), None, None)

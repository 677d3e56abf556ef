"""Torch modules as laws and return maps: objective, stress-free at rest, differentiable, equal to what they copy."""

import math

import pytest
import torch
from torch import nn

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.optimise import optimise
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.learned import Learned
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.learned import read_weights, register_law, with_modules
from scenegrad.surrogates.materials import (
    EquivariantStress,
    InvariantEnergy,
    VonMisesReturn,
    exp_symmetric,
    log_symmetric,
    polar_rotation,
)

DT, STEPS = 1e-3, 110
YOUNG, POISSON = 1e4, 0.3
MU, LAME = YOUNG / 2 / (1 + POISSON), YOUNG * POISSON / (1 + POISSON) / (1 - 2 * POISSON)
LAWS = {"energy": InvariantEnergy, "stress": EquivariantStress}


class NeoHookean(nn.Module):
    """tau = mu (FF' - I) + lambda ln J I"""

    def __init__(self):
        super().__init__()
        self.mu, self.lame = (nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in (MU, LAME))

    def forward(self, F):
        one = torch.eye(F.shape[-1], dtype=F.dtype)
        return self.mu * (F @ F.mT - one) + self.lame * torch.linalg.det(F).log()[..., None, None] * one


class Hencky(nn.Module):
    """tau = R (2 mu ln S + lambda tr ln S I) R'"""

    def forward(self, F):
        R = polar_rotation(F)
        strain = log_symmetric(R.mT @ F)
        trace = strain.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        return R @ (2 * MU * strain + LAME * trace * torch.eye(F.shape[-1], dtype=F.dtype)) @ R.mT


@pytest.fixture(autouse=True)
def same_chance():
    torch.manual_seed(3)


def rotations(count, dim):
    """At random, of determinant one."""
    q, r = torch.linalg.qr(torch.randn(count, dim, dim, dtype=torch.float64))
    q = q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None, :]
    return q * torch.where(torch.arange(dim) == 0, torch.linalg.det(q)[:, None], 1.0)[:, None, :]


def strained(count, dim, size=0.3):
    """Rotated stretches of that size."""
    A = torch.randn(count, dim, dim, dtype=torch.float64)
    return rotations(count, dim) @ torch.matrix_exp(size * (A + A.mT) / 2)


def wild(kind, dim):
    """A law with weights as large as training might make them."""
    law = LAWS[kind](dim, scale=YOUNG).double()
    with torch.no_grad():
        for weight in law.parameters():
            weight.add_(0.5 * torch.randn_like(weight))
    return law


def falling(material, dim=2, **fields):
    """A block that hits the floor and slides, compressed by a fifth."""
    size = (0.25,) * dim
    scene = {
        "name": "falling",
        "domain": sc.Domain(size=(1.0,) * dim, cells=(16 if dim == 2 else 10,) * dim),
        "gravity": (0.0,) * (dim - 1) + (-9.81,),
        "entities": {
            "block": sc.Body(
                shape=sc.Box(center=(0.4,) * (dim - 1) + (0.28,), size=size),
                material=material,
                velocity=(0.4,) + (0.1,) * (dim - 2) + (-2.5,),
            ),
            "floor": sc.Wall(normal=(0.0,) * (dim - 1) + (1.0,), offset=0.15, contact=sc.Coulomb(0.3)),
        },
        "time": sc.Time(end=STEPS * DT),
    }
    return sc.Scene(**scene | fields)


def learned(name="law", stiffness=8e4):
    return Learned(law=name, stiffness=stiffness)


def compiled(scene):
    return compile_scene(scene, device="cpu", dtype="float64")


@pytest.mark.parametrize("kind", LAWS)
def test_there_is_no_stress_at_rest_however_the_body_is_turned(kind, dim):
    law = wild(kind, dim)
    assert float(law(rotations(50, dim)).detach().abs().max()) < 1e-13 * YOUNG * 100
    assert float(law(strained(50, dim)).detach().abs().max()) > 0.1 * YOUNG


@pytest.mark.parametrize("kind", LAWS)
def test_stress_turns_with_the_observer_and_is_symmetric(kind, dim):
    law, F, Q = wild(kind, dim), strained(50, dim), rotations(50, dim)
    tau = law(F).detach()
    size = float(tau.abs().max())
    assert float((law(Q @ F) - Q @ tau @ Q.mT).detach().abs().max()) < 1e-13 * size
    assert float((tau - tau.mT).abs().max()) < 1e-14 * size


def test_stress_of_an_energy_is_its_slope(dim):
    """tau = dW/dF F'"""
    law, F = wild("energy", dim), strained(20, dim).requires_grad_()
    (slope,) = torch.autograd.grad(law.energy(F).sum(), F)
    tau = law(F).detach()
    assert float((slope @ F.mT - tau).detach().abs().max()) < 1e-13 * float(tau.abs().max())
    assert float(law.energy(rotations(20, dim)).detach().abs().max()) < 1e-13 * YOUNG


def test_an_isotropic_energy_does_not_see_how_the_matter_is_turned(dim):
    """W(F Q) = W(F)"""
    law, F, Q = wild("energy", dim), strained(20, dim), rotations(20, dim)
    assert torch.allclose(law.energy(F @ Q), law.energy(F), rtol=1e-12, atol=1e-12 * YOUNG)


def test_polar_and_spectral_functions_have_right_adjoints_at_equal_stretches(dim):
    """Compared with differences at rotations, at equal stretches, near both, and far from them."""
    turned = rotations(2, dim)
    one = torch.eye(dim, dtype=torch.float64)
    points = [
        strained(2, dim),
        turned,
        1.3 * turned,
        (one + 1e-7 * torch.randn(dim, dim, dtype=torch.float64)) @ turned,
    ]
    for F in points:
        F = F.clone().requires_grad_()
        assert torch.autograd.gradcheck(polar_rotation, F)
        for function in (log_symmetric, exp_symmetric):
            assert torch.autograd.gradcheck(lambda F, f=function: f(F.mT @ F), F)
    R = polar_rotation(strained(50, dim, size=1.0))
    assert float((R.mT @ R - one).abs().max()) < 1e-14


def test_logarithm_and_exponential_undo_each_other(dim):
    F = strained(50, dim)
    A = F.mT @ F
    assert float((exp_symmetric(log_symmetric(A)) - A).abs().max()) < 1e-13 * float(A.abs().max())


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_von_mises_return_map_has_its_closed_form(dim, angle):
    """Isochoric stretching by e^s along one axis: |dev ln S| = s sqrt(d / (d - 1)) is cut to the limit; volume and
    rotation stay."""
    s, swelling, limit = 0.4, 0.1, 0.25
    logs = torch.full((dim,), -s / (dim - 1), dtype=torch.float64)
    logs[0] = s
    size = s * math.sqrt(dim / (dim - 1))
    turn = torch.eye(dim, dtype=torch.float64)
    turn[:2, :2] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    F = turn @ torch.diag((logs + swelling).exp())
    expected = turn @ torch.diag((logs * limit / size + swelling).exp())
    yields, bears = VonMisesReturn(limit).double(), VonMisesReturn(size * 1.01).double()
    assert float((yields(F[None])[0] - expected).detach().abs().max()) < 1e-7  # the limit was rounded to float32
    assert torch.allclose(bears(F[None])[0], F, rtol=0.0, atol=1e-14)


@pytest.mark.parametrize("limit", [0.05, 5.0], ids=["yielding", "elastic"])
def test_gradient_of_a_return_map_is_right_within_and_beyond_the_limit(dim, limit):
    law = VonMisesReturn(limit).double()
    F = torch.cat([strained(3, dim), rotations(1, dim)]).requires_grad_()
    if limit < 1:
        F = F[:3]  # at rest the yielding one is elastic too
    assert torch.autograd.gradcheck(
        lambda F, w: torch.func.functional_call(law, {"log_limit": w}, (F,)),
        (F.detach().requires_grad_(), law.log_limit.detach().clone().requires_grad_()),
    )


def test_neo_hookean_module_moves_as_the_built_in_law(dim):
    """Over a fall and a bounce; stresses and energies too."""
    register_law("law", NeoHookean())
    outputs = {"all": sc.Particles("position", "velocity", "deformation", "stress", every=0.02)}
    own = compiled(falling(sc.NeoHookean(youngs_modulus=YOUNG, poisson_ratio=POISSON), dim, outputs=outputs))
    stiffness = LAME + 2 * MU  # what the built-in law meets walls with
    copy = compiled(falling(learned(stiffness=stiffness), dim, outputs=outputs))
    ends = [rollout(*case, controller=Fixed(DT)) for case in (own, copy)]
    assert float((ends[0].state.deformation.detach() - torch.eye(dim)).abs().max()) > 0.1, "it is hardly deformed"
    for quantity, true in ends[0].outputs["all"].items():
        assert torch.allclose(ends[1].outputs["all"][quantity], true, rtol=1e-9, atol=1e-11 * float(true.abs().max()))


@pytest.mark.slow
def test_a_return_map_moves_as_built_in_plasticity():
    """Von Mises' law in space: |dev tau| = 2 mu |dev ln S| stays below sqrt(2/3) of the yield stress."""
    yield_stress = 0.03 * YOUNG
    limit = torch.tensor(math.sqrt(2 / 3) * yield_stress / (2 * MU), dtype=torch.float64)
    cut = VonMisesReturn(float(limit)).double()
    with torch.no_grad():
        cut.log_limit.copy_(limit.log())
    register_law("law", Hencky(), cut)
    copy = learned(stiffness=LAME + 2 * MU)
    built_in = sc.VonMises(youngs_modulus=YOUNG, poisson_ratio=POISSON, yield_stress=yield_stress)
    own, other = (rollout(*compiled(falling(m, 3)), controller=Fixed(DT)).state for m in (built_in, copy))
    register_law("law", Hencky())
    springy = rollout(*compiled(falling(copy, 3)), controller=Fixed(DT)).state
    for field in ("position", "velocity", "deformation"):
        true = getattr(own, field)
        size = float(true.abs().max())
        assert torch.allclose(getattr(other, field), true, rtol=0.0, atol=1e-9 * size), field
        assert not torch.allclose(getattr(springy, field), true, rtol=0.0, atol=1e-3 * size), "nothing yields"


@pytest.mark.parametrize("kind", LAWS)
def test_outputs_count_the_energy_of_a_law_that_has_one(kind):
    """The sum of W over the undeformed volume; zero of a law that gives stresses alone."""
    law = wild(kind, 2)
    register_law("law", law)
    solver, state, params = compiled(falling(learned(), outputs={"energy": sc.Energy(every=STEPS * DT)}))
    roll = rollout(solver, state, params, controller=Fixed(DT))
    elastic = roll.outputs["energy"]["elastic"][0, -1].detach()
    F = roll.state.deformation[0]
    expected = (law.energy(F) * solver.matter.volume[0]).sum().detach() if kind == "energy" else torch.zeros(())
    assert float((F - torch.eye(2)).detach().abs().max()) > 0.02
    assert torch.allclose(elastic, expected.double(), rtol=1e-12)
    assert torch.equal(solver.observe(roll.state, params)["elastic_energy"][0].detach(), elastic)


@pytest.fixture(params=[*LAWS, "yielding"])
def trained(request):
    """Solver, state and params of a body with a learned law, and a functional of its last state."""
    law = wild("energy" if request.param == "yielding" else request.param, 2)
    with torch.no_grad():
        for name, weight in law.named_parameters():
            weight.mul_(0.3 if "moduli" not in name else 0.1)
    register_law("law", law, VonMisesReturn(0.03) if request.param == "yielding" else None)
    solver, state, params = compiled(falling(learned()))
    scales = {"position": 0.1, "velocity": 1.0, "affine": 20.0, "deformation": 1.0, "history": YOUNG}
    weights = {name: torch.randn_like(getattr(state, name)) / scale for name, scale in scales.items()}

    def loss(params):
        end = rollout(solver, solver.program.initial(params), params, controller=Fixed(DT)).state
        return sum((weight * getattr(end, name)).sum() for name, weight in weights.items())

    return solver, params, loss


def test_gradient_of_weights_agrees_with_differences(trained):
    """Through 110 sub-steps with contact, friction and, in one of three, yielding: along a random direction of each
    tensor of weights, and for the first velocity."""
    _, params, loss = trained
    frozen = params.detach()
    returning = any("return_map" in address for address in frozen)
    named = ("moduli", "return_map", "velocity") if returning else ("weights", "velocity")
    tried = [address for address in frozen if any(part in address for part in named)]
    learning = frozen.replace({address: frozen[address].clone().requires_grad_() for address in tried})
    loss(learning).backward()
    for address in tried:
        direction = torch.randn_like(frozen[address])
        exact = float((learning[address].grad * direction).sum())
        assert abs(exact) > 1e-3, f"{address} has no influence"
        errors = []
        for h in (1e-5, 3e-6, 3e-5, 1e-6, 1e-4):
            step = h * float(frozen[address].abs().max()) * direction
            ahead, behind = (float(loss(frozen.replace({address: frozen[address] + s * step}))) for s in (1, -1))
            scale = h * float(frozen[address].abs().max())
            errors.append(abs((ahead - behind) / (2 * scale) - exact) / abs(exact))
            if errors[-1] < 1e-6:
                break
        assert min(errors) < 1e-6, f"{address}: {exact}, {errors}"


def test_members_of_a_batch_may_have_weights_of_their_own():
    """Their motion and gradients are those of runs of their own."""
    soft, hard = NeoHookean(), NeoHookean()
    with torch.no_grad():
        soft.mu.mul_(0.5)
    register_law("law", hard)
    solver, _, params = compiled([falling(learned())] * 2)
    address = "block.material.weights.mu"
    both = params.detach().replace({address: torch.stack([soft.mu, hard.mu]).detach().requires_grad_()})
    end = rollout(solver, solver.program.initial(both), both, controller=Fixed(DT)).state.position
    end.square().sum().backward()
    alone, _, params = compiled(falling(learned()))
    for member, mu in enumerate((soft.mu, hard.mu)):
        one = params.detach().replace({address: mu.detach()[None].clone().requires_grad_()})
        place = rollout(alone, alone.program.initial(one), one, controller=Fixed(DT)).state.position
        place.square().sum().backward()
        assert torch.allclose(place[0], end[member], rtol=0.0, atol=1e-13)
        assert torch.allclose(one[address].grad[0], both[address].grad[member], rtol=1e-9)
    assert not torch.allclose(end[0], end[1], atol=1e-4)


def test_live_modules_are_trained_by_any_optimiser():
    """Weights shared by a batch gather the gradients of its members in the module itself."""
    law = NeoHookean()
    register_law("law", law)
    solver, _, params = compiled([falling(learned())] * 2)
    live = with_modules(params, "block", law)
    rollout(solver, solver.program.initial(live), live, controller=Fixed(DT)).state.position.square().sum().backward()
    own = params.detach().replace(
        {"block.material.weights.mu": params["block.material.weights.mu"].detach().requires_grad_()}
    )
    rollout(solver, solver.program.initial(own), own, controller=Fixed(DT)).state.position.square().sum().backward()
    assert float(law.mu.grad) == pytest.approx(float(own["block.material.weights.mu"].grad.sum()), rel=1e-10)


def test_an_optimiser_finds_weights_without_being_told_of_them():
    """A shear modulus, from where the block was seen; it is read back into the module."""
    law = NeoHookean()
    law.lame.requires_grad_(False)
    register_law("law", law)
    scene = falling(learned(), outputs={"seen": sc.Particles("position", every=0.02)})
    solver, state, params = compiled(scene)
    with torch.no_grad():
        seen = rollout(solver, state, params).outputs["seen"]
        law.mu.mul_(0.6)
    solver, state, params = compiled(scene)
    best = optimise(solver, state, params, lambda roll: (roll.outputs["seen"] - seen).square().sum(), steps=12)
    read_weights(best.params, "block", law)
    assert law.mu.item() == pytest.approx(MU, rel=1e-4)


def test_an_unknown_law_is_refused_by_name():
    register_law("rubber", NeoHookean())
    with pytest.raises(sc.SceneError, match=r"'ruber', which nobody registered.*rubber"):
        compiled(falling(learned("ruber")))


def test_a_module_that_gives_no_stress_is_refused():
    register_law("law", nn.Linear(3, 3))
    with pytest.raises(sc.SceneError, match=r"The stress of law 'law' fails"):
        compiled(falling(learned()))
    register_law("law", nn.Flatten(2))
    with pytest.raises(sc.SceneError, match=r"makes a tensor \(1, 2, 4\)"):
        compiled(falling(learned()))
    with pytest.raises(EngineError, match=r"a torch.nn.Module is needed"):
        register_law("law", torch.linalg.det)


def test_a_law_stiffer_than_promised_is_refused():
    """lambda + 2 mu is what a neo-Hookean body resists plane waves with."""
    register_law("law", NeoHookean())
    solver, state, params = compiled(falling(learned(stiffness=0.99 * (LAME + 2 * MU))))
    with pytest.raises(StabilityError, match=r"1.346e\+04 Pa.*1.333e\+04 Pa.*block.material.headroom"):
        solver.max_dt(state, params)
    solver, state, params = compiled(falling(learned(stiffness=1.01 * (LAME + 2 * MU))))
    solver.max_dt(state, params)

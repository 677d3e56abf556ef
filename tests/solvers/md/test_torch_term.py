"""A term written in torch is the term that kernels compute."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import Params
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.torch_term import TorchTerm, nearest

CUTOFF = 2.5


def lennard_jones(x, edges, params):
    """Force-shifted, over all pairs."""
    far = 1e3 * torch.eye(x.shape[1], dtype=x.dtype)
    r2 = nearest(x[:, :, None] - x[:, None], edges).square().sum(-1) + far
    epsilon, sigma = (params[f"pair.{name}"][:, None, None] for name in ("epsilon", "sigma"))

    def u(r2):
        s6 = (sigma**2 / r2) ** 3
        return 4 * epsilon * (s6 * s6 - s6), 4 * epsilon * (6 * s6 - 12 * s6 * s6) / r2.sqrt()

    (energy, _), (at_edge, slope) = u(r2), u(torch.full_like(r2, CUTOFF**2))
    return torch.where(r2 < CUTOFF**2, energy - at_edge - (r2.sqrt() - CUTOFF) * slope, 0.0).sum((1, 2)) / 2


@pytest.fixture(scope="module")
def both():
    """The two force fields, and a place to compare them at."""
    solver, state, params = sg.compile(sg.library.lj_fluid(cells=4), device="cpu", dtype="float64")
    system = solver.system
    live = Params({address: value.detach().requires_grad_() for address, value in params.items()})
    torch.manual_seed(0)
    x = state.position.detach() + 0.05 * torch.randn_like(state.position)
    return system.forces, ForceField([TorchTerm(lennard_jones, ("pair.epsilon", "pair.sigma"))]), system, x, live


def same(a, b):
    (x, bars), (y, others) = a, b
    torch.testing.assert_close(x, y, rtol=1e-11, atol=1e-9)
    assert bars.keys() == others.keys()
    for address, bar in bars.items():
        torch.testing.assert_close(bar, others[address], rtol=1e-11, atol=1e-9)


def test_force_and_its_transposed_derivative(both):
    kernels, torch_made, system, x, params = both
    torch.testing.assert_close(
        kernels.force(x, system.box, params), torch_made.force(x, system.box, params), rtol=1e-11, atol=1e-10
    )
    w = torch.randn_like(x)
    same(kernels.product(x, system.box, params, w), torch_made.product(x, system.box, params, w))


def test_energy_and_every_component_of_the_virial(both):
    kernels, torch_made, system, x, params = both
    torch.testing.assert_close(
        kernels.sums(x, system.box, params), torch_made.sums(x, system.box, params), rtol=1e-11, atol=1e-9
    )
    bar = torch.randn(1, 10, dtype=torch.float64)
    same(kernels.sums_adjoint(x, system.box, params, bar), torch_made.sums_adjoint(x, system.box, params, bar))


def test_the_highest_frequency_is_that_of_the_hessian(both):
    _, torch_made, system, x, params = both
    few = x[:, :20].contiguous()
    mass = torch.linspace(1.0, 3.0, 20, dtype=torch.float64)[None]
    hessian = torch.autograd.functional.hessian(lambda y: lennard_jones(y, system.box.matrix, params).sum(), few)
    root = mass.repeat_interleave(3).rsqrt()
    largest = torch.linalg.eigvalsh(root[:, None] * hessian.view(60, 60) * root).abs().max()
    found = torch_made.highest_frequency(few, system.box, params, mass, torch.ones(1, dtype=torch.float64))
    assert float(largest) < float(found) < 1.2 * float(largest)

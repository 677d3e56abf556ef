"""Energies of scenes as flows ask for them."""

import torch

from scenegrad.scenes import library
from scenegrad.surrogates import MALA, CenteredNormal, NormalizingFlow, annealed_smc
from scenegrad.surrogates.recipes.boltzmann_generators import scene_energy


def double_wells(x):
    """Sum over pairs of 0.9 (r - 4)^4 - 4 (r - 4)^2."""
    i, j = torch.triu_indices(4, 4, 1)
    u = (x[:, i] - x[:, j]).norm(dim=2) - 4.0
    return (0.9 * u**4 - 4.0 * u**2).sum(1)


def test_energy_of_a_scene_is_its_formula_with_its_slope():
    x = 2.0 * torch.randn(7, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found, true = x.clone().requires_grad_(), x.clone().requires_grad_()
    energy = scene_energy(library.dw4())
    torch.testing.assert_close(energy(found), double_wells(true))
    energy(found).sum().backward()
    double_wells(true).sum().backward()
    torch.testing.assert_close(found.grad, true.grad)
    assert len(energy(x[:3])) == 3


def test_annealing_finds_the_mean_energy_of_four_particles_in_double_wells():
    """-22.547 by Monte Carlo elsewhere, of standard deviation 1.9."""
    start = NormalizingFlow(CenteredNormal(4, 2, temperature=4.0)).double()
    random = torch.Generator().manual_seed(0)
    found = annealed_smc(start, double_wells, 4000, move=MALA(0.02, 10), random=random)
    samples = found.weighted(double_wells(found.x))
    assert abs(float(samples.mean(samples.energies)) + 22.547) < 4 * 1.9 / (4000 * samples.effective) ** 0.5

"""Energies of scenes as flows ask for them, and the study of what flows make of them."""

import torch

from scenegrad.scenes import library
from scenegrad.surrogates import (
    MALA,
    ByEnergy,
    CenteredNormal,
    EquivariantMatching,
    NormalizingFlow,
    Pairs,
    ParticleGenerator,
    Split,
    annealed_smc,
    load_model,
    train,
)
from scenegrad.surrogates.recipes.boltzmann_generators import DW4, LJ13
from scenegrad.surrogates.recipes.scene_energies import scene_energy
from scenegrad.view.report import Stage


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


def test_a_generator_is_trained_written_and_read_like_any_model(tmp_path):
    """Three particles of a normal distribution of variance 4 for each coordinate, from one of 1."""
    random = torch.Generator().manual_seed(0)
    data = 2.0 * CenteredNormal(3, 2).sample(2000, random, torch.zeros(()))
    pairs = Pairs.from_arrays({}, {"position": data.numpy()}, split=Split(validation=0.1, test=0.1))
    torch.manual_seed(0)
    model = ParticleGenerator(3, 2, width=16, steps=8)
    fit = train(model, pairs, out=tmp_path, epochs=10, batch_size=128, learning_rate=5e-3, device="cpu", progress=False)
    assert fit.history[-1].loss < 0.6 * fit.history[0].loss
    with torch.no_grad():
        x, log_density = fit.model.flow.sample(1000, random)
    assert abs(float(x.var()) / (4.0 * 2 / 3) - 1.0) < 0.15, "two thirds of the variance are left about the centre"
    exact = CenteredNormal(3, 2, temperature=4.0).log_density(x)
    # 0.30 to 0.35 over seeds and processors, and 1.26 untrained
    assert float((log_density - exact).std()) < 0.5
    again = load_model(tmp_path)
    x = x[:10].double()
    assert torch.equal(again.double().flow.log_density(x), fit.model.double().flow.log_density(x))
    assert again({}, {}, torch.ones(7))["position"].shape == (7, 3, 2)


def test_a_generator_that_learns_by_energy_keeps_the_ways_it_was_taught(tmp_path):
    """To an oscillator exp(-|x|^2 / (2 * 0.25)), from a normal distribution of variance 1."""
    none = {"position": CenteredNormal(2, 2).sample(256, torch.Generator().manual_seed(0), torch.zeros(())).numpy()}
    torch.manual_seed(0)
    model = ParticleGenerator(2, 2, width=8, layers=1, steps=4)
    target = ByEnergy(lambda x: 2.0 * x.square().sum((1, 2)))
    fit = train(
        model, Pairs.from_arrays({}, none), out=tmp_path, epochs=20, batch_size=64, learning_rate=2e-2, target=target,
        device="cpu", progress=False,
    )  # fmt: skip
    x = fit.model.flow.draw(1000, torch.Generator().manual_seed(1))
    assert abs(float(x.var()) / (0.25 * 1 / 2) - 1.0) < 0.2
    assert load_model(tmp_path).objective == EquivariantMatching()


def test_the_study_of_four_particles_in_double_wells_keeps_its_claims(tmp_path):
    chapter = DW4.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)


def test_the_study_of_thirteen_atoms_samples_the_published_target(tmp_path):
    chapter = LJ13.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []

"""Population annealing and swaps against integrals; refusals of umbrellas."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.verification.md.small_systems import pair, well


def test_annealing_gives_the_free_energy_of_a_harmonic_system():
    stages = np.geomspace(4.0, 0.5, 9).tolist()
    run = sg.sampling.population_annealing(
        well(), stages, population=100, populations=6, every=10, warmup=60, seed=2, device="cpu", dtype="float64"
    )
    exact = 2.0 * torch.log(torch.tensor(stages) / 4.0)  # Z ~ T^(4/2)
    assert float(((run.log_z - exact)[1:] / run.log_z_error[1:]).abs().max()) < 5.0
    assert float(run.log_z_error[-1]) < 0.1
    assert run.family_shares.sum(dim=1).tolist() == pytest.approx([1.0] * 6)
    assert 1.0 < float(run.family_size.min()) < 50.0
    assert float(run.family_entropy.min()) > np.log(100 / float(run.family_size.max())) - 1e-9
    torch.testing.assert_close(run.energies[-1].mean(), torch.tensor(1.0, dtype=torch.float64), rtol=0.15, atol=0.0)


def test_resampling_copies_members_as_often_as_their_weights_say():
    from scenegrad.solvers.md.sampling.annealing import resampled

    weights = torch.tensor([[0.1, 0.4, 0.3, 0.2]], dtype=torch.float64)
    wide = weights.log().repeat(1, 10) - np.log(10)
    drawn = torch.rand(2000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    picks = resampled(wide.expand(2000, -1), drawn)
    share = torch.stack([(picks % 4 == k).double().mean() for k in range(4)])
    torch.testing.assert_close(share, weights[0], rtol=0.02, atol=0.0)
    copies = torch.stack([(picks == k).sum(dim=1) for k in range(4)])
    assert bool((copies <= torch.tensor([[1], [2], [2], [1]])).all())  # 40 w / 10 = 0.4, 1.6, 1.2, 0.8: never two more


def mixture():
    """One atom of each of two species, in wells of different stiffness, that they can swap places between."""
    return sg.Scene(
        name="mixture",
        units="lj",
        domain=sg.Domain.unbounded(dim=2),
        entities={
            "A": sg.Atoms(lattice=sg.Sites(((0.5, 0.0),))),
            "B": sg.Atoms(lattice=sg.Sites(((0.0, 0.5),)), mass=2.0),
            "a": sg.HarmonicWell(stiffness=1.0, center=(0.0, 0.0), of="A"),
            "b": sg.HarmonicWell(stiffness=4.0, center=(1.0, 0.0), of="B"),
        },
        dynamics=sg.Langevin(temperature=0.8, friction=1.0),
        time=sg.Time(end=1.0, dt=0.05),
    )


def test_swaps_leave_the_canonical_distribution_as_it_is():
    run = sg.sampling.swap_monte_carlo(
        mixture(), ("A", "B"), rounds=150, every=3, swaps=3, copies=48, warmup=100, seed=1, keep_positions=True,
        device="cpu", dtype="float64",
    )  # fmt: skip
    assert 0.1 < float(run.acceptance.mean()) < 0.9
    for values, exact in [
        (run.energies, 2 * 0.8),  # four squares
        (run.positions[:, :, 0].square().sum(dim=2), 2 * 0.8),
        (run.positions[:, :, 1, 0], 1.0),
    ]:
        by_copy = values.mean(dim=0)
        assert abs(float(by_copy.mean()) - exact) < 4.0 * float(by_copy.std()) / 48**0.5


def test_swaps_are_accepted_as_often_as_exact_positions_would_have_them():
    run = sg.sampling.swap_monte_carlo(
        mixture(), ("A", "B"), rounds=60, every=12, swaps=1, copies=64, warmup=60, device="cpu", dtype="float64"
    )
    rng = np.random.default_rng(0)
    a = rng.normal(size=(400_000, 2)) * np.sqrt(0.8)
    b = rng.normal(size=(400_000, 2)) * np.sqrt(0.2) + np.array([1.0, 0.0])

    def energy(a, b):
        return 0.5 * (a**2).sum(axis=1) + 2.0 * ((b - np.array([1.0, 0.0])) ** 2).sum(axis=1)

    exact = np.minimum(1.0, np.exp((energy(a, b) - energy(b, a)) / 0.8)).mean()
    spread = float(run.acceptance.std()) / 64**0.5
    assert abs(float(run.acceptance.mean()) - exact) < 4.0 * spread
    again = sg.sampling.swap_monte_carlo(
        mixture(), ("A", "B"), rounds=20, every=12, swaps=1, copies=64, warmup=60, device="cpu", dtype="float64"
    )
    rest = sg.sampling.swap_monte_carlo(mixture(), ("A", "B"), rounds=40, every=12, swaps=1, copies=64, start=again)
    assert torch.equal(torch.cat([again.energies, rest.energies]), run.energies)
    with pytest.raises(EngineError, match="'C'"):
        sg.sampling.swap_monte_carlo(mixture(), ("A", "C"), rounds=1, device="cpu")


def test_the_ergodic_measure_falls_like_one_over_time_for_independent_frames_and_stays_for_frozen_ones():
    rng = np.random.default_rng(0)
    fluid = torch.from_numpy(rng.normal(size=(400, 400)))
    assert float(sg.sampling.ergodic_measure(fluid)[-1]) == pytest.approx(1 / 400, rel=0.3)
    frozen = torch.from_numpy(rng.normal(size=(1, 50))).expand(400, -1)
    torch.testing.assert_close(sg.sampling.ergodic_measure(frozen), torch.ones(400, dtype=torch.float64))


def test_a_scene_without_a_bias_has_no_umbrella():
    with pytest.raises(sg.SceneError, match="DistanceBias"):
        sg.sampling.umbrella_sampling(pair(), [1.0, 2.0], 4.0, device="cpu")


def test_umbrellas_that_go_on_have_the_bits_of_those_that_never_stopped():
    def run(frames, **more):
        settings = {"every": 5, "warmup": 10, "seed": 1, "device": "cpu", "dtype": "float64"}
        return sg.sampling.umbrella_sampling(pair(bias=True), [1.5, 3.0], 4.0, frames=frames, **settings, **more)

    half = run(4)
    assert torch.equal(torch.cat([half.distances, run(3, start=half).distances]), run(7).distances)

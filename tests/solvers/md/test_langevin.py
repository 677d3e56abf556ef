"""BAOAB and its noise: the right temperature, the right spread of a spring, the same draw whenever it is asked for."""

from typing import Literal

import numpy as np
import pytest
import torch
import warp as wp
from scipy import stats

import scenegrad.scenes as sc
import scenegrad.scenes.library as library
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors, member
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.pair_potentials import PairPotential as PairEntity
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.motions.noise import philox, standard_normal
from scenegrad.solvers.md.pairs.potentials import POTENTIALS, PairFunctions, PairPotential, register_pair


@wp.kernel
def scramble(counter: wp.array[wp.vec4ui], key: wp.array2d[wp.uint32], out: wp.array[wp.vec4ui]):
    i = wp.tid()
    out[i] = philox(counter[i], key[i, 0], key[i, 1])


def test_words_are_those_of_the_published_generator():
    """Known answers that come with Random123 for philox4x32-10."""
    counter = [[0] * 4, [0xFFFFFFFF] * 4, [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]]
    key = [[0, 0], [0xFFFFFFFF] * 2, [0xA4093822, 0x299F31D0]]
    known = [
        [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ]
    words, keys = np.array(counter, dtype=np.uint32), np.array(key, dtype=np.uint32)
    out = wp.zeros(3, dtype=wp.vec4ui, device="cpu")
    given = [wp.array(words, dtype=wp.vec4ui, device="cpu"), wp.array(keys, dtype=wp.uint32, device="cpu"), out]
    wp.launch(scramble, dim=3, inputs=given, device="cpu")
    assert out.numpy().tolist() == known


def drawn(seeds, steps, atoms, dim=3, dtype=torch.float64):
    out = torch.empty(len(seeds), atoms, dim, dtype=dtype)
    return standard_normal(torch.tensor(seeds), torch.tensor(steps), out)


def test_noise_is_normal_and_independent():
    x = torch.cat([drawn([2**62 + 7], [step], 20_000) for step in (0, 1, 2**33)]).numpy()
    assert stats.kstest(x.ravel(), "norm").pvalue > 1e-3
    columns = x.transpose(0, 2, 1).reshape(9, -1)  # steps and components
    correlation = np.corrcoef(columns) - np.eye(9)
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)
    along = [np.corrcoef(column[:-1], column[1:])[0, 1] for column in columns]
    assert np.abs(along).max() < 5 / np.sqrt(20_000)
    assert stats.kurtosis(x.ravel()) == pytest.approx(0.0, abs=5 * np.sqrt(24 / x.size))


def test_noise_is_a_function_of_seed_step_and_atom_alone():
    together = drawn([3, -4], [10, 2**40], 50)
    assert torch.equal(drawn([-4], [2**40], 50)[0], together[1])
    assert torch.equal(drawn([3], [10], 20)[0], together[0, :20])
    torch.testing.assert_close(drawn([3], [10], 50, dtype=torch.float32)[0].double(), together[0], rtol=1e-6, atol=1e-7)
    assert not torch.equal(drawn([3], [11], 50), together[:1])


class Spring(PairEntity, Entity):
    """u = k r^2 / 2"""

    kind: Literal["test_spring"] = "test_spring"
    stiffness: float = 1.0


def spring(real, theta):
    @wp.func
    def energy(r2: real, p: theta) -> real:
        return real(0.5) * p[0] * r2

    @wp.func
    def radial(r2: real, p: theta) -> real:
        return -p[0]

    @wp.func
    def slope(r2: real, p: theta) -> real:
        return real(0.0)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        return theta(real(0.5) * r2)

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        return theta(real(-1.0))

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


@pytest.fixture(autouse=True)
def spring_known():
    register_pair(PairPotential("test_spring", ("stiffness",), spring))
    yield
    del POTENTIALS["test_spring"]


def gas(friction=1.0, temperature=1.3, mass=1.0, seed=0, lattice=None):
    """Atoms that do not feel each other."""
    return sc.Scene(
        name="gas",
        units="lj",
        domain=sc.Domain.periodic(density=0.5),
        entities={
            "Ar": sc.Atoms(lattice=lattice or sc.SimpleCubic(cells=(10, 10, 10)), mass=mass),
            "pair": Spring(stiffness=0.0, cutoff=1.2, cut="plain"),
        },
        dynamics=sc.Langevin(temperature=temperature, friction=friction),
        seed=seed,
        time=sc.Time(end=1.0, dt=0.02),
    )


def compiled(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def steps(solver, state, params, dt, count):
    clock = torch.zeros(len(dt), dtype=torch.float64)
    for _ in range(count):
        state = solver.step(state, params, clock, dt).state
        yield state


@pytest.mark.parametrize("lattice", [sc.SimpleCubic(cells=(10, 10, 10)), sc.Square(cells=(40, 25))], ids=["3d", "2d"])
@pytest.mark.parametrize("mass", [1.0, 4.0])
def test_free_atoms_take_on_the_maxwell_distribution(lattice, mass):
    """From rest: after n steps every velocity is Gaussian with the variance T/m (1 - exp(-2 n friction dt))."""
    solver, state, params = compiled(gas(friction=2.0, mass=mass, lattice=lattice))
    dt = torch.tensor([0.05], dtype=torch.float64)
    for n, after in enumerate(steps(solver, state, params, dt, 80), start=1):
        if n in (3, 10, 80):
            v = after.velocity.numpy().ravel() * np.sqrt(mass / 1.3)
            expected = 1.0 - np.exp(-2 * n * 2.0 * 0.05)
            assert np.var(v) == pytest.approx(expected, rel=5 * np.sqrt(2 / v.size))
    assert stats.kstest(v, "norm").pvalue > 1e-3


def test_free_atoms_diffuse_at_the_right_rate():
    """<x^2> = 2 (T / m friction) t per direction, long after 1/friction."""
    solver, state, params = compiled(gas(friction=5.0))
    dt = torch.tensor([0.02], dtype=torch.float64)
    early = late = state
    for n, after in enumerate(steps(solver, state, params, dt, 600), start=1):
        early, late = (after if n == 100 else early), after
    walked = (late.position - state.position).square().mean() - (early.position - state.position).square().mean()
    assert float(walked) == pytest.approx(2 * 1.3 / 5.0 * 0.02 * 500, rel=0.1)


def test_a_spring_spreads_exactly_as_its_temperature_asks_at_any_step(tmp_path):
    """BAOAB samples a harmonic oscillator without error: <d^2> = dim T/k even at omega dt = 1, where other splittings
    are off by a third. The potential comes from outside of the package."""
    np.save(tmp_path / "two.npy", np.array([[50.0, 50.0, 50.0], [51.0, 50.0, 50.0]]))
    scene = sc.Scene(
        name="springs",
        units="lj",
        domain=sc.Domain.periodic(size=(100.0, 100.0, 100.0)),
        entities={
            "A": sc.Atoms(lattice=sc.PointFile(path=str(tmp_path / "two.npy"))),
            "bond": Spring(cutoff=40.0, cut="plain"),
        },
        dynamics=sc.Langevin(temperature=0.8, friction=1.0),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compiled([scene.replace({"seed": n}) for n in range(256)])
    dt = torch.full((256,), np.sqrt(0.5), dtype=torch.float64)
    assert float(solver.max_dt(state, params).min()) > float(dt[0])
    spread, kinetic = [], []
    for n, after in enumerate(steps(solver, state, params, dt, 500)):
        if n >= 20 and n % 4 == 0:
            spread.append((after.position[:, 0] - after.position[:, 1]).square().sum(dim=1).mean())
            kinetic.append(after.velocity.square().mean())
    error = np.std(torch.stack(spread).numpy()) / np.sqrt(len(spread))
    assert float(torch.stack(spread).mean()) == pytest.approx(3 * 0.8, abs=5 * error)
    assert 5 * error < 0.03 * 3 * 0.8


def test_a_liquid_takes_on_the_temperature_of_its_bath():
    scene = library.lj_fluid(cells=4, temperature=1.5, friction=5.0, end=1.0, warmup=0.0).replace(
        {"outputs": {}, "Ar.temperature": 0.5, "dynamics.temperature": 1.5}
    )
    solver, state, params = compiled(scene)
    mean = [float(solver.observe(after, params)["temperature"]) for after in steps(
        solver, state, params, torch.tensor([0.005], dtype=torch.float64), 600)][200:]  # fmt: skip
    assert np.mean(mean) == pytest.approx(1.5, rel=0.03)
    v = state.velocity  # equipartition: no direction is hotter than another
    for after in steps(solver, state, params, torch.tensor([0.005], dtype=torch.float64), 300):
        v = after.velocity
    per_axis = v.square().mean(dim=(0, 1))
    assert float((per_axis / 1.5 - 1).abs().max()) < 5 * np.sqrt(2 / v.shape[1])


def test_a_run_taken_up_again_draws_the_same_noise():
    solver, state, params = compiled(gas())
    halfway = rollout(solver, state, params, 0.2, controller=Fixed(0.02), probes=()).state
    straight = rollout(solver, halfway, params, 0.2, controller=Fixed(0.02), probes=()).state
    fresh, _, _ = compiled(gas())
    again = rollout(fresh, map_tensors(torch.clone, halfway), params, 0.2, controller=Fixed(0.02), probes=()).state
    assert torch.equal(again.velocity, straight.velocity)
    assert torch.equal(again.position, straight.position)


def test_members_draw_noise_of_their_own_whatever_their_companions():
    scenes = [gas(seed=n, friction=1.0 + n, temperature=1.0 + 0.2 * n) for n in range(3)]
    solver, state, params = compiled(scenes)
    dt = torch.tensor([0.02, 0.01, 0.03], dtype=torch.float64)
    (together,) = list(steps(solver, state, params, dt, 5))[-1:]
    for b, one in enumerate(scenes):
        alone_solver, _, alone_params = compiled(one)
        alone = list(steps(alone_solver, member(state, b), alone_params, dt[b : b + 1], 5))[-1]
        assert torch.equal(alone.velocity[0], together.velocity[b])
    assert not torch.equal(together.velocity[0], together.velocity[1])

"""Two steps: of second order, reversible, with a bounded energy; slow forces cost one evaluation a step."""

import itertools
import math

import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.md.speeds import Speed, speed_of


def peptide(dynamics, dt, end=64.0, **changes):
    scene = sg.library.alanine_dipeptide(end=end, dt=dt).replace({"dynamics": dynamics, "outputs": {}, **changes})
    return sg.compile(scene, device="cpu", dtype="float64")


def salt(dynamics, dt, end=0.02):
    scene = sg.library.rock_salt(cells=2, temperature=300.0, end=end, dt=dt)
    return sg.compile(scene.replace({"dynamics": dynamics, "outputs": {}}), device="cpu", dtype="float64")


def moved(compiled, steps, dt, state=None, watch=None):
    solver, first, params = compiled
    state, params = first if state is None else state, params.detach()
    time = torch.zeros(1, dtype=torch.float64)
    energies = []
    for count in range(steps):
        state = solver.step(state, params, time, torch.full_like(time, dt)).state
        if watch and count % watch == 0:
            energies.append(float(solver.observe(state, params)["total_energy"]))
    return state, torch.tensor(energies)


def rms(energies):
    return float((energies - energies.mean()).square().mean().sqrt())


def test_slow_forces_are_evaluated_once_a_step():
    compiled = peptide(sc.RESPA(inner=4), 2.0)
    solver, state, params = compiled
    fast, slow = solver.motion.split(solver.system)
    assert {speed_of(term) for term in fast.forces.terms} == {Speed.BONDS}
    counts = {}
    for name, half in (("fast", fast), ("slow", slow)):
        term = half.forces.terms[0]

        def counted(*given, name=name, before=term.add_force):
            counts[name] = counts.get(name, 0) + 1
            before(*given)

        term.add_force = counted
    time = torch.zeros(1, dtype=torch.float64)
    for _ in range(5):
        state = solver.step(state, params, time, torch.full_like(time, 2.0)).state
    assert counts == {"fast": 4 * 5 + 1, "slow": 5 + 1}


def test_one_inner_step_is_velocity_verlet():
    two, _ = moved(peptide(sc.RESPA(inner=1), 0.5), 8, 0.5)
    one, _ = moved(peptide(sc.NVE(), 0.5), 8, 0.5)
    torch.testing.assert_close(two.position, one.position, rtol=1e-12, atol=1e-12)


def test_error_falls_with_the_square_of_the_step(measure):
    """Of a peptide after 8 fs, from the differences of runs."""
    ends = []
    for dt in (1.0, 0.5, 0.25, 0.125):
        state, _ = moved(peptide(sc.RESPA(inner=4), dt), round(8.0 / dt), dt)
        ends.append(state.position)
    first, second, third = (float((a - b).norm()) for a, b in itertools.pairwise(ends))
    orders = math.log2(first / second), math.log2(second / third)
    measure("order", orders[-1], "1.8 to 2.2")
    assert 1.8 < orders[-1] < 2.2


def test_motion_turned_round_comes_back():
    compiled = peptide(sc.RESPA(inner=4), 1.0)
    end, _ = moved(compiled, 50, 1.0)
    back, _ = moved(compiled, 50, 1.0, state=type(end)(**{**vars(end), "velocity": -end.velocity}))
    assert float((back.position - compiled[1].position).abs().max()) < 1e-9


def test_energy_is_as_steady_as_with_short_steps_for_all(measure):
    """Four bonded forces for one of the others: nearer to Verlet's short step than to its long one, and no drift."""
    _, two = moved(peptide(sc.RESPA(inner=4), 1.0), 200, 1.0, watch=1)
    _, short = moved(peptide(sc.NVE(), 0.25), 800, 0.25, watch=4)
    _, long = moved(peptide(sc.NVE(), 1.0), 200, 1.0, watch=1)
    measure("rms of the energy, two steps / short / long", rms(two) / rms(short), f"{rms(long) / rms(short):.3g}")
    assert rms(two) < 0.5 * rms(long)
    halves = two.chunk(2)
    assert abs(float(halves[1].mean() - halves[0].mean())) < 0.5 * rms(two) + 1e-6


def test_waves_are_the_slow_part_of_salt(measure):
    dt = 0.002
    _, two = moved(salt(sc.RESPA(inner=2), 2 * dt), 60, 2 * dt, watch=1)
    _, short = moved(salt(sc.NVE(), dt), 120, dt, watch=1)
    solver, _, _ = salt(sc.RESPA(inner=2), dt)
    _, slow = solver.motion.split(solver.system)
    assert [speed_of(term) for term in slow.forces.terms] == [Speed.WAVES]
    measure("rms of the energy, two steps over one", rms(two) / rms(short), "4")
    assert rms(two) < 4.0 * rms(short)


@pytest.mark.parametrize("name", ["pairs-O.sigma", "O.charge", "bond-C-O.stiffness", "CT.mass"])
def test_gradients_are_those_of_differences(name):
    scene = sg.library.alanine_dipeptide(end=8.0, dt=1.0).replace({"dynamics": sc.RESPA(inner=4), "outputs": {}})
    base = float(scene.at(name))
    weights = torch.randn(22, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def loss(value):
        solver, state, params = sg.compile(scene.replace({name: sg.Parameter(value)}), device="cpu", dtype="float64")
        return (sg.rollout(solver, state, params).state.position[0] * weights).sum(), params[name]

    made, leaf = loss(base)
    made.backward()
    h = 2e-4 * base
    near, far = (float((loss(base + k * h)[0] - loss(base - k * h)[0]).detach()) for k in (1, 2))
    assert float(leaf.grad) == pytest.approx((8.0 * near - far) / (12.0 * h), rel=1e-6)


def test_scenes_without_two_speeds_are_refused():
    with pytest.raises(SceneError, match="waves of Ewald"):
        sg.compile(sg.library.argon(cells=3).replace({"dynamics": sc.RESPA()}), device="cpu")
    with pytest.raises(SceneError, match="without bonds"):
        sg.compile(sg.library.rock_salt(cells=2).replace({"dynamics": sc.RESPA(slow="pairs")}), device="cpu")
    rigid = sg.library.alanine_dipeptide(hydrogens="rigid").replace({"dynamics": sc.RESPA()})
    with pytest.raises(SceneError, match="held by NVE"):
        sg.compile(rigid, device="cpu")

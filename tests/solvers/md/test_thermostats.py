"""Thermostats hold their temperature, keep what they ought to keep, and can be differentiated."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors

HOLD = {
    "nose_hoover": sg.NoseHoover(temperature=1.5, period=0.4),
    "csvr": sg.CSVR(temperature=1.5, relaxation=0.1),
}


def liquid(dynamics, cells=3, **changes):
    scene = sg.library.lj_fluid(cells=cells, temperature=1.5, warmup=0.0)
    return scene.replace({"outputs": {}, "dynamics": dynamics, **changes})


def carried(solver, state, params, steps, dt):
    time, long = torch.zeros(len(dt), dtype=torch.float64), torch.as_tensor(dt, dtype=torch.float64)
    for _ in range(steps):
        state = solver.step(state, params, time, long).state
        yield state


def compiled(scene, dtype="float64"):
    solver, state, params = sg.compile(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


@pytest.mark.parametrize("name", HOLD)
def test_the_kinetic_energy_has_the_distribution_of_the_temperature(name):
    """Mean f T / 2, variance f T^2 / 2, of 64 members and many times."""
    base = liquid(HOLD[name], cells=2, **{"pair.cutoff": 1.5})
    solver, state, params = compiled([base.replace({"seed": n}) for n in range(64)])
    mass, seen = solver.system.masses(params), []
    for n, after in enumerate(carried(solver, state, params, 800, [0.005] * 64)):
        if n > 150 and n % 10 == 0:
            seen.append(solver.system.kinetic_energy(after.velocity, mass) / 1.5)
    drawn, freedoms = torch.stack(seen).numpy().ravel(), solver.freedoms()
    spread = np.sqrt(freedoms / 2)
    assert drawn.mean() == pytest.approx(freedoms / 2, abs=0.1 * spread)
    assert drawn.std() == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("name", HOLD)
def test_the_conserved_energy_wavers_with_the_square_of_dt(name):
    wavers = []
    for dt in (0.004, 0.002):
        solver, state, params = compiled(liquid(HOLD[name]))
        kept = [
            float(solver.observe(one, params)["conserved_energy"])
            for one in carried(solver, state, params, round(0.4 / dt), [dt])
        ]
        wavers.append(np.ptp(kept))
        total = [float(solver.observe(one, params)["total_energy"]) for one in (state, one_of(solver, state, params))]
        assert abs(total[1] - total[0]) > 20 * wavers[0]
    assert wavers[0] < 0.15
    assert 2.5 < wavers[0] / wavers[1] < 6.0


def one_of(solver, state, params):
    return list(carried(solver, state, params, 100, [0.004]))[-1]


def test_brownian_motion_spreads_in_a_well_as_its_temperature_asks():
    """Two atoms on Morse's curve, cold enough to be a spring: <(r - r0)^2> = T / k; and free ones diffuse."""
    scene = sg.Scene(
        name="two",
        units="lj",
        domain=sg.Domain.unbounded(dim=3),
        entities={
            "A": sg.Atoms(lattice=sg.Sites(((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)))),
            "bond": sg.Morse(depth=10.0, alpha=2.0, cutoff=3.0),
        },
        dynamics=sg.Brownian(temperature=0.02, friction=6.0),
        time=sg.Time(end=1.0),
    )
    solver, state, params = compiled([scene.replace({"seed": n}) for n in range(256)])
    assert float(solver.max_dt(state, params).min()) > 0.01
    seen = []
    for n, after in enumerate(carried(solver, state, params, 300, [0.005] * 256)):
        if n > 60 and n % 4 == 0:
            seen.append((after.position[:, 0] - after.position[:, 1]).norm(dim=1) - 1.0)
    r = torch.stack(seen)
    r = r - r.mean()
    assert float(r.square().mean()) == pytest.approx(0.02 / 80.0, rel=0.1)
    middle = (state.position - after.position).mean(dim=1)
    assert float(middle.square().mean()) == pytest.approx(2 * 0.02 / (6.0 * 2) * 1.5, rel=0.2)


def two_in_a_well(dynamics):
    return sg.Scene(
        name="two",
        units="lj",
        domain=sg.Domain.unbounded(dim=3),
        entities={
            "A": sg.Atoms(lattice=sg.Sites(((0.0, 0.0, 0.5), (1.0, 0.2, 0.0))), temperature=1.0),
            "well": sg.HarmonicWell(stiffness=2.0, center=(0.0, 0.0, 0.0)),
        },
        dynamics=dynamics,
        time=sg.Time(end=1.0),
    )


def test_atoms_in_a_well_have_all_their_degrees_of_freedom():
    """A well takes momentum up, so that the centre of mass moves too: k <x^2> = T and m <v^2> = T along each axis."""
    baths = (sg.NVE(), sg.NoseHoover(temperature=1.0), sg.CSVR(temperature=1.0), sg.Langevin(temperature=1.0))
    for dynamics in baths:
        assert compiled(two_in_a_well(dynamics))[0].freedoms() == 6.0
    solver, state, params = compiled(
        [two_in_a_well(sg.CSVR(temperature=1.0, relaxation=0.2)).replace({"seed": n}) for n in range(256)]
    )
    seen = []
    for n, after in enumerate(carried(solver, state, params, 400, [0.1] * 256)):
        if n > 100 and n % 10 == 0:
            seen.append(torch.stack([2.0 * after.position.square(), after.velocity.square()]).flatten(1).mean(dim=1))
    assert torch.stack(seen).mean(dim=0).tolist() == pytest.approx([1.0, 1.0], rel=0.06)


@pytest.mark.parametrize(
    "dynamics",
    [sg.Brownian(temperature=1.5, friction=20.0), sg.ActiveBrownian(temperature=1.5, speed=0.0, rotation=1.0)],
    ids=["brownian", "active"],
)
def test_atoms_without_inertia_press_as_their_bath_is_hot(dynamics):
    """Their velocities are not followed: the kinetic part is N T, whatever they began with."""
    scene = liquid(dynamics, cells=2, **{"pair.cutoff": 1.5, "Ar.temperature": 0.0})
    solver, state, params = compiled(scene)
    seen, volume = solver.observe(state, params), solver.system.box.volume
    assert float(seen["temperature"]) == pytest.approx(1.5)
    trace = seen["virial"].diagonal(dim1=1, dim2=2).sum(dim=1)
    known = (solver.system.atoms * 1.5 + trace / 3.0) / volume
    torch.testing.assert_close(seen["pressure"], known)
    torch.testing.assert_close(seen["stress"].diagonal(dim1=1, dim2=2).mean(dim=1), known)


def test_velocities_that_are_not_followed_have_no_correlation():
    scene = liquid(sg.Brownian(temperature=1.5)).replace({"outputs": {"vacf": sg.VelocityCorrelation(every=0.1)}})
    with pytest.raises(sg.SceneError, match=r"outputs\.vacf.*Brownian does not follow"):
        sg.compile(scene)


@pytest.mark.parametrize(
    "dynamics", [*HOLD.values(), sg.Brownian(temperature=1.5, friction=20.0)], ids=[*HOLD, "brownian"]
)
def test_gradients_agree_with_central_differences(dynamics):
    asked = {"pair.epsilon": sg.Parameter(1.0), "dynamics.temperature": sg.Parameter(1.5), "Ar.mass": sg.Parameter(1.1)}
    scene = liquid(dynamics, **asked)

    def loss(values):
        solver, state, params = sg.compile(scene.replace(values), device="cpu", dtype="float64")
        end = rollout(solver, state, params, 0.2, controller=Fixed(0.002), probes=()).state
        weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
        return (weights * end.position).sum() + 0.1 * end.velocity.square().sum(), params

    value, params = loss({})
    value.backward()
    for address, at in (("pair.epsilon", 1.0), ("dynamics.temperature", 1.5), ("Ar.mass", 1.1)):
        exact = float(params[address].grad)
        misses = []
        for h in (1e-4, 3e-5, 1e-5):
            up, down = (float(loss({f"{address}.value": at + s * h})[0].detach()) for s in (1, -1))
            misses.append(abs((up - down) / (2 * h) - exact) / abs(exact))
        assert min(misses) < 1e-6, (address, exact, misses)


@pytest.mark.parametrize("name", HOLD)
def test_a_member_does_not_feel_its_companions(name):
    scenes = [liquid(HOLD[name], seed=n) for n in range(2)]
    solver, state, params = compiled(scenes)
    together = list(carried(solver, state, params, 20, [0.004, 0.003]))[-1]
    alone_solver, alone, alone_params = compiled(scenes[1])
    alone = list(carried(alone_solver, alone, alone_params, 20, [0.003]))[-1]
    torch.testing.assert_close(alone.velocity[0], together.velocity[1], rtol=0.0, atol=1e-12)

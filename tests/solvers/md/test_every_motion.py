"""What every way to move atoms owes: to its companions, to its history, to the box's images, to momentum."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import map_tensors, member, tensors

HEAT = 1.2
BATHS = {
    "nve": sg.NVE(),
    "langevin": sg.Langevin(temperature=HEAT, friction=1.0),
    "nose_hoover": sg.NoseHoover(temperature=HEAT, period=0.4),
    "csvr": sg.CSVR(temperature=HEAT, relaxation=0.1),
    "brownian": sg.Brownian(temperature=HEAT, friction=30.0),
    "active": sg.ActiveBrownian(temperature=HEAT, speed=1.0, rotation=0.6, friction=30.0),
    "constant_pressure": sg.ConstantPressure(temperature=HEAT, pressure=2.0, response=0.5, every=3),
}
ORBITS = {"hermite": sg.Hermite(), "symmetric_leapfrog": sg.SymmetricLeapfrog(), "verlet": sg.NVE()}
KEEPS_MOMENTUM = ("nve", "nose_hoover", "csvr", "constant_pressure")


def liquid(dynamics, dim=3, **changes):
    """Two kinds of atoms of very different mass."""
    lattice = sg.FCC(cells=(3, 3, 3)) if dim == 3 else sg.Hexagonal(cells=(6, 4))
    scene = sg.Scene(
        name="liquid",
        units="lj",
        domain=sg.Domain.periodic(density=0.75),
        entities={
            "A": sg.Atoms(lattice=lattice, share=0.5, mass=1.0, temperature=HEAT),
            "B": sg.Atoms(lattice=lattice, share=0.5, mass=8.0, temperature=HEAT),
            "pair": sg.LennardJones(cutoff=2.0, cut="switch"),
        },
        dynamics=dynamics,
        time=sg.Time(end=1.0, dt=0.004),
    )
    return scene.replace(changes)


def rods(dynamics, **changes):
    return sg.Scene(
        name="rods",
        units="lj",
        domain=sg.Domain.periodic(size=(5.0, 5.0, 5.0)),
        entities={
            "bead": sg.Atoms(lattice=sg.Chains(count=6, length=5), temperature=HEAT),
            "pair": sg.LennardJones(sigma=0.9, cutoff=2.2, cut="switch"),
            "rod": sg.RigidBond(of="bead"),
        },
        dynamics=dynamics,
        time=sg.Time(end=1.0, dt=0.004),
    ).replace(changes)


def chains(dynamics, **changes):
    """Springs among each other, which r-RESPA takes in shorter steps."""
    bond = sg.HarmonicBond(of="bead", stiffness=300.0, length=0.97)
    base = rods(dynamics)
    return base.model_copy(update={"entities": {**base.entities, "rod": bond}}).replace(changes)


def orbits(dynamics, **changes):
    return sg.library.star_cluster(bodies=24).replace({"outputs": {}, "dynamics": dynamics, **changes})


SCENES = {
    **{f"{name}-{dim}d": lambda d=d, dim=dim, **c: liquid(d, dim, **c) for name, d in BATHS.items() for dim in (2, 3)},
    "rigid-nve": lambda **c: rods(BATHS["nve"], **c),
    "rigid-langevin": lambda **c: rods(BATHS["langevin"], **c),
    "respa": lambda **c: chains(sg.RESPA(inner=3), **c),
    **{f"gravity-{name}": lambda d=d, **c: orbits(d, **c) for name, d in ORBITS.items()},
}


@pytest.fixture(params=SCENES)
def make(request):
    return SCENES[request.param]


def compiled(scene, dtype="float64"):
    solver, state, params = sg.compile(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def carried(solver, state, params, dt, steps, first=0):
    dt = torch.as_tensor(dt, dtype=torch.float64)
    for n in range(first, first + steps):
        state = solver.step(state, params, n * dt, dt).state
    return state


def test_a_run_taken_up_again_by_a_fresh_solver_has_the_same_bits(make):
    solver, state, params = compiled(make())
    half = carried(solver, state, params, [0.004], 25)
    straight = carried(solver, half, params, [0.004], 25, first=25)
    fresh, _, _ = compiled(make())
    again = carried(fresh, map_tensors(torch.clone, half), params, [0.004], 25, first=25)
    assert float((straight.position - state.position).abs().max()) > 1e-3
    for name, value in tensors(straight).items():
        assert torch.equal(value, tensors(again)[name]), name


def test_a_member_moves_as_it_would_alone_to_the_last_bit(make):
    scenes = [make(seed=n) for n in range(3)]
    solver, state, params = compiled(scenes)
    dt = [0.004, 0.003, 0.005]
    together = carried(solver, state, params, dt, 20)
    for b, one in enumerate(scenes):
        single, _, values = compiled(one)
        alone = carried(single, member(state, b), values, dt[b : b + 1], 20)
        for name, value in tensors(alone).items():
            assert torch.equal(value[0], tensors(together)[name][b]), (name, b)


def test_a_state_that_was_given_stays_as_it_was(make):
    solver, state, params = compiled(make())
    before = map_tensors(torch.clone, state)
    carried(solver, state, params, [0.004], 3)
    for name, value in tensors(before).items():
        assert torch.equal(value, tensors(state)[name]), name


@pytest.mark.parametrize("name", [name for name in SCENES if not name.startswith("gravity")])
def test_atoms_whole_boxes_away_move_alike(name):
    """Each atom on its own, so that molecules are torn apart in space and not in the box."""
    solver, state, params = compiled(SCENES[name]())
    box = solver.system.box_of(state).edges[0]
    turns = torch.randint(-2, 3, state.position[0].shape, generator=torch.Generator().manual_seed(0))
    far = replace(state, position=state.position + turns * box)
    one, other = (carried(solver, each, params, [0.004], 20) for each in (state, far))
    box = solver.system.box_of(one).edges[0]
    torch.testing.assert_close(other.position - turns * box, one.position, rtol=0.0, atol=1e-9)
    torch.testing.assert_close(other.velocity, one.velocity, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("name", KEEPS_MOMENTUM)
def test_baths_without_friction_keep_the_momentum(name, dim):
    """From rest; of a liquid of two masses."""
    solver, state, params = compiled(liquid(BATHS[name], dim))
    end = carried(solver, state, params, [0.004], 200)
    assert float(solver.observe(state, params)["momentum"].abs().max()) < 1e-12
    assert float(solver.observe(end, params)["momentum"].abs().max()) < 1e-11
    assert float((end.velocity - state.velocity).abs().max()) > 0.3


@pytest.mark.parametrize("name", ["nve", "nose_hoover", "csvr", "constant_pressure"])
def test_single_precision_does_not_drift(name):
    """What is conserved stays within rounding over 250 steps: per atom, below what a step of float32 loses at once."""
    lost = {}
    for dtype in ("float32", "float64"):
        solver, state, params = compiled(liquid(BATHS[name]), dtype)
        key = "total_energy" if name == "nve" else "conserved_energy"
        end = carried(solver, state, params, [0.002], 250)
        change = float((solver.observe(end, params)[key] - solver.observe(state, params)[key]).abs())
        lost[dtype] = change / state.position.shape[1]
    assert lost["float32"] < lost["float64"] + 5e-5, lost
    assert lost["float64"] < 3e-4, lost


@pytest.mark.parametrize("dim", [2, 3])
def test_the_pressure_is_the_change_of_the_free_energy_with_volume(dim):
    """P = 2 K / (d V) - dU/dV at fixed places within the box."""
    solver, state, params = compiled(liquid(BATHS["constant_pressure"], dim))
    seen, volume, h = solver.observe(state, params), float(state.edges.prod()), 1e-5

    def energy(by):
        stretch = (1.0 + by) ** (1.0 / dim)
        moved = replace(state, position=state.position * stretch, edges=state.edges * stretch)
        return float(solver.observe(moved, params)["potential_energy"])

    slope = (energy(h) - energy(-h)) / (2.0 * h * volume)
    known = 2.0 * float(seen["kinetic_energy"]) / (dim * volume) - slope
    assert float(seen["pressure"]) == pytest.approx(known, rel=1e-7)


@pytest.mark.parametrize("size", [2, 3])
def test_rigid_molecules_without_forces_press_like_an_ideal_gas_of_molecules(size):
    """2 K + tr W = sum M V^2 of centres of mass at every instant: what turns, the bonds bear. Rods and triangles."""
    rng = np.random.default_rng(0)
    shape = np.array([[0.0, 0.0, 0.0], [1.1, 0.0, 0.0], [0.4, 0.9, 0.0]])[:size]
    spots = rng.uniform(0.0, 12.0, (20, 1, 3))
    pairs = [(n, m) for n in range(size) for m in range(n)]
    scene = sg.Scene(
        name="gas",
        units="lj",
        domain=sg.Domain.periodic(size=(12.0, 12.0, 12.0)),
        entities={
            "A": sg.Atoms(
                lattice=sg.Sites(tuple(map(tuple, (spots + shape).reshape(-1, 3).tolist()))), temperature=1.0
            ),
            "rod": sg.RigidBond(groups=tuple((size * k + n, size * k + m) for k in range(20) for n, m in pairs)),
        },
        time=sg.Time(end=1.0, dt=0.002),
    )
    solver, state, params = compiled(scene)
    assert solver.freedoms() == pytest.approx(20 * (5 if size == 2 else 6) - 3)
    for one in (state, carried(solver, state, params, [0.002], 100)):
        seen = solver.observe(one, params)
        square = float(one.velocity.view(20, size, 3).mean(dim=1).square().sum())
        assert float(seen["pressure"]) == pytest.approx(size * square / (3.0 * 12.0**3), rel=1e-9)
        assert float(seen["kinetic_energy"]) > 1.3 * 0.5 * size * square


def test_species_of_any_mass_start_with_their_own_temperature():
    scene = liquid(sg.NVE(), **{"A.temperature": 0.5, "B.temperature": 3.0, "B.mass": 50.0})
    solver, state, params = compiled(scene)
    mass = solver.system.masses(params)[0]
    for m, heat in ((1.0, 0.5), (50.0, 3.0)):
        v = state.velocity[0, mass == m]
        assert float(m * v.square().sum()) / (3 * len(v)) == pytest.approx(heat, rel=0.35)
    assert float(solver.observe(state, params)["momentum"].abs().max()) < 1e-11

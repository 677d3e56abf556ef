"""All ways to the gradient of a trajectory give one gradient, and cost what they say."""

import gc
import warnings

import pytest
import torch

import scenegrad as sg
from scenegrad.engine import keeping
from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import map_tensors, tensors, with_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.md.catalogue import POTENTIALS, crystal, rods

P = sg.Parameter
PAIR = {"pair": sg.LennardJones(epsilon=P(1.1), sigma=P(1.0), cutoff=1.8, cut="switch")}
DYNAMICS = {
    "NVE": sg.NVE(),
    "Langevin": sg.Langevin(temperature=P(0.8), friction=P(0.9)),
    "NoseHoover": sg.NoseHoover(temperature=P(0.8), period=0.4),
    "CSVR": sg.CSVR(temperature=P(0.8), relaxation=0.1),
}


def compiled(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params


def liquid(cells=3, dtype="float64", learn=True):
    number = P if learn else float
    return compiled(
        sg.Scene(
            name="liquid",
            units="lj",
            domain=sg.Domain.periodic(density=0.8442),
            entities={
                "Ar": sg.Atoms(lattice=sg.FCC(cells=(cells,) * 3), temperature=1.44),
                "pair": sg.LennardJones(sigma=number(1.0), epsilon=number(1.0), cutoff=2.0),
            },
            time=sg.Time(end=1.0, dt=0.005),
        ),
        dtype,
    )


def gradients(scene, how, steps):
    """Of a loss of the end and of what was seen on the way, by positions, velocities and everything that learns."""
    solver, state, params = compiled(scene)
    live = with_tensors(state, {f: getattr(state, f).clone().requires_grad_() for f in ("position", "velocity")})
    roll = sg.rollout(solver, live, params, steps * 0.002, gradient=how)
    weights = torch.linspace(-1.0, 1.0, live.position.numel(), dtype=torch.float64).view_as(live.position)
    loss = (weights * (roll.state.position + 0.5 * roll.state.velocity)).sum()
    loss = loss + solver.observe(roll.state, params)["potential_energy"].sum()
    for output, seen in roll.outputs.items():
        for value in seen.values() if isinstance(seen, dict) else [seen]:
            unfilled = value.isnan()  # lags longer than the run so far
            assert output in ("msd", "vacf") or not bool(unfilled.any())
            loss = loss + value[~unfilled].sum()
    asked = {a: v for a, v in params.items() if v.requires_grad}
    found = torch.autograd.grad(loss, [live.position, live.velocity, *asked.values()], allow_unused=True)
    return {name: bar for name, bar in zip(["position", "velocity", *asked], found, strict=True) if bar is not None}


def agree(found, known, tolerance):
    assert set(found) == set(known)
    for name, bar in known.items():
        assert float(bar.abs().max()) > 0.0, name
        torch.testing.assert_close(found[name], bar, rtol=tolerance, atol=tolerance * float(bar.abs().max()), msg=name)


@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_kernels_give_the_gradient_that_torch_writes_down(dynamics, monkeypatch):
    """Also where states alone are kept, and with outputs on the way that remember earlier frames."""
    seen = {"thermo": sg.Thermo(every=0.01), "msd": sg.MSD(every=0.006, lags=3)}
    scene = crystal("cube", PAIR, dynamics=DYNAMICS[dynamics]).model_copy(update={"outputs": seen})
    known = gradients(scene, sg.Tape(), 20)
    agree(gradients(scene, sg.Stored(), 20), known, 1e-10)
    monkeypatch.setattr(keeping, "POCKET", 0)
    agree(gradients(scene, sg.Stored(), 20), known, 1e-10)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if "mixture" in n or "Morse" in n else pytest.mark.slow)
     for n, _ in [*POTENTIALS["pairs"](), *POTENTIALS["other_cuts"]()] if "plain" not in n],
)  # fmt: skip
def test_energies_in_torch_give_the_gradients_of_all_pair_potentials(name):
    scene = dict([*POTENTIALS["pairs"](), *POTENTIALS["other_cuts"]()])[name]
    agree(gradients(scene, sg.Stored(), 5), gradients(scene, sg.Tape(), 5), 1e-9)


def test_undone_steps_give_the_gradient_of_steps_that_are_kept():
    scene = crystal("cube", PAIR).model_copy(update={"outputs": {"thermo": sg.Thermo(every=0.01)}})
    agree(gradients(scene, sg.Reversible(), 50), gradients(scene, sg.Stored(), 50), 1e-8)


def test_members_that_end_early_stand_still_on_the_way_back_too():
    scenes = [crystal("plane", PAIR), crystal("plane", PAIR).replace({"A.mass.value": 0.4})]
    solver, state, params = compiled(scenes)
    found = []
    for how in (sg.Stored(), sg.Reversible()):
        end = sg.rollout(solver, state, params, 0.05, controller=sg.CFL(0.1), probes=(), gradient=how)
        assert int(end.steps[0]) != int(end.steps[1])
        asked = [v for v in params.values() if v.requires_grad]
        found.append(torch.autograd.grad(end.state.position.pow(2).sum(), asked, allow_unused=True))
    for one, other in zip(*found, strict=True):
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8 * float(one.abs().max()))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_liquid_is_led_back_to_the_last_bit(dtype):
    """And would not be with its velocities turned round: numbers that round off lose what chaos then makes large."""
    solver, state, params = liquid(dtype=dtype, learn=False)
    exact, first = solver.undoable(state, params)
    dt, time, now = torch.full((1,), 0.005, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), first
    for _ in range(600):
        now = exact.step(now, params, time, dt).state
    for _ in range(600):
        now, _ = exact.undo(now, params, time, dt)
    for name, value in tensors(first).items():
        assert torch.equal(getattr(now, name), value), name
    turned = state
    for _ in range(2):
        for _ in range(600):
            turned = solver.step(turned, params, time, dt).state
        turned = with_tensors(turned, {"velocity": -turned.velocity})
    assert float((turned.position - state.position).abs().max()) > (1e-12 if dtype == "float64" else 1e-3)


def test_whole_numbers_follow_velocity_verlet_and_keep_energy(measure):
    solver, state, params = liquid(learn=False)
    begin = float(solver.observe(state, params)["total_energy"])
    ends = [
        sg.rollout(solver, state, params, 0.25, probes=(), gradient=g).state for g in (sg.Stored(), sg.Reversible())
    ]
    torch.testing.assert_close(ends[0].position, ends[1].position, rtol=0.0, atol=1e-10)
    assert ends[1].whole is None  # a state like any other
    drifts = [abs(float(solver.observe(end, params)["total_energy"]) - begin) for end in ends]
    measure("drift of energy in whole numbers, relative to plain ones", drifts[1] / drifts[0], "1")
    assert drifts[1] == pytest.approx(drifts[0], rel=1e-6)


def storages():
    """Memory of all tensors there are, by its address. Who holds this holds the memory, so no address comes twice."""
    gc.collect()
    plain = [one for one in gc.get_objects() if type(one) in (torch.Tensor, torch.nn.Parameter)]
    there = [one.untyped_storage() for one in plain if one.layout == torch.strided and one.device.type == "cpu"]
    return {storage.data_ptr(): storage for storage in there}


def kept(made, how, steps):
    """[bytes by atom], between the way there and the way back."""
    solver, state, params = made
    before = storages()
    end = sg.rollout(solver, state, params, steps * 0.005, probes=(), gradient=how).state
    new = [storage.nbytes() for place, storage in storages().items() if place not in before]
    del end
    return sum(new) / state.position.shape[1]


@pytest.mark.parametrize(("dtype", "most"), [("float64", 26.0), ("float32", 14.0)])
def test_stored_gradients_keep_a_position_a_step(dtype, most, measure):
    made = liquid(cells=5, dtype=dtype)
    kept(made, sg.Stored(), 2)
    found = kept(made, sg.Stored(), 100) / 100
    measure(f"kept of each step of 500 atoms, {dtype} [bytes an atom]", found, f"{most:g}")
    assert 3 * getattr(torch, dtype).itemsize <= found < most


def test_reversible_gradients_keep_as_much_of_many_steps_as_of_few(measure):
    made = liquid(cells=4)
    kept(made, sg.Reversible(), 2)
    few, many = (kept(made, sg.Reversible(), steps) for steps in (50, 1000))
    measure("kept of 1000 undone steps, less of 50 [bytes an atom]", many - few, "the log: 17 bytes a step")
    assert few < 400.0  # three states: at the beginning, at the end, and that which is handed out
    assert (many - few) * 256 <= 17 * 2048


REFUSED = {
    "a thermostat": lambda: crystal("plane", PAIR, dynamics=DYNAMICS["Langevin"]),
    "a chain": lambda: crystal("plane", PAIR, dynamics=DYNAMICS["NoseHoover"]),
    "rigid bonds": lambda: rods(),
    "memory": lambda: crystal("plane", PAIR).model_copy(update={"outputs": {"msd": sg.MSD(every=0.01, lags=2)}}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_undone_is_refused_with_what_can_be_done(what):
    with pytest.raises(EngineError, match="Stored"):
        sg.rollout(*compiled(REFUSED[what]()), 0.01, gradient=sg.Reversible())


@pytest.mark.parametrize("how", [sg.Reversible(), sg.Tape()], ids=["reversible", "tape"])
def test_a_gradient_of_chaos_is_warned_of_however_it_is_made(how):
    scene = sg.Scene(
        name="hot",
        units="lj",
        domain=sg.Domain.periodic(density=0.7),
        entities={
            "A": sg.Atoms(lattice=sg.Square(cells=(5, 5)), temperature=4.0),
            "pair": sg.LennardJones(cutoff=2.0, epsilon=P(1.0)),
        },
        time=sg.Time(end=6.0, dt=0.005),
    )
    solver, state, params = compiled(scene)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        end = sg.rollout(solver, state, params, gradient=how).state
        end.position.square().sum().backward()
    assert sum("e-fold" in str(one.message) for one in told) == 1

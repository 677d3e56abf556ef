"""Gradients of whole trajectories against central differences in double precision."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors, with_tensors
from scenegrad.solvers.compile import compile_scene

STEPS = 120
SWEEP = (3e-6, 1e-6, 3e-7, 1e-7, 3e-8)
TOLERANCE = 1e-6  # of the better of two neighbouring steps; the other may be ten times as far away


def mixture(dim, dynamics):
    """Two species, three potentials, everything that may learn marked as such."""
    lattice = sc.FCC(cells=(2, 2, 2)) if dim == 3 else sc.Hexagonal(cells=(5, 3))

    def pair(epsilon, sigma, *between):
        return sc.LennardJones(
            epsilon=sc.Parameter(value=epsilon), sigma=sc.Parameter(value=sigma), cutoff=1.8 * sigma, cut="switch",
            between=between,
        )  # fmt: skip

    return sc.Scene(
        name="mixture",
        units="lj",
        domain=sc.Domain.periodic(density=0.6 if dim == 3 else 0.55),
        entities={
            "A": sc.Atoms(
                lattice=lattice, share=0.7, mass=sc.Parameter(value=1.0), temperature=sc.Parameter(value=0.9)
            ),
            "B": sc.Atoms(
                lattice=lattice, share=0.3, mass=sc.Parameter(value=1.7), temperature=sc.Parameter(value=0.7)
            ),
            "AA": pair(1.0, 1.0, "A", "A"),
            "AB": pair(1.3, 0.85, "A", "B"),
            "BB": pair(0.7, 0.9, "B", "B"),
        },
        dynamics=dynamics,
        seed=3,
        time=sc.Time(end=1.0, dt=0.005),
    )


def one_species(dim, dynamics, cut="switch"):
    lattice = sc.FCC(cells=(3, 3, 3)) if dim == 3 else sc.Square(cells=(6, 6))
    return sc.Scene(
        name="one",
        units="lj",
        domain=sc.Domain.periodic(density=0.8 if dim == 3 else 0.7),
        entities={
            "Ar": sc.Atoms(lattice=lattice, temperature=sc.Parameter(value=0.8)),
            "pair": sc.LennardJones(
                epsilon=sc.Parameter(value=1.0), sigma=sc.Parameter(value=1.0), cutoff=2.0, cut=cut
            ),
        },
        dynamics=dynamics,
        seed=4,
        time=sc.Time(end=1.0, dt=0.004),
    )


CASES = {
    "nve-2d-force-shift": lambda: one_species(2, sc.NVE(), cut="force-shift"),
    "nve-3d": lambda: one_species(3, sc.NVE()),
    "nve-mixture-3d": lambda: mixture(3, sc.NVE()),
    "langevin-3d": lambda: one_species(3, sc.Langevin(temperature="Ar.temperature", friction=sc.Parameter(value=0.8))),
    "langevin-mixture-2d": lambda: mixture(
        2, sc.Langevin(temperature=sc.Parameter(value=0.8), friction=sc.Parameter(value=0.6))
    ),
}


class Flight:
    """A loss at the end of a trajectory, as a function of its beginning."""

    def __init__(self, scene):
        self.solver, state, self.params = compile_scene(scene, device="cpu", dtype="float64")
        self.state = map_tensors(torch.Tensor.detach, state)
        self.dt = float(scene.time.dt)

    def loss(self, state, params):
        """Weighted positions and velocities at the end and the pressure on the way."""
        end = rollout(self.solver, state, params, STEPS * self.dt, controller=Fixed(self.dt), probes=()).state
        weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
        measured = self.solver.observe(end, params)
        size = end.position.shape[1]
        return (
            (weights * (end.position + 0.5 * end.velocity)).sum()
            + measured["pressure"].sum()
            + measured["potential_energy"].sum() / size
        )

    def within_reach(self, state, params):
        """Which pairs interact at each step [step, atom, atom], where their force has a kink at the cutoff."""
        if self.solver.system.forces.terms[0].table.cut == "switch":
            return torch.empty(0)
        dt, time = torch.full((1,), self.dt, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        found = []
        for _ in range(STEPS):
            state = self.solver.step(state, params, time, dt).state
            apart = state.position[0][:, None] - state.position[0]
            apart -= self.solver.system.box.edges[0] * torch.round(apart / self.solver.system.box.edges[0])
            found.append(apart.square().sum(-1) < self.solver.system.forces.terms[0].table.cutoff[0, 0] ** 2)
        return torch.stack(found)


@pytest.fixture(params=CASES)
def scene(request):
    return CASES[request.param]()


def agrees(shifted, exact):
    """Whether central differences of two neighbouring steps come near enough; one alone might do so by luck.

    shifted: (loss, interacting pairs) as a function of the shift; too large a step bends, too small a one drowns in
    rounding, and one across which a pair comes or goes does not count.
    """
    assert abs(exact) > 1e-3, f"the derivative {exact} is too near zero to test anything"
    before = math.inf
    for h in SWEEP:
        (up, pairs), (down, others) = shifted(h), shifted(-h)
        error = abs((up - down) / (2 * h) - exact) / abs(exact) if torch.equal(pairs, others) else math.inf
        if min(before, error) < TOLERANCE and max(before, error) < 10 * TOLERANCE:
            return True
        before = error
    return False


def test_initial_state(scene):
    flight = Flight(scene)
    state = map_tensors(lambda v: v.clone().requires_grad_() if v.is_floating_point() else v, flight.state)
    flight.loss(state, flight.params.detach()).backward()
    frozen = flight.params.detach()
    for field in ("position", "velocity"):
        start, gradient = getattr(flight.state, field), getattr(state, field).grad
        for seed in range(5):
            v = torch.randn(start.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            exact = float((gradient * v).sum())
            if abs(exact) < 1e-2 * float(gradient.norm()):
                v = v + gradient / gradient.norm()  # a direction across the slope would test nothing
                exact = float((gradient * v).sum())

            def shifted(h, field=field, start=start, v=v):
                near = with_tensors(flight.state, {field: start + h * v})
                return float(flight.loss(near, frozen)), flight.within_reach(near, frozen)

            assert agrees(shifted, exact), f"{field}, direction {seed}"


def test_every_parameter(scene):
    """Through forces, noise and first velocities: the scene is compiled anew for every value."""
    _, state, params = compile_scene(scene, device="cpu", dtype="float64")
    Flight(scene).loss(state, params).backward()
    assert set(scene.parameters()) >= {a for a in params if params[a].requires_grad}

    def at(address, value):
        other = Flight(scene.replace({f"{address}.value": value}))
        given = other.state, other.params.detach()
        return float(other.loss(*given)), other.within_reach(*given)

    for address, parameter in scene.parameters().items():
        exact, value = float(params[address].grad), parameter.value

        assert agrees(lambda h, address=address, value=value: at(address, value + h), exact), address


def test_a_bath_of_the_temperature_of_its_atoms_gives_one_gradient():
    """dynamics.temperature = "Ar.temperature": noise and first velocities add up at that address."""
    together = one_species(3, sc.Langevin(temperature="Ar.temperature", friction=0.8))
    apart = together.replace({"dynamics.temperature": sc.Parameter(value=0.8)})
    found = []
    for scene in (together, apart):
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        end = rollout(solver, state, params, 0.2, controller=Fixed(0.004), probes=()).state
        solver.observe(end, params)["kinetic_energy"].sum().backward()
        found.append({a: float(params[a].grad) for a in params if params[a].requires_grad})
    assert "dynamics.temperature" not in found[0]
    total = found[1]["Ar.temperature"] + found[1]["dynamics.temperature"]
    assert math.isclose(found[0]["Ar.temperature"], total, rel_tol=1e-10)
    assert abs(found[1]["dynamics.temperature"]) > 1.0


def test_members_of_a_batch_have_gradients_of_their_own():
    scenes = [one_species(3, sc.NVE()).replace({"pair.sigma.value": s, "seed": n}) for n, s in enumerate((1.0, 0.97))]
    solver, state, params = compile_scene(scenes, device="cpu", dtype="float64")
    end = rollout(solver, state, params, 0.2, controller=Fixed(0.004), probes=()).state
    solver.observe(end, params)["pressure"].sum().backward()
    for b, scene in enumerate(scenes):
        one, start, values = compile_scene(scene, device="cpu", dtype="float64")
        end = rollout(one, start, values, 0.2, controller=Fixed(0.004), probes=()).state
        one.observe(end, values)["pressure"].sum().backward()
        for address in scene.parameters():
            assert float(values[address].grad) == pytest.approx(float(params[address].grad[b]), rel=1e-12)


def test_going_back_costs_one_product_with_the_hessian_a_step(monkeypatch):
    scene = one_species(3, sc.NVE())
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    end = rollout(solver, state, params, 0.4, controller=Fixed(0.004), probes=()).state
    products, forces = [], []
    term = solver.system.forces.terms[0]
    adjoint, force = term.add_product, term.system
    monkeypatch.setattr(term, "add_product", lambda *given: products.append(1) or adjoint(*given))
    monkeypatch.setattr(term, "system", lambda *given: forces.append(1) or force(*given))
    (end.position * torch.linspace(0, 1, end.position.numel()).view_as(end.position)).sum().backward()
    assert len(products) == 101
    assert len(forces) - len(products) <= 125  # one force for each step that is replayed


def test_outputs_on_the_way_pull_back_too():
    """Forces and energies of several frames; the memory of products must notice what comes in between."""
    scene = one_species(3, sc.NVE()).replace(
        {"outputs": {"traj": sc.Particles(quantities=("velocity", "force"), every=0.08).model_dump(mode="json"),
                     "thermo": sc.Thermo(every=0.04).model_dump(mode="json")}}
    )  # fmt: skip

    def loss(scene):
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        run = rollout(solver, state, params, 0.32, controller=Fixed(0.004))
        thermo, force = run.outputs["thermo"], run.outputs["traj"]["force"]
        slope = torch.linspace(-1, 1, force[0, 0].numel(), dtype=torch.float64).view_as(force[0, 0])
        total = thermo["pressure"].square().sum() + (slope * force).sum() + run.outputs["traj"]["velocity"].pow(4).sum()
        return total, params

    total, params = loss(scene)
    total.backward()
    for address in scene.parameters():
        value = scene.parameters()[address].value

        def shifted(h, address=address, value=value):
            return loss(scene.replace({f"{address}.value": value + h}))[0].item(), torch.empty(0)

        assert agrees(shifted, float(params[address].grad)), address

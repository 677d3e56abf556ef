"""What obstacles take from a flow is what the flow loses."""

import meshio
import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene

P = sc.Parameter


def round_two_bodies(flow: sc.Entity) -> sc.Scene:
    """In a box without sides, so that nothing else pushes."""
    return sc.Scene(
        name="bodies",
        domain=sc.Domain.periodic(size=(2.0, 1.0), cells=(24, 12)),
        entities={
            "flow": flow,
            "ball": sc.Obstacle(sc.Sphere(center=P((0.63, 0.46)), radius=P(0.22))),
            "block": sc.Obstacle(sc.Box(center=(1.48, 0.52), size=P((0.3, 0.34)))),
        },
        outputs={name: sc.Force(name, every=1.0) for name in ("ball", "block")},
        time=sc.Time(end=1.0),
    )


FLOWS = {
    "gas": sc.Gas(gamma=P(1.4), density=1.2, pressure=P(1.1), velocity=(0.6, 0.2), viscosity=P(0.02)),
    "water": sc.ShallowWater(gravity=P(9.81), depth=P(1.2), velocity=(0.6, 0.2)),
}


def stirred(flow: str):
    """After a few steps, with a small one ahead."""
    solver, state, params = compile_scene(round_two_bodies(FLOWS[flow]), "cpu", "float64")
    time, fixed = torch.zeros(1, dtype=torch.float64), params.detach()
    for _ in range(5):
        state = solver.step(state, fixed, time, 0.3 * solver.max_dt(state, params)).state
    return solver, state, params, time


def forces(solver, state, params):
    return {probe.name: probe.measure(state, params) for probe in solver.program.probes}


@pytest.mark.parametrize("flow", FLOWS)
def test_bodies_take_the_momentum_that_the_flow_loses(flow):
    solver, state, params, time = stirred(flow)
    dt = 1e-7 * torch.ones(1, dtype=torch.float64)
    after = solver.step(state, params.detach(), time, dt).state
    lost = [solver.observe(s, params)["momentum"] for s in (state, after)]
    felt = forces(solver, state, params.detach())
    taken = felt["ball"]["force"] + felt["block"]["force"]
    assert float(taken.abs().min()) > 0.01
    assert float((felt["ball"]["force"] / taken - 1).abs().max()) > 0.1  # both have a share
    torch.testing.assert_close(taken, ((lost[0] - lost[1]) / dt).detach(), rtol=1e-4, atol=1e-5)


def test_even_pressure_pushes_nowhere_and_turns_nothing():
    solver, state, params = compile_scene(round_two_bodies(sc.Gas(pressure=2.0)), "cpu", "float64")
    with torch.no_grad():
        for found in forces(solver, state, params).values():
            assert float(found["force"].abs().max()) < 1e-12
            assert float(found["torque"].abs().max()) < 1e-12


def test_a_torque_is_about_the_middle():
    """A gas that streams past a ball in one direction turns neither it nor its mirror image, and a wind from the side
    on the upper half of a block turns it clockwise."""
    wind = sc.GasPatch(sc.Box(center=(0.5, 0.75), size=(3.0, 0.5)), velocity=(0.5, 0.0))
    scene = round_two_bodies(sc.Gas(patches=(wind,)))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    assert float(forces(solver, state, params.detach())["block"]["torque"][0]) < -1e-3


@pytest.mark.parametrize("flow", FLOWS)
def test_gradients_of_forces_are_those_of_central_differences(flow):
    solver, state, params, _ = stirred(flow)
    state = type(state)(state.conserved.detach().requires_grad_())
    generator = torch.Generator().manual_seed(0)

    def loss(values, start=state):
        found = forces(solver, start, values)
        return sum((k + 1) * f["force"].sum() + f["torque"].sum() for k, f in enumerate(found.values()))

    loss(params).backward()
    ways = {a: torch.randn(p.shape, generator=generator, dtype=p.dtype) for a, p in params.items()}
    for address in round_two_bodies(FLOWS[flow]).parameters():
        if address.endswith(("pressure", "depth")):
            continue  # of the start alone
        value, way, h = params[address].detach(), ways[address], 1e-6
        with torch.no_grad():
            up, down = (loss(params.detach().replace({address: value + s * h * way})) for s in (1.0, -1.0))
        slope = float((params[address].grad * way).sum())
        assert slope == pytest.approx(float(up - down) / (2 * h), rel=1e-6), address
    way = torch.randn(state.conserved.shape, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        up, down = (loss(params.detach(), type(state)(state.conserved + s * 1e-6 * way)) for s in (1.0, -1.0))
    assert float((state.conserved.grad * way).sum()) == pytest.approx(float(up - down) / 2e-6, rel=1e-6)


def test_force_on_nothing_is_refused():
    scene = round_two_bodies(sc.Gas()).model_copy(update={"outputs": {"f": sc.Force("bal", every=1.0)}})
    with pytest.raises(sc.SceneError, match="Did you mean 'ball'"):
        compile_scene(scene, "cpu", "float64")


def test_a_body_from_a_mesh_file_feels_what_its_shape_feels(tmp_path):
    """A square of triangles and the box that it is."""
    corners = np.array([(0.5, 0.2, 0.0), (0.9, 0.2, 0.0), (0.9, 0.6, 0.0), (0.5, 0.6, 0.0)])
    meshio.Mesh(corners, [("triangle", np.array([(0, 1, 2), (0, 2, 3)]))]).write(tmp_path / "square.vtu")
    found = []
    for shape in (sc.Mesh(str(tmp_path / "square.vtu")), sc.Box(center=(0.7, 0.4), size=(0.4, 0.4))):
        scene = round_two_bodies(FLOWS["gas"]).replace({"ball.shape": shape})
        solver, state, params = compile_scene(scene, "cpu", "float64")
        dt = 0.3 * solver.max_dt(state, params)
        after = solver.step(state, params.detach(), torch.zeros(1, dtype=torch.float64), dt).state
        found.append(forces(solver, after, params.detach())["ball"])
    assert float(found[0]["force"].abs().max()) > 0.05
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)

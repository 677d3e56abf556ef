"""Soft robots that learn: what gradients are for."""

import importlib.util
from pathlib import Path

import pytest
import torch

import scenegrad as sg

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_soft_walker_of_3200_numbers_walks_further_by_gradient_than_by_evolution(tmp_path, measure):
    """In equal wall time; evolution tries 28 members of a batch at once."""
    pytest.importorskip("cma")
    reached = example("soft_walker").main(out=str(tmp_path / "walk.png"), seconds=60.0)
    measure("distance walked by gradient [m]", reached["gradient"], "> 1.5 x CMA-ES")
    measure("distance walked by CMA-ES [m]", reached["CMA-ES"], "")
    assert reached["gradient"] > 0.25
    assert reached["gradient"] > 1.5 * reached["CMA-ES"]
    assert (tmp_path / "walk.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_arm_learns_to_reach_for_targets_it_has_never_seen(measure):
    before, after = example("reach_with_an_arm").main()
    measure("hand from targets never seen, before training [m]", before, "")
    measure("hand from targets never seen, after it [m]", after, "< 0.5 x before")
    assert after < 0.5 * before


def test_a_lattice_of_springs_begins_to_walk_along_the_gradient_of_3000_numbers():
    knots, cells, end = 300, (5, 2), 0.6
    width = 0.1
    cell = [(x, y) for x in range(cells[0]) for y in range(cells[1])]
    scene = sg.Scene(
        name="spring_walker",
        domain=sg.Domain(size=(2.0, 0.6)),
        gravity=(0.0, -9.81),
        entities={
            "body": sg.Springs(
                net=sg.SpringLattice(center=(0.4, 0.2), size=(0.5, 0.2), cells=cells),
                mass=0.5,
                stiffness=200.0,
                damping=0.3,
                actuators={
                    f"cell_{x}_{y}": sg.Actuator(
                        region=sg.Box(center=(0.2 + width * x, 0.15 + width * y), size=(width, width)),
                        activation=sg.Table(end / (knots - 1), (0.0,) * knots),
                    )
                    for x, y in cell
                },
            ),
            "floor": sg.Wall(normal=(0, 1), offset=0.1, contact=sg.Coulomb(0.8)),
        },
        time=sg.Time(end=end, cfl=0.8),
    )
    solver, state, params = sg.compile(scene, device="cpu")
    addresses = [address for address in params if address.endswith(".activation.values")]
    effort = torch.zeros(len(addresses), knots, requires_grad=True)
    assert effort.numel() == 3000
    adam, distances = torch.optim.Adam([effort], lr=0.06), []
    for _ in range(3):
        tables = dict(zip(addresses, 0.3 * torch.tanh(effort)[:, None], strict=True))
        end_state = sg.rollout(solver, state, params.detach().replace(tables)).state
        distance = (end_state.position - state.position)[..., 0].mean()
        distances.append(distance.item())
        adam.zero_grad()
        (-distance).backward()
        adam.step()
    assert abs(distances[0]) < 1e-3
    assert 0.004 < distances[1] < distances[2]

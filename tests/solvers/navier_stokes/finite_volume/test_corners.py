"""No axis goes first: a viscous gas between sides that disagree at their corners is the same with its axes swapped."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

AXES = "xyz"


def density(order: tuple[int, ...]) -> torch.Tensor:
    """After three steps, with axes as they were. order: which axis of the flow lies along x, y, z."""
    dim = len(order)

    def turned(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(values[a] for a in order)

    sides = [
        (sc.Inflow(turned((0.5, 0.1, -0.1)[:dim]), density=1.1, pressure=1.0), sc.Outflow(pressure=0.95)),
        (sc.NoSlip(velocity=turned((0.4, 0.0, 0.3)[:dim]), temperature=1.2), sc.Slip()),
        (sc.NoSlip(), sc.NoSlip(velocity=turned((0.0, 0.5, 0.0)[:dim]))),
    ]
    named = {f"{AXES[j]}_{end}": sides[a][n] for j, a in enumerate(order) for n, end in enumerate(("lo", "hi"))}
    scene = sc.Scene(
        name="corners",
        domain=sc.Domain(size=turned((0.7, 0.5, 0.4)[:dim]), cells=tuple((7, 6, 4)[a] for a in order)),
        entities={"gas": sc.Gas(velocity=turned((0.3, -0.1, 0.05)[:dim]), viscosity=0.05, gas_constant=1.0)},
        boundary=sc.Boundary(**named),
        time=sc.Time(end=1.0),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    end = rollout(solver, state, params.detach(), 0.015, controller=Fixed(0.005), probes=()).state
    return end.conserved[0, 0].permute([order.index(a) for a in range(dim)])


@pytest.mark.parametrize("order", [(1, 0), (0, 2, 1), (2, 1, 0), (1, 2, 0)], ids=str)
def test_corners_of_a_viscous_gas_favour_no_axis(order: tuple[int, ...]) -> None:
    straight = tuple(range(len(order)))
    torch.testing.assert_close(density(order), density(straight), rtol=1e-12, atol=0.0)

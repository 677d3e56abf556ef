"""Bodies beside a seam of a box that wraps: nobody feels where it begins."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

CELLS, SIZE = 24, 1.2


def ran(y: float, shift: int, motion: sc.Moving | None) -> dict[str, Tensor]:
    """Waves that a ball stands in, with everything moved up by some cells, and moved back."""
    ball = sc.Obstacle(sc.Sphere(center=sc.Parameter((0.54, y)), radius=0.2), motion=motion, dye=1.0)
    scene = sc.Scene(
        name="seam",
        domain=sc.Domain.periodic(size=(SIZE, SIZE), cells=(CELLS, CELLS)),
        entities={"water": sc.Fluid(viscosity=0.01), "dye": sc.Tracer(diffusivity=0.01), "ball": ball},
        outputs={"force": sc.Force("ball", every=0.02)},
        time=sc.Time(end=0.04, dt=0.005),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    x = torch.arange(CELLS, dtype=torch.float64) / CELLS * 2 * torch.pi
    u = 0.3 + 0.2 * torch.sin(x)[:, None] * torch.cos(x + 0.3)
    v = 0.1 - 0.2 * torch.cos(x)[:, None] * torch.sin(2 * x + 0.1)
    start = replace(state, u=u.roll(shift, -1)[None].contiguous(), v=v.roll(shift, -1)[None].contiguous())
    run = rollout(solver, start, params)
    force = run.outputs["force"]
    force["force"][:, -1].square().sum().backward()
    slope = params["ball.shape.center"].grad
    assert slope is not None
    assert run.state.tracers is not None
    back = {name: field.roll(-shift, -1) for name, field in (("u", run.state.u), ("dye", run.state.tracers))}
    return {**back, **{name: one.detach() for name, one in force.items()}, "slope": slope}


@pytest.mark.parametrize(
    ("shift", "moves"),
    [(-8, False), (8, False), (-7, True), (8, True)],
    ids=["upon-it", "at-the-other-side", "turns-a-cell-away", "turns-at-the-other-side"],
)
def test_a_body_beside_a_seam_is_one_in_the_middle_of_the_box(shift: int, moves: bool) -> None:
    motion = sc.Moving(velocity=(0.1, 0.0), angular_velocity=1.0) if moves else None
    whole, moved = ran(0.6, 0, motion), ran(0.6 + shift * SIZE / CELLS, shift, motion)
    assert float(whole["force"].abs().max()) > 0.1
    for name, field in whole.items():
        rtol = 1e-7 if name == "slope" else 1e-9  # that of the pressure, solved for once more
        torch.testing.assert_close(moved[name], field, rtol=rtol, atol=1e-11, msg=lambda told, of=name: f"{of}: {told}")


def test_a_body_that_is_turned_about_a_far_place_is_felt_all_along() -> None:
    """A bar that stood upon its end and was laid down is one that lies there: its end is farther from where it turned
    than half of the box, and no image of it stands in for that end."""
    laid = sc.Obstacle(
        sc.Box(center=(0.93, 0.55), size=(0.1, 0.7)),
        motion=sc.Moving(velocity=(0.0, 0.0), center=(0.93, 0.2)),
        rotation=90.0,
    )
    lying = sc.Obstacle(sc.Box(center=(0.58, 0.2), size=(0.7, 0.1)))
    found = []
    for bar in (laid, lying):
        scene = sc.Scene(
            name="bar",
            domain=sc.Domain(size=(SIZE, SIZE), cells=(CELLS, CELLS), wrap=(True, False)),
            entities={"water": sc.Fluid(viscosity=0.01, velocity=(0.3, 0.1)), "bar": bar},
            boundary=sc.Boundary(y=sc.NoSlip()),
            time=sc.Time(end=0.02, dt=0.005),
        )
        solver, state, params = compile_scene(scene, "cpu", "float64")
        found.append(rollout(solver, state, params.detach()).state.u)
    torch.testing.assert_close(found[0], found[1], rtol=0.0, atol=1e-9)


def test_the_step_is_held_for_the_far_end_of_a_body_that_is_hinged_at_the_other() -> None:
    """It runs at omega l, faster than any place of a body as large as the box that turns about its middle."""
    spin, length, place = 3.0, 1.1, (0.6, 0.6)

    def step(hinge: tuple[float, float] | None) -> float:
        oar = sc.Obstacle(
            sc.Box(center=place, size=(length, 0.1)), motion=sc.Moving(angular_velocity=spin, center=hinge)
        )
        scene = sc.Scene(
            name="oar",
            domain=sc.Domain(size=(SIZE, SIZE), cells=(CELLS, CELLS)),
            entities={"water": sc.Fluid(viscosity=0.01), "oar": oar},
            boundary=sc.Boundary(default=sc.Slip()),
            time=sc.Time(end=1.0, cfl=0.5),
        )
        solver, state, params = compile_scene(scene, "cpu", "float64")
        return float(solver.max_dt(state, params))

    hinged, middle = step((place[0] - 0.5 * length, place[1])), step(None)
    assert hinged < 0.8 * middle
    assert hinged < SIZE / CELLS / (spin * length)

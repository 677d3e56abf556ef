"""Scenes that cannot be run are refused with what to change; runs that go wrong say where."""

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def box(**changes):
    told = {
        "name": "box",
        "domain": sc.Domain(size=(1.0, 1.0), cells=(8, 8)),
        "entities": {"gas": sc.Gas()},
        "boundary": sc.Boundary(default=sc.Slip()),
        "time": sc.Time(end=0.1),
    }
    return sc.Scene(**(told | changes))


TROUBLE = {
    "few cells": ({"domain": sc.Domain(size=(1.0, 1.0), cells=(8, 3))}, "at least 4 along each edge"),
    "no cells": ({"domain": sc.Domain(size=(1.0, 1.0))}, "domain.cells"),
    "no sides": ({"boundary": sc.Boundary()}, "has no condition; give one of"),
    "half periodic": (
        {"boundary": sc.Boundary(x_lo=sc.Periodic(), default=sc.Slip())},
        "periodic at one end only",
    ),
    "solid sides": ({"boundary": sc.Boundary(default=sc.Stick())}, "is for other matter"),
    "inflow of nothing": (
        {"boundary": sc.Boundary(x_lo=sc.Inflow(1.0), default=sc.Slip())},
        "says nothing of the density",
    ),
    "inflow of dye": (
        {"boundary": sc.Boundary(x_lo=sc.Inflow(1.0, density=1.0, dye=1.0), default=sc.Slip())},
        "inflow can hold density and pressure",
    ),
    "two gases": ({"entities": {"a": sc.Gas(), "b": sc.Gas()}}, "hold 2 gases"),
    "a body": (
        {"entities": {"gas": sc.Gas(), "wall": sc.Wall(normal=(1.0, 0.0))}},
        "know a gas or shallow water, and obstacles",
    ),
    "gravity": ({"gravity": (0.0, -9.81)}, "is not served here"),
    "an output of atoms": ({"outputs": {"all": sc.Thermo(every=0.1)}}, "give fields, energy"),
    "an unknown field": ({"outputs": {"all": sc.Fields("presure", every=0.1)}}, "Did you mean 'pressure'"),
    "a vortex too strong": (
        {"entities": {"gas": sc.Gas(start=sc.IsentropicVortex(strength=30.0, radius=0.1))}},
        "must be positive everywhere",
    ),
    "a moving obstacle": (
        {
            "entities": {
                "gas": sc.Gas(),
                "ball": sc.Obstacle(sc.Sphere(center=(0.5, 0.5), radius=0.1), motion=sc.Moving(velocity=(1.0, 0.0))),
            }
        },
        "their obstacles stand still",
    ),
    "an inflow of less than nothing": (
        {"boundary": sc.Boundary(x_lo=sc.Inflow(1.0, density=-1.0), default=sc.Slip())},
        "density +is -1; it must be positive",
    ),
    "an outflow that sucks": (
        {"boundary": sc.Boundary(x_lo=sc.Outflow(pressure=-1.0), default=sc.Slip())},
        "must not be negative",
    ),
    "a pressure of water": (
        {
            "entities": {"water": sc.ShallowWater()},
            "boundary": sc.Boundary(x_lo=sc.Outflow(pressure=2.0), default=sc.Slip()),
        },
        "water flows out freely",
    ),
    "an obstacle before the inflow": (
        {
            "entities": {"gas": sc.Gas(), "lid": sc.Obstacle(sc.Box(center=(1.0, 0.5), size=(0.4, 1.5)))},
            "boundary": sc.Boundary(x_hi=sc.Inflow(1.0, density=1.0), default=sc.Slip()),
        },
        "boundary.x_hi +is an inflow or outflow that lid covers",
    ),
    "a parameter nobody reaches": (
        {
            "entities": {
                "gas": sc.Gas(),
                "pill": sc.Obstacle(
                    shape=sc.Capsule(center=(0.5, 0.5), radius=sc.Parameter(0.1), height=0.2, axis=(1.0, 0.0))
                ),
            }
        },
        "No gradient reaches pill.shape.radius",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_a_scene_that_cannot_be_run_is_refused_with_what_to_change(name):
    changes, told = TROUBLE[name]
    with pytest.raises(sc.SceneError, match=told):
        compile_scene(box(**changes), "cpu", "float64")


def test_a_density_that_is_not_positive_is_refused_in_the_scene_and_in_a_file(tmp_path):
    with pytest.raises(ValueError, match="positive"):
        sc.Gas(density=-1.0)
    path = tmp_path / "start.npy"
    values = np.ones((4, 8, 8))
    values[0, 2, 3] = -0.5
    np.save(path, values)
    with pytest.raises(sc.SceneError, match=r"density of -0\.5"):
        compile_scene(box(entities={"gas": sc.Gas(start=sc.FieldFile(str(path)))}), "cpu", "float64")
    np.save(path, np.ones((3, 8, 8)))
    with pytest.raises(sc.SceneError, match=r"\(4, 8, 8\)"):
        compile_scene(box(entities={"gas": sc.Gas(start=sc.FieldFile(str(path)))}), "cpu", "float64")


def test_a_patch_of_one_member_that_says_more_than_another_is_refused():
    """Numbers may differ, what is told may not: the first member says which numbers a patch has."""
    ball = sc.Sphere(center=(0.5, 0.5), radius=0.2)
    one = box(entities={"gas": sc.Gas(patches=(sc.GasPatch(ball, pressure=2.0),))})
    two = box(entities={"gas": sc.Gas(patches=(sc.GasPatch(ball, pressure=2.0, density=3.0),))})
    with pytest.raises(sc.SceneError, match="differs between member 0 and member 1"):
        compile_scene([one, two], "cpu", "float64")


@pytest.mark.parametrize("velocity", [(1.0,), (1.0, 0.0, 0.0), sc.Parameter((1.0, 0.0, 0.0))], ids=str)
def test_a_patch_moves_in_as_many_dimensions_as_its_scene(velocity):
    patch = sc.GasPatch(sc.Sphere(center=(0.5, 0.5), radius=0.2), velocity=velocity)
    with pytest.raises(sc.SceneError, match=r"gas.patches.0.velocity +has another dimension"):
        compile_scene(box(entities={"gas": sc.Gas(patches=(patch,))}), "cpu", "float64")


def test_a_flow_begins_as_a_file_says(tmp_path):
    path = tmp_path / "start.npy"
    values = 1.0 + np.random.default_rng(0).random((4, 8, 8))
    np.save(path, values)
    solver, state, params = compile_scene(
        box(entities={"gas": sc.Gas(start=sc.FieldFile(str(path)))}), "cpu", "float64"
    )
    found = solver.law.primitive(state.conserved, params["gas.gamma"])[0]
    np.testing.assert_allclose(found.detach().numpy(), values, rtol=1e-12)


def test_a_fixed_step_beyond_the_bound_is_refused():
    solver, state, params = compile_scene(box(time=sc.Time(end=1.0, dt=0.2)), "cpu", "float64")
    with pytest.raises(StabilityError, match="stability bound"):
        rollout(solver, state, params)


def test_a_state_that_has_run_away_names_the_cell():
    solver, state, params = compile_scene(box(), "cpu", "float64")
    broken = state.conserved.detach().clone()
    broken[0, -1, 5, 2] = -1.0
    with pytest.raises(Diverged, match=r"The pressure of cell \(5, 2\) of member 0") as caught:
        rollout(solver, type(state)(broken), params)
    assert caught.value.members == (0,)
    broken[0, -1, 5, 2] = torch.nan
    with pytest.raises(Diverged, match=r"cell \(5, 2\)"):
        rollout(solver, type(state)(broken), params)


def test_an_obstacle_may_stand_before_a_part_of_an_inflow():
    post = sc.Obstacle(sc.Box(center=(1.0, 0.3), size=(0.4, 0.8)))
    boundary = sc.Boundary(x_hi=sc.Inflow(1.0, density=1.0), x_lo=sc.Outflow(pressure=1.0), default=sc.Slip())
    compile_scene(box(entities={"gas": sc.Gas(), "post": post}, boundary=boundary), "cpu", "float64")


def test_members_have_tables_of_one_spacing():
    """The spacing of a table is a choice, which the members of a batch share."""

    def member(every: float) -> sc.Scene:
        return sc.Scene(
            name="gas",
            domain=sc.Domain(size=(1.0,), cells=(16,)),
            entities={"gas": sc.Gas()},
            boundary=sc.Boundary(x_lo=sc.Inflow(sc.Table(every, (0.1, 0.2)), density=1.0), x_hi=sc.Outflow()),
            time=sc.Time(end=1.0),
        )

    with pytest.raises(sc.SceneError, match="differs between member 0 and member 1"):
        compile_scene([member(0.1), member(0.2)], "cpu", "float64")

"""From a scene to particles, and what is refused on the way."""

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.scenes import library
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.library.solids import DUCK
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.filling import fill_shape
from scenegrad.solvers.shared.regions import bounds_of, distance_to

UNIT = np.ones(3)


@pytest.mark.parametrize("size", [(0.2, 0.3), (0.21, 0.333, 0.17)])
def test_a_box_is_filled_exactly(size):
    places, volumes = fill_shape(
        sc.Box(center=(0.5,) * len(size), size=size), np.ones(len(size)), 1 / 32, 2 ** len(size)
    )
    assert volumes.sum() == pytest.approx(np.prod(size), rel=1e-12)
    assert places.mean(axis=0) == pytest.approx([0.5] * len(size))
    low = 0.5 - np.array(size) / 2
    assert (places > low).all()
    assert (places < low + np.array(size)).all()


def test_a_mesh_and_what_is_cut_out_of_it_are_filled_to_their_volume():
    duck = sc.Mesh(str(DUCK), scale=0.4, center=(0.5, 0.5, 0.5))
    whole = fill_shape(duck, UNIT, 1 / 48, 8)[1].sum()
    assert whole == pytest.approx(0.19756 * 0.4**3, rel=0.01)
    cut = duck - sc.Sphere(center=(0.5, 0.5, 0.45), radius=0.1)
    places, volumes = fill_shape(cut, UNIT, 1 / 48, 8)
    assert (np.linalg.norm(places - [0.5, 0.5, 0.45], axis=1) > 0.1).all()
    assert volumes.sum() == pytest.approx(whole - 4 / 3 * np.pi * 0.1**3, rel=0.03)
    assert (distance_to(cut | sc.Box(center=(0.1, 0.1, 0.1), size=(0.1,) * 3), np.array([[0.1, 0.1, 0.1]])) < 0).all()


def test_a_mesh_is_turned_about_x_then_y_then_z():
    low, high = bounds_of(sc.Mesh(str(DUCK), rotation=(90.0, 0.0, 90.0), center=(0.0, 0.0, 0.0)), 3)
    assert high - low == pytest.approx([0.83344, 1.0, 0.73885], abs=1e-4)
    assert low + high == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_a_volume_mesh_gives_its_cells():
    ring = sc.Mesh(str(DUCK.with_name("ring.msh")), scale=0.5, center=(0.5, 0.5, 0.5))
    places, volumes = fill_shape(ring, UNIT, 1 / 16, 8)
    assert volumes.sum() == pytest.approx(0.10012 * 0.5**3, rel=1e-3)
    assert len(np.unique(volumes.round(12))) > 1
    radii = np.linalg.norm(places[:, :2] - 0.5, axis=1)
    assert radii.max() < 0.25


@pytest.mark.parametrize("jitter", [0.3, 1.0])
def test_jitter_keeps_mass_and_shape_and_moves_particles_within_their_cells(lab, jitter):
    def places(seed, jitter, shape):
        body = sc.Body(shape=shape, material=lab.jelly, jitter=jitter)
        other = sc.Body(shape=sc.Box(center=(0.8, 0.8), size=(0.1, 0.1)), material=lab.jelly, jitter=jitter)
        solver, state, _ = compile_scene(lab.scene_of(2, entities={"a": body, "b": other}, seed=seed), "cpu", "float64")
        return state.position[0].detach().numpy(), float(solver.matter.volume.sum())

    box = sc.Box(center=(0.4, 0.4), size=(0.5, 0.5))
    lattice, volume = places(0, 0.0, box)
    moved, same = places(0, jitter, box)
    assert same == volume
    shift = moved - lattice
    assert 0.95 * jitter / 2 < np.abs(shift[:256]).max() * 32 < jitter / 2
    assert shift[:256].std() * 32 == pytest.approx(jitter / 12**0.5, rel=0.1)
    assert not np.allclose(shift[:9] / shift[0, 0], shift[256:265] / shift[256, 0])  # each body has numbers of its own
    assert (places(0, jitter, box)[0] == moved).all()
    assert (places(1, jitter, box)[0] != moved).all()
    ball = sc.Sphere(center=(0.4, 0.4), radius=0.25)
    inside = places(0, jitter, ball)[0][:-9]
    assert np.linalg.norm(inside - 0.4, axis=1).max() <= 0.25


def test_a_half_space_ends_at_the_domain():
    places, volumes = fill_shape(sc.HalfSpace(normal=(0.0, 1.0), offset=0.25), np.ones(2), 1 / 16, 4)
    assert volumes.sum() == pytest.approx(0.25)
    assert places[:, 1].max() < 0.25


def test_every_reason_is_told_at_once(lab):
    scene = sc.Scene(
        name="wrong",
        domain=sc.Domain(size=(1.0, 0.5), cells=(32, 32)),
        entities={
            "block": lab.box_of((0.4, 0.2), (0.2, 0.2)),
            "water": sc.Fluid(viscosity=0.1),
            "wall": sc.Wall(normal=(0.0, 1.0), contact=sc.NoSlip()),
        },
        boundary=sc.Boundary(x_lo=sc.Periodic(), default=sc.NoSlip()),
        outputs={
            "field": sc.Fields("velocity", every=0.1),
            "all": sc.Particles("positoin", every=0.1),
            "com": sc.CenterOfMass("blok", every=0.1),
        },
        time=sc.Time(end=1.0, tolerance=1e-3),
        method=sc.MaterialPoint(),
    )
    with pytest.raises(SceneError) as caught:
        compile_scene(scene, "cpu", "float64")
    text = str(caught.value)
    for part in (
        "cells=(64, 32)", "water ", "wall.contact", "boundary.default", "is periodic at lo only", "outputs.field",
        "Did you mean 'position'", "Did you mean 'block'", "time.tolerance",
    ):  # fmt: skip
        assert part in text, text


@pytest.mark.parametrize(
    ("low", "size", "reason"),
    [
        ((0.9, 0.4), (0.2, 0.2), r"block.shape.*beyond x_hi"),
        ((0.4, -0.1), (0.2, 0.2), r"block.shape.*beyond y_lo"),
        ((0.4, 0.4), (0.2, 0.01), r"at least one cell wide"),
        ((0.4, 0.05), (0.2, 0.2), r"deep in the wall floor"),
        ((0.65, 0.65), (0.2, 0.2), r"overlaps other"),
    ],
)
def test_bodies_in_the_wrong_place_are_refused(lab, low, size, reason):
    entities = {
        "block": lab.box_of(low, size),
        "other": lab.box_of((0.7, 0.7), (0.2, 0.2)),
        "floor": sc.Wall(normal=(0.0, 1.0), offset=0.15),
    }
    with pytest.raises(SceneError, match=reason):
        compile_scene(lab.scene_of(2, entities=entities), "cpu", "float64")


def test_an_open_mesh_is_refused(lab, tmp_path):
    path = tmp_path / "open.stl"
    path.write_text(
        "solid s\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
        "endloop\nendfacet\nendsolid\n"
    )
    body = sc.Body(shape=sc.Mesh(str(path), scale=0.2, center=(0.5, 0.5, 0.5)), material=lab.jelly)
    with pytest.raises(SceneError, match=r"body\.shape"):
        compile_scene(lab.scene_of(3, entities={"body": body}), "cpu", "float64")


def test_a_parameter_without_a_gradient_is_refused(lab):
    shape = sc.Sphere(center=(0.5, 0.5), radius=sc.Parameter(0.2))
    body = sc.Body(shape=shape, material=lab.jelly)
    with pytest.raises(SceneError, match=r"No gradient reaches block\.shape\.radius"):
        compile_scene(lab.scene_of(2, entities={"block": body}), "cpu", "float64")
    wall = sc.Wall(normal=(0.0, 1.0), offset=sc.Parameter(0.1), contact=sc.Stick())
    entities = {"block": lab.box_of((0.4, 0.4), (0.2, 0.2)), "wall": wall}
    with pytest.raises(SceneError, match=r"No gradient reaches wall\.offset"):
        compile_scene(lab.scene_of(2, entities=entities), "cpu", "float64")


def test_members_of_a_batch_differ_in_numbers_only(lab):
    def member(edge, **fields):
        return lab.scene_of(2, entities={"block": lab.box_of((0.4, 0.4), (edge, edge))}, **fields)

    moved = lab.scene_of(2, entities={"block": lab.box_of((0.1, 0.6), (0.2, 0.2), velocity=None)})
    _, state, _ = compile_scene([member(0.2), moved], "cpu", "float64")
    assert state.position.shape[0] == 2
    assert not torch.equal(state.position[0], state.position[1])
    with pytest.raises(SceneError, match=r"block\.shape.*particles among the members"):
        compile_scene([member(0.2), member(0.3)], "cpu", "float64")
    with pytest.raises(SceneError, match=r"time\.end"):
        compile_scene([member(0.2), member(0.2, time=sc.Time(end=2.0))], "cpu", "float64")


@pytest.mark.parametrize(
    "make", [library.elastic_drop, library.dam_break, library.colliding_disks, library.bar_vibration]
)
def test_every_ready_scene_compiles_and_moves(make):
    solver, state, params = compile_scene(make(), "cpu", "float32")
    bound = solver.max_dt(state, params)
    assert 1e-6 < float(bound) < 1.0
    assert {probe.name for probe in solver.program.probes} == set(make().outputs)
    for probe in solver.program.probes:
        assert all(bool(torch.isfinite(value).all()) for value in probe.measure(state, params).values())


@pytest.mark.parametrize(
    ("dim", "joule", "momentum", "turning"), [(2, "J/m", "kg/s", "kg m/s"), (3, "J", "kg m/s", "kg m^2/s")]
)
def test_amounts_in_a_plane_are_per_metre_of_depth(lab, dim, joule, momentum, turning):
    body = sc.Body(shape=sc.Sphere(center=(0.5,) * dim, radius=0.2), material=lab.jelly)
    scene = sc.Scene(
        name="x",
        domain=sc.Domain(size=(1.0,) * dim, cells=(8,) * dim),
        entities={"ball": body},
        outputs={"energy": sc.Energy(every=0.1), "momentum": sc.Momentum(every=0.1)},
        time=sc.Time(end=0.1),
    )
    energy, drive = (probe.units for probe in compile_scene(scene, "cpu", "float64")[0].program.probes)
    assert energy["kinetic"] == joule
    assert (drive["momentum"], drive["angular_momentum"]) == (momentum, turning)

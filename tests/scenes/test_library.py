"""The ready scenes: short, the same from a file, and such that every one of them can be begun."""

import inspect

import pytest
import torch

from scenegrad.scenes import library
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.sources import read_scene, ready_scenes

STEPS = 20
MATTER = {  # scenes of matter in particles, as coarse as their narrowest part allows
    "bag_drop": {"cells": 16},
    "bar_vibration": {"cells": 20},
    "bouncing_jelly": {"cells": 16},
    "cantilever": {"across": 2},
    "channel": {"cells": 8},
    "colliding_disks": {"cells": 20},
    "colliding_rings": {"cells": 64},
    "dam_break": {"cells": 32},
    "elastic_drop": {"cells": 16},
    "honey_coiling": {"cells": 30},
    "hourglass": {"cells": 50},
    "hydrostatic": {"cells": 8},
    "mixing_fluids": {"cells": 32},
    "pouring": {"cells": 40},
    "sand_column": {"cells": 4},
    "sand_heap": {"cells": 10},
    "slump": {"cells": 8},
    "snowball": {"cells": 16},
    "soft_arm": {"cells": 16},
    "soft_walker": {"cells": 64},
    "squeezed_mesh": {"cells": 16},
    "taffy": {"cells": 20},
    "water_wheel": {"cells": 48},
}
ELSEWHERE = {  # atoms and fields
    "alanine_dipeptide", "argon", "blast", "bow_shock", "burgers", "channel_flow", "cylinder_channel", "cylinder_wake",
    "darcy", "decaying_turbulence", "dw4", "figure_eight", "fno_burgers", "fno_darcy", "fno_navier_stokes",
    "gray_scott", "heated_cavity", "isentropic_vortex", "kepler", "kob_andersen", "kob_andersen_2d", "kolmogorov",
    "kuramoto_sivashinsky", "lid_cavity", "lj_cluster", "lj_fluid", "melting_crystal", "mosaic_ns2d", "mosaic_ns3d",
    "motility_induced_phase_separation", "pdearena_smoke", "polymer_melt", "pythagorean", "rayleigh_benard",
    "riemann_2d", "rock_salt", "shallow_dam_break", "shock_tube", "shockcast_blast", "smoke_plume",
    "spectral_refiner_fno", "spectral_refiner_kolmogorov", "star_cluster", "taylor_green", "taylor_green_3d",
}  # fmt: skip
SLOW = {  # each has kernels of its own, or a mesh to be filled
    "bag_drop", "cantilever", "channel", "colliding_rings", "elastic_drop", "honey_coiling", "snowball",
    "squeezed_mesh", "slump", "taffy",
}  # fmt: skip
NEEDED = {
    "elastic_drop", "bouncing_jelly", "taffy", "sand_column", "hourglass", "snowball", "dam_break", "honey_coiling",
    "water_wheel", "squeezed_mesh", "soft_walker", "soft_arm", "pouring", "mixing_fluids", "bag_drop",
}  # fmt: skip
CHOSEN = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MATTER]


def test_the_library_is_whole():
    assert set(MATTER) | ELSEWHERE == set(ready_scenes())
    assert set(MATTER) >= NEEDED


@pytest.mark.parametrize("name", library.__all__)
def test_a_ready_scene_is_short_told_in_words_and_named_as_it_is_asked_for(name):
    make = getattr(library, name)
    assert len(inspect.getsource(make).splitlines()) <= 40
    assert make.__doc__.split("\n\n")[0].strip().endswith((".", "]"))
    assert read_scene(name).name == name


@pytest.mark.parametrize("name", library.__all__)
def test_a_ready_scene_comes_back_from_its_file_as_it_was(name, tmp_path):
    scene = getattr(library, name)()
    loaded = Scene.load(scene.save(tmp_path / "scene.toml"))
    assert loaded.hash == scene.hash
    assert loaded.replace({"time.end": 2 * scene.time.end}).hash != scene.hash


@pytest.mark.parametrize("name", MATTER)
def test_a_ready_scene_of_matter_can_be_begun_as_it_is(name):
    solver, state, params = compile_scene(getattr(library, name)(), "cpu", "float32")
    assert state.position.shape[1] > 100
    assert 0 < float(solver.max_dt(state, params)) < 1


@pytest.mark.parametrize("name", CHOSEN)
def test_a_ready_scene_of_matter_moves_and_stays_finite(name):
    scene = getattr(library, name)(**MATTER[name])
    solver, state, params = compile_scene(scene, "cpu", "float32")
    before = state.position.clone()
    time = torch.zeros(1, dtype=torch.float64)
    with torch.no_grad():
        for _ in range(STEPS):
            dt = (scene.time.cfl or 0.4) * solver.max_dt(state, params)
            assert float(dt) > 0
            state, time = solver.step(state, params, time, dt).state, time + dt
    cell = scene.domain.size[0] / scene.domain.cells[0]
    moved = float((state.position - before).abs().max())
    for field in ("position", "velocity", "deformation"):
        assert bool(torch.isfinite(getattr(state, field)).all()), field
    assert 0 < moved < STEPS * cell
    for probe in solver.program.probes:
        assert all(bool(torch.isfinite(value).all()) for value in probe.measure(state, params).values())

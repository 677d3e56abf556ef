"""From scenes to solvers: what is asked for is found, what cannot be run is refused with every reason."""

import math

import numpy as np
import pytest
import torch

from scenegrad.engine.controllers import CFL, Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Series
from scenegrad.scenes import (
    Body,
    Boundary,
    Box,
    Domain,
    Energy,
    FieldFile,
    Fields,
    Fluid,
    GaussianField,
    KolmogorovForcing,
    Momentum,
    NeoHookean,
    NoSlip,
    Parameter,
    Particles,
    Periodic,
    Scene,
    SceneError,
    Spectral,
    Spectrum,
    TaylorGreen,
    Time,
    load_scene,
)  # fmt: skip
from scenegrad.scenes.forcings import Forcing
from scenegrad.scenes.library import decaying_turbulence, kolmogorov, taylor_green
from scenegrad.solvers.navier_stokes.spectral.forcing import PATTERNS, register_forcing


def refusal(scene: Scene, compiled) -> str:
    with pytest.raises(SceneError) as caught:
        compiled(scene)
    return str(caught.value)


def test_one_refusal_tells_every_reason(compiled):
    scene = Scene(
        name="wrong",
        domain=Domain(size=(1.0, 1.0), cells=(32, 4)),
        entities={
            "water": Fluid(viscosity=0.1, vorticity=TaylorGreen()),
            "oil": Fluid(viscosity=Parameter(0.1)),
            "block": Body(shape=Box(center=(0.5, 0.5), size=(0.1, 0.1)), material=NeoHookean(youngs_modulus=1e4)),
        },
        boundary=Boundary(x=Periodic(), y=NoSlip()),
        gravity=(0.0, Parameter(-9.81).value),
        method=Spectral(integrator="etdrk4"),
        outputs={"f": Fields("vortisity", every=0.1), "p": Particles(every=0.1)},
        time=Time(end=1.0, tolerance=1e-4),
    )
    said = refusal(scene, compiled)
    for address, word in {
        "domain.cells": "too coarse",
        "boundary.y_lo": "no_slip",
        "boundary.y_hi": "Domain.periodic",
        "block": "is a body",
        "entities": "2 fluids (water, oil)",
        "gravity": "pressure",
        "time.tolerance": "etdrk43",
        "outputs.f": "Did you mean 'vorticity'",
        "outputs.p": "fields, diagnostics, energy, misfit, momentum and spectrum",
    }.items():
        line = next((line for line in said.splitlines() if line.strip().startswith(address + " ")), "")
        assert word in line, f"{address}: {line!r} of\n{said}"
    assert "boundary.x_lo" not in said


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"vorticity": TaylorGreen(wavenumber=6)}, "19 cells"),
        ({"vorticity": GaussianField(peak=7)}, "28 x 28 cells"),
        ({"forcing": KolmogorovForcing(wavenumber=9)}, "28 cells"),
        ({"units": "lj"}, "SI"),
    ],
)
def test_what_the_grid_cannot_carry_is_refused(flow, compiled, changes, word):
    assert word in refusal(flow(16, **changes), compiled)


def test_a_flow_of_one_dimension_is_refused(compiled):
    dim = 1
    scene = Scene(
        name="cube",
        domain=Domain.periodic(size=(1.0,) * dim, cells=(16,) * dim),
        entities={"air": Fluid(viscosity=1.0)},
        time=Time(end=1.0),
    )
    assert f"{dim} dimensions" in refusal(scene, compiled)


def test_open_sides_and_missing_cells_are_refused(compiled):
    scene = Scene(
        name="open",
        domain=Domain(size=(1.0, 1.0)),
        entities={"air": Fluid(viscosity=1.0)},
        time=Time(end=1),
        method=Spectral(),
    )
    said = refusal(scene, compiled)
    assert "domain.cells" in said
    assert "boundary.x_hi" in said


def test_periodic_sides_may_be_written_either_way(flow, compiled):
    scene = flow(16)
    other = scene.replace({"domain.wrap": False, "boundary": {"default": {"kind": "periodic"}}})
    assert torch.equal(compiled(scene)[1].vorticity, compiled(other)[1].vorticity)


def test_a_parameter_that_no_gradient_reaches_is_refused(flow, compiled):
    scene = flow(16, gravity=Parameter((0.0, -1.0)))
    assert "no gradient reaches it" in refusal(scene, compiled)


def test_params_hold_what_may_learn(flow, compiled):
    _, _, params = compiled(flow(16, viscosity=Parameter(0.02), vorticity=TaylorGreen()))
    assert set(params) == {
        "fluid.viscosity", "fluid.drag", "fluid.density", "fluid.forcing.amplitude", "fluid.vorticity.amplitude",
    }  # fmt: skip
    assert [address for address, value in params.items() if value.requires_grad] == ["fluid.viscosity"]
    assert all(value.shape == (1,) for value in params.values())


def test_time_says_how_to_step(flow, compiled):
    assert compiled(flow(16, time=Time(end=1.0)))[0].program.controller == CFL(0.4)
    assert compiled(flow(16, time=Time(end=1.0, cfl=0.7)))[0].program.controller == CFL(0.7)
    assert compiled(flow(16, time=Time(end=1.0, dt=0.01)))[0].program.controller == Fixed(0.01)


def test_outputs_lie_on_the_grid(flow, compiled):
    outputs = {
        "fields": Fields("vorticity", "velocity", "pressure", every=0.1),
        "energy": Energy(every=0.1),
        "momentum": Momentum(every=0.1),
        "spectrum": Spectrum(every=0.1),
    }
    solver, state, params = compiled(flow((24, 16), size=(3.0, 1.0), outputs=outputs, time=Time(end=1.0, warmup=0.5)))
    probes = {probe.name: probe for probe in solver.program.probes}
    layout = probes["fields"].layout
    assert layout == Grid((24, 16), (0.125, 0.0625), (0.0, 0.0), (True, True))
    seen = probes["fields"].measure(state, params)
    assert {name: tuple(value.shape) for name, value in seen.items()} == {
        "vorticity": (1, 24, 16), "velocity": (1, 24, 16, 2), "pressure": (1, 24, 16),
    }  # fmt: skip
    assert set(probes["fields"].units) == set(seen)
    for name in ("energy", "momentum", "spectrum"):
        assert isinstance(probes[name].layout, Series)
        assert set(probes[name].measure(state, params)) <= set(probes[name].units)
    assert all(probe.start == 0.5 for probe in probes.values())


@pytest.mark.parametrize("scene", [taylor_green(32), kolmogorov(48), decaying_turbulence(96)], ids=lambda s: s.name)
def test_scenes_of_the_library_run(scene, compiled, tmp_path):
    saved = load_scene(scene.save(tmp_path / "scene.toml"))
    assert saved == scene
    solver, state, params = compiled(saved, dtype="float32")
    roll = rollout(solver, state, params, scene.time.end / 20)
    assert bool(roll.state.vorticity.isfinite().all())
    energy = roll.outputs["energy"]["kinetic"][0]
    assert len(energy) >= 2
    if scene.name != "kolmogorov":
        assert energy[-1] < energy[0]


def test_a_field_comes_from_a_file(flow, compiled, tmp_path):
    values = np.sin(2 * math.pi * np.arange(16) / 16)[:, None] * np.ones(24)
    np.save(tmp_path / "w.npy", values)
    _, state, _ = compiled(flow((16, 24), vorticity=FieldFile(str(tmp_path / "w.npy"))))
    assert np.abs(state.vorticity[0].numpy() - values).max() < 1e-14
    (tmp_path / "w.csv").write_text("# sin x + 2 cos(x + 2 y)\nkx,ky,re,im\n1,0,0,-0.5\n-1,0,0,0.5\n1,2,1,0\n")
    _, state, _ = compiled(flow((16, 24), vorticity=FieldFile(str(tmp_path / "w.csv"))))
    y = 2 * math.pi * np.arange(24) / 24
    x = 2 * math.pi * np.arange(16)[:, None] / 16
    assert np.abs(state.vorticity[0].numpy() - values - 2 * np.cos(x + 2 * y)).max() < 1e-14


def test_a_file_that_does_not_fit_is_refused(flow, compiled, tmp_path):
    np.save(tmp_path / "w.npy", np.zeros((8, 8)))
    assert "(8, 8)" in refusal(flow(16, vorticity=FieldFile(str(tmp_path / "w.npy"))), compiled)
    (tmp_path / "w.csv").write_text("kx,ky,re,im\n1,9,0,-0.5\n")
    assert "[4, 28] cells" in refusal(flow(16, vorticity=FieldFile(str(tmp_path / "w.csv"))), compiled)
    np.save(tmp_path / "m.npy", 0.1 + np.cos(np.arange(16))[:, None] * np.ones(16))
    assert "subtract the mean" in refusal(flow(16, vorticity=FieldFile(str(tmp_path / "m.npy"))), compiled)
    np.save(tmp_path / "n.npy", np.full((16, 16), np.nan))
    assert "not finite" in refusal(flow(16, vorticity=FieldFile(str(tmp_path / "n.npy"))), compiled)
    (tmp_path / "w.csv").write_text("kx,ky,re,im\n1,x,0,-0.5\n")
    assert "cannot be read" in refusal(flow(16, vorticity=FieldFile(str(tmp_path / "w.csv"))), compiled)
    scene = flow(16, vorticity=FieldFile(str(tmp_path / "w.npy")))
    np.save(tmp_path / "w.npy", np.ones((16, 16)))
    with pytest.raises(SceneError, match="has changed"):
        scene.replace({"name": "again"})
    with pytest.raises(ValueError, match="does not exist"):
        FieldFile(str(tmp_path / "v.npy"))


def test_a_force_of_ones_own_is_used_by_name(flow, compiled):
    class Cellular(Forcing):
        kind: str = "cellular"
        amplitude: float = 1.0

    def pattern(forcing, positions, size):
        x, y = positions
        return np.sin(x) * np.cos(y), -np.cos(x) * np.sin(y)

    scene = flow(16, forcing=Cellular(amplitude=0.2), vorticity=None, viscosity=0.1, drag=0.0)
    try:
        assert "register_forcing" in refusal(scene, compiled)
        register_forcing(Cellular, pattern)
        solver, state, params = compiled(scene)
        rate = solver.observe(rollout(solver, state, params, 0.02).state, params)
        # u grows by 0.2 t (sin x cos y, -cos x sin y): the power is that of the force on this velocity
        assert float(rate["energy_input"]) == pytest.approx(0.2**2 * 0.02 * 0.5 * (2 * math.pi) ** 2, rel=1e-2)
    finally:
        PATTERNS.pop(Cellular, None)
        Forcing.members.pop("cellular")


@pytest.mark.parametrize("name", ["taylor_green_3d", "burgers", "kuramoto_sivashinsky", "gray_scott"])
def test_units_say_the_dimension_as_a_number(name):
    import scenegrad as sg

    solver, *_ = sg.compile(getattr(sg.library, name)())
    units = solver.equation.units
    assert units
    assert not [unit for unit in units.values() if "d" in unit]

"""Initial fields: the same at any points, differentiable by every number, as random as they say, refused in words."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.scenes.library import fno_navier_stokes
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble
from scenegrad.solvers.navier_stokes.fields.forms import FORMS
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces, ScatteredPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start

P = sc.Parameter
CELLS, SIZE = (24, 16), (3.0, 2.0)
TOLD = [
    sc.TaylorGreen(amplitude=0.7),
    sc.PlaneWave((2, -1), amplitude=0.7, phase=0.4),
    sc.Spots(count=5, radius=0.4, height=0.8, seed=3),
    sc.Conduction(1.0, 0.2, disturbance=0.3),
    sc.GaussianField(peak=2.0, width=0.7, rms=1.5, seed=4),
    sc.MaternField(alpha=3.0, tau=4.0, scale=20.0, seed=5),
    sc.NoiseField(scale=2.0, smoothness=1.5, rms=0.6, seed=6),
    sc.Magnitude(sc.NoiseField(scale=2.0, smoothness=1.5, seed=6)),
]


def name_of(told) -> str:
    return told.kind


def parts(told, places, params=None) -> torch.Tensor:
    """All that the field can be, one after the other [part, *shape]."""
    start, params = Start("field", (told,)), params or Params({})
    form = FORMS.get(type(told))
    found = []
    if form is None or form.value:
        found.append(start.value(params, places)[0])
    if form is not None and form.flow:
        found += [u[0] for u in start.flow(params, [places] * 2)]
    if form is not None and form.swirl:
        found += [start.whirl(params, places)[0], *(u[0] for u in start.swirl(params, [places] * 2))]
    return torch.stack(found)


@pytest.mark.parametrize("told", TOLD, ids=name_of)
def test_a_field_is_the_same_on_every_grid_and_at_single_points(told):
    """Faces of an open box, cells, corners and points anywhere show one function."""
    for offset, more in (((0.0, 0.0), ()), ((0.5, 0.5), ()), ((0.0, 0.5), (1, 0))):
        grid = GridPlaces(CELLS, SIZE, offset, (not more, True), more=more)
        x, y = torch.meshgrid(*(c.flatten() for c in grid.coordinates()), indexing="ij")
        points = ScatteredPlaces(torch.stack([x.flatten(), y.flatten()], dim=1).numpy(), CELLS, SIZE)
        assert parts(told, grid).flatten(1).sub(parts(told, points)).abs().max() < 1e-11


@pytest.mark.parametrize("told", TOLD, ids=name_of)
def test_every_number_of_a_field_may_learn(told):
    """Against central differences of all values in a random direction."""
    places = ScatteredPlaces(np.random.default_rng(1).random((40, 2)) * SIZE, CELLS, SIZE)
    inner, prefix = (told.of, "field.of.") if isinstance(told, sc.Magnitude) else (told, "field.")
    addresses = Start("field", (told,)).learnable
    assert addresses
    weights = torch.randn(parts(told, places).shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def total(address: str, value: torch.Tensor) -> torch.Tensor:
        return (weights * parts(told, places, Params({address: value}))).sum()

    for address in addresses:
        value = torch.tensor([float(getattr(inner, address.removeprefix(prefix)))], dtype=torch.float64)
        slope = torch.autograd.functional.jacobian(lambda v, a=address: total(a, v), value)[0]
        step = 1e-6 * torch.ones_like(value)
        difference = (total(address, value + step) - total(address, value - step)) / 2e-6
        assert float(slope) == pytest.approx(float(difference), rel=1e-6, abs=1e-8), address


def test_a_velocity_from_random_waves_has_no_divergence_and_its_swirl_the_vorticity():
    for told in TOLD[4:7]:
        n, h = 48, 1e-5
        points = np.random.default_rng(2).random((n, 2)) * SIZE
        moved = [ScatteredPlaces(points + h * np.array(d), CELLS, SIZE) for d in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        start = Start("field", (told,))
        for kind in ("flow", "swirl"):
            east, west, north, south = (getattr(start, kind)(Params({}), [there] * 2) for there in moved)
            divergence = (east[0] - west[0] + north[1] - south[1]) / (2 * h)
            assert divergence.abs().max() < 1e-6
        curl = (east[1] - west[1] - north[0] + south[0]) / (2 * h)
        assert (curl - start.whirl(Params({}), ScatteredPlaces(points, CELLS, SIZE))).abs().max() < 1e-6


@pytest.mark.parametrize("covariance", [7.0**3, 2 * 7.0**3, 7.0**1.5])
def test_flows_of_the_first_neural_operators_have_the_covariance_they_name(covariance):
    """Mean of w^2 = sum over n != 0 of c (4 pi^2 |n|^2 + 49)^-2.5, over 200 seeds, in two lags too."""
    told = fno_navier_stokes(covariance=covariance).at("fluid.vorticity")
    drawn = tuple(told.model_copy(update={"seed": seed}) for seed in range(200))
    fields = Start("w", drawn).value(Params({}), GridPlaces.lattice((64, 64), (1.0, 1.0)))
    n = np.arange(-21, 22)
    k2 = 4 * math.pi**2 * (n[:, None] ** 2 + n[None] ** 2)
    power = covariance * (k2 + 49.0) ** -2.5 * (k2 > 0)
    assert float(fields.square().mean()) == pytest.approx(power.sum(), rel=0.06)
    lagged = np.sum(power * np.cos(2 * math.pi * n[:, None] * 8 / 64))
    assert float((fields * fields.roll(8, 1)).mean()) == pytest.approx(lagged, rel=0.1)


def test_noise_falls_as_its_smoothness_says_and_has_its_rms():
    """|c|^2 of (1, 1) to that of (1, 0): 2^(-2 smoothness); what is longer than its scale allows is left out."""
    drawn = tuple(sc.NoiseField(scale=2.0, smoothness=1.5, rms=0.7, seed=s) for s in range(400))
    fields = Start("c", drawn).value(Params({}), GridPlaces.lattice((24, 24), (2.0, 2.0)))
    assert fields.square().mean((1, 2)).sqrt() == pytest.approx(0.7)
    assert fields.mean((1, 2)).abs().max() < 1e-12
    power = torch.fft.fft2(fields).abs().square()
    ratio = ((power[:, 1, 1] + power[:, 1, -1]) / (power[:, 1, 0] + power[:, 0, 1])).median()
    assert float(ratio) == pytest.approx(2.0**-3, rel=0.2)
    short = Start("c", (sc.NoiseField(scale=0.25, smoothness=3.0, seed=1),))
    power = torch.fft.fft2(short.value(Params({}), GridPlaces.lattice((48, 48), (2.0, 2.0)))).abs().square()[0]
    assert float(power[1, 0]) < 1e-20 * float(power.max()) < float(power[3, 0])  # |k scale|^2 of 0.016 and 0.14


@pytest.mark.parametrize(
    ("told", "cells", "size", "words"),
    [
        (sc.GaussianField(peak=7.0), (16, 16), (1.0, 1.0), "at least 28 x 28 cells, or lower its peak"),
        (sc.MaternField(tau=200.0), (64, 64), (1.0, 1.0), "lower its tau"),
        (sc.MaternField(alpha=0.8), (64, 64), (1.0, 1.0), "alpha above 1"),
        (sc.NoiseField(scale=0.01, smoothness=2.0), (64, 64), (1.0, 1.0), "enlarge its scale"),
        (sc.PlaneWave((9, 0)), (16, 64), (1.0, 1.0), "at least 28 x 64 cells"),
        (sc.PlaneWave((1,)), (16, 16), (1.0, 1.0), "1 entries"),
        (sc.Conduction(axis=2), (16, 16), (1.0, 1.0), "axes of this scene are 0 to 1"),
        (sc.TaylorGreen(), (16, 16), (1.0, 1.0), "a value starts from one of: plane_wave"),
    ],
)
def test_what_a_grid_cannot_show_is_refused_with_what_would_do(told, cells, size, words):
    assert words in (start_trouble(told, cells, size) or "")


def test_a_grid_that_is_said_to_be_enough_is():
    told = sc.GaussianField(peak=7.0, seed=1)
    assert start_trouble(told, (31, 31), (1.0, 1.0)) is None
    kept = [
        Start("c", (told,)).value(Params({}), GridPlaces.lattice((n, n), (1.0, 1.0))).square().mean() for n in (31, 96)
    ]
    assert float(kept[0] / kept[1]) > 0.9


def test_long_boxes_need_no_more_cells_along_their_short_edges():
    """Waves are counted in the longest edge: 16 cells of a short edge show as many as 96 of one six times as long."""
    told = sc.GaussianField(peak=8.0, width=2.0, seed=1)
    assert start_trouble(told, (96, 16), (6.0, 1.0)) is None
    fluid = sc.Fluid(viscosity=0.01, velocity=told)
    domain = sc.Domain.periodic(size=(6.0, 1.0), cells=(96, 16))
    scene = sc.Scene(name="long", domain=domain, entities={"air": fluid}, time=sc.Time(end=0.01, dt=0.01))
    _, state, _ = compile_scene(scene, "cpu", "float64")
    assert float(state.field.square().sum(1).mean().sqrt()) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("method", [sc.Spectral(), sc.Staggered(advection="central")], ids=["spectral", "staggered"])
def test_numbers_of_starts_learn_and_are_drawn_wherever_they_stand(method):
    """A tracer's constant and the rms of a random field: their gradients against central differences; ensembles."""

    def scene(level: object, rms: object) -> sc.Scene:
        return sc.Scene(
            name="starts",
            domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(12, 12)),
            entities={
                "air": sc.Fluid(viscosity=0.01, velocity=sc.GaussianField(peak=1.0, width=0.5, rms=rms, seed=1)),
                "dye": sc.Tracer(diffusivity=0.01, initial=level, buoyancy=(0.0, 1.0)),
                "mark": sc.Tracer(diffusivity=0.01, initial=sc.PlaneWave((1, 0))),
            },
            method=method,
            time=sc.Time(end=0.05, dt=0.01),
        )

    solver, _, params = compile_scene(scene(P(0.4), P(0.8)), "cpu", "float64")

    def loss(values: Params) -> torch.Tensor:
        end = rollout(solver, solver.program.initial(values), values).state
        last = end.field if hasattr(end, "field") else end.tracers
        return (last * torch.linspace(0.0, 1.0, last[0].numel(), dtype=torch.float64).view(last.shape)).square().sum()

    for name in ("dye.initial", "air.velocity.rms"):
        slope = torch.autograd.grad(loss(params), params[name])[0]
        with torch.no_grad():
            up, down = (loss(params.replace({name: params[name] + h})) for h in (1e-5, -1e-5))
        assert abs(float(slope)) > 1e-3
        assert float(slope) == pytest.approx(float(up - down) / 2e-5, rel=1e-6)
    drawn = sc.vary(scene(sc.Uniform(0.0, 1.0), sc.Uniform(0.5, 1.0)), 3)
    members = [(one.at("dye.initial"), one.at("air.velocity.rms"), one.at("air.velocity.seed")) for one in drawn]
    assert len(set(members)) == 3
    assert all(0.5 <= rms <= 1.0 for _, rms, _ in members)
    _, state, _ = compile_scene(list(drawn), "cpu", "float64")
    levels = (state.field[:, 2] if hasattr(state, "field") else state.tracers[:, 0]).mean((1, 2))
    assert levels.tolist() == pytest.approx([level for level, _, _ in members])


def test_samples_of_a_file_stand_where_the_grid_has_its_own(tmp_path):
    """Either order of axes; between walls in straight lines, in periodic boxes by waves."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((2, 6, 4))
    for stored in (values, np.moveaxis(values, 0, -1)):
        np.save(tmp_path / "u.npy", stored)
        told = sc.FieldFile(str(tmp_path / "u.npy"))
        assert start_trouble(told, (6, 4), (1.0, 1.0), "flow", 2) is None
        walled = GridPlaces((6, 4), (1.0, 1.0), (0.0, 0.5), (False, False), own=0.5, more=(1, 0))
        u = Start("u", (told,)).flow(Params({}), [walled] * 2)[0][0].numpy()
        assert u[0] == pytest.approx(values[0, 0])
        assert u[1:-1] == pytest.approx(0.5 * (values[0, 1:] + values[0, :-1]))
    x = np.arange(8) / 8
    np.save(tmp_path / "c.npy", np.cos(2 * np.pi * x)[:, None] + 0 * np.arange(4))
    told = sc.FieldFile(str(tmp_path / "c.npy"))
    moved = GridPlaces((8, 4), (1.0, 1.0), (0.3, 0.0), (True, True))
    shown = Start("c", (told,)).value(Params({}), moved)[0, :, 0].numpy()
    assert shown == pytest.approx(np.cos(2 * np.pi * (x + 0.3 / 8)))

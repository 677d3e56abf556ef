"""Equations of the form w_t = L w + N(w): exact solutions, invariants, orders and gradients."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start

EDGE = 2 * math.pi


def periodic(name: str, dim: int, cells: int, end: float, size: float = EDGE, **changes: Any) -> sc.Scene:
    """A scene of one equation; changes: its entities, or else fields of the scene."""
    fields = {key: changes.pop(key) for key in ("outputs", "method", "seed") if key in changes}
    time = sc.Time(end=end, **{key: changes.pop(key) for key in ("dt", "tolerance", "cfl") if key in changes})
    domain = sc.Domain.periodic(size=(size,) * dim, cells=(cells,) * dim)
    return sc.Scene(name=name, domain=domain, entities=changes, time=time, **fields)


def end_of(scene: sc.Scene) -> torch.Tensor:
    return rollout(*compile_scene(scene, "cpu", "float64")).state.field[0]


def test_burgers_follows_cole_and_hopf():
    """u = -2 nu (log phi)_x, phi_t = nu phi_xx [Cole 1951; Hopf 1950], for u(x, 0) = sin x: phi by its own modes."""
    nu, end, cells = 0.1, 1.5, 256
    got = end_of(
        periodic(
            "b", 1, cells, end, dt=0.005, u=sc.Burgers(viscosity=nu, velocity=sc.PlaneWave((1,), phase=-math.pi / 2))
        )
    )
    x = EDGE * np.arange(cells) / cells
    k = np.fft.fftfreq(cells, 1 / cells)
    phi = np.fft.fft(np.exp(np.cos(x) / (2 * nu))) * np.exp(-nu * k**2 * end)
    exact = -2 * nu * np.fft.ifft(1j * k * phi).real / np.fft.ifft(phi).real
    assert np.abs(exact).max() > 0.5
    assert np.abs(got[0].numpy() - exact).max() < 1e-8


def test_burgers_in_two_dimensions_holds_that_of_one():
    """A velocity along x that depends on x alone stays so."""
    wave = sc.PlaneWave((1,), phase=0.3)
    line = end_of(periodic("b", 1, 64, 0.8, dt=0.01, u=sc.Burgers(viscosity=0.1, velocity=wave)))
    scene = periodic("b", 2, 64, 0.8, dt=0.01, u=sc.Burgers(viscosity=0.1, velocity=sc.PlaneWave((1, 0), phase=0.3)))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    field = state.field.clone()
    field[:, 1] = 0.0
    plane = rollout(solver, type(state)(field), params).state.field[0]
    assert (plane[0] - line[0][:, None]).abs().max() < 1e-12
    assert plane[1].abs().max() < 1e-14


def test_small_waves_of_kuramoto_and_sivashinsky_grow_as_their_symbol_says():
    size, wave, end = 22.0, 2, 2.0
    start = sc.KuramotoSivashinsky(height=sc.PlaneWave((wave,), amplitude=1e-7), growth=1.3, damping=0.8)
    got = end_of(periodic("ks", 1, 64, end, size=size, dt=0.05, h=start))
    k = 2 * math.pi * wave / size
    x = torch.arange(64, dtype=torch.float64) * size / 64
    exact = 1e-7 * math.exp((1.3 * k**2 - 0.8 * k**4) * end) * torch.cos(k * x)
    assert (got[0] - exact).abs().max() < 1e-6 * 1e-7 * 10


def test_slopes_of_a_surface_obey_the_form_of_one_dimension():
    """h_t + h_x^2 / 2 + ... = 0 along x alone in two dimensions: u = h_x obeys u_t + u u_x + ... = 0."""
    flat = periodic("ks", 2, 64, 4.0, size=20.0, dt=0.02, h=sc.KuramotoSivashinsky(height=sc.PlaneWave((2, 0))))
    surface = end_of(flat)[0][:, 0]
    k = 2 * math.pi * 2 / 20.0
    line = periodic(
        "ks", 1, 64, 4.0, size=20.0, dt=0.02,
        u=sc.KuramotoSivashinsky(height=sc.PlaneWave((2,), amplitude=k, phase=math.pi / 2)),
    )  # fmt: skip
    waves = torch.fft.rfftfreq(64, 1 / 64, dtype=torch.float64) * 2 * math.pi / 20.0
    slope = torch.fft.irfft(1j * waves * torch.fft.rfft(surface), n=64)
    got = end_of(line)[0]
    assert got.abs().max() > 0.5
    assert (slope - got).abs().max() < 1e-9


def test_gray_and_scott_react_as_their_ordinary_equations():
    """The same everywhere, diffusion has nothing to do."""
    feed, kill = 0.03, 0.06
    scene = periodic("gs", 2, 8, 40.0, dt=0.5, s=sc.GrayScott(feed=feed, kill=kill, catalyst=sc.Spots(radius=0.1)))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    field = torch.stack([torch.full((8, 8), 0.5), torch.full((8, 8), 0.25)]).double()[None]
    got = rollout(solver, type(state)(field), params).state.field[0, :, 3, 5].numpy()
    exact = solve_ivp(
        lambda t, y: [-y[0] * y[1] ** 2 + feed * (1 - y[0]), y[0] * y[1] ** 2 - (feed + kill) * y[1]],
        (0, 40), [0.5, 0.25], rtol=1e-12, atol=1e-14,
    ).y[:, -1]  # fmt: skip
    assert np.abs(got - exact).max() < 1e-8


def test_advection_and_diffusion_are_exact_in_one_step():
    velocity, diffusivity, end = (0.7, -0.4), 0.05, 3.0
    part = sc.AdvectionDiffusion(velocity=velocity, diffusivity=diffusivity, concentration=sc.PlaneWave((1, 2)))
    scene = periodic("c", 2, 16, end, c=part)
    solver, state, params = compile_scene(scene, "cpu", "float64")
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.tensor([end], dtype=torch.float64)
    got = solver.step(state, params, zero, dt).state.field[0, 0]
    x = torch.arange(16, dtype=torch.float64) * EDGE / 16
    angle = (x[:, None] - velocity[0] * end) + 2 * (x[None] - velocity[1] * end)
    assert (got - math.exp(-diffusivity * 5 * end) * torch.cos(angle)).abs().max() < 1e-13


def beltrami(tmp_path, cells: int) -> sc.FieldFile:
    """Arnold, Beltrami and Childress: curl u = u, so that u x w = 0 and the flow decays as exp(-nu t)."""
    x = EDGE * np.arange(cells) / cells
    x, y, z = np.meshgrid(x, x, x, indexing="ij")
    u = [np.sin(z) + 0.7 * np.cos(y), 1.3 * np.sin(x) + np.cos(z), 0.7 * np.sin(y) + 1.3 * np.cos(x)]
    np.save(tmp_path / "abc.npy", np.stack(u))
    return sc.FieldFile(str(tmp_path / "abc.npy"))


def test_a_beltrami_flow_decays_in_place(tmp_path):
    scene = periodic("abc", 3, 16, 1.0, dt=0.05, air=sc.Fluid(viscosity=0.1, drag=0.2, velocity=beltrami(tmp_path, 16)))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    end = rollout(solver, state, params).state
    assert (end.field - math.exp(-0.3) * state.field).abs().max() < 1e-13
    seen = solver.observe(state, params)
    assert float(seen["enstrophy"]) == pytest.approx(float(seen["kinetic_energy"]), rel=1e-12)  # w = u


def test_the_velocity_and_the_vorticity_of_a_plane_flow_are_the_same_flow():
    """Two solvers of one flow: by the vorticity in two dimensions, by the velocity in two and in three."""
    force = sc.KolmogorovForcing(amplitude=0.5, wavenumber=2)
    still = sc.Fluid(
        viscosity=0.02, drag=0.1, forcing=force, vorticity=sc.GaussianField(peak=2, width=0.7, rms=1.5, seed=5)
    )
    solver, state, params = compile_scene(periodic("w", 2, 32, 0.6, dt=0.02, air=still), "cpu", "float64")
    w = rollout(solver, state, params).state.vorticity[0]
    velocity = torch.stack(solver.diagnostics.velocity(state.vorticity), dim=1)
    for dim in (2, 3):
        fluid = sc.Fluid(viscosity=0.02, drag=0.1, forcing=force, velocity=(0.0,) * dim)
        other, begin, numbers = compile_scene(periodic("u", dim, 32, 0.6, dt=0.02, air=fluid), "cpu", "float64")
        field = torch.zeros_like(begin.field)
        field[:, :2] = velocity.unsqueeze(-1).expand(1, 2, 32, 32, 32) if dim == 3 else velocity
        end = rollout(other, type(begin)(field), numbers).state.field
        found = other.equation.quantities["vorticity"].measure(end, numbers)[0]
        found = found[:, :, 7, 2] if dim == 3 else found
        assert (found - w).abs().max() < 1e-11
    pressure = other.equation.quantities["pressure"].measure(end, numbers)[0, :, :, 3]
    exact = solver.diagnostics.pressure(w[None], params["air.density"], params["air.forcing.amplitude"])[0]
    assert (pressure - exact).abs().max() < 1e-11


def test_the_budget_of_energy_closes_in_three_dimensions():
    """d(kinetic energy)/dt = input - dissipation, to the order of the method in time."""
    stirring = sc.BandForcing(amplitude=0.8, low=1, high=2, seed=1)
    warm = sc.Tracer(diffusivity=0.05, initial=sc.PlaneWave((0, 1, 1)), buoyancy=(0.0, 0.0, 2.0))
    fluid = sc.Fluid(viscosity=0.05, velocity=sc.GaussianField(peak=2, width=0.5, rms=1.0), forcing=stirring)
    scene = periodic("stir", 3, 16, 0.01, dt=0.005, air=fluid, heat=warm, method=sc.Spectral())
    solver, state, params = compile_scene(scene, "cpu", "float64")
    ends = rollout(solver, state, params).state
    middle = rollout(solver, state, params, 0.005).state
    seen = [solver.observe(s, params) for s in (state, middle, ends)]
    gained = (seen[2]["kinetic_energy"] - seen[0]["kinetic_energy"]) / 0.01
    expected = seen[1]["energy_input"] - seen[1]["dissipation"]
    assert float(gained) == pytest.approx(float(expected), rel=1e-4)
    assert abs(float(seen[1]["energy_input"])) > 1.0
    assert float(seen[2]["divergence"]) < 1e-13
    assert float(seen[2]["heat"]) == pytest.approx(0.0, abs=1e-12)


def test_a_uniform_flow_carries_its_dye_along():
    fluid, dye = sc.Fluid(viscosity=0.1, velocity=(1.0, 0.5)), sc.Tracer(diffusivity=0.02, initial=sc.PlaneWave((2, 1)))
    got = end_of(periodic("dye", 2, 16, 1.0, dt=0.02, water=fluid, dye=dye))
    x = torch.arange(16, dtype=torch.float64) * EDGE / 16
    exact = math.exp(-0.02 * 5) * torch.cos(2 * (x[:, None] - 1.0) + (x[None] - 0.5))
    assert (got[2] - exact).abs().max() < 1e-6
    assert (got[:2] - torch.tensor([1.0, 0.5], dtype=torch.float64)[:, None, None]).abs().max() < 1e-14


@pytest.mark.parametrize(("integrator", "order"), [("etdrk2", 2), ("ars443", 3), ("etdrk4", 4)])
def test_errors_fall_with_the_order_of_the_method(integrator, order):
    start = sc.KuramotoSivashinsky(height=sc.GaussianField(peak=3, width=1, rms=1.0, seed=2))
    scene = periodic("ks", 1, 64, 2.0, size=22.0, h=start, method=sc.Spectral(integrator=integrator))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    ends = [rollout(solver, state, params, controller=Fixed(2.0 / n)).state.field for n in (160, 320, 2560)]
    errors = [float((end - ends[-1]).norm()) for end in ends[:-1]]
    measured = math.log2(errors[0] / errors[1])
    assert measured > order - 0.25, f"{measured} from {errors}"


SMOOTH = sc.GaussianField(peak=2, width=0.6, rms=1.0, seed=4)
LEARNING = {
    "burgers": (2, {"u": sc.Burgers(viscosity=sc.Parameter(0.05), velocity=SMOOTH)}, 0.03),
    "kuramoto": (
        1, {"u": sc.KuramotoSivashinsky(height=SMOOTH, growth=sc.Parameter(1.0), damping=sc.Parameter(0.9))}, 0.02
    ),
    "gray_scott": (
        2,
        {
            "u": sc.GrayScott(
                feed=sc.Parameter(0.04), kill=sc.Parameter(0.06), diffusivity_food=sc.Parameter(2e-2),
                diffusivity_catalyst=sc.Parameter(1e-2), catalyst=sc.Spots(radius=1.0, height=0.5),
            )
        },
        0.5,
    ),
    "advection": (
        2,
        {
            "u": sc.AdvectionDiffusion(
                velocity=sc.Parameter((0.5, 0.2)), diffusivity=sc.Parameter(0.02),
                concentration=sc.PlaneWave((1, 1), amplitude=sc.Parameter(0.8)),
            )
        },
        0.05,
    ),
    "flow": (
        3,
        {
            "air": sc.Fluid(
                viscosity=sc.Parameter(0.05), drag=sc.Parameter(0.1),
                velocity=sc.TaylorGreen(amplitude=sc.Parameter(1.2)),
                forcing=sc.BandForcing(amplitude=sc.Parameter(0.5), low=1, high=2),
            ),
            "heat": sc.Tracer(
                diffusivity=sc.Parameter(0.03), initial=sc.PlaneWave((1, 0, 1), amplitude=sc.Parameter(0.7)),
                buoyancy=sc.Parameter((0.0, 0.3, 1.0)),
            ),
        },
        0.03,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEARNING)
def test_gradients_agree_with_central_differences(name):
    """100 steps (20 in three dimensions) of every number that may learn and of the field at the start."""
    dim, entities, dt = LEARNING[name]
    steps = 20 if dim == 3 else 100
    scene = periodic(name, dim, 12 if dim == 3 else 24, dt * steps, dt=dt, method=sc.Spectral(), **entities)
    solver, begin, params = compile_scene(scene, "cpu", "float64")
    initial = solver.program.initial
    assert initial is not None
    weights = torch.randn(begin.field.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    push = torch.randn(begin.field.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def loss(values: Params, shift: torch.Tensor) -> torch.Tensor:
        state = initial(values)
        end = rollout(solver, type(state)(state.field + shift * push), values).state.field
        return (end * weights).sum() + end.square().sum()

    learning = {address: value for address, value in params.items() if value.requires_grad}
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    found = torch.autograd.grad(loss(params, shift), [*learning.values(), shift])
    assert len(learning) >= 1

    def compare(slope: float, at, label: str) -> None:
        errors = [abs((at(h) - at(-h)) / (2 * h) - slope) / abs(slope) for h in (1e-4, 1e-5)]
        assert abs(slope) > 1e-3, f"{label}: {slope}"
        assert min(errors) < 1e-6, f"{label}: {slope}, relative errors {errors}"

    with torch.no_grad():
        compare(float(found[-1]), lambda h: float(loss(params, torch.tensor(h, dtype=torch.float64))), "start")
        for (address, value), bar in zip(learning.items(), found[:-1], strict=True):
            for place in range(value[0].numel()):
                unit = torch.zeros_like(value).view(-1)
                unit[place] = float(value.view(-1)[place].abs().clamp(min=0.1))
                slope = float(bar.view(-1)[place]) * float(unit[place])

                def at(h: float, address: str = address, value=value, unit=unit) -> float:
                    return float(loss(params.replace({address: value + h * unit.view_as(value)}), torch.zeros(())))

                compare(slope, at, f"{address}[{place}]")


def test_members_of_a_batch_are_what_they_are_alone():
    def scene(feed: float, seed: int) -> sc.Scene:
        part = sc.GrayScott(feed=feed, kill=0.06, catalyst=sc.Spots(radius=0.6, height=0.4, seed=seed))
        return periodic("gs", 2, 24, 20.0, dt=1.0, s=part)

    scenes = [scene(0.03, 1), scene(0.05, 2)]
    both = rollout(*compile_scene(scenes, "cpu", "float64")).state.field
    for index, one in enumerate(scenes):
        assert (both[index] - end_of(one)).abs().max() < 1e-14
    assert (both[0] - both[1]).abs().max() > 0.01


def test_steps_follow_a_tolerance():
    start = sc.KuramotoSivashinsky(height=sc.GaussianField(peak=3, width=1, rms=1.0, seed=2))
    ends, counts = [], []
    for tolerance in (1e-4, 1e-7):
        scene = periodic("ks", 1, 64, 10.0, size=22.0, h=start, tolerance=tolerance)
        found = rollout(*compile_scene(scene, "cpu", "float64"))
        ends.append(found.state.field)
        counts.append(int(found.steps))
    exact = end_of(periodic("ks", 1, 64, 10.0, size=22.0, h=start, dt=0.002))
    errors = [float((end[0] - exact).norm() / exact.norm()) for end in ends]
    assert errors[1] < 1e-5 < 10 * errors[0]
    assert counts[1] > 1.5 * counts[0]


def test_the_tolerance_holds_for_each_quantity_in_its_own_units():
    """A tracer of 300 everywhere changes nothing of a flow, and nothing of its steps."""

    def run(level: float) -> tuple[torch.Tensor, int]:
        fluid = sc.Fluid(viscosity=0.01, velocity=sc.GaussianField(peak=2, width=0.5, rms=0.3, seed=1))
        warm = sc.Tracer(diffusivity=0.01, initial=level)
        scene = periodic("t", 2, 24, 1.0, tolerance=1e-7, air=fluid, heat=warm, method=sc.Spectral())
        found = rollout(*compile_scene(scene, "cpu", "float64"))
        return found.state.field[:, :2], int(found.steps)

    (still, few), (warm, many) = run(0.0), run(300.0)
    assert few == many
    assert (still - warm).abs().max() < 1e-9


def test_a_wave_of_a_catalyst_has_its_amplitude():
    """u = 1 - 2 v, v = amplitude cos; the amplitude may learn."""
    part = sc.GrayScott(feed=0.03, kill=0.06, catalyst=sc.PlaneWave((1, 0), amplitude=sc.Parameter(0.2)))
    _, state, params = compile_scene(periodic("gs", 2, 12, 1.0, s=part), "cpu", "float64")
    wave = 0.2 * torch.cos(EDGE * torch.arange(12, dtype=torch.float64) / 12)
    assert (state.field[0, 1, :, 3] - wave).abs().max() < 1e-14
    assert (state.field[0, 0, :, 3] - 1.0 + 2.0 * wave).abs().max() < 1e-14
    (slope,) = torch.autograd.grad(state.field[0, 1, 0, 0], [params["s.catalyst.amplitude"]])
    assert float(slope) == pytest.approx(1.0)


@pytest.mark.parametrize("cells", [(16, 16), (15, 9)])
def test_a_velocity_from_a_file_begins_without_divergence(tmp_path, cells):
    """What a gradient adds to it is taken away; the rest, and the mean, stay."""
    x = [EDGE * np.arange(n) / n for n in cells]
    u = np.stack([np.sin(x[1])[None] + np.cos(x[0])[:, None] + 0.5, np.zeros(cells)])
    np.save(tmp_path / "u.npy", u)
    fluid = sc.Fluid(viscosity=0.1, velocity=sc.FieldFile(str(tmp_path / "u.npy")))
    domain = sc.Domain.periodic(size=(EDGE, EDGE), cells=cells)
    scene = sc.Scene(
        name="file", domain=domain, entities={"air": fluid, "dye": sc.Tracer(initial=1.0)}, time=sc.Time(end=0.1)
    )
    solver, state, params = compile_scene(scene.replace({"method": {"kind": "spectral"}}), "cpu", "float64")
    assert float(solver.observe(state, params)["divergence"]) < 1e-14
    assert (state.field[0, 0] - torch.from_numpy(np.sin(x[1])[None] + 0.5)).abs().max() < 1e-13
    assert state.field[0, 1].abs().max() < 1e-13
    assert (rollout(solver, state, params).state.field[0, 2] - 1.0).abs().max() < 1e-13


@pytest.mark.parametrize("field", ["velocity", "buoyancy"])
def test_members_that_lack_what_the_others_have_are_refused(field):
    """A batch takes its form from the first member; what that one lacks must not be left out of the others."""

    def scene(**given: Any) -> sc.Scene:
        fluid = sc.Fluid(viscosity=0.1, velocity=given.get("velocity", None if field == "velocity" else (0.0, 0.0)))
        dye = sc.Tracer(initial=1.0, buoyancy=given.get("buoyancy"))
        return periodic("pair", 2, 16, 1.0, air=fluid, dye=dye, method=sc.Spectral())

    with pytest.raises(sc.SceneError, match=rf"{field} +differs between member 0 and member 1"):
        compile_scene([scene(), scene(**{field: (0.3, 0.1)})], "cpu", "float64")


def test_a_buoyancy_has_the_dimensions_of_its_scene():
    with pytest.raises(ValueError, match=r"dye.buoyancy: 3"):
        periodic("lift", 2, 16, 1.0, air=sc.Fluid(viscosity=0.1), dye=sc.Tracer(buoyancy=(0.0, 0.0, 1.0)))


@pytest.mark.parametrize(
    ("entities", "address", "words"),
    [
        ({"u": sc.Burgers(viscosity=0.1, velocity=sc.PlaneWave((9, 0)))}, "u.velocity", "carry waves up to 5"),
        ({"u": sc.Burgers(viscosity=0.1, velocity=sc.PlaneWave((1,)))}, "u.velocity", "1 entries"),
        ({"u": sc.Burgers(viscosity=0.1, velocity=sc.TaylorGreen())}, "u.velocity", "plane_wave"),
        (
            {"a": sc.Fluid(viscosity=0.1), "d": sc.Tracer(carried_by="water")},
            "d.carried_by", "there is no fluid 'water'",
        ),
        (
            {"a": sc.Fluid(viscosity=0.1, vorticity=sc.TaylorGreen()), "d": sc.Tracer()},
            "a.vorticity", "give a velocity",
        ),
        (
            {"u": sc.Burgers(viscosity=0.1, velocity=SMOOTH), "k": sc.KuramotoSivashinsky(height=SMOOTH)},
            "entities", "stands alone",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_solved_is_refused(entities, address, words):
    with pytest.raises(sc.SceneError) as caught:
        compile_scene(periodic("wrong", 2, 16, 1.0, **entities), "cpu", "float64")
    line = next((line for line in str(caught.value).splitlines() if line.strip().startswith(address)), "")
    assert words in line, str(caught.value)


def test_an_unknown_field_is_told_with_the_nearest():
    part = sc.KuramotoSivashinsky(height=SMOOTH)
    with pytest.raises(sc.SceneError, match="Did you mean 'height'"):
        compile_scene(periodic("ks", 1, 16, 1.0, h=part, outputs={"f": sc.Fields("hight", every=0.5)}), "cpu")


def test_matern_fields_have_their_covariance():
    """Variance of the samples = sum over n of scale^2 (|2 pi n|^2 + tau^2)^-alpha, over many seeds."""
    alpha, tau, scale = 2.5, 7.0, 7.0**1.5
    told = tuple(sc.MaternField(alpha=alpha, tau=tau, scale=scale, seed=s) for s in range(150))
    fields = Start("field", told).value(Params({}), GridPlaces.lattice((48, 48), (1.0, 1.0))).numpy()
    n = np.arange(-15, 16)
    k2 = (2 * np.pi) ** 2 * (n[:, None] ** 2 + n[None] ** 2)
    expected = np.sum(scale**2 * (k2 + tau**2) ** -alpha) - scale**2 * tau ** (-2 * alpha)
    assert np.mean([np.mean(f**2) for f in fields]) == pytest.approx(expected, rel=0.08)


def test_forces_are_what_they_say():
    from scenegrad.solvers.navier_stokes.spectral.forcing import acceleration

    n = 24
    x = np.arange(n) / n
    f = acceleration(sc.DiagonalForcing(wavenumber=1), (n, n), (1.0, 1.0))
    k = 2j * np.pi * np.fft.fftfreq(n, 1 / n)
    curl = np.fft.ifft(k[:, None] * np.fft.fft(f[1], axis=0), axis=0) - np.fft.ifft(
        k * np.fft.fft(f[0], axis=1), axis=1
    )
    s = 2 * np.pi * (x[:, None] + x[None])
    assert np.abs(curl.real - np.sin(s) - np.cos(s)).max() < 1e-12
    for dim in (2, 3):
        f = acceleration(sc.BandForcing(low=2, high=3, seed=3), (n,) * dim, (1.0,) * dim)
        assert np.mean(np.sum(f**2, axis=0)) == pytest.approx(1.0, rel=1e-12)
        spectra = np.fft.fftn(f, axes=range(1, dim + 1))
        waves = np.meshgrid(*[np.fft.fftfreq(n, 1 / n)] * dim, indexing="ij")
        size = np.sqrt(sum(w**2 for w in waves))
        outside = (size < 2) | (size > 3)
        assert np.abs(spectra[:, outside]).max() < 1e-9
        assert np.abs(sum(w * part for w, part in zip(waves, spectra, strict=True))).max() < 1e-9

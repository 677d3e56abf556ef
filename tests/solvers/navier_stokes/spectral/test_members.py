"""Members of a batch do not feel each other; single precision follows double; the seed alone makes a random field."""

from dataclasses import replace

import pytest
import torch

from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.scenes import Fields, GaussianField, KolmogorovForcing, Scene, SceneError, Spectrum, Time
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.spectral.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.probes import probe
from scenegrad.solvers.navier_stokes.spectral.stepping import Stepper


def members(flow, n: int) -> list[Scene]:
    return [
        flow(
            32,
            viscosity=0.01 * (1 + b),
            drag=0.05 * b,
            vorticity=GaussianField(peak=2 + b, width=1.0, rms=1.0 + b, seed=b),
            forcing=KolmogorovForcing(wavenumber=1 + b, amplitude=0.5 * b),
        )
        for b in range(n)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_member_is_stepped_as_if_it_were_alone(flow, compiled, dtype):
    """To a few roundings, because a library may order the sums of many transforms unlike those of one."""
    scenes = members(flow, 3)
    together = rollout(*compiled(scenes, dtype=dtype)).state.vorticity
    rounding = 100 * torch.finfo(together.dtype).eps
    for b, scene in enumerate(scenes):
        alone = rollout(*compiled(scene, dtype=dtype)).state.vorticity[0]
        assert (together[b] - alone).abs().max() <= rounding * alone.abs().max(), f"member {b}"


def test_a_run_is_the_same_to_the_last_byte_when_it_is_repeated(flow, compiled):
    scenes = members(flow, 2)
    first, second = (rollout(*compiled(scenes)).state.vorticity for _ in range(2))
    assert torch.equal(first, second)


def test_each_member_has_its_own_bound(flow, compiled):
    scenes = members(flow, 3)
    solver, state, params = compiled(scenes)
    bounds = solver.max_dt(state, params)
    assert bounds.dtype == torch.float64
    for b, scene in enumerate(scenes):
        alone, one, numbers = compiled(scene)
        assert float(bounds[b]) == pytest.approx(float(alone.max_dt(one, numbers)), rel=1e-12)
    assert bounds.unique().numel() == 3


def test_single_precision_follows_double(flow, compiled):
    scene = flow(48, time=Time(end=1.0, dt=0.005))
    exact = rollout(*compiled(scene)).state.vorticity
    rough = rollout(*compiled(scene, dtype="float32")).state.vorticity
    assert rough.dtype == torch.float32
    assert (rough.double() - exact).norm() < 2e-5 * exact.norm()


def test_gradient_in_single_precision_follows_double(flow, compiled):
    scene = flow(32, time=Time(end=1.0, dt=0.02))
    found = []
    for dtype in ("float64", "float32"):
        solver, state, params = compiled(scene, dtype=dtype)
        w = state.vorticity.clone().requires_grad_()
        rollout(solver, type(state)(w), params).state.vorticity.square().sum().backward()
        found.append(w.grad.double())
    assert (found[1] - found[0]).norm() < 2e-5 * found[0].norm()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cuda_follows_the_cpu(flow, compiled, dtype):
    scenes = members(flow, 2)
    here = rollout(*compiled(scenes, dtype=dtype)).state.vorticity
    there = rollout(*compiled(scenes, device="cuda:0", dtype=dtype)).state.vorticity.cpu()
    assert (here - there).norm() < 1e3 * torch.finfo(here.dtype).eps * here.norm()


def modes(cells: tuple[int, int], size: tuple[float, float] = (1.0, 1.0)) -> Modes:
    return Modes(cells, size, "cpu", torch.float64)


def random_field(told, cells, size):
    return Start("field", (told,)).value(Params({}), GridPlaces.lattice(cells, size))[0].numpy()


def test_a_finer_grid_shows_more_of_the_same_random_field():
    start = GaussianField(peak=3, width=1, rms=2.0, seed=9)
    coarse, fine = (random_field(start, (n, n), (1.0, 1.0)) for n in (16, 64))
    spectra = [modes((n, n)).forward(torch.from_numpy(f)) / n**2 for n, f in ((16, coarse), (64, fine))]
    low = torch.cat([torch.arange(0, 6), torch.arange(-5, 0)])  # all that 16 cells carry of waves up to 9
    assert (spectra[0][:6, low] - spectra[1][:6, low]).abs().max() < 1e-15
    assert (fine**2).mean() == pytest.approx(4.0, rel=1e-12)
    assert abs(fine.mean()) < 1e-15


def test_a_random_field_has_the_spectrum_that_was_asked_for():
    """Variance per shell proportional to exp(-(k - peak)^2 / (2 width^2)), over many seeds, in a box of any shape."""
    box = modes((128, 64), (2.0, 1.0))
    k = (box.k_squared.sqrt() / (2 * torch.pi / 2.0)).round()
    shells = torch.zeros(24, dtype=torch.float64)
    for seed in range(40):
        field = torch.from_numpy(random_field(GaussianField(peak=8, width=2, rms=1.0, seed=seed), box.cells, box.size))
        power = box.spectrum(field).abs().square() * box.parseval
        shells += torch.stack([power[k == n].sum() for n in range(24)]) / 40
    n = torch.arange(24, dtype=torch.float64)
    assert shells.sum() == pytest.approx(1.0, abs=1e-3)
    # Single shells hold different numbers of modes in this box: the mean and the width of the whole are compared.
    mean = float((shells * n).sum() / shells.sum())
    width = float((shells * (n - mean) ** 2).sum() / shells.sum()) ** 0.5
    assert mean == pytest.approx(8.0, abs=0.3)
    assert width == pytest.approx(2.0, abs=0.3)


def test_random_fields_differ_by_their_seed_and_come_from_that_of_the_scene(flow, compiled):
    plain = GaussianField(peak=2, width=0.5, rms=1.0)
    fields = [compiled(flow(24, vorticity=plain, seed=seed))[1].vorticity for seed in (0, 1, 1)]
    assert not torch.equal(fields[0], fields[1])
    assert torch.equal(fields[1], fields[2])
    double = compiled(flow(24, vorticity=plain, seed=1), dtype="float32")[1].vorticity
    assert torch.equal(double, fields[1].float())


def test_members_must_share_a_structure(flow, compiled):
    with pytest.raises(SceneError) as caught:
        compiled([flow(32), flow(24), flow(32, forcing=None)])
    assert str(caught.value).splitlines() == [
        "Scene 'flow' cannot be run; 2 things have to be mended:",
        "  domain         differs between member 0 and member 1 of the batch; compile them apart.",
        "  fluid.forcing  differs between member 0 and member 2 of the batch; compile them apart.",
    ]


def test_a_step_touches_one_device_only(flow, compiled):
    """On the device that holds no numbers any operand left on the host is an error."""
    scenes = [scene.replace({"fluid.viscosity": {"kind": "parameter", "value": 0.1}}) for scene in members(flow, 2)]
    outputs = {"fields": Fields("vorticity", "velocity", "pressure", every=1.0), "spectrum": Spectrum(every=1.0)}
    table = {name: output.model_dump() for name, output in outputs.items()}
    solver, state, params = compiled(
        [scene.replace({"outputs": table, "method": {"kind": "spectral", "integrator": "etdrk43"}}) for scene in scenes]
    )
    moved = replace(solver.modes, device="meta")
    push = solver.diagnostics.push.to("meta")
    stepper = Stepper(moved, solver.stepper.method, solver.stepper.pattern.to("meta"))
    solver = replace(solver, modes=moved, stepper=stepper, diagnostics=Diagnostics(moved, push))
    state = type(state)(state.vorticity.to("meta"))
    params = Params({address: value.detach().to("meta").requires_grad_() for address, value in params.items()})
    time, dt = torch.zeros(2, dtype=torch.float64), torch.full((2,), 0.01, dtype=torch.float64)
    result = solver.step(state, params, time, dt)
    assert result.error is not None
    found, numbers = solver.vjp(state, params, time, dt, {"vorticity": torch.ones_like(state.vorticity)})
    measured = {**solver.observe(state, params), "bound": solver.max_dt(state, params), **found, **numbers}
    for name, output in outputs.items():
        measured |= probe(name, output, 0.0, solver).measure(state, params)
    assert {value.device.type for value in (result.state.vorticity, result.error, *measured.values())} == {"meta"}

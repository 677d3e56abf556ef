"""A network with its solver behind it, made from the scene: the check by a coarse solve, and the whole at one call."""

import warnings
from dataclasses import replace
from itertools import pairwise
from math import log2

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.engine.fields import fields_of
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.surrogates import (
    FNO,
    Drift,
    Pairs,
    Residual,
    SafeStepper,
    Speculating,
    Split,
    Surrogate,
    Windows,
    calibrated,
    train,
)
from scenegrad.surrogates.hybrid.safe_stepper import threshold_of


def whirl(cells: int) -> sg.Scene:
    """Taylor and Green's vortices on a staggered grid."""
    scene = sg.library.taylor_green(cells=cells, viscosity=0.05)
    return scene.replace({"method": sg.Staggered(advection="central"), "outputs": {}})


def begun(scenes, at=0.0):
    """Solver, a state on its way, and params, in double precision."""
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    params = params.detach()
    with torch.no_grad():
        return solver, rollout(solver, state, params, at, probes=()).state if at else state, params


def later(solver, state, params, at, dt):
    with torch.no_grad():
        return rollout(solver, state, params, at + dt, start=at, probes=()).state


def doubts(scene, at, dt, **how):
    """Of the true step, and of one that goes half as far again."""
    solver, state, params = begun(scene, at)
    check = sg.coarse_check(scene, **how)
    return tuple(
        float(check(state, later(solver, state, params, at, far * dt), params, at, dt).detach()) for far in (1.0, 1.5)
    )


def test_the_doubt_of_a_true_step_falls_with_the_square_of_the_cell_and_that_of_a_wrong_one_stays():
    """The coarse solver is of second order, and the true step is wrong by what that one is."""
    true, wrong = zip(*(doubts(whirl(cells), 0.5, 0.5) for cells in (16, 32, 64)), strict=True)
    orders = [log2(coarse / fine) for coarse, fine in pairwise(true)]
    assert min(orders) > 1.7, f"expected order 2, measured {orders} from doubts {true}"
    assert wrong[-1] > 0.3 > 6.0 * true[-1], f"wrong steps {wrong}, true ones {true}"


@pytest.mark.parametrize(
    ("scene", "at", "dt"),
    [
        (sg.library.burgers(cells=64, viscosity=0.05), 0.1, 0.2),
        (sg.library.kolmogorov(cells=64, viscosity=0.1), 0.5, 0.1),
        (sg.library.shock_tube(cells=128), 0.05, 0.05),
    ],
    ids=["burgers", "kolmogorov", "shock_tube"],
)
def test_a_true_step_is_doubted_far_less_than_a_wrong_one(scene, at, dt):
    true, wrong = doubts(scene, at, dt)
    assert wrong > max(0.15, 4.0 * true), f"true {true:.3g}, wrong {wrong:.3g}"


def test_what_is_conserved_is_the_same_on_the_coarse_grid():
    """A means of velocity and pressure would keep neither momentum nor energy where they change from cell to cell."""
    scene = sg.library.shock_tube(cells=96)
    solver, state, params = begun(scene, 0.1)
    check = sg.coarse_check(scene, 24)
    coarse = sg.compile(scene.replace({"domain.cells": (24,)}), device="cpu", dtype="float64")[0]
    before, after = solver.observe(state, params), coarse.observe(check.down(state, params, 0.1), params)
    for name in ("mass", "momentum", "total_energy"):
        torch.testing.assert_close(after[name], before[name], rtol=1e-12, atol=0.0)
    assert float(after["kinetic_energy"]) < 0.999 * float(before["kinetic_energy"]), "what was lost there became heat"


def test_means_of_a_staggered_flow_are_the_same_on_the_coarse_grid():
    scene = sg.library.smoke_plume(cells=16)
    solver, state, params = begun(scene, 1.0)
    check = sg.coarse_check(scene)
    down = check.down(state, params, 1.0)
    coarse = sg.compile(scene.replace({"domain.cells": check.cells}), device="cpu", dtype="float64")[0]
    fine, made = fields_of(solver, state, params), fields_of(coarse, down, params)
    torch.testing.assert_close(made["smoke"].mean(), fine["smoke"].mean(), rtol=1e-12, atol=0.0)
    assert made["velocity"].shape == (1, *check.cells, 2)
    assert float(coarse.observe(down, params)["divergence"]) < 1e-10


def test_a_series_that_is_cut_off_keeps_its_long_waves():
    scene = sg.library.kolmogorov(cells=32, viscosity=0.1)
    _, state, params = begun(scene, 0.5)
    down = sg.coarse_check(scene, 20).down(state, params, 0.5).vorticity
    fine, coarse = (torch.fft.rfft2(w, norm="forward") for w in (state.vorticity, down))
    torch.testing.assert_close(coarse[..., :10, :10], fine[..., :10, :10], rtol=1e-12, atol=1e-14)


def test_noise_in_waves_that_the_coarse_solver_does_not_step_is_seen():
    """Networks heap it up step by step, while none of their steps is far from a true one."""
    scene = sg.library.kolmogorov(cells=64, viscosity=0.1)
    solver, state, params = begun(scene, 0.5)
    x = torch.arange(64) * (2.0 * torch.pi / 64)
    noise = 0.2 * state.vorticity.std() * torch.cos(13 * x)[:, None]  # 16 waves fit the coarse grid, 10 are stepped
    check, true = sg.coarse_check(scene), later(solver, state, params, 0.5, 0.1)
    before, after = (replace(one, vorticity=one.vorticity + noise) for one in (state, true))
    assert float(check(before, after, params, 0.5, 0.1)) > 4.0 * float(check(state, true, params, 0.5, 0.1))


def test_each_member_of_any_batch_has_its_own_numbers():
    """Viscosities by their address; a wavenumber, which no params hold, by the scene of the member."""
    scene = sg.library.kolmogorov(cells=32, viscosity=0.1)
    members = [scene, scene.replace({"fluid.viscosity": 0.4}), scene.replace({"fluid.viscosity": 0.2})]
    solver, state, params = begun(members)
    after, check = later(solver, state, params, 0.0, 0.1), sg.coarse_check(scene)
    found = check(state, after, params, 0.0, 0.1)
    for b, member in enumerate(members):
        alone = [map_tensors(lambda v, b=b: v[b : b + 1], one) for one in (state, after, params)]
        own = sg.coarse_check(member)(*alone, 0.0, 0.1)
        torch.testing.assert_close(check(*alone, 0.0, 0.1), own, rtol=1e-9, atol=0.0)
        torch.testing.assert_close(found[b : b + 1], own, rtol=1e-9, atol=0.0)
    members = [scene, scene.replace({"fluid.forcing.wavenumber": 2})]
    solver, state, params = begun(members)
    still = map_tensors(torch.zeros_like, state)
    after = later(solver, still, params, 0.0, 0.1)
    twice = [map_tensors(lambda v: v.repeat(2, *[1] * (v.ndim - 1)), one) for one in (still, after, params)]
    assert float(sg.coarse_check(members)(*twice, 0.0, 0.1).max()) < 1e-3
    assert float(sg.coarse_check(scene)(*twice, 0.0, 0.1).max()) > 0.5, "the wavenumber of the other scene"
    with pytest.raises(EngineError, match="made of 2 scenes, one for each member, and is asked about 1"):
        sg.coarse_check(members)(*[map_tensors(lambda v: v[:1], one) for one in (still, after, params)], 0.0, 0.1)


BY_HAND = r"CoarseStep\(coarse, down\) is the check by hand"


@pytest.mark.parametrize(
    ("scene", "cells", "match"),
    [
        (sg.library.sand_column(), None, f"solved by material_point.*{BY_HAND}"),
        (sg.library.argon(), None, f"solved by molecular_dynamics.*{BY_HAND}"),
        (sg.library.darcy(), None, f"solved by elliptic.*{BY_HAND}"),
        (sg.library.shock_tube(cells=63), None, rf"\(63,\) cells got half of them.*Say cells=\(21,\).*{BY_HAND}"),
        (sg.library.shock_tube(cells=61), None, rf"a divisor of their number along the axes. Where.*{BY_HAND}"),
        (sg.library.shock_tube(cells=64), 24, r"got cells=24 .*a divisor of their number"),
        (sg.library.kolmogorov(cells=64), 80, r"got cells=80 .*a smaller number"),
        (sg.library.kolmogorov(cells=64), (64, 64), r"got cells=\(64, 64\).*Say cells=\(32, 32\)"),
        (sg.library.kolmogorov(cells=64), (32,), r"got cells=\(32,\)"),
        (sg.library.kolmogorov(cells=64), 32.0, r"got cells=32.0 .*Say cells=\(32, 32\)"),
        (sg.library.kolmogorov(cells=64), (32.0, 32.0), r"got cells=\(32.0, 32.0\)"),
        ([sg.library.kolmogorov(cells=c) for c in (32, 64)], None, r"different cells.*and a batch has one grid"),
        ([], None, "the list is empty"),
    ],
)
def test_a_scene_without_a_coarser_like_is_refused(scene, cells, match):
    with pytest.raises(EngineError, match=match):
        sg.coarse_check(scene, cells)


def test_a_coarse_grid_that_its_solver_refuses_and_a_state_of_another_are_told():
    scene = sg.library.kolmogorov(cells=32, viscosity=0.1)
    _, state, params = begun(scene)
    with pytest.raises(EngineError, match=r"(?s)on \(4, 4\) cells, cannot be made: .*Say other cells=, between"):
        sg.coarse_check(scene, 4)(state, state, params, 0.0, 0.1)
    other = scene.replace({"domain.cells": (64, 64)})
    with pytest.raises(EngineError, match=r"made of a scene of \(64, 64\) cells, .* vorticity has \(32, 32\)"):
        sg.coarse_check(other)(state, state, params, 0.0, 0.1)


def test_a_doubt_that_is_not_finite_is_no_threshold():
    """It would trust whatever comes."""
    some = torch.ones(40)
    some[:4] = torch.inf
    with pytest.raises(EngineError, match="4 have a doubt that is not finite"):
        threshold_of(some, 0.95)
    assert threshold_of(some, 0.8) == 1.0


# ---- the whole

DT = 0.05


def waves() -> sg.Scene:
    field = sg.MaternField(alpha=3.0, tau=5.0, scale=100.0)
    return sg.Scene(
        name="waves",
        domain=sg.Domain.periodic(size=(1.0,), cells=(32,)),
        entities={"flow": sg.Burgers(viscosity=sg.Uniform(low=0.03, high=0.06), velocity=field)},
        outputs={"fields": sg.Fields("velocity", every=DT)},
        time=sg.Time(end=8 * DT, dt=DT / 16),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    ensemble = sg.vary(waves(), 32, seed=1)
    folder = tmp_path_factory.mktemp("safeguarded") / "data"
    return sg.generate(ensemble, out=folder, batch=32, device="cpu", progress=False)


def taught(data, out, epochs=30, **network):
    torch.manual_seed(0)
    return train(
        FNO((8,), 16, ["velocity"], depth=2, parameters=["flow.viscosity"], **network),
        Windows(data, split=Split(0.2, 0.05)),
        out=out, epochs=epochs, batch_size=16, learning_rate=1e-2, progress=False, device="cpu",
    )  # fmt: skip


@pytest.fixture(scope="module")
def fit(data, tmp_path_factory):
    return taught(data, tmp_path_factory.mktemp("safeguarded") / "fit")


def test_one_call_makes_a_surrogate_that_its_solver_guards(fit):
    """Starts like those of the training are trusted as often as was asked for; those three times as strong
    far less often, and the run keeps to the solver's."""
    random = [one.replace({"flow.velocity.seed": n}) for n, one in enumerate([waves().median()] * 16)]
    safe, state, params = sg.safeguarded(fit, random, quantile=0.9, device="cpu")
    assert safe.check.cells == (16,)
    with torch.no_grad():
        rollout(safe, state, params, probes=())
        assert safe.log.accepted > 0.7
        strong = replace(state, field=3.0 * state.field)
        other = SafeStepper(safe.surrogate, safe.solver, safe.check, safe.threshold)
        errors = []
        true = rollout(safe.solver, strong, params, 8 * DT, probes=()).state.field
        for one in (other, safe.surrogate):
            found = rollout(one, strong, params, 8 * DT, probes=()).state.field
            errors.append(float((found - true).norm() / true.norm()))
    assert other.log.accepted < 0.5 * safe.log.accepted
    assert errors[0] < 0.02 < 0.1 < errors[1], f"guarded {errors[0]:.3g}, alone {errors[1]:.3g}"


def test_with_a_threshold_of_nothing_the_default_is_the_solver_bit_for_bit(fit):
    safe, state, params = sg.safeguarded(fit, device="cpu", dtype="float64")
    never = SafeStepper(safe.surrogate, safe.solver, safe.check, 0.0)
    solver, plain, _ = sg.compile(waves(), device="cpu", dtype="float64")
    assert torch.equal(plain.field, state.field)
    with torch.no_grad():
        for n in range(4):
            plain = rollout(solver, plain, params, (n + 1) * DT, start=n * DT, probes=()).state
        assert torch.equal(rollout(never, state, params, 4 * DT, probes=()).state.field, plain.field)
    assert never.log.accepted == 0.0


def test_frames_of_the_data_calibrate_as_the_solver_itself_does(fit, data):
    """The states of the validation part are where the solver was: it need not go there again."""
    safe, _, _ = sg.safeguarded(fit, device="cpu")
    places = fit.samples.parts["validation"]
    members = [sg.vary(waves(), 32, seed=1)[data.members[place]] for place in places]
    solver, state, params = sg.compile(members, device="cpu")
    surrogate, check = Surrogate(fit.model, like=solver), sg.coarse_check(members)
    by_solver = calibrated(surrogate, solver, check, [(state, params.detach())], steps=8)
    assert safe.threshold == pytest.approx(by_solver.threshold, rel=1e-3)


def test_it_runs_ahead_with_the_same_check(fit):
    safe, state, params = sg.safeguarded(fit, [waves()] * 2, device="cpu")
    ahead = Speculating(safe.surrogate, safe.solver, safe.check, safe.threshold, ahead=4)
    with torch.no_grad():
        one, many = (rollout(way, state, params, 8 * DT, probes=()).state.field for way in (safe, ahead))
    torch.testing.assert_close(many, one, rtol=1e-5, atol=1e-5)


def test_a_gradient_reaches_the_parameters_through_whoever_stepped(fit):
    scene = waves().replace({"flow.viscosity": sg.Parameter(0.05)})
    safe, state, params = sg.safeguarded(fit, scene, device="cpu", dtype="float64")

    def energy(viscosity):
        told = params.replace({"flow.viscosity": viscosity})
        return rollout(safe, state, told, 4 * DT, probes=()).state.field.square().sum()

    energy(params["flow.viscosity"]).backward()
    with torch.no_grad():
        nu, h = params["flow.viscosity"].detach(), 1e-6
        difference = float(energy(nu + h) - energy(nu - h)) / (2.0 * h)
    assert float(params["flow.viscosity"].grad) == pytest.approx(difference, rel=1e-5)


def test_other_checks_are_made_of_the_solver(fit):
    by_equation, _, _ = sg.safeguarded(fit, device="cpu", check=Residual)
    assert isinstance(by_equation.check, Residual)
    assert by_equation.check.solver is by_equation.solver
    kept, _, _ = sg.safeguarded(fit, device="cpu", check=lambda solver: Drift(solver.observe))
    assert kept.threshold != by_equation.threshold > 0.0
    with pytest.raises(EngineError, match=r"got CoarseGrid, which takes no solver alone.*check=lambda solver: it"):
        sg.safeguarded(fit, device="cpu", check=sg.coarse_check(waves()))


def test_a_network_that_is_no_better_than_no_step_is_told_of(data, fit, tmp_path):
    """It is trusted as often as was asked for, which is all that calibration promises."""
    bad = taught(data, tmp_path / "bad", epochs=1)
    with torch.no_grad():
        for weights in bad.model.parameters():
            weights.mul_(3.0)
    with pytest.warns(UserWarning, match=r"The threshold came out as .*, and a step that changes nothing has a doubt"):
        safe, _, _ = sg.safeguarded(bad, device="cpu")
    assert safe.threshold >= 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sg.safeguarded(fit, device="cpu")
        sg.safeguarded(bad, device="cpu", check=lambda solver: lambda *step: 2.0 + 0.0 * step[0].field[:, 0, 0])


def test_a_network_that_looks_back_is_guarded_too(data, tmp_path):
    fit = taught(data, tmp_path / "fit", epochs=1, history=2)
    safe, state, params = sg.safeguarded(fit, device="cpu", quantile=0.8)
    with torch.no_grad():
        assert bool(rollout(safe, state, params, probes=()).state.field.isfinite().all())
    assert 0.0 < safe.threshold < float("inf")


def test_a_training_is_guarded_from_its_folder(fit, data):
    """With the data cut as they were for it, so that the same trajectories calibrate."""
    safe, _, _ = sg.safeguarded(fit, device="cpu")
    again, _, _ = sg.safeguarded(fit.path.parent, data=data, device="cpu")
    assert again.threshold == safe.threshold


def test_what_cannot_be_guarded_is_refused(fit, data, tmp_path):
    with pytest.raises(EngineError, match=r"trained on \(32,\) points, and scene 'waves' has \(64,\) cells"):
        sg.safeguarded(fit, waves().replace({"domain.cells": (64,)}), device="cpu")
    with pytest.raises(EngineError, match=r"got the path .* and no data"):
        sg.safeguarded(tmp_path, device="cpu")
    with pytest.raises(EngineError, match=r"got check= and cells=8, .*Leave one out"):
        sg.safeguarded(fit, device="cpu", check=Residual, cells=8)
    with pytest.raises(EngineError, match="needs at least 999 steps"):
        sg.safeguarded(fit, device="cpu", quantile=0.999)
    with pytest.raises(EngineError, match="solved by material_point"):
        sg.safeguarded(fit, sg.library.sand_column(), device="cpu")
    u = torch.randn(12, 32).numpy()
    pairs = Pairs.from_arrays({"velocity": u}, {"velocity": 0.9 * u}, dt=DT, split=Split(0.25, 0.0))
    bare = train(
        FNO((4,), 2, ["velocity"], depth=1), pairs, out=tmp_path / "bare", epochs=1, progress=False, device="cpu"
    )
    with pytest.raises(EngineError, match="do not tell the scene that made them"):
        sg.safeguarded(bare, device="cpu")
    with pytest.raises(EngineError, match=r"quantile of 0.95 of 3 steps"):
        sg.safeguarded(bare, waves(), device="cpu")

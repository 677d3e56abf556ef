"""Porous media as scenes: steady in one step, with gradients to every cell."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.scenes import library
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.values import MaternField
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.elliptic.darcy.fields import random_field
from scenegrad.solvers.elliptic.learned.recycling import Recycling

DOUBLE = torch.float64


def medium(cells=(10, 8), boundary=None, time=1.0, **darcy) -> sg.Scene:
    return sg.Scene(
        name="medium",
        domain=sg.Domain(size=(1.0, 0.8)[: len(cells)], cells=cells),
        boundary=boundary or sg.Boundary(default=sg.Outflow()),
        entities={"medium": sg.Darcy(**darcy)},
        outputs={"fields": sg.Fields("permeability", "pressure", "velocity", "residual", every=time)},
        time=sg.Time(end=time),
    )


def solved(scene, dtype="float64"):
    solver, state, params = compile_scene(scene, "cpu", dtype)
    out = rollout(solver, state, params)
    return solver, out.state, params, out


def test_one_step_leads_to_the_end():
    scene = medium(permeability=sg.TwoPhases(MaternField(alpha=2.0, tau=3.0)), source=1.0)
    solver, state, params, out = solved(scene)
    frames = out.outputs["fields"]
    assert frames["pressure"].shape == (1, 2, 10, 8)
    assert float(frames["pressure"][:, 0].abs().max()) == 0.0
    assert float(solver.observe(state, params)["residual"]) < 1e-9
    assert float(frames["residual"][:, 1].abs().max()) < 1e-8
    assert float(state.pressure.min()) > 0.0


def test_pressure_between_two_sides_is_linear_and_velocity_uniform():
    boundary = sg.Boundary(x_lo=sg.Outflow(pressure=3.0), x_hi=sg.Outflow(pressure=1.0), y=sg.Slip())
    solver, state, params, _ = solved(medium(boundary=boundary, permeability=5.0))
    x = (torch.arange(10, dtype=DOUBLE) + 0.5) / 10
    assert torch.allclose(state.pressure[0], (3.0 - 2.0 * x)[:, None].expand(10, 8))
    u, v = solver.velocity(state, params)[0].unbind(-1)
    assert torch.allclose(u, torch.full_like(u, 10.0))
    assert float(v.abs().max()) < 1e-10


def test_what_comes_in_goes_out():
    boundary = sg.Boundary(x_lo=sg.Inflow(2.0), x_hi=sg.Outflow(pressure=1.0), y=sg.Periodic())
    field = sg.LogNormalField(MaternField(alpha=2.0, tau=3.0, scale=20.0, seed=2), median=2.0)
    solver, state, params, _ = solved(medium(boundary=boundary, permeability=field))
    u = solver.velocity(state, params)[0, ..., 0]
    assert torch.allclose(u.mean(1), torch.full((10,), 2.0, dtype=DOUBLE))


def test_a_closed_box_takes_sources_of_mean_zero():
    source = sg.GaussianField(peak=1.0, width=0.5, seed=1)
    solver, state, params, _ = solved(medium(boundary=sg.Boundary(default=sg.NoSlip()), source=source))
    assert abs(float(state.pressure.mean())) < 1e-12
    assert float(solver.observe(state, params)["residual"]) < 1e-9


@pytest.mark.parametrize(
    "way", [{"preconditioner": "fast"}, {"preconditioner": "multigrid"}, {"krylov": "recycled_gmres"}], ids=str
)
def test_gradients_reach_the_permeability_of_every_cell_and_the_sources(way):
    scene = medium(cells=(4, 4), permeability=sg.TwoPhases(MaternField(alpha=2.0, tau=3.0, seed=3)), source=1.0)
    scene = scene.replace({"method": sg.Elliptic(**way, tolerance=1e-13)})
    solver, state, params = compile_scene(scene, "cpu", "float64")

    def pressure(permeability, source):
        return rollout(
            solver, with_tensors(state, {"permeability": permeability, "source": source}), params
        ).state.pressure

    given = [state.permeability.clone().requires_grad_(), (state.source * 1.3).requires_grad_()]
    assert torch.autograd.gradcheck(pressure, given, atol=1e-6, rtol=1e-6, fast_mode=True, nondet_tol=1e-9)


def test_gradients_reach_the_numbers_of_a_scene():
    wanted = {
        "medium.permeability.above": 9.0, "medium.permeability.below": 2.0, "medium.source": 1.5,
        "boundary.x_lo.pressure": 0.3, "boundary.x_hi.velocity": 0.2, "medium.reaction": 0.4,
    }  # fmt: skip
    scene = medium(
        boundary=sg.Boundary(
            x_lo=sg.Outflow(pressure=sg.Parameter(0.3)), x_hi=sg.Inflow(sg.Parameter(0.2)), y=sg.NoSlip()
        ),
        permeability=sg.TwoPhases(
            MaternField(alpha=2.0, tau=3.0, seed=4), above=sg.Parameter(9.0), below=sg.Parameter(2.0)
        ),
        source=sg.Parameter(1.5),
        reaction=sg.Parameter(0.4),
    ).replace({"method": sg.Elliptic(tolerance=1e-13)})
    solver, _, params = compile_scene(scene, "cpu", "float64")

    def measure(*values):
        now = params.replace(dict(zip(wanted, values, strict=True)))
        return rollout(solver, solver.program.initial(now), now).state.pressure.square().mean()

    values = [torch.tensor([v], dtype=DOUBLE, requires_grad=True) for v in wanted.values()]
    assert torch.autograd.gradcheck(measure, values, atol=1e-6, rtol=1e-6)


def test_a_finer_grid_shows_the_same_field():
    field = MaternField(alpha=3.0, tau=3.0, seed=5)
    coarse, fine = (random_field(field, (n, n), (1.0, 1.0)) for n in (24, 72))
    assert np.abs(coarse - fine[1::3, 1::3]).max() < 0.02 * np.abs(fine).max()
    tall = random_field(field, (24, 12), (1.0, 0.5))
    assert tall.shape == (24, 12)


def test_random_fields_go_on_across_periodic_sides():
    """The step from the last cell to the first is one of many, and the variance is the same at the seam as in the
    middle: 2 sum_k (4 pi^2 k^2 + 9)^-2 in one dimension."""
    field = MaternField(alpha=3.0, tau=3.0, seed=5)
    drawn = random_field(field, (48, 32), (1.0, 0.5), (True, False))
    steps = np.abs(np.diff(drawn, axis=0, append=drawn[:1])).max(axis=1)
    assert steps[-1] < 1.2 * steps[:-1].max()
    coarse = random_field(field, (16, 12), (1.0, 0.5), (True, True))
    fine = random_field(field, (48, 36), (1.0, 0.5), (True, True))
    assert np.abs(coarse - fine[1::3, 1::3]).max() < 0.05 * np.abs(fine).max()
    k = np.arange(1, 9)
    expected = 2.0 * np.sum(((2 * np.pi * k) ** 2 + 9.0) ** -2.0)
    lines = np.stack(
        [random_field(MaternField(alpha=2.0, tau=3.0, seed=s), (17,), (1.0,), (True,)) for s in range(800)]
    )
    assert np.var(lines[:, 0]) == pytest.approx(expected, rel=0.15)
    assert np.var(lines[:, 8]) == pytest.approx(expected, rel=0.15)


def test_random_fields_have_the_covariance_they_are_named_after():
    """sum_k (pi^2 |k|^2 + 9)^-2 phi_k(x)^2 in the middle and in a corner, over 400 draws."""
    k = np.pi * np.arange(33)
    strength = 1.0 / (k[:, None] ** 2 + k**2 + 9.0) ** 2
    strength[0, 0] = 0.0
    drawn = np.stack([random_field(MaternField(alpha=2.0, tau=3.0, seed=s), (33, 33), (1.0, 1.0)) for s in range(400)])
    for cell in (16, 0):
        phi = np.where(k == 0, 1.0, np.sqrt(2.0) * np.cos(k * (cell + 0.5) / 33))
        expected = phi**2 @ strength @ phi**2
        assert np.var(drawn[:, cell, cell]) == pytest.approx(expected, rel=0.2)


def test_the_data_of_the_first_neural_operators_have_their_statistics():
    """Media of equal parts of 12 and 3 conduct like sqrt(12 * 3) = 6 [Dykhne 1971, Sov. Phys. JETP 32, 63-65], give
    or take the few patches in a box; at permeability 1 the mean pressure is 0.03514."""
    scenes = [library.fno_darcy(cells=40, seed=s) for s in range(48)]
    solver, state, params = compile_scene(scenes, "cpu", "float32")
    assert set(state.permeability.unique().tolist()) == {3.0, 12.0}
    assert float((state.permeability > 6).float().mean()) == pytest.approx(0.5, abs=0.05)
    outcome = solver.solve(state, params)
    assert bool(outcome.solved.all())
    assert int(outcome.iterations.max()) <= 20
    assert float(outcome.x.mean()) == pytest.approx(0.03514 / 6, rel=0.08)


def test_order_is_two_where_permeability_is_smooth():
    """p = sin(pi x) sin(2 pi y) in a medium of permeability exp(x y)."""
    errors = []
    for n in (16, 32):
        solver, state, params = compile_scene(
            medium(cells=(n, n)).replace({"domain.size": (1.0, 1.0)}), "cpu", "float64"
        )
        x = ((torch.arange(n, dtype=DOUBLE) + 0.5) / n)[:, None]
        y = x.T
        a, c = torch.pi, 2 * torch.pi
        k = (x * y).exp()
        p = (a * x).sin() * (c * y).sin()
        source = k * ((a**2 + c**2) * p - y * a * (a * x).cos() * (c * y).sin() - x * c * (a * x).sin() * (c * y).cos())
        state = with_tensors(state, {"permeability": k[None], "source": source[None]})
        errors.append(float((solver.solve(state, params).x[0] - p).square().mean().sqrt()))
    assert np.log2(errors[0] / errors[1]) > 1.9, errors


def test_members_of_a_dataset_are_media_of_their_own(tmp_path):
    data = sg.generate(library.fno_darcy(cells=16), n=3, out=tmp_path, device="cpu", batch=3, progress=False)
    assert len(data) == 3
    first, second = (data.trajectory(member, "fields") for member in (0, 1))
    assert not np.array_equal(first["permeability"], second["permeability"])
    assert np.abs(first["pressure"][-1]).max() > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boundary": {"default": {"kind": "stick"}}}, ["boundary.default", "is stick"]),
        ({"time": {"end": 1.0, "cfl": 0.5}}, ["time.cfl"]),
        ({"medium.permeability": {"kind": "taylor_green"}}, ["medium.permeability", "two_phases"]),
        ({"gravity": (0.0, -9.8)}, ["gravity"]),
        ({"outputs": {"e": {"kind": "energy", "every": 1.0}}}, ["outputs.e", "gives fields"]),
        ({"outputs": {"e": {"kind": "fields", "quantities": ["presure"], "every": 1.0}}}, ["'presure'", "pressure"]),
        ({"domain.cells": (2, 8)}, ["domain.cells", "too coarse"]),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_the_reason(change, words):
    with pytest.raises(SceneError) as error:
        compile_scene(medium().replace(change), "cpu", "float64")
    for word in words:
        assert word in str(error.value)


def test_a_reaction_takes_pressure_away():
    """p = cosh(x / L) between closed and held ends, L^2 = permeability / reaction."""
    boundary = sg.Boundary(x_lo=sg.Slip(), x_hi=sg.Outflow(pressure=1.0), y=sg.Periodic())
    _, state, _, _ = solved(medium(cells=(64, 4), boundary=boundary, permeability=2.0, reaction=8.0))
    x = (torch.arange(64, dtype=DOUBLE) + 0.5) / 64
    assert torch.allclose(state.pressure[0, :, 0], (2 * x).cosh() / np.cosh(2.0), atol=3e-4)


def waves(cells: int) -> sg.Scene:
    """Waves of one frequency in random media, a little different in each member: indefinite."""
    return medium(
        cells=(cells, cells),
        permeability=sg.LogNormalField(MaternField(alpha=3.0, tau=3.0, scale=3.0)),
        source=1.0,
        reaction=sg.Uniform(-125.0, -115.0),
    ).replace({"domain.size": (1.0, 1.0), "method": sg.Elliptic(krylov="recycled_gmres", tolerance=1e-6)})


def aquifer(cells: int) -> sg.Scene:
    """Flow from one side to the other through random media of two phases."""
    boundary = sg.Boundary(x_lo=sg.Inflow(0.1), x_hi=sg.Outflow(pressure=0.0), y=sg.Slip())
    scene = medium(cells=(cells, cells), boundary=boundary, permeability=sg.TwoPhases(MaternField(alpha=2.0, tau=3.0)))
    return scene.replace({"domain.size": (1.0, 1.0), "method": sg.Elliptic(krylov="recycled_gmres", tolerance=1e-6)})


@pytest.mark.parametrize(("scene", "members"), [(waves(20), 6), (aquifer(48), 4)], ids=["Helmholtz", "Darcy"])
def test_a_dataset_is_made_with_a_fifth_of_the_iterations_of_gmres(scene, members, tmp_path, monkeypatch):
    spent, made = {}, {}
    run = Recycling.run
    for krylov in ("gmres", "recycled_gmres"):
        found = []

        def counted(self, *given, found=found):
            found.append(run(self, *given))
            return found[-1]

        monkeypatch.setattr(Recycling, "run", counted)
        data = sg.generate(
            scene.replace({"method.krylov": krylov}), n=members, out=tmp_path / krylov,
            device="cpu", dtype="float64", batch=members, progress=False,
        )  # fmt: skip
        made[krylov] = np.stack([data.trajectory(member, "fields")["pressure"][-1] for member in range(members)])
        assert [one.x.shape[0] for one in found] == [members]
        assert bool(found[0].solved.all())
        spent[krylov] = int(found[0].iterations.sum())
    assert spent["gmres"] > 5 * spent["recycled_gmres"], spent
    assert np.abs(made["gmres"] - made["recycled_gmres"]).max() < 1e-4 * np.abs(made["gmres"]).max()


def test_waves_are_refused_to_conjugate_gradients():
    with pytest.raises(SceneError, match="recycled_gmres"):
        compile_scene(medium(reaction=-3.0), "cpu", "float64")

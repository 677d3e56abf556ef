"""Stress, pressure and volume as they are shown, against states that are known in closed form."""

from dataclasses import replace
from math import log, radians, sin, sqrt

import pytest
import torch

import scenegrad.scenes as sc

QUANTITIES = ("stress", "stress_across", "pressure", "equivalent_stress", "volume_ratio")
MU, LAM = 3e4 / 2.6, 3e4 * 0.3 / (1.3 * 0.4)  # of E = 3e4, nu = 0.3
BULK = LAM + 2 / 3 * MU


def shown(lab, material, stretch, history=None):
    """What is measured of a block that is stretched by so much along each axis; history: what it is to remember."""
    dim = len(stretch)
    block = lab.box_of((0.3,) * dim, (0.25,) * dim, material)
    scene = lab.scene_of(dim, 8, entities={"block": block}, outputs={"all": sc.Particles(*QUANTITIES, every=1.0)})
    solver, state, params = lab.compiled(scene)
    F = torch.diag(torch.tensor(stretch, dtype=torch.float64)).expand_as(state.deformation).contiguous()
    state = replace(state, deformation=F)
    if history is not None:
        state = replace(state, history=torch.tensor(history, dtype=torch.float64).expand_as(state.history))
    found = solver.program.probes[0].measure(state, params)
    return {name: found[name][0, 0] for name in QUANTITIES}


@pytest.mark.parametrize("stretch", [(0.8, 1.0), (0.8, 1.0, 1.0), (1.0, 1.3), (1.0, 1.3, 1.0)], ids=str)
def test_uniaxial_strain_of_rubber(lab, stretch):
    """sigma = (mu (s^2 - 1) + lambda ln s) / s along the axis, lambda ln s / s across it, in the plane and in space."""
    seen = shown(lab, sc.NeoHookean(youngs_modulus=3e4, poisson_ratio=0.3), stretch)
    s = min(stretch) if min(stretch) < 1 else max(stretch)
    along, across = (MU * (s * s - 1) + LAM * log(s)) / s, LAM * log(s) / s
    assert float(seen["pressure"]) == pytest.approx(-(along + 2 * across) / 3, rel=1e-12)
    assert float(seen["equivalent_stress"]) == pytest.approx(abs(along - across), rel=1e-12)
    assert float(seen["volume_ratio"]) == pytest.approx(s, rel=1e-12)
    if len(stretch) == 2:
        assert float(seen["stress_across"]) == pytest.approx(across, rel=1e-12)


def test_plane_strain_of_a_solid_in_hencky_strain(lab):
    """p = -K ln J / J, sigma_zz = lambda ln J / J."""
    a, b = 0.9, 1.25
    seen = shown(lab, sc.StVenantKirchhoffHencky(youngs_modulus=3e4, poisson_ratio=0.3), (a, b))
    J, e = a * b, (log(a), log(b), 0.0)
    mean = sum(e) / 3
    assert float(seen["pressure"]) == pytest.approx(-BULK * log(J) / J, rel=1e-12)
    assert float(seen["stress_across"]) == pytest.approx(LAM * log(J) / J, rel=1e-12)
    shear = 2 * MU / J * sqrt(1.5 * sum((x - mean) ** 2 for x in e))
    assert float(seen["equivalent_stress"]) == pytest.approx(shear, rel=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_fluid_has_the_pressure_of_its_equation_of_state(lab, dim):
    """p = K/gamma (J^-gamma - 1), in the plane and in space, and no shear."""
    water, J = sc.WeaklyCompressible(bulk_modulus=2e4, viscosity=3.0), 0.97
    seen = shown(lab, water, (J ** (1 / dim),) * dim)
    assert float(seen["pressure"]) == pytest.approx(2e4 / 7 * (J**-7 - 1), rel=1e-10)
    assert float(seen["equivalent_stress"]) == pytest.approx(0.0, abs=1e-6)


def pressed(lab, material, rates, dt, steps):
    """What is measured of a block that was strained at these rates, by its law."""
    import warp as wp

    from scenegrad.solvers.mpm.materials.choice import any_deform

    dim = len(rates)
    block = lab.box_of((0.3,) * dim, (0.25,) * dim, material)
    scene = lab.scene_of(dim, 8, entities={"block": block}, outputs={"all": sc.Particles(*QUANTITIES, every=1.0)})
    solver, state, params = lab.compiled(scene)
    n, law = solver.work.n, solver.matter.bodies[0].law
    deform, Row, mat, History = any_deform(n, (law,)), n.row, n.mat, n.history

    @wp.kernel(module="unique", enable_backward=False)
    def strain(
        row: wp.array[Row], C: wp.array[mat], dt: n.real, F: wp.array[mat], h: wp.array[History],
        F_out: wp.array[mat], h_out: wp.array[History],
    ):  # fmt: skip
        p = wp.tid()
        after, kept = deform(0, row[0], F[p], C[0], h[p], dt)
        F_out[p] = after
        h_out[p] = kept

    row = solver.tables(params).row[0, :1].contiguous()
    C = torch.diag(torch.tensor(rates, dtype=torch.float64))[None]
    F, h = state.deformation[0, :1].contiguous(), state.history[0, :1].contiguous()
    for _ in range(steps):
        after, kept = torch.empty_like(F), torch.empty_like(h)
        kinds = (Row, mat, None, mat, History, mat, History)
        given = [
            value if kind is None else wp.from_torch(value, dtype=kind)
            for value, kind in zip((row, C, dt, F, h, after, kept), kinds, strict=True)
        ]
        wp.launch(strain, 1, given[:5], given[5:], device="cpu")
        F, h = after, kept
    state = replace(state, deformation=F[None].expand_as(state.deformation), history=h[None].expand_as(state.history))
    found = solver.program.probes[0].measure(state, params)
    return {name: found[name][0, 0] for name in QUANTITIES}


def test_sand_pressed_in_a_mould(lab):
    """Uniaxial strain at yield: p = -K ln J / J, q = sqrt(3/2) M p, sigma_zz = sigma_xx, as in space."""
    sand = sc.DruckerPrager(youngs_modulus=3e4, poisson_ratio=0.3, friction_angle=20.0)
    seen = pressed(lab, sand, (0.0, -1.0), 1e-3, 60)
    J = (1 - 1e-3) ** 60
    p = -BULK * log(J) / J
    assert float(seen["volume_ratio"]) == pytest.approx(J, rel=1e-12)
    assert float(seen["pressure"]) == pytest.approx(p, rel=1e-10)
    assert float(seen["equivalent_stress"]) == pytest.approx(sqrt(1.5) * sqrt(2) * sin(radians(20)) * p, rel=1e-10)
    assert float(seen["stress_across"]) == pytest.approx(float(seen["stress"][0, 0]), rel=1e-10)


def test_sand_that_was_pulled_apart_is_larger_and_bears_nothing(lab):
    """Its elastic part forgets the opening, its volume does not."""
    seen = pressed(lab, sc.DruckerPrager(youngs_modulus=3e4), (0.0, 1.0), 1e-2, 20)
    assert float(seen["volume_ratio"]) == pytest.approx(1.01**20, rel=1e-12)
    assert abs(float(seen["pressure"])) < 1e-9


@pytest.mark.parametrize(
    "packed",
    [
        sc.Snow(youngs_modulus=3e4, poisson_ratio=0.2),
        sc.CamClay(youngs_modulus=3e4, poisson_ratio=0.3, preconsolidation=500.0),
        sc.VonMises(youngs_modulus=3e4, poisson_ratio=0.3, yield_stress=500.0),
    ],
    ids=lambda material: material.kind,
)
def test_what_was_packed_has_lost_its_volume(lab, packed):
    """What gives way for good has the volume of its motion, whatever its elastic part says."""
    seen = pressed(lab, packed, (0.0, -1.0), 1e-3, 200)
    assert float(seen["volume_ratio"]) == pytest.approx((1 - 1e-3) ** 200, rel=1e-12)
    assert float(seen["pressure"]) > 0

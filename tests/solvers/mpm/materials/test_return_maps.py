"""Each return map against what theory says of its path."""

from math import exp, log, radians, sin, sqrt

import pytest
import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.herschel_bulkley import flow_rate
from scenegrad.solvers.mpm.numbers import numbers

ONE = torch.eye(3, dtype=torch.float64)


def dev(tau: Tensor) -> Tensor:
    return tau - tau.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(3, dtype=tau.dtype)


def size(tau: Tensor) -> Tensor:
    return tau.square().sum((-2, -1)).sqrt()


def pressure(tau: Tensor) -> Tensor:
    return -tau.diagonal(dim1=-2, dim2=-1).mean(-1)


def diagonal(*rates: float) -> Tensor:
    return torch.diag(torch.tensor(rates, dtype=torch.float64))


def strained(dim: int, count: int, strain: float, seed: int = 0) -> Tensor:
    noise = torch.randn(count, dim, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return strain * noise


def test_metal_yields_and_hardens_along_a_pure_shear(element, known):
    """|dev tau| = sqrt(2/3) (sigma_y + H a) with a from: total = elastic + plastic strain; exact for coaxial paths."""
    metal = known["von_mises"]
    piece = element(metal, 3)
    F, h = piece.start(1)
    rate, dt, steps = 1.0, 1e-3, 150
    F, h = piece.moved(F, h, diagonal(rate, -rate, 0.0), dt, steps)
    strain = steps * (log(1 + rate * dt) - log(1 - rate * dt)) / 2  # ln of the stretches, less their mean
    two_mu = 2 * float(piece.row[2])
    a = (sqrt(2) * strain - sqrt(2 / 3) * metal.yield_stress / two_mu) / (
        sqrt(3 / 2) + sqrt(2 / 3) * metal.hardening / two_mu
    )
    limit = sqrt(2 / 3) * (metal.yield_stress + metal.hardening * a)
    volume = steps * (log(1 + rate * dt) + log(1 - rate * dt))
    tau = piece.stress(F, h)
    assert a > 0.05
    assert float(h[0, 0]) == pytest.approx(a, rel=1e-5)
    assert float(size(dev(tau))) == pytest.approx(limit, rel=1e-5)
    assert abs(float(pressure(tau)) + volume * float(piece.row[3] + piece.row[2] * 2 / 3)) < 1e-9


def test_metal_under_tension_carries_its_yield_stress(element, known):
    """Lateral strains are let go until the lateral stress vanishes: then tau_xx = sigma_y + H a."""
    metal = known["von_mises"]
    piece = element(metal, 3)
    F, h = piece.start(1)
    for _ in range(400):
        F, h = piece.moved(F, h, diagonal(0.5, 0.0, 0.0), 1e-3)
        for _ in range(6):
            tau = piece.stress(F, h)[0]
            slack = -float(tau[1, 1]) / float(piece.row[1] + piece.row[3])
            F, h = piece.moved(F, h, diagonal(0.0, slack, slack), 1.0)
    tau = piece.stress(F, h)[0]
    assert float(h[0, 0]) > 0.1
    assert abs(float(tau[1, 1])) < 1e-3 * float(tau[0, 0])
    assert float(tau[0, 0]) == pytest.approx(metal.yield_stress + metal.hardening * float(h[0, 0]), rel=5e-3)


@pytest.mark.parametrize("name", ["von_mises", "drucker_prager", "cam_clay", "bingham"])
def test_stress_stays_within_the_yield_surface(element, known, name):
    """After any strain; on it where it was left; inside nothing happens at all."""
    piece = element(known[name], 3)
    C = torch.cat([strained(3, 100, 0.003), strained(3, 200, 0.2)]) - 0.005 * ONE
    F, h = piece.start(len(C))
    trial = F + C @ F
    after, kept = piece.moved(F, h, C, 1.0)
    tau, tried = piece.stress(after, kept), piece.stress(trial, h)
    excess = {
        "von_mises": lambda t, h: size(dev(t)) / (sqrt(2 / 3) * (900.0 + 2e3 * h[:, 0])) - 1,
        "drucker_prager": lambda t, h: (size(dev(t)) - (piece.row[4] * pressure(t) + piece.row[5])) / 1e3,
        "cam_clay": lambda t, h: 2.1 * size(dev(t)) ** 2 / 1e6 + 1.21 * (pressure(t) + 160) * (pressure(t) - 800) / 1e6,
        "bingham": lambda t, h: size(dev(t)) / sqrt(2) / 100.0 - 1,
    }[name]  # fmt: skip
    yielded = excess(tried, h) > 0
    assert 20 < int(yielded.sum()) < len(C), "both sides of the surface are to be seen"
    if name != "bingham":  # viscous: it stays outside while it flows
        assert float(excess(tau, kept).max()) < 1e-9
        assert float(excess(tau, kept)[yielded].abs().max()) < 1e-9
    assert bool((size(tau - tried)[yielded] > 0).all())
    assert torch.equal(after[~yielded], trial[~yielded]) or float((after - trial)[~yielded].abs().max()) < 1e-15
    assert torch.equal(kept[~yielded], h[~yielded])
    if name in ("von_mises", "bingham"):
        assert float((torch.linalg.det(after) / torch.linalg.det(trial) - 1).abs().max()) < 1e-13


@pytest.mark.parametrize("lode", [-30.0, 0.0, 30.0])
def test_sand_pressed_in_a_mould_follows_its_cone(element, known, lode):
    """Uniaxial strain: p = -K ln J since nothing dilates, |dev tau| = M p, of which the axis has sqrt(2/3)."""
    sand = known["drucker_prager"].model_copy(update={"cohesion": 0.0, "lode_angle": lode, "friction_angle": 20.0})
    piece = element(sand, 3)
    F, h = piece.start(1)
    F, h = piece.moved(F, h, diagonal(0.0, -1.0, 0.0), 1e-3, 60)
    bulk = float(piece.row[3] + 2 / 3 * piece.row[2])
    p = -bulk * 60 * log(1 - 1e-3)
    slope = {
        -30.0: sqrt(6) * 2 * sin(radians(20)) / (3 - sin(radians(20))),  # Klar's alpha, times 3
        0.0: sqrt(2) * sin(radians(20)),
        30.0: sqrt(6) * 2 * sin(radians(20)) / (3 + sin(radians(20))),
    }[lode]
    across, along = p - slope * p / sqrt(6), p + slope * p * sqrt(2 / 3)
    assert torch.allclose(-piece.stress(F, h)[0], diagonal(across, along, across), rtol=1e-9, atol=1e-6)


def test_sand_sheared_in_plane_strain_ends_at_its_angle_of_friction(element, known):
    """Mohr-Coulomb: (tau_1 - tau_3) / (tau_1 + tau_3) = sin f; the out-of-plane stress has become their mean."""
    sand = known["drucker_prager"].model_copy(update={"cohesion": 0.0, "lode_angle": 0.0})
    piece = element(sand, 2)
    F, h = piece.start(1)
    F, h = piece.moved(F, h, torch.diag(torch.tensor([-0.1, -1.0], dtype=torch.float64)), 1e-3, 30)
    F, h = piece.moved(F, h, torch.tensor([[1.0, 0.0], [0.0, -1.0]], dtype=torch.float64), 1e-3, 400)
    high, low = torch.linalg.eigvalsh(-piece.stress(F, h))[0].flip(0)
    assert float((high - low) / (high + low)) == pytest.approx(sin(radians(35.0)), rel=1e-3)


def test_sand_that_opened_closes_without_pressure_first(element, known):
    """The volume gained under tension is lost again before pressure builds up."""
    sand = known["drucker_prager"].model_copy(update={"cohesion": 0.0})
    piece = element(sand, 3)
    F, h = piece.start(1)
    F, h = piece.moved(F, h, diagonal(1.0, 0.5, 0.2), 1e-3, 100)
    gained = 100 * (log(1.001) + log(1.0005) + log(1.0002))
    assert float(h[0, 0]) == pytest.approx(gained, rel=1e-9)
    assert float(size(piece.stress(F, h))) < 1e-8
    rate = -(1 - exp(-gained / 3 / 100)) / 1e-3
    F, h = piece.moved(F, h, rate * ONE, 1e-3, 99)
    assert float(size(piece.stress(F, h))) < 1e-8
    F, h = piece.moved(F, h, rate * ONE, 1e-3, 11)
    bulk = float(piece.row[3] + 2 / 3 * piece.row[2])
    assert float(pressure(piece.stress(F, h))) == pytest.approx(bulk * 10 * gained / 100, rel=1e-9)
    assert float(h[0, 0]) == 0.0


def test_cohesion_bears_tension(element, known):
    """Up to p = -c cot f, the apex of Mohr and Coulomb."""
    sand = known["drucker_prager"]
    piece = element(sand, 3)
    F, h = piece.moved(*piece.start(1), 0.1 * ONE, 1.0)
    f = radians(sand.friction_angle)
    expected = sand.cohesion / torch.tensor(f, dtype=torch.float64).tan()
    assert torch.allclose(piece.stress(F, h)[0], expected * ONE, rtol=1e-9)


def test_clay_hardens_under_pressure_as_it_is_compacted(element, known):
    """On the tip of the ellipse p = p_c exp(xi (compaction - p / K))."""
    clay = known["cam_clay"]
    piece = element(clay, 3)
    steps, rate = 2000, 1e-4
    F, h = piece.moved(*piece.start(1), -ONE, rate, steps)
    bulk = float(piece.row[3] + 2 / 3 * piece.row[2])
    p, compaction = float(pressure(piece.stress(F, h))), -3 * steps * log(1 - rate)
    assert p > 2 * clay.preconsolidation
    assert p == pytest.approx(clay.preconsolidation * exp(clay.hardening * (compaction - p / bulk)), rel=2e-3)


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_sheared_clay_reaches_its_critical_state(element, known, share):
    """Shear at constant pressure softens a clay pressed little, hardens one pressed much, until p is the middle of the
    ellipse: p = (1 - b) p0 / 2, q = M (1 + b) p0 / (2 sqrt(1 + 2 b))."""
    clay = known["cam_clay"]
    piece = element(clay, 3)
    bulk = float(piece.row[3] + 2 / 3 * piece.row[2])
    p = share * clay.preconsolidation
    F, h = piece.start(1)
    F = exp(-p / bulk / 3) * F
    rate = 2e-3
    for _ in range(2500):
        F, h = piece.moved(F, h, diagonal(1.0, -1 + rate, 0.0) / (1 - rate), rate)
    tau = piece.stress(F, h)
    p0 = clay.preconsolidation * exp(-clay.hardening * float(h[0, 0]))
    b = clay.cohesion
    assert (p0 > clay.preconsolidation) == (share > 0.5)
    assert float(pressure(tau)) == pytest.approx((1 - b) * p0 / 2, rel=0.01)
    q = sqrt(3 / 2) * float(size(dev(tau)))
    assert q == pytest.approx(clay.critical_state_ratio * (1 + b) * p0 / 2 / sqrt(1 + 2 * b), rel=0.01)


@pytest.mark.parametrize("name", ["bingham", "herschel_bulkley"])
def test_steady_shear_of_a_yield_stress_fluid(element, known, dim, name, measure):
    """tau_xy = tau_y + k rate^n, whatever the elasticity."""
    fluid = known[name].model_copy(update={"shear_modulus": 1e5})
    piece = element(fluid, dim)
    for rate in (0.5, 5.0, 50.0):
        shear = torch.zeros(dim, dim, dtype=torch.float64)
        shear[0, 1] = rate
        dt = 2e-4 / rate
        F, h = piece.moved(*piece.start(1), shear, dt, 300)
        if name == "bingham":
            expected = fluid.yield_stress + fluid.viscosity * rate
        else:
            expected = fluid.yield_stress + fluid.consistency * rate**fluid.flow_index
        found = float(piece.stress(F, h)[0, 0, 1])
        error = abs(found / expected - 1)
        measure(f"error of the steady shear stress, {fluid.kind} {dim}D, rate {rate:g} 1/s", error, "1e-3")
        assert error < 1e-3


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 2e-6)], ids=["f64", "f32"])
def test_the_flow_rate_solves_its_equation(dtype, tolerance):
    """k g^n + a g = s, over many orders of magnitude; and the derivatives are those of the implicit function."""
    n = numbers(3, dtype)
    rate, real = flow_rate(n), n.real

    @wp.kernel(module="unique")
    def kernel(
        k_in: wp.array[real], n_in: wp.array[real], a_in: wp.array[real], s_in: wp.array[real], g_out: wp.array[real]
    ):
        p = wp.tid()
        g_out[p] = rate(k_in[p], n_in[p], a_in[p], s_in[p])

    generator = torch.Generator().manual_seed(0)
    k, a, s = (10 ** (8 * torch.rand(2000, generator=generator, dtype=torch.float64) - 4) for _ in range(3))
    index = 0.25 + 1.75 * torch.rand(2000, generator=generator, dtype=torch.float64)
    given = [t.to(dtype) for t in (k, index, a, s)]
    given[0][:10] = 0.0
    bars = [torch.zeros_like(t) for t in given]
    g, ones = torch.zeros_like(given[0]), torch.ones_like(given[0])
    arrays = [wp.from_torch(t, dtype=real) for t in (*given, g)]
    wp.launch(kernel, 2000, arrays[:4], arrays[4:], device="cpu")
    wp.launch(
        kernel, 2000, arrays[:4], arrays[4:], adjoint=True, device="cpu",
        adj_inputs=[wp.from_torch(t, dtype=real) for t in bars], adj_outputs=[wp.from_torch(ones, dtype=real)],
    )  # fmt: skip
    k, index, a, s, g = (t.double() for t in (*given, g))
    left = k * g**index + a * g
    assert float((left / s - 1).abs().max()) < tolerance
    slope = index * k * g ** (index - 1) + a
    expected = (-(g**index), -k * g**index * g.log(), -g, torch.ones_like(g))
    for bar, numerator in zip(bars, expected, strict=True):
        assert torch.allclose(bar.double(), numerator / slope, rtol=100 * tolerance)


def test_a_yield_stress_fluid_below_its_yield_stress_is_elastic(element, known):
    fluid = known["bingham"]
    piece = element(fluid, 3)
    shear = torch.zeros(3, 3, dtype=torch.float64)
    shear[0, 1] = 0.9 * fluid.yield_stress / fluid.shear_modulus
    F, h = piece.moved(*piece.start(1), shear, 1.0)
    for _ in range(50):
        F, h = piece.moved(F, h, 0 * shear, 1.0)
    assert float(piece.stress(F, h)[0, 0, 1]) == pytest.approx(0.9 * fluid.yield_stress, rel=1e-4)


def test_snow_keeps_its_stretches_within_limits_and_its_volume(element, known, dim):
    snow = known["snow"]
    piece = element(snow, dim)
    C = strained(dim, 200, 0.05)
    F, h = piece.start(len(C))
    trial = F + C
    after, kept = piece.moved(F, h, C, 1.0)
    U, s, Vh = torch.linalg.svd(trial)
    limits = 1 - snow.critical_compression, 1 + snow.critical_stretch
    assert float((after - U @ torch.diag_embed(s.clamp(*limits)) @ Vh).abs().max()) < 1e-13
    volume = torch.linalg.det(after) * kept[:, 0].exp()
    assert float((volume / torch.linalg.det(trial) - 1).abs().max()) < 1e-13
    packed = kept[:, 0] < -0.01
    fresh = piece.stress(after, 0 * kept)
    gain = (snow.hardening * (1 - kept[:, 0].exp())).exp()
    assert bool(packed.any())
    assert torch.allclose(piece.stress(after, kept), gain[:, None, None] * fresh, rtol=1e-12)


def test_a_sudden_stretch_loads_the_branch_and_fades(element, known, dim):
    """tau_b = G (A A' - I) of the stretch A at first; then it falls as exp(-t / t_r), by backward Euler."""
    rubber = known["viscoelastic"]
    piece = element(rubber, dim)
    stretch = 0.3 * torch.randn(dim, dim, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    A = torch.eye(dim, dtype=torch.float64) + stretch

    def branch(F, h):
        return (piece.stress(F, h) - piece.stress(F, 0 * h))[0]

    F, h = piece.moved(*piece.start(1), stretch * 1e12, 1e-12)
    early = branch(F, h)
    expected = rubber.branch_modulus * (A @ A.mT - torch.eye(dim, dtype=torch.float64))
    assert torch.allclose(early, expected, rtol=1e-9, atol=1e-4)
    F, h = piece.moved(F, h, 0 * stretch, rubber.relaxation_time / 200, 400)
    assert torch.allclose(branch(F, h), exp(-2) * early, rtol=0.01)


def test_steady_shear_of_a_polymer_solution(element, known, dim):
    """tau_xy = (eta + G t_r) rate, and along the flow a tension of 2 G t_r^2 rate^2 [Oldroyd 1950]."""
    fluid = known["oldroyd_b"]
    piece = element(fluid, dim)
    rate, dt = 40.0, fluid.relaxation_time / 400
    shear = torch.zeros(dim, dim, dtype=torch.float64)
    shear[0, 1] = rate
    F, h = piece.moved(*piece.start(1), shear, dt, 4000)
    tau = piece.stress(F, h, shear.expand_as(F))[0]
    t, G = fluid.relaxation_time, fluid.polymer_modulus
    assert float(tau[0, 1]) == pytest.approx((fluid.viscosity + G * t) * rate, rel=5e-3)
    assert float(tau[0, 0] - tau[1, 1]) == pytest.approx(2 * G * t**2 * rate**2, rel=5e-3)


def test_muscle_shortens_along_its_fibres(element, known, dim):
    """Free to move, it takes the shape without stress; at constant volume F = diag(f, 1/f) with f < 1 along n."""
    muscle = known["muscle"].model_copy(update={"fibre_angle": 0.0, "fibre_elevation": 0.0})
    piece = element(muscle, dim)
    F, h = piece.start(1)
    for _ in range(300):
        F, h = piece.moved(F, h, -piece.stress(F, h)[0] / float(2 * piece.row[1]), 1.0)
    assert float(F[0, 0, 0]) < 0.9
    assert float(F[0, 1, 1]) > 1.01
    assert float(size(piece.stress(F, h))) < 1e-6 * muscle.strength


def test_plane_strain_is_what_three_dimensions_do_between_two_plates(element, material):
    """The same motion in the plane gives the same stress, with every law, across the plane too; the third direction is
    carried along, and the volume is that of the motion whatever part of it is plastic."""
    flat, solid = element(material, 2), element(material, 3)
    F, h = flat.start(6)
    G, g = solid.start(6)
    J = torch.ones(6, dtype=torch.float64)
    for step in range(12):
        C = strained(2, 6, 6.0, seed=step) - 1.0 * torch.eye(2, dtype=torch.float64)
        D = torch.zeros(6, 3, 3, dtype=torch.float64)
        D[:, :2, :2] = C
        F, h = flat.moved(F, h, C, 4e-3)
        G, g = solid.moved(G, g, D, 4e-3)
        flows = "bulk_modulus" in flat.law.constants and "shear_modulus" not in flat.law.constants
        rate = C.diagonal(dim1=1, dim2=2).sum(1)
        J = J * ((4e-3 * rate).exp() if flows else torch.linalg.det(torch.eye(2, dtype=torch.float64) + 4e-3 * C))
    tau, sigma = flat.stress(F, h, C), solid.stress(G, g, D)
    assert float((sigma[:, :2, :2] - tau).abs().max()) < 1e-11 * float(tau.abs().max())
    assert float((flat.law.out_of_plane(flat.row, F, h, C) - sigma[:, 2, 2]).abs().max()) < 1e-11 * float(
        tau.abs().max()
    )
    assert torch.allclose(flat.law.volume(F, h), J, rtol=1e-12)
    assert torch.allclose(solid.law.volume(G, g), J, rtol=1e-12)
    if flat.law.memory(2) > 0 and flat.law.memory(3) < 3:
        own = flat.law.memory(3)
        assert torch.allclose(h[:, :own], g[:, :own], rtol=0.0, atol=1e-13)
        assert float(h.abs().max()) > 1e-3, "nothing yielded"
        if material.kind != "snow":
            assert float((h[:, own].exp() - G[:, 2, 2]).abs().max()) < 1e-13

"""Forces are the slope of the energy, and every derivative that the adjoint uses is one."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.pairs import kinds  # noqa: F401
from scenegrad.solvers.md.pairs.cuts import CUTS
from scenegrad.solvers.md.pairs.potentials import POTENTIALS

SMOOTH = [cut for cut in CUTS if cut not in ("plain", "none")]
EDGE, PER_AXIS = 6.5, {2: 6, 3: 5}


def theta(kind, scale=1.0):
    """Parameters near one, no two alike."""
    count = len(POTENTIALS[kind].parameters)
    return scale * torch.linspace(1.1, 0.95, count, dtype=torch.float64).view(1, 1, count)


@pytest.fixture(params=[(kind, dim) for kind in POTENTIALS for dim in (2, 3)], ids=str)
def system(request, scattered):
    kind, dim = request.param
    return kind, dim, scattered(EDGE, PER_AXIS[dim], dim)


def random_like(value, seed):
    return torch.randn(value.shape, generator=torch.Generator().manual_seed(seed), dtype=value.dtype)


def closest(difference, exact, steps=(1e-4, 3e-5, 1e-5, 3e-6, 1e-6)):
    """Smallest relative miss of a central difference over a sweep of steps."""
    return min(abs(difference(h) - exact) for h in steps) / abs(exact)


@pytest.mark.parametrize("cut", SMOOTH)
def test_force_is_the_downward_slope_of_the_energy(system, cut, interactions):
    kind, dim, x = system
    forces, p = interactions(EDGE, x.shape[1], dim, cut=cut, kind=kind), theta(kind)
    pull = forces.force(x, p)
    v = random_like(x, 1) + pull.sign()  # not across the force

    def slope(h):
        up, down = (float(forces.sums(x + s * h * v, p)[0, 0]) for s in (1, -1))
        return (up - down) / (2 * h)

    assert closest(slope, -float((forces.force(x, p) * v).sum())) < 1e-8


def test_plain_force_is_the_slope_too_away_from_the_cutoff(interactions):
    forces = interactions(20.0, 2, cut="plain")
    p = theta("lennard_jones")
    for r in (0.9, 1.1, 1.5, 2.4):
        x = torch.tensor([[[0.0, 0.0, 0.0], [r, 0.0, 0.0]]], dtype=torch.float64)
        v = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]], dtype=torch.float64)

        def slope(h, x=x, v=v):
            up, down = (float(forces.sums(x + s * h * v, p)[0, 0]) for s in (1, -1))
            return (up - down) / (2 * h)

        assert closest(slope, -float(forces.force(x, p)[0, 1, 0])) < 1e-8


@pytest.mark.parametrize("cut", SMOOTH)
def test_adjoint_of_the_force_is_its_transposed_derivative(system, cut, interactions):
    kind, dim, x = system
    forces, p = interactions(EDGE, x.shape[1], dim, cut=cut, kind=kind), theta(kind)
    w = random_like(x, 1)
    x_bar, p_bar = forces.force_adjoint(x, p, w, learning=True)
    v, q = random_like(x, 2) + x_bar.sign(), random_like(p, 3) + 2.0 * p_bar.sign()  # not across the derivatives
    silent, nothing = forces.force_adjoint(x, p, w, learning=False)
    torch.testing.assert_close(x_bar, silent, rtol=1e-13, atol=1e-12)
    assert nothing is None

    def along_x(h):
        return float((w * (forces.force(x + h * v, p) - forces.force(x - h * v, p))).sum()) / (2 * h)

    def along_p(h):
        return float((w * (forces.force(x, p + h * q) - forces.force(x, p - h * q))).sum()) / (2 * h)

    assert closest(along_x, float((x_bar * v).sum())) < 1e-7
    assert closest(along_p, float((p_bar * q).sum())) < 1e-8


@pytest.mark.parametrize("cut", SMOOTH)
def test_energy_and_virial_are_differentiable(system, cut, interactions):
    kind, dim, x = system
    forces, p = interactions(EDGE, x.shape[1], dim, cut=cut, kind=kind), theta(kind)
    weights = torch.tensor([[0.7, -1.3]], dtype=torch.float64)
    x_leaf, p_leaf = x.clone().requires_grad_(), p.clone().requires_grad_()
    (weights * forces.differentiable_sums(x_leaf, p_leaf)).sum().backward()
    v, q = random_like(x, 2) + x_leaf.grad.sign(), random_like(p, 3) + 2.0 * p_leaf.grad.sign()

    def along(h, on_x, on_p):
        up, down = (forces.sums(x + s * h * on_x * v, p + s * h * on_p * q) for s in (1, -1))
        return float((weights * (up - down)).sum()) / (2 * h)

    assert closest(lambda h: along(h, 1, 0), float((x_leaf.grad * v).sum())) < 1e-7
    assert closest(lambda h: along(h, 0, 1), float((p_leaf.grad * q).sum())) < 1e-8


@pytest.mark.parametrize("cut", SMOOTH)
def test_energy_and_force_end_at_the_cutoff(cut, interactions):
    forces, p = interactions(20.0, 2, cut=cut), theta("lennard_jones")
    inside = torch.tensor([[[0.0, 0.0, 0.0], [2.5 - 1e-7, 0.0, 0.0]]], dtype=torch.float64)
    assert float(forces.sums(inside, p).abs().max()) < 1e-7
    assert float(forces.force(inside, p).abs().max()) < 1e-6
    outside = torch.tensor([[[0.0, 0.0, 0.0], [2.5 + 1e-7, 0.0, 0.0]]], dtype=torch.float64)
    assert float(forces.sums(outside, p).abs().max()) == 0.0
    assert float(forces.force(outside, p).abs().max()) == 0.0


def test_virial_is_the_change_of_energy_with_volume(interactions, scattered):
    """W = -dim V dU/dV, by scaling box and positions together."""
    x, p = scattered(EDGE, 5), theta("lennard_jones")

    def energy(scale):
        return float(interactions(EDGE * scale, x.shape[1]).sums(x * scale, p)[0, 0])

    virial = float(interactions(EDGE, x.shape[1]).sums(x, p)[0, 1])
    assert closest(lambda h: -(energy(1 + h) - energy(1 - h)) / (2 * h), virial) < 1e-7


def test_a_gradient_across_a_jump_is_refused(interactions, scattered):
    x = scattered(EDGE, 5)
    forces, p = interactions(EDGE, x.shape[1], cut="plain"), theta("lennard_jones")
    with pytest.raises(EngineError, match=r"cut='plain'.*force-shift"):
        forces.force_adjoint(x, p, x, learning=False)
    with pytest.raises(EngineError, match="cut='plain'"):
        forces.differentiable_sums(x.clone().requires_grad_(), p).sum().backward()


def test_forces_of_a_remembered_position_notice_every_change(interactions, scattered):
    x, p = scattered(EDGE, 5), theta("lennard_jones")
    forces = interactions(EDGE, x.shape[1])
    first = forces.force(x, p)
    assert forces.force(x, p) is first
    assert not torch.equal(forces.force(x, theta("lennard_jones", 1.1)), first)
    p.mul_(1.05)
    changed = forces.force(x, p)
    assert not torch.equal(changed, first)
    x.add_(0.01 * random_like(x, 4))
    assert not torch.equal(forces.force(x, p), changed)

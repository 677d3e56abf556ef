"""Kernels and torch agree, stress is the derivative of energy, turned matter has turned stress, waves are bounded."""

import pytest
import torch
from torch import Tensor

ELASTIC = ("fixed_corotated", "hencky", "von_mises", "drucker_prager", "snow", "cam_clay", "bingham", "viscoelastic")


def deformed(dim: int, size: float = 0.15, count: int = 12) -> tuple[Tensor, Tensor]:
    """F and C of matter that was stretched, turned and squeezed."""
    generator = torch.Generator().manual_seed(dim)
    noise = torch.randn(3, count, dim, dim, generator=generator, dtype=torch.float64)
    turn = torch.linalg.matrix_exp(noise[2] - noise[2].mT)
    return turn @ (torch.eye(dim, dtype=torch.float64) + size * noise[0]), noise[1]


def remembered(piece, F: Tensor, C: Tensor) -> Tensor:
    """A history that such a particle may have."""
    _, h = piece.start(len(F))
    return piece.moved(F, h, 4 * C, 1e-2)[1]


def test_kernels_and_torch_know_the_same_stress(element, material, dim):
    piece = element(material, dim)
    F, C = deformed(dim)
    h = remembered(piece, F, C)
    expected = piece.law.stress(piece.row, F, h, C)
    assert float((piece.stress(F, h, C) - expected).abs().max()) < 1e-12 * float(expected.abs().max())
    if piece.law.memory(dim):
        assert float(h.abs().max()) > 1e-3, "nothing was remembered"


def test_stress_is_the_derivative_of_the_energy(element, material, dim):
    """tau = dW/dF F'. The branch of viscoelastic matter has an energy of its own, whose part is left out."""
    piece = element(material, dim)
    F, C = deformed(dim)
    h = remembered(piece, F, C)
    if "viscosity" in piece.law.constants or "branch_modulus" in piece.law.constants:
        _, h = piece.start(len(F))
    F = F.requires_grad_()
    (slope,) = torch.autograd.grad(piece.law.energy(piece.row, F, h).sum(), F)
    tau = piece.law.stress(piece.row, F.detach(), h, torch.zeros_like(C))
    assert float((slope @ F.detach().mT - tau).abs().max()) < 1e-10 * float(tau.abs().max())
    assert float(tau.abs().max()) > 1e2


def test_matter_at_rest_has_neither_stress_nor_energy(element, material, dim):
    piece = element(material, dim)
    F, h = piece.start(1)
    if material.kind == "muscle":
        piece = element(material.model_copy(update={"activation": 0.0}), dim)
    assert float(piece.stress(F, h).abs().max()) < 1e-10
    assert float(piece.law.energy(piece.row, F, h)) == pytest.approx(0.0, abs=1e-10)
    after, kept = piece.moved(F, h, torch.zeros_like(F), 1e-3)
    assert torch.equal(after, F)
    assert torch.equal(kept, h)


def test_stress_turns_with_the_matter(element, material, dim):
    """tau(R F) = R tau(F) R', and the return map of R F is R times that of F."""
    piece = element(material, dim)
    F, C = deformed(dim, 0.1)
    if "bulk_modulus" in piece.law.constants and "shear_modulus" not in piece.law.constants:
        F = torch.linalg.det(F).abs()[:, None, None] * torch.eye(dim, dtype=torch.float64)
    noise = torch.randn(dim, dim, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    R = torch.linalg.matrix_exp(noise - noise.mT)
    _, h = piece.start(len(F))
    dt = 2e-3
    ahead, kept = piece.moved(F, h, C, dt)
    turned, same = piece.moved(R @ F, h, R @ C @ R.mT, dt)
    size = float(piece.stress(ahead, kept, C).abs().max())
    apart = piece.stress(turned, same, R @ C @ R.mT) - R @ piece.stress(ahead, kept, C) @ R.mT
    assert float(apart.abs().max()) < 1e-11 * size
    if piece.law.memory(dim) <= 2:  # scalars; a conformation turns itself
        assert float((same - kept).abs().max()) < 1e-12


@pytest.mark.parametrize("name", ELASTIC)
@pytest.mark.parametrize("size", [0.02, 0.2])
def test_bound_on_the_wave_speed_covers_every_direction(element, known, dim, name, size):
    """rho_0 c^2 = second difference of the energy along a plane wave dF = (a k') F, |a| = |k| = 1."""
    piece = element(known[name], dim)
    F, C = deformed(dim, size)
    h = piece.padded(remembered(piece, F, C)) if name == "snow" else piece.start(len(F))[1]
    noise = torch.randn(30, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directions = torch.nn.functional.normalize(noise, dim=1)
    step = 1e-3
    push = step * (directions[:, None, :, None] * directions[None, :, None, :]).reshape(-1, 1, dim, dim) @ F
    energy = [piece.law.energy(piece.row, F + k * push, h) for k in (1, 0, -1)]
    own = 0.0
    if name == "viscoelastic":  # G (1 + (a.k)^2): a fast wave stretches the branch like a neo-Hookean solid
        own = piece.row[5] * (1 + (directions @ directions.mT).reshape(-1, 1).square())
    second = (energy[0] - 2 * energy[1] + energy[2]) / step**2
    worst = ((second + own) / piece.row[0]).amax(0)
    squared = piece.law.wave_speed(piece.row, F, h).square()
    assert bool((squared > 0.999 * worst).all())
    assert float((squared / worst).max()) < (1.2 if size < 0.1 else 2.5), "the bound wastes steps"

"""Small views of fields that several equations share."""

from __future__ import annotations

from torch import Tensor

from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice

__all__ = ["as_vector", "per_mode", "speed_bound"]


def as_vector(field: Tensor) -> Tensor:
    """[batch, component, *cells] -> [batch, *cells, component]; one component alone is a scalar."""
    return field[:, 0] if field.shape[1] == 1 else field.movedim(1, -1)


def per_mode(numbers: Tensor, lattice: Lattice) -> Tensor:
    """[batch] -> [batch, 1, ..., 1], to multiply [batch, channel, *modes]."""
    return numbers.view(-1, *[1] * (1 + lattice.dim))


def speed_bound(velocity: Tensor, lattice: Lattice) -> Tensor:
    """max over the samples of sum_i |u_i| K_i: the fastest oscillation that advection causes on the modes that are
    carried [batch] (1/time). velocity: [batch, dim, *cells]."""
    total = sum(velocity[:, axis].abs() * k for axis, k in enumerate(lattice.highest))
    assert isinstance(total, Tensor)
    return total.flatten(1).amax(1)

"""Rubber that locks when its chains are taut, a material of one's own   [Gent 1996, Rubber Chem. Technol. 69, 59]."""

from typing import Literal

import torch
import warp as wp

import scenegrad as sg


class Gent(sg.Material):
    """W = -mu Jm/2 ln(1 - I/Jm) - mu ln J + K/2 (ln J)^2,   I = tr FF' - d"""

    kind: Literal["gent"] = "gent"
    shear_modulus: sg.Positive  # mu [Pa]
    bulk_modulus: sg.Positive  # K [Pa]
    locking: sg.Positive = 10.0  # Jm
    density: sg.Positive = 1000.0


def row(shear_modulus, bulk_modulus, locking, density):
    return torch.stack([density, bulk_modulus + 2 * shear_modulus, shear_modulus, bulk_modulus, locking], dim=-1)


def kirchhoff(n):  # n: the types of one dimension and precision
    dim, real = n.dim, n.real

    @wp.func
    def tau(row: n.row, F: n.mat, h: n.history, C: n.mat):
        B, one = F * wp.transpose(F), wp.identity(n=wp.static(dim), dtype=real)
        taut = real(1.0) - (wp.trace(B) - real(dim)) / row[4]
        return row[2] / taut * B + (row[3] * wp.log(wp.determinant(F)) - row[2]) * one

    return tau


def energy(row, F):
    mu, K, Jm = row[..., 2:5].unbind(-1)
    stretch, log_j = F.square().sum((-2, -1)) - F.shape[-1], torch.linalg.det(F).log()
    return -mu * Jm / 2 * (1 - stretch / Jm).log() - mu * log_j + K / 2 * log_j.square()


sg.register_material(Gent, sg.elastic_law(row, kirchhoff, energy))
